//! The settings of a listener.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration as StdDuration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::address::Address;
use super::error::ListenError;
use crate::config::units::{Bytes, Duration};
use crate::config::{CheckSettings, Faults};

/// What a listener is: everything but what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Settings {
    /// Where it listens; `127.0.0.1:8080` where nothing says it.
    pub address: Address,
    /// Its certificate; without one, it speaks without encryption.
    pub tls: Option<Tls>,
    /// What it speaks: `http1`, `http2` or both, which is the default. Over TLS, the peer chooses
    /// (ALPN); without, HTTP/2 is for peers that begin with it ("prior knowledge", RFC 9113, 3.3).
    pub protocols: Vec<Protocol>,
    /// How long it waits, and for what.
    pub timeouts: Timeouts,
    /// What one peer, and all of them together, may cost.
    pub limits: Limits,
    /// What holds for a socket file.
    pub unix: Unix,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            tls: None,
            protocols: vec![Protocol::Http1, Protocol::Http2],
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            unix: Unix::default(),
        }
    }
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP/1.1 and 1.0 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
}

/// A certificate, and whose it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Tls {
    /// The PEM file of its certificate, and of those that lead from it to a root, in this order.
    pub certificate: PathBuf,
    /// The PEM file of the certificate's private key.
    pub key: PathBuf,
    /// The PEM file of authorities; with one, a peer has to show a certificate that one of them has
    /// signed.
    pub client_ca: Option<PathBuf>,
    /// How often the files are looked at, beside hearing of their changes; `1m` where nothing says it.
    #[serde(default = "poll")]
    pub poll: Duration,
}

fn poll() -> Duration {
    Duration::new(StdDuration::from_secs(60))
}

/// How long a listener waits, and for what. None but `drain` may be `0s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Timeouts {
    /// For the head of a request, from its first byte on; for the first byte of a connection; and for
    /// the agreement on TLS. `15s` where nothing says it.
    pub header: Duration,
    /// For a next piece of a request's body, once somebody waits for it: an upload that goes on may take
    /// as long as it likes. `30s` where nothing says it.
    pub body: Duration,
    /// For a next request on a connection that has had one. `1m15s` where nothing says it.
    pub idle: Duration,
    /// For a peer to take something of its answer: one that goes on taking may take as long as it likes.
    /// Over HTTP/2 each answer is looked at by itself, and something is a next piece of 16 KiB. `30s`
    /// where nothing says it.
    pub write: Duration,
    /// For requests in flight when the listener stops; `10s` where nothing says it, and `0s` does not
    /// wait.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = |seconds| Duration::new(StdDuration::from_secs(seconds));
        Self {
            header: seconds(15),
            body: seconds(30),
            idle: seconds(75),
            write: seconds(30),
            drain: seconds(10),
        }
    }
}

/// What one peer, and all of them together, may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Limits {
    /// Connections at a time; further ones wait in the system until one ends. 1024 where nothing says
    /// it.
    pub connections: NonZeroUsize,
    /// Connections at a time of one peer, which is an address of IPv4 or a network of 64 bits of IPv6;
    /// further ones of it are closed at once. Where nothing says it, one peer may have all of them: behind
    /// a proxy, all come from that. Who comes through a socket file is not counted.
    pub per_peer: Option<NonZeroUsize>,
    /// Requests at a time, to the last byte of their answers; further ones are refused with 503. Where
    /// nothing says it, as many as `connections` and `streams` let in.
    pub requests: Option<NonZeroUsize>,
    /// The bytes of a request's head; `64KiB` where nothing says it, 1KiB at least.
    pub header: Bytes,
    /// The fields of a request's head; 100 where nothing says it, 10000 at most.
    pub headers: NonZeroUsize,
    /// The bytes of a request's body, or `unlimited`; `2MiB` where nothing says it.
    pub body: BodyLimit,
    /// Requests at a time on one connection of HTTP/2; 200 where nothing says it.
    pub streams: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: NonZeroUsize::MIN.saturating_add(1023),
            per_peer: None,
            requests: None,
            header: Bytes::new(64 << 10),
            headers: NonZeroUsize::MIN.saturating_add(HEADERS - 1),
            body: BodyLimit::AtMost(Bytes::new(2 << 20)),
            streams: NonZeroU32::MIN.saturating_add(199),
        }
    }
}

/// How many fields hyper takes without being told a number, which costs it an allocation a request.
pub(super) const HEADERS: usize = 100;

/// The fewest bytes of a head that are a limit, and the most: hyper counts those of HTTP/2 in 32 bits.
const HEADER_BYTES: std::ops::RangeInclusive<u64> = (1 << 10)..=(16 << 20);

/// The most fields of a head that are a limit: there is room for all of them before a head is read, and
/// `HeaderMap` has 24576 at most.
const MOST_HEADERS: usize = 10_000;

/// What holds for a socket file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Unix {
    /// Who may connect, as the permissions of the file: `"0660"`, its user and its group, where nothing
    /// says it.
    pub mode: Mode,
    /// Whether the socket file of a program that has ended is replaced; it is where nothing says it. One
    /// that somebody listens at never is.
    pub replace: bool,
}

impl Default for Unix {
    fn default() -> Self {
        Self {
            mode: Mode(0o660),
            replace: true,
        }
    }
}

impl Settings {
    /// Looks for what cannot be, without touching a file or a socket.
    ///
    /// # Errors
    ///
    /// [`ListenError::Setting`], with the first key that is wrong and what was expected.
    pub fn check(&self) -> Result<(), ListenError> {
        match self.faults().into_iter().next() {
            Some((key, why)) => Err(ListenError::Setting {
                key,
                why: why.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Each key that is wrong, and what was expected.
    fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        if self.protocols.is_empty() {
            faults.push(("protocols", "is empty; expected `http1`, `http2` or both"));
        }
        let Timeouts {
            header,
            body,
            idle,
            write,
            drain: _,
        } = self.timeouts;
        for (key, span) in [
            ("timeouts.header", header),
            ("timeouts.body", body),
            ("timeouts.idle", idle),
            ("timeouts.write", write),
            (
                "tls.poll",
                self.tls.as_ref().map_or_else(poll, |tls| tls.poll),
            ),
        ] {
            if span.is_zero() {
                faults.push((key, "is 0s; expected more"));
            } else if span.get() > LONGEST {
                faults.push((key, "is more than a year; expected less"));
            }
        }
        if !HEADER_BYTES.contains(&self.limits.header.get()) {
            faults.push(("limits.header", "is not between 1KiB and 16MiB"));
        }
        if self.limits.headers.get() > MOST_HEADERS {
            faults.push(("limits.headers", "is more than 10000; expected less"));
        }
        faults
    }

    /// Whether the listener speaks it.
    pub(super) fn speaks(&self, protocol: Protocol) -> bool {
        self.protocols.contains(&protocol)
    }
}

impl CheckSettings for Settings {
    fn check(&self, faults: &mut Faults) {
        for (key, why) in self.faults() {
            faults.tell(key, why);
        }
    }
}

/// Longer spans overflow clocks.
const LONGEST: StdDuration = StdDuration::from_secs(366 * 24 * 3600);

/// How large a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    /// As large as this; exactly as large is not too large.
    AtMost(Bytes),
    /// Of any size, written `unlimited`.
    Unlimited,
}

impl BodyLimit {
    /// The number of bytes.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::AtMost(bytes) => Some(bytes.get()),
            Self::Unlimited => None,
        }
    }
}

const BODY: &str = "`unlimited`, or a number of bytes with its unit, as `2MiB`";

impl<'de> Deserialize<'de> for BodyLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl serde::de::Visitor<'_> for Written {
            type Value = BodyLimit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(BODY)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<BodyLimit, E> {
                if text == "unlimited" {
                    return Ok(BodyLimit::Unlimited);
                }
                let bytes = text.parse().map(BodyLimit::AtMost);
                bytes.map_err(|error| E::custom(format!("expected {BODY}; {error}")))
            }
        }

        deserializer.deserialize_str(Written)
    }
}

impl JsonSchema for BodyLimit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BodyLimit".into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        concat!(module_path!(), "::BodyLimit").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": BODY,
            "pattern": "^(unlimited|\\d+(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB))$",
        })
    }
}

/// The permissions of a file, as `"0660"`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mode(u32);

impl Mode {
    /// The number.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mode({:04o})", self.0)
    }
}

const MODE: &str = "the permissions of a file, three or four octal digits in quotes, as \"0660\"";

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let octal = matches!(text.len(), 3 | 4) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let bits = u32::from_str_radix(text, 8).ok().filter(|_| octal);
        let bits = bits.filter(|bits| *bits <= 0o777);
        let bits = bits.ok_or_else(|| format!("expected {MODE}, found `{text}`"))?;
        Ok(Self(bits))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl serde::de::Visitor<'_> for Written {
            type Value = Mode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(MODE)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Mode, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Written)
    }
}

impl JsonSchema for Mode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mode".into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        concat!(module_path!(), "::Mode").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": MODE, "pattern": "^0?[0-7]{3}$" })
    }
}
