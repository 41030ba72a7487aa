//! One contract: a service answers the same, called here, through its routes, or over a socket.

use std::fmt;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter};
use byname_upstream::{Backend, Options, Upstream};
use http_body_util::{BodyExt as _, Limited};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::caller::{Caller, HttpCaller, Incoming, Outgoing};
use super::client::client;
use super::context::CallContext;
use super::convention::Convention;
use super::endpoint::endpoints;
use super::interface::Service;
use super::overrides::Overrides;
use super::plan::{Plan, plan};
use crate::made::BoxError;
use crate::part::Part;
use crate::service_error::{ErrorKind, ServiceError};

/// A service in three places: here, behind its routes in memory, and behind a socket of this machine.
///
/// Each is an object of its own, made in the same way, and is called equally often: what they answer is
/// to be equal.
///
/// # Examples
///
/// ```ignore
/// let users = Contract::<dyn Users>::new(|| Arc::new(Kept::default()), &Rest, &Overrides::default()).await?;
/// let ada = users.agree(async |users| users.create_user(named("Ada")).await).await?;
/// users.agree(async |users| users.get_user(ada.id).await).await?;
/// ```
pub struct Contract<S: ?Sized> {
    ways: [(&'static str, Arc<S>); 3],
    server: JoinHandle<std::io::Result<()>>,
}

impl<S: ?Sized + Service> Contract<S> {
    /// Makes the three.
    ///
    /// # Errors
    ///
    /// The routes cannot be worked out ([`Problems`](crate::Problems)), or there is no socket.
    pub async fn new(
        make: impl Fn() -> Arc<S>,
        convention: &dyn Convention,
        overrides: &Overrides,
    ) -> Result<Self, BoxError> {
        let plan = plan(&Arc::new(S::interface()), convention, "given", overrides)?;
        let plan = Arc::new(plan);
        let router = || -> Result<Router, BoxError> { routed(&plan, &Part::new(make())) };
        let called = |caller: Arc<dyn Caller>| {
            let part = client(&plan, caller);
            let object = part.get::<S>().map(Arc::clone);
            object.ok_or("the client of the interface is of another type")
        };
        let near = called(Arc::new(InMemory(router()?)))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let far = called(Arc::new(HttpCaller::over("contract", once(&url)?)))?;
        let server = router()?;
        let server = tokio::spawn(async move { axum::serve(listener, server).await });
        let ways = [
            ("here", make()),
            ("by its routes", near),
            ("over a socket", far),
        ];
        Ok(Self { ways, server })
    }

    /// Returns the service in the three places, with what each is called.
    #[must_use]
    pub fn ways(&self) -> &[(&'static str, Arc<S>); 3] {
        &self.ways
    }

    /// Makes the same call in all three places, and returns the answer.
    ///
    /// # Panics
    ///
    /// If two answers differ.
    pub async fn agree<R: PartialEq + fmt::Debug>(&self, call: impl AsyncFn(Arc<S>) -> R) -> R {
        let [(_, here), others @ ..] = &self.ways;
        let expected = call(Arc::clone(here)).await;
        for (way, there) in others {
            let answer = call(Arc::clone(there)).await;
            assert_eq!(answer, expected, "called {way}, and here");
        }
        expected
    }
}

/// An upstream that tries once, whatever was answered: every place is called equally often.
fn once(url: &str) -> Result<Upstream, BoxError> {
    let mut options = Options::default();
    options.retry.tries = 1;
    options.health.failures = u32::MAX;
    options.health.least = u32::MAX;
    options.breaker.failures = u32::MAX;
    Ok(Upstream::new("contract", [Backend::new(url)?], options)?)
}

/// Routes as a server has them.
pub(super) fn routed(plan: &Arc<Plan>, object: &Part) -> Result<Router, BoxError> {
    let mut paths: Vec<(Arc<str>, MethodRouter)> = Vec::new();
    let described = plan.descriptions().into_iter();
    for (route, endpoint) in described.zip(endpoints(plan, object)) {
        let filter = MethodFilter::try_from(route.method.unwrap_or(Method::GET))?;
        let at = paths.iter().position(|(path, _)| *path == route.path);
        let methods = at.map_or_else(MethodRouter::new, |at| paths.swap_remove(at).1);
        paths.push((route.path, methods.on_service(filter, endpoint)));
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router = router.route(&path, methods);
    }
    Ok(
        Router::new().fallback_service(tower::service_fn(move |request: Request| {
            let router = router.clone();
            let (parts, body) = request.into_parts();
            let context = CallContext::of(&parts);
            context.scope(router.oneshot(Request::from_parts(parts, body)))
        })),
    )
}

/// Carries calls to what is in this process.
#[derive(Debug)]
struct InMemory(Router);

impl Caller for InMemory {
    fn call(
        &self,
        outgoing: Outgoing,
    ) -> Pin<Box<dyn Future<Output = Result<Incoming, ServiceError>> + Send + '_>> {
        Box::pin(async move {
            let request = outgoing.request.map(Body::from);
            let Ok(response) = self.0.clone().oneshot(request).await;
            let (head, body) = response.into_parts();
            let content = Limited::new(body, outgoing.max_answer).collect().await;
            let content = content.map_err(|error| {
                let message = "the answer is longer than what is read of it";
                ServiceError::new(ErrorKind::BadUpstream, message).with_source(error)
            })?;
            Ok((head.status, head.headers, content.to_bytes()))
        })
    }
}

impl<S: ?Sized> Drop for Contract<S> {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl<S: ?Sized> fmt::Debug for Contract<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract").finish_non_exhaustive()
    }
}
