//! Who sent a request, also through proxies.

mod forwarded;
mod network;

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::SettingsError;
use crate::http::listen::{Peer, PeerAddress};
use network::Network;
pub(super) use network::masked;

/// Which proxies are believed when they say for whom they ask.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProxySettings {
    /// The proxies: addresses (`10.0.0.7`), networks (`10.0.0.0/8`, `fd00::/8`), or `unix` for whoever
    /// comes through a unix socket. By default nobody is believed.
    pub trusted: Vec<String>,
    /// The header that they write. Only this one is read: the other one would be whatever a client
    /// chose to send.
    pub header: ForwardedBy,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            header: ForwardedBy::XForwardedFor,
        }
    }
}

/// The header in which proxies say for whom they ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, a list of addresses.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Whose word for something is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Nobody's.
    Never,
    /// That of the trusted proxies.
    Proxies,
    /// Anybody's.
    Always,
}

/// Proxies that are believed when they say for whom they ask.
///
/// A request that comes from one of them was sent by whoever it names last; if that is one of them
/// too, by whoever is named before, and so on. What stands further to the left was sent by the client
/// and is not looked at.
#[derive(Clone, Debug)]
pub struct Proxies {
    networks: Vec<Network>,
    unix: bool,
    header: ForwardedBy,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    Network(IpAddr),
    Unix,
}

impl Proxies {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// A text that is no address, no network and not `unix`.
    pub fn new(settings: &ProxySettings) -> Result<Self, SettingsError> {
        let (mut networks, mut unix) = (Vec::new(), false);
        for text in &settings.trusted {
            if text == "unix" {
                unix = true;
            } else {
                networks.push(text.parse().map_err(|why| {
                    SettingsError::new("proxies.trusted", format!("has `{text}`: {why}"))
                })?);
            }
        }
        Ok(Self {
            networks,
            unix,
            header: settings.header,
        })
    }

    /// Returns the address of the client: of the peer, or of the one for whom trusted proxies ask.
    /// There is none where the peer is a program on this machine, or unknown.
    #[must_use]
    pub fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = hop(extensions)?;
        let mut client = match peer {
            Hop::Network(address) => Some(address),
            Hop::Unix => None,
        };
        if !self.trusts(peer) {
            return client;
        }
        for named in forwarded::from_the_right(self.header, headers) {
            // What cannot be read was written by somebody who is not trusted, or hides who asked: the
            // last one that is known counts.
            let Some(address) = named else { break };
            client = Some(address);
            if !self.trusts(Hop::Network(address)) {
                break;
            }
        }
        client
    }

    /// Returns whether the peer is a trusted proxy.
    #[must_use]
    pub fn is_peer(&self, extensions: &Extensions) -> bool {
        hop(extensions).is_some_and(|peer| self.trusts(peer))
    }

    /// Returns whether the client came over TLS: to this server, or to the trusted proxy that asks it.
    #[must_use]
    pub fn is_secure(&self, extensions: &Extensions, headers: &HeaderMap) -> bool {
        extensions.get::<Peer>().is_some_and(|peer| peer.tls)
            || (self.is_peer(extensions) && forwarded::is_secure(self.header, headers))
    }

    /// Returns whether somebody's word is taken.
    pub(super) fn believe(&self, trust: Trust, extensions: &Extensions) -> bool {
        match trust {
            Trust::Never => false,
            Trust::Proxies => self.is_peer(extensions),
            Trust::Always => true,
        }
    }

    fn trusts(&self, hop: Hop) -> bool {
        match hop {
            Hop::Unix => self.unix,
            Hop::Network(address) => self.networks.iter().any(|network| network.has(address)),
        }
    }
}

/// Refuses to take the word of proxies where there are none.
pub(super) fn check_trust(trust: Trust, proxies: &ProxySettings) -> Result<(), SettingsError> {
    if trust == Trust::Proxies && proxies.trusted.is_empty() {
        let message = "is `proxies`, and `proxies.trusted` names none";
        return Err(SettingsError::new("trust", message));
    }
    Ok(())
}

/// The other end of the connection that a request came through: as a listener says, or a server of axum.
fn hop(extensions: &Extensions) -> Option<Hop> {
    let address = match extensions.get::<Peer>() {
        Some(peer) => match peer.address {
            PeerAddress::Tcp(address) => address,
            PeerAddress::Unix => return Some(Hop::Unix),
        },
        None => extensions.get::<ConnectInfo<SocketAddr>>()?.0,
    };
    Some(Hop::Network(address.ip().to_canonical()))
}

/// Returns who is at the other end of the connection, for a log.
pub(super) fn peer(extensions: &Extensions) -> Option<Cow<'static, str>> {
    Some(match hop(extensions)? {
        Hop::Network(address) => address.to_string().into(),
        Hop::Unix => "unix".into(),
    })
}
