//! A router that another server has, or this one, called by who is no browser.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::uri::{Parts, PathAndQuery};
use axum::http::{HeaderMap, Method, Request, Response, Uri, header};
use byname_upstream::{Call, Upstream};
use tower::ServiceExt as _;

use super::Endpoint;
use crate::service::{CallContext, Shown, late, told};
use crate::service_error::{ErrorKind, ServiceError};

/// Calls a router by its name, wherever it is: on another server over the network, and on this one itself,
/// with no socket between. A clone is the same.
///
/// A factory needs it as `need::<RouterClient>("router:NAME")`, or `"router:NAME@SERVER"` for that of one
/// server; code asks [`Running::service`](crate::Running::service) for the same names.
///
/// On this server, what the server and its listeners have before all their routes is not asked; what the
/// router has is.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use axum::body::Body;
/// use axum::http::Request;
/// use byname_components::http::RouterClient;
/// use byname_components::{BoxError, need};
///
/// struct Digest(Arc<RouterClient>);
///
/// impl Digest {
///     async fn newest(&self) -> Result<String, BoxError> {
///         let request = Request::get("/items?newest=1").body(Body::empty())?;
///         let answer = self.0.send(request).await?;
///         let content = axum::body::to_bytes(answer.into_body(), 1 << 20).await?;
///         Ok(String::from_utf8(content.to_vec())?)
///     }
/// }
///
/// fn module(registrar: &mut byname_components::Registrar<'_>) {
///     let needs = (need::<RouterClient>("router:items"),);
///     registrar.factory("digest", needs, |(): (), items| async move {
///         Ok::<_, BoxError>(Arc::new(Digest(items)))
///     });
/// }
/// ```
#[derive(Clone)]
pub struct RouterClient {
    router: Arc<str>,
    /// Without a slash at its end.
    prefix: Arc<str>,
    at: At,
    shown: Arc<Shown>,
}

#[derive(Clone)]
enum At {
    Here(Endpoint),
    There(Upstream),
}

impl RouterClient {
    pub(super) fn here(router: &str, prefix: &str, endpoint: Endpoint) -> Self {
        Self::new(router, prefix, At::Here(endpoint))
    }

    pub(super) fn there(router: &str, prefix: &str, upstream: Upstream) -> Self {
        Self::new(router, prefix, At::There(upstream))
    }

    fn new(router: &str, prefix: &str, at: At) -> Self {
        Self {
            router: router.into(),
            prefix: prefix.trim_end_matches('/').into(),
            at,
            shown: Arc::default(),
        }
    }

    /// Says what is shown with every request.
    pub(super) fn showing(mut self, shown: Shown) -> Self {
        self.shown = Arc::new(shown);
        self
    }

    /// Returns the name of the router.
    #[must_use]
    pub fn router(&self) -> &str {
        &self.router
    }

    /// Returns whether it is this very server's, so that no network lies between.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.at, At::Here(_))
    }

    /// Returns what calls the other server, to look at its state; `None` on the server itself.
    #[must_use]
    pub fn upstream(&self) -> Option<&Upstream> {
        match &self.at {
            At::Here(_) => None,
            At::There(upstream) => Some(upstream),
        }
    }

    /// Sends a request, whose address is a path below the prefix that the router has there (`/items/7?x`),
    /// and returns the answer, whatever its status. Both contents go as they come.
    ///
    /// Deadline, identity and trace of the present request go along ([`CallContext`]). What is about one
    /// connection (RFC 9110, 7.6.1) and `Host` are left out. What the file says that this client shows takes
    /// the place of what the request has in that header. There is another try where that does no harm,
    /// and only while nothing of the content was read; the head of the answer is waited for as long as
    /// [`Timeouts::total`](byname_upstream::Timeouts::total). Dropping the future, or the answer, ends the
    /// call.
    ///
    /// # Errors
    ///
    /// There is no answer: [`Invalid`](ErrorKind::Invalid) if the address is no such path, or has a segment
    /// `.` or `..`, or the content failed; [`Unavailable`](ErrorKind::Unavailable) if nobody was reached,
    /// [`BadUpstream`](ErrorKind::BadUpstream) if the answer was cut off,
    /// [`Timeout`](ErrorKind::Timeout) if it took too long.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, ServiceError> {
        let context = CallContext::current();
        if context.is_over() {
            return Err(late());
        }
        let (mut head, body) = request.into_parts();
        head.uri = self.laid(&head.uri)?;
        of_connection(&mut head.headers);
        head.headers.remove(header::HOST);
        context.write(&mut head.headers);
        self.shown.write(&mut head.headers);
        let is_head = head.method == Method::HEAD;
        let request = Request::from_parts(head, body);
        let deadline = context.deadline();
        let mut answer = match &self.at {
            At::There(upstream) => {
                let call = Call {
                    deadline: deadline.map(tokio::time::Instant::into_std),
                    ..Call::default()
                };
                let answer = upstream.send(request, call).await;
                let told = |error| told(&format_args!("router `{}`", self.router), error);
                answer.map_err(told)?.map(Body::new)
            }
            At::Here(endpoint) => {
                let answering = endpoint.clone().oneshot(request);
                let answer = match deadline {
                    Some(deadline) => tokio::time::timeout_at(deadline, answering).await,
                    None => Ok(answering.await),
                };
                let Ok(answer) = answer.map_err(|_| late())?;
                // What sends an answer leaves its content out, and nothing sends this one.
                if is_head {
                    answer.map(|_| Body::empty())
                } else {
                    answer
                }
            }
        };
        of_connection(answer.headers_mut());
        Ok(answer)
    }

    /// The address below the prefix.
    fn laid(&self, uri: &Uri) -> Result<Uri, ServiceError> {
        let wrong = |message| ServiceError::new(ErrorKind::Invalid, message);
        if uri.authority().is_some() || !uri.path().starts_with('/') {
            return Err(wrong("the address of a request is a path and a query"));
        }
        let mut segments = uri.path().split('/');
        if segments.any(|segment| segment == "." || segment == "..") {
            return Err(wrong("the address of a request has no dot segments"));
        }
        let rest = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        // The root of a router is its prefix, without a slash.
        let rest = match rest.strip_prefix('/') {
            Some(query) if !self.prefix.is_empty() && uri.path() == "/" => query,
            _ => rest,
        };
        let laid = format!("{}{rest}", self.prefix);
        let mut parts = Parts::default();
        parts.path_and_query = PathAndQuery::try_from(laid).ok();
        match Uri::from_parts(parts) {
            Ok(uri) => Ok(uri),
            Err(_) => Err(ServiceError::new(
                ErrorKind::TooLarge,
                "the address of the request is too long",
            )),
        }
    }
}

/// Leaves out what is about one connection only (RFC 9110, 7.6.1).
fn of_connection(headers: &mut HeaderMap) {
    let named: Vec<header::HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.remove(name);
    }
}

impl fmt::Debug for RouterClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterClient")
            .field("router", &self.router)
            .field("prefix", &self.prefix)
            .field("local", &self.is_local())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(prefix: &str, uri: &'static str) -> Result<String, ErrorKind> {
        let endpoint = crate::http::endpoint(tower::service_fn(|_: axum::extract::Request| {
            std::future::ready(Ok::<_, std::convert::Infallible>(()))
        }));
        let client = RouterClient::here("r", prefix, endpoint);
        let laid = client.laid(&Uri::from_static(uri));
        laid.map(|uri| uri.to_string())
            .map_err(|error| error.kind())
    }

    #[test]
    fn an_address_is_below_the_prefix() {
        for (prefix, uri, expected) in [
            ("", "/", "/"),
            ("", "/a?b", "/a?b"),
            ("/api", "/", "/api"),
            ("/api", "/?q", "/api?q"),
            ("/api", "/a/", "/api/a/"),
            ("/api/", "/a%2F..?x=/..", "/api/a%2F..?x=/.."),
            ("/", "/a", "/a"),
        ] {
            assert_eq!(laid(prefix, uri).as_deref(), Ok(expected));
        }
        for wrong in ["/..", "/a/../b", "/./a", "http://h/a", "*"] {
            for prefix in ["", "/api"] {
                assert_eq!(laid(prefix, wrong), Err(ErrorKind::Invalid), "{wrong}");
            }
        }
    }

    #[test]
    fn what_is_about_a_connection_is_left_out() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("x-other", "1"),
        ] {
            headers.insert(name, value.parse().expect("a value"));
        }
        of_connection(&mut headers);
        let names: Vec<_> = headers.keys().map(header::HeaderName::as_str).collect();
        assert_eq!(names, ["x-other"]);
    }
}
