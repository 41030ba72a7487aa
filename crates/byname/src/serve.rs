//! `byname serve`: the catalog and the machines over HTTP.

mod connections;
pub(crate) mod machines;
mod stall;
mod stop;

use std::io::{self, Write as _};
use std::thread;
use std::time::Duration;

use axum::Router;
use byname_catalog::follow::{self, Follower};
use byname_catalog::{Catalog, http};
use tokio::net::TcpListener;
use tracing::{info, warn};

use self::connections::{Bounds, Connections};
use self::stop::StopSignals;
use crate::cli::ServeArguments;
use crate::data::{self, Data};
use crate::failure::Failure;

/// How long a peer may take to send a request's head, and how long a connection may idle.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a peer may take nothing of its answer.
const STALL_TIME: Duration = Duration::from_secs(30);
/// The bytes of a request's head.
const HEAD_BYTES: usize = 64 * 1024;

/// Serves until a signal ends it.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start the server's threads: {error}")))?;
    // The address comes first: if it is taken, nothing else needs to be said. Who connects while
    // the catalog is read waits for it.
    let listener = runtime.block_on(listen(arguments))?;
    let (catalog, follower) = catalog(arguments)?;
    let machines = machines::open(arguments)?;
    let router = http::router_beside(catalog, vec![machines::beside(&machines)]);
    let outcome = runtime.block_on(serve(listener, router, arguments));
    // What is left at this point was given up on: nothing waits for it any longer.
    runtime.shutdown_background();
    if outcome.is_err() {
        // Nor for a file that is just being read or written: the end of the process ends this thread
        // too.
        thread::spawn(move || drop((follower, machines)));
    }
    outcome
}

/// The catalog to serve, and what keeps it at what its files say if it has any.
fn catalog(arguments: &ServeArguments) -> Result<(Catalog, Option<Follower>), Failure> {
    match data::open(&arguments.data)? {
        Data::Embedded(catalog) => Ok((catalog, None)),
        Data::Files(files) => {
            let options = follow::Options::default().poll(Some(arguments.poll));
            let follower = files.follow(options).map_err(|error| {
                Failure::new(format!("cannot start following the catalog files: {error}"))
            })?;
            Ok((follower.catalog().clone(), Some(follower)))
        }
    }
}

async fn serve(
    listener: TcpListener,
    router: Router,
    arguments: &ServeArguments,
) -> Result<(), Failure> {
    let mut signals = StopSignals::listen()
        .map_err(|error| Failure::new(format!("cannot listen for signals: {error}")))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(format!("cannot tell the server's address: {error}")))?;
    let bounds = Bounds {
        connections: arguments.max_connections.get(),
        head: HEAD_TIME,
        stall: STALL_TIME,
        head_bytes: HEAD_BYTES,
    };
    let connections = Connections::accept(listener, router, bounds);
    announce(&format!("http://{address}"));

    let signal = signals.next().await;
    info!(signal, "stopping: finishing requests in flight");
    tokio::select! {
        left = connections.drain(arguments.drain) => {
            if left > 0 {
                warn!(connections = left, "stopped before these had finished their requests");
            }
            Ok(())
        }
        signal = signals.next() => {
            Err(Failure::new(format!("stopped at once by a second signal ({signal})")))
        }
    }
}

async fn listen(arguments: &ServeArguments) -> Result<TcpListener, Failure> {
    let address = arguments.listen;
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "cannot listen on {address}: another program does already; stop it, or choose \
                 another port with --listen {}:0 (any free one)",
                address.ip()
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

/// Tells where the server answers; whoever started it may not listen, which is no failure.
fn announce(url: &str) {
    info!(url, "serving");
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{url}").and_then(|()| stdout.flush());
}
