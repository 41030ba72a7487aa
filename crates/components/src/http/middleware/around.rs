//! What looks at the head of a request and of its answer, and waits for nothing itself.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::Response;
use pin_project_lite::pin_project;
use tower::Service;

/// What is done with a request before it is answered, and with the answer.
#[allow(unnameable_types, reason = "sealed: nobody else implements it")]
pub trait Look: Clone + Send + Sync + 'static {
    /// What is kept from the request for the answer. It is dropped when the request is given up.
    type Kept: Send + 'static;

    /// Looks at a request. An error is the answer: then what is behind is not asked, and
    /// [`after`](Self::after) is not called.
    #[allow(
        clippy::result_large_err,
        reason = "an answer is moved once, where it is made"
    )]
    fn before(&self, request: &mut Request) -> Result<Self::Kept, Response>;

    /// Looks at the answer.
    fn after(&self, kept: Self::Kept, response: &mut Response);
}

/// A service with something that looks at its requests and answers.
///
/// What is asked is the service that was found ready, never a clone of it.
#[derive(Clone)]
pub struct Around<L, S> {
    look: L,
    inner: S,
}

impl<L, S> Around<L, S> {
    pub(super) fn new(look: L, inner: S) -> Self {
        Self { look, inner }
    }
}

impl<L, S: fmt::Debug> fmt::Debug for Around<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<L: Look, S> Service<Request> for Around<L, S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = AroundFuture<L, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let state = match self.look.before(&mut request) {
            Ok(kept) => State::Asked {
                kept: Some(kept),
                look: self.look.clone(),
                future: self.inner.call(request),
            },
            Err(response) => State::Answered {
                response: Some(response),
            },
        };
        AroundFuture { state }
    }
}

pin_project! {
    /// The answer of a service with something around it.
    pub struct AroundFuture<L: Look, F> {
        #[pin]
        state: State<L, F>,
    }
}

pin_project! {
    #[project = Project]
    enum State<L: Look, F> {
        Asked {
            kept: Option<L::Kept>,
            look: L,
            #[pin]
            future: F,
        },
        Answered { response: Option<Response> },
    }
}

impl<L: Look, F> Future for AroundFuture<L, F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Project::Asked { kept, look, future } => {
                let Ok(mut response) = ready!(future.poll(cx));
                if let Some(kept) = kept.take() {
                    look.after(kept, &mut response);
                }
                Poll::Ready(Ok(response))
            }
            Project::Answered { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // A future that has answered is not polled again.
                None => Poll::Pending,
            },
        }
    }
}

impl<L: Look, F> fmt::Debug for AroundFuture<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AroundFuture").finish_non_exhaustive()
    }
}

/// Makes something that looks a layer.
macro_rules! looking_layer {
    ($layer:ty) => {
        impl<S> tower::Layer<S> for $layer {
            type Service = crate::http::middleware::around::Around<Self, S>;

            fn layer(&self, inner: S) -> Self::Service {
                crate::http::middleware::around::Around::new(self.clone(), inner)
            }
        }
    };
}
pub(super) use looking_layer;
