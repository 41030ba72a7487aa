//! From handlers to endpoints.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse;
use tower::Service;

use crate::http::bind::Checks;
use crate::http::endpoint::{Endpoint, endpoint};

/// Makes an endpoint, of the state of its router and what was compiled for its route.
pub(super) type Make<S> = Arc<dyn Fn(S, Arc<Checks>) -> Endpoint + Send + Sync>;

/// What makes an endpoint of a handler.
pub(super) fn handler<H, A, S>(handler: H) -> Make<S>
where
    H: Handler<A, S>,
    A: 'static,
    S: Clone + Send + Sync + 'static,
{
    Arc::new(move |state, checks| {
        let inner = handler.clone().with_state(state);
        endpoint(Prepared { inner, checks })
    })
}

/// What makes an endpoint of a whole router.
pub(super) fn router<S>(router: axum::Router<S>) -> Make<S>
where
    S: Clone + Send + Sync + 'static,
{
    Arc::new(move |state, checks| {
        let inner = router.clone().with_state::<()>(state);
        endpoint(Prepared { inner, checks })
    })
}

/// Gives every request what was compiled for its route.
#[derive(Clone)]
struct Prepared<E> {
    inner: E,
    checks: Arc<Checks>,
}

impl<E> Service<Request> for Prepared<E>
where
    E: Service<Request, Error = Infallible>,
    E::Response: IntoResponse,
{
    type Response = E::Response;
    type Error = Infallible;
    type Future = E::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        request.extensions_mut().insert(Arc::clone(&self.checks));
        self.inner.call(request)
    }
}
