//! What answers a request, and what stands before it.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower::util::{BoxCloneSyncService, MapResponseLayer};
use tower::{Layer, Service, ServiceExt as _};

use super::middleware::RateLimit;

/// What answers a request, whatever it is made of.
pub type Endpoint = BoxCloneSyncService<Request, Response, Infallible>;

/// A [`Layer`] under a name: what stands before an [`Endpoint`]. A clone is the same.
///
/// # Examples
///
/// ```
/// use axum::extract::Request;
/// use axum::http::HeaderValue;
/// use axum::response::Response;
/// use byname_components::http::{Endpoint, Middleware};
/// use tower::{Layer, ServiceExt};
///
/// async fn mark(mut response: Response) -> Response {
///     let headers = response.headers_mut();
///     headers.insert("x-served-by", HeaderValue::from_static("byname"));
///     response
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let middleware = Middleware::new(axum::middleware::map_response(mark));
/// let endpoint = middleware.layer(Endpoint::new(axum::Router::new()));
/// let answer = endpoint.oneshot(Request::default()).await?;
/// assert_eq!(answer.headers()["x-served-by"], "byname");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Middleware {
    lay: Arc<dyn Fn(Endpoint) -> Endpoint + Send + Sync>,
    /// What is measured of it.
    limit: Option<RateLimit>,
}

impl Middleware {
    /// Takes any layer that can stand before an endpoint.
    pub fn new<L>(layer: L) -> Self
    where
        L: Layer<Endpoint> + Send + Sync + 'static,
        L::Service: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self {
            lay: Arc::new(move |endpoint| {
                let answer = MapResponseLayer::new(IntoResponse::into_response);
                BoxCloneSyncService::new(answer.layer(layer.layer(endpoint)))
            }),
            limit: None,
        }
    }

    /// Takes a limit, of which it is told what it refused.
    pub(crate) fn of_limit(limit: RateLimit) -> Self {
        Self {
            limit: Some(limit.clone()),
            ..Self::new(limit)
        }
    }

    pub(crate) fn limit(&self) -> Option<&RateLimit> {
        self.limit.as_ref()
    }
}

impl Layer<Endpoint> for Middleware {
    type Service = Endpoint;

    fn layer(&self, endpoint: Endpoint) -> Endpoint {
        (self.lay)(endpoint)
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Middleware").finish_non_exhaustive()
    }
}

/// Boxes a service as an endpoint.
pub(crate) fn endpoint<S>(service: S) -> Endpoint
where
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(service.map_response(IntoResponse::into_response))
}

/// The identity of a request: in its extensions once something has given it one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub axum::http::HeaderValue);

/// The header that has the identity of a request here, where it is another one than usual: what is called for
/// the request is told there, too.
#[derive(Clone, Debug)]
pub(crate) struct RequestIdHeader(pub(crate) axum::http::HeaderName);

/// When the answer to a request is no longer wanted: in its extensions if something has set it. Calls
/// to other services that are made meanwhile keep to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub tokio::time::Instant);
