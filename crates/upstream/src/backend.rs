//! One peer that can be called.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::error::{Error, Phase};

/// A peer that an [`Upstream`](crate::Upstream) can call: where it is, and what it speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Backend {
    authority: Authority,
    /// Without a slash at its end, so that a path can be laid over it; empty where there is none.
    base: Arc<str>,
    protocol: Protocol,
    shown: Arc<str>,
}

/// What a backend speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http1,
    /// HTTP/2 with prior knowledge (RFC 9113, 3.3).
    Http2,
}

impl Backend {
    /// Names a backend by `http://host`, `http://host:port`, or either with a base path, under which
    /// all its requests are.
    ///
    /// # Errors
    ///
    /// It is no URI, of another scheme, has user information, a query, or dot segments in its path.
    pub fn new(uri: &str) -> Result<Self, Error> {
        let wrong = |what: &str| {
            Err(Error::new(
                Phase::Settings,
                format!("backend {uri:?} {what}"),
            ))
        };
        let Ok(parsed) = uri.parse::<Uri>() else {
            return wrong("is no URI");
        };
        let parts = parsed.into_parts();
        if parts.scheme != Some(Scheme::HTTP) {
            return wrong("does not begin with http://");
        }
        let Some(authority) = parts.authority.filter(|it| !it.host().is_empty()) else {
            return wrong("has no host");
        };
        if authority.as_str().contains('@') {
            // What is shown in logs must hold no password.
            let error = "a backend has user information, which is not sent";
            return Err(Error::new(Phase::Settings, error));
        }
        let path = parts
            .path_and_query
            .unwrap_or(PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return wrong("has a query");
        }
        if dot_segment(path.path()) {
            return wrong("has a dot segment in its path");
        }
        let base: Arc<str> = path.path().trim_end_matches('/').into();
        let shown = format!("http://{authority}{base}").into();
        Ok(Self {
            authority,
            base,
            protocol: Protocol::Http1,
            shown,
        })
    }

    /// Sets what it speaks.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Its URI, without a slash at the end.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.shown
    }

    pub(crate) fn shown(&self) -> &Arc<str> {
        &self.shown
    }

    pub(crate) fn speaks_http2(&self) -> bool {
        self.protocol == Protocol::Http2
    }

    /// Lays the path and query of a request over the base.
    pub(crate) fn lay(&self, request: &Uri) -> Result<Uri, Error> {
        let path = request.path_and_query();
        if !self.base.is_empty() && dot_segment(request.path()) {
            let wrong = "a dot segment in a request's path could lead out of the base path";
            return Err(Error::new(Phase::Request, wrong));
        }
        let laid = match path {
            // Shared with the request, and not parsed again.
            Some(path) if self.base.is_empty() => Ok(path.clone()),
            path => {
                let path = path.map_or("/", PathAndQuery::as_str);
                PathAndQuery::from_maybe_shared(format!("{}{path}", self.base))
            }
        };
        let uri = laid.map_err(http::Error::from).and_then(|laid| {
            let mut parts = http::uri::Parts::default();
            parts.scheme = Some(Scheme::HTTP);
            parts.authority = Some(self.authority.clone());
            parts.path_and_query = Some(laid);
            Ok(Uri::from_parts(parts)?)
        });
        uri.map_err(|error| {
            let wrong = "the request's path cannot be laid over the backend's";
            Error::new(Phase::Request, wrong).because(error)
        })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Whether a path has a segment `.` or `..` (RFC 3986, 5.2.4). Encoded dots are somebody's value, and are
/// sent as they are.
fn dot_segment(path: &str) -> bool {
    path.split('/')
        .any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(backend: &str, request: &'static str) -> Result<String, Phase> {
        let backend = Backend::new(backend).expect("a backend");
        let laid = backend.lay(&Uri::from_static(request));
        laid.map(|uri| uri.to_string())
            .map_err(|error| error.phase())
    }

    #[test]
    fn a_path_is_laid_over_the_base() {
        for (backend, request, expected) in [
            ("http://a", "/", "http://a/"),
            ("http://a:8080/", "/x?y=/z", "http://a:8080/x?y=/z"),
            ("http://a/v1", "/x", "http://a/v1/x"),
            ("http://a/v1/", "/x/", "http://a/v1/x/"),
            ("http://a/v1", "/", "http://a/v1/"),
            ("http://[::1]:80/v1", "/?q", "http://[::1]:80/v1/?q"),
            ("http://a", "/../x", "http://a/../x"),
            ("http://a/v1", "/x%2F%2E%2E", "http://a/v1/x%2F%2E%2E"),
            ("http://a/v1", "/x?../y", "http://a/v1/x?../y"),
        ] {
            assert_eq!(laid(backend, request).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn no_path_leads_out_of_the_base() {
        for request in ["/../x", "/x/..", "/./x", "/x/../../y"] {
            assert_eq!(laid("http://a/v1", request), Err(Phase::Request));
        }
    }

    #[test]
    fn what_is_no_backend_is_refused_and_no_password_is_shown() {
        for wrong in [
            "",
            "a",
            "/x",
            "a:80",
            "https://a",
            "http://",
            "http:///x",
            "http://a/?q",
            "http://a/../x",
            "http://user:secret@a",
            "http://a b",
        ] {
            let error = Backend::new(wrong).expect_err(wrong);
            assert_eq!(error.phase(), Phase::Settings, "{wrong}");
            assert!(!format!("{error:?}").contains("secret"));
        }
    }
}
