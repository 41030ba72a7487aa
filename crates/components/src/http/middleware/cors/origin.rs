//! Origins that are allowed.

use axum::http::HeaderValue;

use crate::http::middleware::settings::SettingsError;

/// Which origins are allowed.
#[derive(Debug)]
pub(super) enum Origins {
    Any,
    Some(Vec<Allowed>),
}

#[derive(Debug)]
pub(super) enum Allowed {
    Exact(String),
    /// All whose name ends so: the scheme with `://`, and the rest from the dot.
    Below {
        scheme: String,
        rest: String,
    },
}

impl Origins {
    pub(super) fn new(texts: &[String], credentials: bool) -> Result<Self, SettingsError> {
        let wrong = |message: String| Err(SettingsError::new("origins", message));
        if texts.is_empty() {
            return wrong("has none; name those that are allowed".into());
        }
        if texts.iter().any(|text| text == "*") {
            if credentials {
                return wrong(
                    "has `*` together with `credentials: true`: any page could act for any user; \
                     name the origins"
                        .into(),
                );
            }
            if texts.len() > 1 {
                return wrong("has `*` and others".into());
            }
            return Ok(Self::Any);
        }
        let mut all = Vec::new();
        for text in texts {
            if text == "null" && credentials {
                return wrong(
                    "has `null` together with `credentials: true`: any page can have that origin"
                        .into(),
                );
            }
            match Allowed::new(text) {
                Ok(allowed) => all.push(allowed),
                Err(why) => return wrong(format!("has `{text}`: {why}")),
            }
        }
        Ok(Self::Some(all))
    }

    pub(super) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// What is said of an origin that is allowed.
    pub(super) fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self {
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::Some(all) => {
                let text = origin.to_str().ok()?;
                let found = all.iter().any(|allowed| allowed.is_met_by(text));
                found.then(|| origin.clone())
            }
        }
    }
}

impl Allowed {
    fn new(text: &str) -> Result<Self, &'static str> {
        if text == "null" {
            return Ok(Self::Exact(text.to_owned()));
        }
        let Some((scheme, host)) = text.split_once("://") else {
            return Err("an origin is a scheme and a host, as `https://example.com`");
        };
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let in_scheme = |byte: u8| letter(byte) || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(in_scheme) {
            return Err("the scheme is not written as browsers write it");
        }
        let (below, host) = match host.strip_prefix('*') {
            Some(rest) if rest.starts_with('.') => (true, &rest[1..]),
            Some(_) => {
                return Err("`*` stands for whole parts of a name, as `https://*.example.com`");
            }
            None => (false, host),
        };
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            _ => (host, None),
        };
        let plain = |byte: u8| letter(byte) || b"-._".contains(&byte);
        let address = name.starts_with('[') && name.ends_with(']') && !below;
        let inside = |byte: u8| byte.is_ascii_hexdigit() || b"[]:.".contains(&byte);
        let named = if address {
            name.bytes().all(inside)
        } else {
            name.bytes().all(plain)
        };
        if name.is_empty() || !named {
            return Err(
                "the host is not written as browsers write it: in small letters, without a path",
            );
        }
        if let Some(port) = port {
            if port.parse::<u16>().is_err() {
                return Err("the port is no number of one");
            }
            if matches!((scheme, port), ("https", "443") | ("http", "80")) {
                return Err("browsers leave out the port that the scheme has of itself");
            }
        }
        if !below {
            return Ok(Self::Exact(text.to_owned()));
        }
        // Below `com` is everybody.
        if name.split('.').filter(|part| !part.is_empty()).count() < 2 {
            return Err("everybody may have a name below that");
        }
        Ok(Self::Below {
            scheme: format!("{scheme}://"),
            rest: format!(".{host}"),
        })
    }

    fn is_met_by(&self, origin: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == origin,
            Self::Below { scheme, rest } => {
                let inside = origin.strip_prefix(&**scheme);
                let inside = inside.and_then(|origin| origin.strip_suffix(&**rest));
                inside.is_some_and(|name| {
                    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
                    let part = |part: &str| !part.is_empty() && part.bytes().all(plain);
                    name.split('.').all(part)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(text: &str, origin: &str) -> bool {
        Allowed::new(text).is_ok_and(|allowed| allowed.is_met_by(origin))
    }

    #[test]
    fn an_origin_is_met_exactly_or_below_a_name() {
        assert!(allows("https://a.example", "https://a.example"));
        assert!(!allows("https://a.example", "https://a.example.evil"));
        assert!(!allows("https://a.example", "http://a.example"));
        assert!(!allows("https://a.example", "https://a.example:8443"));
        assert!(allows("http://localhost:5173", "http://localhost:5173"));
        assert!(allows("http://[::1]:8080", "http://[::1]:8080"));
        let below = "https://*.example.com";
        assert!(allows(below, "https://a.example.com") && allows(below, "https://a.b.example.com"));
        for origin in [
            "https://example.com",
            "https://.example.com",
            "https://evilexample.com",
            "https://evil.com/.example.com",
            "https://evil.com#.example.com",
            "https://u@.example.com",
            "https://a..example.com",
            "http://a.example.com",
            "https://a.example.com:8443",
            "https://a.example.com.evil",
            "null",
        ] {
            assert!(!allows(below, origin), "{origin}");
        }
        assert!(allows(
            "https://*.example.com:8443",
            "https://a.example.com:8443"
        ));
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for text in [
            "example.com",
            "https://",
            "https://Example.com",
            "HTTPS://example.com",
            "https://example.com/",
            "https://example.com:443",
            "http://example.com:80",
            "https://example.com:x",
            "https://*",
            "https://*.com",
            "https://*.com:8443",
            "https://*example.com",
            "https://a.*.example.com",
            "*.example.com",
            "",
        ] {
            assert!(Allowed::new(text).is_err(), "{text}");
        }
    }
}
