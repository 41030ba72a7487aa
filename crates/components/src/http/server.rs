//! A listener of a server, from its plan to its end.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::answers::{Answers, BySource};
use super::dispatch::{Dispatched, Ready};
use super::listen::{self, Bound, Listener, Serving};
use super::matched::Route;
use super::times::Times;
use super::{Endpoint, sections};
use crate::config::{Node, Path, Step};
use crate::context::Context;
use crate::made::{BoxError, Made};
use crate::part::Part;
use crate::reload::{Prepared, Reloads};
use crate::running::Running;
use crate::supply::Supply;

/// A listener of a server: a service of the application like any other, under the place where it was
/// declared (`servers.main.listeners.public`).
///
/// # Examples
///
/// ```
/// use byname_components::App;
/// use byname_components::http::Server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let running = App::from_text("
/// servers:
///   main:
///     listeners:
///       public: { address: 127.0.0.1:0 }
/// ")
/// .start()
/// .await?;
/// let server = running.service::<Server>("servers.main.listeners.public").await?;
/// let port = server.address().and_then(|bound| bound.tcp()).map(|address| address.port());
/// assert!(port.is_some_and(|port| port > 0));
/// assert_eq!(server.stats().map(|stats| stats.requests), Some(0));
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct Server {
    routes: Vec<Arc<Route>>,
    serving: OnceLock<Serving>,
}

impl Server {
    /// Returns where it listens, with the port that the system chose where it was to choose one;
    /// nothing before it has been started.
    #[must_use]
    pub fn address(&self) -> Option<&Bound> {
        self.serving.get().map(Serving::address)
    }

    /// Returns what it has done so far; nothing before it has been started.
    #[must_use]
    pub fn stats(&self) -> Option<listen::Stats> {
        self.serving.get().map(Serving::stats)
    }

    /// How long the requests of each route took, by its path; nothing in the place of the path for what
    /// no route is for.
    pub(super) fn times(&self) -> impl Iterator<Item = (Option<&str>, &Times)> {
        let routes = self.routes.iter();
        let routes = routes.map(|route| (Some(&*route.path), &route.times));
        let serving = self.serving.get();
        routes.chain(serving.map(|serving| (None, serving.unmatched())))
    }
}

impl Server {
    /// Whether a listener takes a change of what is at `path` below it while it runs. All else is only
    /// changed by a restart.
    #[must_use]
    pub fn takes(path: &[Step]) -> bool {
        let key = |at: usize| match path.get(at) {
            Some(Step::Key(key)) => Some(&**key),
            _ => None,
        };
        match key(0) {
            Some("limits") => true,
            // How long the end may take is known to those who wait for it.
            Some("timeouts") => key(1).is_some_and(|key| key != "drain"),
            _ => false,
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// Tells where an application answers.
pub(crate) fn announce(running: &Running) {
    for service in running.graph().services() {
        let server = running.services().get::<Server>(service.name());
        // Other services are no servers.
        if let Some(address) = server.ok().flatten().as_deref().and_then(Server::address) {
            tracing::info!(%address, name = service.name(), "serving");
        }
    }
}

/// All that a listener is made of.
#[derive(Debug)]
pub(super) struct ServerPlan {
    /// Behind the middleware of the server and of the listener.
    pub(super) answers: Answers,
    pub(super) settings: listen::Settings,
    /// All that the file says of it.
    pub(super) node: Node,
    pub(super) path: Path,
    /// Where the description of the routes is served, and what it says.
    pub(super) openapi: Option<(Arc<str>, Arc<str>)>,
}

impl ServerPlan {
    /// Begins to make it, from what the routes need.
    pub(super) fn make(
        self: &Arc<Self>,
        supply: &Supply,
    ) -> Result<
        impl Future<Output = Result<Made<Server>, BoxError>> + Send + 'static + use<>,
        BoxError,
    > {
        let by_source = self.answers.by_source(supply)?;
        let (plan, context) = (Arc::clone(self), supply.context());
        Ok(async move {
            let dispatched = plan.endpoint(&by_source, &context).await?;
            Ok(made(&plan, dispatched, context))
        })
    }

    async fn endpoint(
        &self,
        by_source: &BySource,
        context: &Context,
    ) -> Result<Dispatched, BoxError> {
        let openapi = self.openapi.iter().map(|(path, document)| Ready {
            method: Some(axum::http::Method::GET),
            path: Arc::clone(path),
            endpoint: described(document),
            layers: Vec::new(),
        });
        let others = openapi.collect();
        self.answers.endpoint(by_source, others, context).await
    }
}

/// A server that listens from its start on, and is done with its last request after it has drained.
fn made(plan: &Arc<ServerPlan>, dispatched: Dispatched, context: Context) -> Made<Server> {
    let Dispatched { endpoint, routes } = dispatched;
    let server = Arc::new(Server {
        routes,
        serving: OnceLock::new(),
    });
    let settings = plan.settings.clone();
    let reloads = reloads(Arc::clone(plan), Arc::clone(&server));
    let (starting, draining, stopping) = (server.clone(), server.clone(), server.clone());
    Made::new(server)
        .on_start(move || async move {
            let listener = Listener::bind(settings).await?;
            tracing::debug!(address = %listener.address(), "listening");
            // It is started once.
            let _ = starting.serving.set(listener.serve(endpoint));
            if let Some(app) = context.app() {
                let servers = app.registries().servers.registry();
                servers.put(context.name(), Part::new(starting))?;
            }
            Ok(())
        })
        .on_drain(move || async move {
            if let Some(serving) = draining.serving.get() {
                let left = serving
                    .drain(serving.settings().timeouts.drain.into())
                    .await;
                if left > 0 {
                    tracing::warn!(
                        connections = left,
                        "stopped before these had finished their requests"
                    );
                }
            }
            Ok(())
        })
        // There is something left only where the start of another service failed.
        .on_stop(move || async move {
            if let Some(serving) = stopping.serving.get() {
                serving.drain(std::time::Duration::ZERO).await;
            }
            Ok(())
        })
        .reloads(reloads)
}

/// Takes other bounds while it runs; what answers, and where, is for a restart.
fn reloads(plan: Arc<ServerPlan>, server: Arc<Server>) -> Reloads {
    Reloads::of_node(move |node| {
        let (plan, server) = (Arc::clone(&plan), Arc::clone(&server));
        async move {
            if !sections::answer_alike(&plan.node, &node) {
                let message = "what a listener answers is only changed by a restart";
                return Err(BoxError::from(message));
            }
            let new = sections::of_socket(&node, &plan.path)?;
            let serving = server.serving.get().ok_or("it does not listen yet")?;
            serving.can_take(&new)?;
            if new.timeouts.drain != plan.settings.timeouts.drain {
                return Err("`timeouts.drain` is only changed by a restart".into());
            }
            let (before, back) = (serving.settings(), Arc::clone(&server));
            let take = |server: &Server, settings| match server.serving.get() {
                Some(serving) => Ok(serving.reload(settings)?),
                None => Ok(()),
            };
            Ok(Prepared::new(move || async move { take(&server, new) })
                .or_back(move || async move { take(&back, before) }))
        }
    })
}

/// Answers what the routes are described as.
fn described(document: &Arc<str>) -> Endpoint {
    let kind = [(axum::http::header::CONTENT_TYPE, "application/json")];
    // One copy, for all answers.
    let document = Bytes::copy_from_slice(document.as_bytes());
    super::endpoint::endpoint(tower::service_fn(move |_| {
        let answer = (kind.clone(), document.clone());
        std::future::ready(Ok::<_, std::convert::Infallible>(answer))
    }))
}
