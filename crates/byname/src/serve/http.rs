//! The service `http`: the socket, and what is answered there.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::{Router, middleware};
use byname_catalog::{Catalog, http};
use byname_components::config::units;
use byname_components::{BoxError, Context, Made, Prepared, Registrar, Reloads, context, need};
use byname_machines::Machines;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use tokio::net::TcpListener;

use super::connections::{Bounds, Connections, Places};
use super::{catalog, components, machines, readiness};
use crate::failure::Failure;

/// What the factory and its services are called.
pub(crate) const NAME: &str = "http";

/// Which of its settings it takes while it runs.
pub(crate) const RELOADS: &[&str] = &["max-connections"];

/// How long a peer may take to send a request's head, and how long a connection may idle.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a peer may take nothing of its answer.
const STALL_TIME: Duration = Duration::from_secs(30);
/// The bytes of a request's head.
const HEAD_BYTES: usize = 64 * 1024;

/// How long requests in flight may take where nothing says it.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// Where the server listens, and what it costs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
struct Settings {
    /// The address and port to listen on; port 0 takes any free one.
    listen: Address,
    /// How long requests in flight may take to finish after the first signal; 0s does not wait.
    drain: units::Duration,
    /// How many connections to serve at a time; further ones wait until one ends.
    max_connections: NonZeroUsize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Address(SocketAddr::from(([127, 0, 0, 1], 8080))),
            drain: DRAIN.into(),
            max_connections: NonZeroUsize::MIN.saturating_add(1023),
        }
    }
}

/// An IP address and a port.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Address(SocketAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an IP address and a port, such as 127.0.0.1:8080 or [::1]:0")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Address, E> {
                SocketAddr::from_str(text)
                    .map(Address)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An IP address and a port, such as 127.0.0.1:8080 or [::1]:0.",
            "pattern": "^(\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9A-Fa-f:.%]+\\]):\\d{1,5}$",
        })
    }
}

/// Registers what makes servers.
pub(super) fn module(registrar: &mut Registrar<'_>) {
    let needs = (need(catalog::NAME), need(machines::NAME), context());
    registrar.factory(NAME, needs, server);
}

/// A server that listens from its start on, and is done with its last request after it has drained.
#[derive(Debug)]
pub(super) struct HttpServer {
    address: OnceLock<SocketAddr>,
    /// From the start to the drain, or to the stop if there is no drain.
    connections: Mutex<Option<Connections>>,
}

impl HttpServer {
    /// Where it answers, once it has been started.
    pub(super) fn url(&self) -> Option<String> {
        Some(format!("http://{}", self.address.get()?))
    }

    async fn start(
        &self,
        listen: SocketAddr,
        router: Router,
        bounds: Bounds,
        places: Places,
    ) -> Result<(), Failure> {
        let listener = bind(listen).await?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::new(format!("cannot tell the server's address: {error}")))?;
        // It is started once.
        let _ = self.address.set(address);
        let connections = Connections::accept(listener, router, bounds, places);
        *self.lock() = Some(connections);
        Ok(())
    }

    /// Takes no connection any more, and lets requests in flight take this long.
    async fn finish(&self, within: Duration) {
        let connections = self.lock().take();
        if let Some(connections) = connections {
            let left = connections.drain(within).await;
            if left > 0 {
                tracing::warn!(
                    connections = left,
                    "stopped before these had finished their requests"
                );
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Connections>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn server(
    settings: Settings,
    catalog: Arc<Catalog>,
    machines: Arc<Machines>,
    context: Context,
) -> Result<Made<HttpServer>, BoxError> {
    let bounds = Bounds {
        head: HEAD_TIME,
        stall: STALL_TIME,
        head_bytes: HEAD_BYTES,
    };
    let components = (components::routes(context.clone()), components::PATH);
    let beside = machines::beside(&machines, components);
    let router = http::router_beside(Catalog::clone(&catalog), vec![beside])
        .layer(middleware::from_fn_with_state(context, readiness::decide));
    let server = Arc::new(HttpServer {
        address: OnceLock::new(),
        connections: Mutex::new(None),
    });
    let (starting, draining, stopping) = (server.clone(), server.clone(), server.clone());
    let Settings { listen, drain, .. } = settings;
    let places = Places::new(settings.max_connections);
    let reloads = reloads(&settings, places.clone());
    Ok(Made::new(server)
        .on_start(
            move || async move { Ok(starting.start(listen.0, router, bounds, places).await?) },
        )
        .on_drain(move || async move {
            draining.finish(drain.into()).await;
            Ok(())
        })
        // There is something left only where the start of another service failed.
        .on_stop(move || async move {
            stopping.finish(Duration::ZERO).await;
            Ok(())
        })
        .reloads(reloads))
}

/// Takes another number of connections while it runs; the rest is for a restart.
fn reloads(now: &Settings, places: Places) -> Reloads {
    let Settings { listen, drain, .. } = *now;
    Reloads::new(move |new: Settings| {
        let places = places.clone();
        async move {
            if new.listen != listen || new.drain != drain {
                let message = "`listen` and `drain` are only changed by a restart";
                return Err(BoxError::from(message));
            }
            let (before, back) = (places.count(), places.clone());
            Ok(Prepared::new(move || async move {
                places.set(new.max_connections);
                Ok(())
            })
            .or_back(move || async move {
                back.set(before);
                Ok(())
            }))
        }
    })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "cannot listen on {address}: another program does already; stop it, or choose \
                 another port with --listen {} (any free one)",
                SocketAddr::new(address.ip(), 0)
            ),
            io::ErrorKind::PermissionDenied => format!(
                "cannot listen on {address}: not permitted; ports below 1024 often need more \
                 rights, choose another with --listen"
            ),
            io::ErrorKind::AddrNotAvailable => format!(
                "cannot listen on {address}: this machine has no such address; use 127.0.0.1 \
                 for this machine only or 0.0.0.0 for all of its addresses"
            ),
            _ => format!("cannot listen on {address}: {error}"),
        })
    })
}
