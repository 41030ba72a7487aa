//! Where a listener really listens, and who is at the other end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::address::Address;

/// Where a listener listens, with its real port; written as the base of a URL: `http://127.0.0.1:41234`,
/// `https://[::1]:8443`, `unix:/run/app.sock`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    address: Address,
    tls: bool,
}

impl Bound {
    /// Names a place to listen at; a [`Listener`](super::Listener) knows its own.
    #[must_use]
    pub fn new(address: Address, tls: bool) -> Self {
        Self { address, tls }
    }

    /// The address, with its real port.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The IP address and port, unless it is a socket file.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self.address {
            Address::Tcp(address) => Some(address),
            Address::Unix(_) => None,
        }
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.tls
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.address, self.tls) {
            (Address::Tcp(address), false) => write!(f, "http://{address}"),
            (Address::Tcp(address), true) => write!(f, "https://{address}"),
            (address @ Address::Unix(_), _) => write!(f, "{address}"),
        }
    }
}

/// Who sent a request, and through which listener: in the extensions of every request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peer {
    /// The other end of the connection; behind a proxy, that is the proxy.
    pub address: PeerAddress,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The listener that it came through.
    pub local: Arc<Bound>,
    /// The certificate that the peer has shown and that has been verified (DER), where the listener asks
    /// for one.
    pub certificate: Option<Arc<[u8]>>,
}

impl Peer {
    /// Names a peer without encryption or certificate.
    #[must_use]
    pub fn new(address: PeerAddress, local: Arc<Bound>) -> Self {
        Self {
            address,
            tls: false,
            local,
            certificate: None,
        }
    }
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddress {
    /// An address in the network.
    Tcp(SocketAddr),
    /// A program on this machine, which came through a socket file.
    Unix,
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// Whether the listener is done with taking requests: in the extensions of every request, for answers
/// without an end (events, a WebSocket), which are cut when the time to drain is over.
#[derive(Clone, Debug)]
pub struct Draining(pub(super) Arc<CancellationToken>);

impl Draining {
    /// Waits until the listener drains; at once if it does already.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }

    /// Returns whether the listener drains.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }
}
