//! One peer that can be called.

use std::fmt;
use std::path::Path;
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
    reach: Reach,
    protocol: Protocol,
    shown: Arc<str>,
}

/// What lies between here and a backend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    Tcp,
    Tls,
    /// The file of a socket of this machine.
    Unix(Arc<Path>),
}

/// What a backend speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Over TLS, of HTTP/2 and HTTP/1.1 what the backend chooses (RFC 7301); otherwise HTTP/1.1.
    #[default]
    Agreed,
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2: over TLS by agreement, otherwise with prior knowledge (RFC 9113, 3.2 and 3.3).
    Http2,
}

impl Backend {
    /// Names a backend by `http://host`, `https://host` or `unix:/path/of.sock`: the first two with a
    /// port or without (80 and 443), all with a base path or without, under which all its requests are
    /// (`http://host:8080/v1`, `unix:/run/shop.sock:/v1`).
    ///
    /// A path of a socket is one of this machine, from `/` or from the folder that the program runs in, of
    /// at most 107 bytes; `:/` is not part of it. The `Host` of requests to it is `localhost`.
    ///
    /// # Errors
    ///
    /// It is none of these, or has user information, a query, or dot segments in its base path; its host is
    /// none that a certificate can be for; or what it needs was not built in (`https` is the feature `tls`).
    pub fn new(uri: &str) -> Result<Self, Error> {
        match uri.strip_prefix("unix:") {
            Some(rest) => Self::of_socket(uri, rest),
            None => Self::of_uri(uri),
        }
    }

    fn of_uri(uri: &str) -> Result<Self, Error> {
        let parsed = uri.parse::<Uri>().map(Uri::into_parts);
        let authority = parsed.as_ref().map(|it| it.authority.as_ref());
        if authority
            .map_or(uri, |it| it.map_or("", Authority::as_str))
            .contains('@')
        {
            // What is shown in logs must hold no password.
            let error = "a backend has user information, which is not sent";
            return Err(Error::new(Phase::Settings, error));
        }
        let Ok(parts) = parsed else {
            return wrong(uri, "is no URI");
        };
        let reach = match parts.scheme.as_ref().map(Scheme::as_str) {
            Some("http") => Reach::Tcp,
            Some("https") if cfg!(feature = "tls") => Reach::Tls,
            Some("https") => return wrong(uri, "is over TLS, which is not built in"),
            _ => return wrong(uri, "does not begin with http://, https:// or unix:"),
        };
        let Some(authority) = parts.authority.filter(|it| !it.host().is_empty()) else {
            return wrong(uri, "has no host");
        };
        let has_port = authority.as_str().len() > authority.host().len();
        if has_port && authority.port_u16().is_none() {
            return wrong(uri, "has a port that is none");
        }
        #[cfg(feature = "tls")]
        if reach == Reach::Tls && crate::trust::name_of(authority.host()).is_none() {
            return wrong(uri, "has a host that no certificate can be for");
        }
        let path = parts
            .path_and_query
            .unwrap_or(PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return wrong(uri, "has a query");
        }
        if dot_segment(path.path()) {
            return wrong(uri, "has a dot segment in its path");
        }
        let base: Arc<str> = path.path().trim_end_matches('/').into();
        let scheme = parts.scheme.unwrap_or(Scheme::HTTP);
        let shown = format!("{scheme}://{authority}{base}").into();
        Ok(Self {
            authority,
            base,
            reach,
            protocol: Protocol::default(),
            shown,
        })
    }

    /// The socket that is named by all of `uri`, of which `rest` is without the scheme.
    fn of_socket(uri: &str, rest: &str) -> Result<Self, Error> {
        if !cfg!(unix) {
            return wrong(uri, "is a socket's file, which this system does not have");
        }
        let (file, base) = match rest.find(":/") {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        if file.is_empty() || file.ends_with('/') || file.contains('\0') {
            return wrong(uri, "has no path of a socket");
        }
        if file.len() > LONGEST_SOCKET {
            return wrong(uri, "has a path that is too long for a socket");
        }
        let Ok(path) = base.parse::<PathAndQuery>().or_else(|error| match base {
            "" => Ok(PathAndQuery::from_static("/")),
            _ => Err(error),
        }) else {
            return wrong(uri, "has a base path that is none");
        };
        if path.query().is_some() {
            return wrong(uri, "has a query");
        }
        if dot_segment(path.path()) {
            return wrong(uri, "has a dot segment in its path");
        }
        let base: Arc<str> = path.path().trim_end_matches('/').into();
        let shown = match &*base {
            "" => format!("unix:{file}"),
            base => format!("unix:{file}:{base}"),
        };
        Ok(Self {
            authority: Authority::from_static("localhost"),
            base,
            reach: Reach::Unix(Path::new(file).into()),
            protocol: Protocol::default(),
            shown: shown.into(),
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

    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    pub(crate) fn spoken(&self) -> Protocol {
        self.protocol
    }

    #[cfg(feature = "tls")]
    pub(crate) fn host(&self) -> &str {
        self.authority.host()
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
            parts.scheme = Some(match self.reach {
                Reach::Tls => Scheme::HTTPS,
                Reach::Tcp | Reach::Unix(_) => Scheme::HTTP,
            });
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

/// The longest path that fits into the address of a socket (unix(7), `sun_path`), without its end.
const LONGEST_SOCKET: usize = 107;

fn wrong(uri: &str, what: &str) -> Result<Backend, Error> {
    let message = format!("backend {uri:?} {what}");
    Err(Error::new(Phase::Settings, message))
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
            ("unix:/run/a.sock", "/x", "http://localhost/x"),
            ("unix:/run/a.sock:/", "/x", "http://localhost/x"),
            ("unix:a.sock:/v1/", "/x?y", "http://localhost/v1/x?y"),
            #[cfg(feature = "tls")]
            ("https://a.example", "/x", "https://a.example/x"),
            #[cfg(feature = "tls")]
            ("https://[::1]:8443/v1", "/x", "https://[::1]:8443/v1/x"),
        ] {
            assert_eq!(laid(backend, request).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_backend_is_shown_as_it_is_named_without_a_slash_at_its_end() {
        for (named, shown) in [
            ("http://a:80/v1/", "http://a:80/v1"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:/run/a.sock:/", "unix:/run/a.sock"),
            ("unix:a.sock:/v1/", "unix:a.sock:/v1"),
        ] {
            let backend = Backend::new(named).expect("a backend");
            assert_eq!(backend.uri(), shown);
            assert_eq!(Backend::new(shown).expect("a backend"), backend);
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
            #[cfg(not(feature = "tls"))]
            "https://a",
            #[cfg(feature = "tls")]
            "https://a..b",
            "ftp://a",
            "http://a:x",
            "http://a:",
            "http://a:65536",
            "http://",
            "http:///x",
            "http://a/?q",
            "http://a/../x",
            "http://user:secret@a",
            "http://user:se cret@a",
            "http://a b",
            "unix:",
            "unix:/run/",
            "unix:/run/a\0b",
            "unix:/run/a:/x?q",
            "unix:/run/a:/x/../y",
            "unix:/run/a:/x y",
            &format!("unix:/{}", "a".repeat(107)),
        ] {
            let error = Backend::new(wrong).expect_err(wrong);
            assert_eq!(error.phase(), Phase::Settings, "{wrong}");
            assert!(!format!("{error:?}").contains("secret"));
        }
    }
}
