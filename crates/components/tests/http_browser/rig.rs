//! An application on free ports, and what it saw of requests.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use byname_components::http::{Middleware, Server};
use byname_components::{App, BoxError, Instances, Registrar, Running};
use futures_util::stream::{StreamExt as _, once, pending};
use tokio::sync::watch;

/// How long a program that is broken may take to fail.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request as a middleware saw it: method, path, whether it was conditional, and the status of its answer.
pub(crate) type Seen = (String, String, bool, u16);

/// What happened, in its order; a clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saw {
    seen: Arc<Mutex<Vec<Seen>>>,
    begun: Count,
    ended: Count,
}

#[derive(Clone, Debug)]
struct Count(Arc<watch::Sender<usize>>);

impl Default for Count {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Count {
    async fn until(&self, count: usize) {
        let mut now = self.0.subscribe();
        let reached = now.wait_for(|now| *now >= count);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert_eq!(
            *reached.expect("within the patience of a test").unwrap(),
            count
        );
    }
}

/// Something that has begun, and ends when it is dropped.
pub(crate) struct Call(Saw);

impl Saw {
    pub(crate) fn begin(&self) -> Call {
        self.begun.0.send_modify(|begun| *begun += 1);
        Call(self.clone())
    }

    /// Waits until so many have begun.
    pub(crate) async fn until_begun(&self, count: usize) {
        self.begun.until(count).await;
    }

    /// Waits until so many have ended.
    pub(crate) async fn until_ended(&self, count: usize) {
        self.ended.until(count).await;
    }

    /// What was seen since this was last asked for.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// The middleware `saw`.
    pub(crate) fn register(self, registrar: &mut Registrar<'_>) {
        registrar.middleware("saw", Instances::Shared, move |(): ()| {
            let seen = Arc::clone(&self.seen);
            let layer =
                from_fn(move |request: Request, next: Next| see(Arc::clone(&seen), request, next));
            async move { Ok::<_, BoxError>(Arc::new(Middleware::new(layer))) }
        });
    }
}

async fn see(seen: Arc<Mutex<Vec<Seen>>>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let conditional = request.headers().contains_key("if-none-match");
    let response = next.run(request).await;
    let status = response.status().as_u16();
    seen.lock()
        .unwrap()
        .push((method, path, conditional, status));
    response
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.ended.0.send_modify(|ended| *ended += 1);
    }
}

/// A running application; it goes with the test.
pub(crate) struct Site {
    app: Running,
}

impl Site {
    pub(crate) async fn of(app: App) -> Self {
        let app = app.start().await.unwrap();
        Self { app }
    }

    /// The origin of a listener of the server `main`.
    pub(crate) async fn origin(&self, listener: &str) -> String {
        let name = format!("servers.main.listeners.{listener}");
        let server = self.app.service::<Server>(&name).await.unwrap();
        let address = server.address().unwrap().tcp().unwrap();
        format!("http://{address}")
    }
}

/// Content that begins and does not end. The call is in it for as long as it is sent.
pub(crate) fn endless(first: &'static str, call: Call) -> Body {
    let first = once(async move { Ok::<_, Infallible>(first) });
    let whole = first.chain(pending());
    Body::from_stream(whole.inspect(move |_| {
        let _ = &call;
    }))
}
