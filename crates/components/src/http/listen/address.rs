//! Where a listener listens.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a listener listens: `127.0.0.1:8080`, `[::1]:0`, `localhost:8080`, `:8080`, `unix:/run/app.sock`.
///
/// Port 0 takes any free one. `localhost` is 127.0.0.1. `:8080` and `[::]:8080` are all addresses of the
/// machine, of both families; `0.0.0.0:8080` those of IPv4. A path that does not begin with `/` is one
/// below the folder that the program runs in.
///
/// # Examples
///
/// ```
/// use byname_components::http::listen::Address;
///
/// let everywhere: Address = ":80".parse()?;
/// let here: Address = "localhost:80".parse()?;
/// assert_eq!(everywhere.to_string(), "[::]:80");
/// assert!(everywhere.conflicts_with(&here));
/// # Ok::<(), byname_components::http::listen::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// An address of the machine and a port.
    Tcp(SocketAddr),
    /// The path of a socket file.
    Unix(PathBuf),
}

/// Why a text is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    message: String,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AddressError {}

const EXPECTED: &str = "an IP address and a port (127.0.0.1:8080, [::1]:0), a port on all addresses \
                        (:8080), localhost and a port, or unix: and a path (unix:/run/app.sock)";

/// What a path of a socket file begins with.
const UNIX: &str = "unix:";

impl Address {
    /// Returns whether a listener here and one there cannot both be: they have the same port on an
    /// address that both cover, or the same file. Port 0 is in nobody's way.
    #[must_use]
    pub fn conflicts_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(one), Self::Tcp(other)) => {
                one.port() != 0
                    && one.port() == other.port()
                    && (covers(one, other) || covers(other, one))
            }
            // The same path is the same whether or not it has `.` or a doubled `/` in it.
            (Self::Unix(one), Self::Unix(other)) => one.components().eq(other.components()),
            _ => false,
        }
    }
}

/// Whether who listens at `one` takes what comes to `other`.
fn covers(one: &SocketAddr, other: &SocketAddr) -> bool {
    match (one.ip().to_canonical(), other.ip().to_canonical()) {
        (IpAddr::V6(Ipv6Addr::UNSPECIFIED), _) => true,
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED), other) => other.is_ipv4(),
        (ip, other_ip) => ip == other_ip && scope(one) == scope(other),
    }
}

fn scope(address: &SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |why: &str| AddressError {
            message: format!("expected {EXPECTED}, found `{text}`{why}"),
        };
        if let Some(path) = text.strip_prefix(UNIX) {
            if path.is_empty() || path.contains('\0') {
                return Err(wrong(": that is no path"));
            }
            return Ok(Self::Unix(path.into()));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(wrong(": it has no port"));
        };
        let ip = match host {
            "" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ if host.contains(|c: char| c.is_ascii_alphabetic()) && !host.contains(':') => {
                return Err(wrong(&format!(": `{host}` is no IP address")));
            }
            _ => return Err(wrong("")),
        };
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse::<u16>().ok().filter(|_| digits);
        let port = port.ok_or_else(|| wrong(": a port is a number from 0 to 65535"))?;
        Ok(Self::Tcp(SocketAddr::new(ip, port)))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl serde::de::Visitor<'_> for Written {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Address, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Written)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        concat!(module_path!(), "::Address").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": EXPECTED,
            "pattern": "^(unix:.+|(localhost|\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9A-Fa-f:.%]+\\])?:\\d{1,5})$",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:0", "[::1]:0"),
            ("localhost:80", "127.0.0.1:80"),
            (":8080", "[::]:8080"),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
            ("unix:app.sock", "unix:app.sock"),
        ] {
            assert_eq!(address(text).to_string(), written);
            assert_eq!(address(written), address(text));
            let json = serde_json::to_string(&address(text)).unwrap();
            assert_eq!(
                serde_json::from_str::<Address>(&json).unwrap(),
                address(text)
            );
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("8080", "it has no port"),
            ("", "it has no port"),
            ("example.org:80", "`example.org` is no IP address"),
            (":65536", "a port is a number from 0 to 65535"),
            (":+80", "a port is a number from 0 to 65535"),
            ("localhost:", "a port is a number from 0 to 65535"),
            ("::1:80x", "found `::1:80x`"),
            ("unix:", "that is no path"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(EXPECTED) && error.ends_with(why), "{error}");
        }
        let error = serde_json::from_str::<Address>("80").unwrap_err();
        assert!(error.to_string().contains(EXPECTED), "{error}");
    }

    #[test]
    fn two_listeners_that_cannot_both_be_conflict() {
        for (one, other, conflict) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            (":80", "127.0.0.1:80", true),
            (":80", "0.0.0.0:80", true),
            (":80", "[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            (":0", ":0", false),
            ("[fe80::1%1]:80", "[fe80::1%2]:80", false),
            ("unix:/run/a", "unix:/run/./a", true),
            ("unix:/run/a", "unix:/run/b", false),
            ("unix:80", ":80", false),
        ] {
            let (a, b) = (address(one), address(other));
            assert_eq!(a.conflicts_with(&b), conflict, "{one} {other}");
            assert_eq!(b.conflicts_with(&a), conflict, "{other} {one}");
        }
    }
}
