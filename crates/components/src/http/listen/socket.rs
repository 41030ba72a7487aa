//! The sockets that connections come through.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::address::Address;
use super::bound::PeerAddress;
use super::error::ListenError;
use super::io::Stream;
use super::settings::Settings;
use super::stall::Stall;
#[cfg(unix)]
use super::unix::SocketFile;

/// A socket that connections come through. Dropping it refuses further ones.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(SocketFile),
}

/// How many connections wait in the system for a place.
pub(super) const BACKLOG: u32 = 4096;

impl Socket {
    /// Takes the address; nothing is accepted yet, but connections may come.
    ///
    /// To be called in a tokio runtime.
    pub(super) async fn bind(settings: &Settings) -> Result<Self, ListenError> {
        match &settings.address {
            Address::Tcp(address) => tcp(*address).map(Self::Tcp).map_err(|source| {
                let address = settings.address.clone();
                ListenError::Bind { address, source }
            }),
            #[cfg(unix)]
            Address::Unix(path) => {
                let file = SocketFile::bind(path, &settings.unix).await?;
                Ok(Self::Unix(file))
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(ListenError::Bind {
                address: settings.address.clone(),
                source: io::ErrorKind::Unsupported.into(),
            }),
        }
    }

    /// Where it listens, with its real port.
    pub(super) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            #[cfg(unix)]
            Self::Unix(file) => Ok(Address::Unix(file.path().to_path_buf())),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Accepted::Tcp(stream, peer))
            }
            #[cfg(unix)]
            Self::Unix(file) => file.accept().await.map(Accepted::Unix),
        }
    }
}

/// A connection that has come.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Accepted {
    pub(super) fn peer(&self) -> PeerAddress {
        match self {
            // A socket for both families calls a peer of IPv4 by an address of IPv6.
            Self::Tcp(_, peer) => {
                PeerAddress::Tcp(SocketAddr::new(peer.ip().to_canonical(), peer.port()))
            }
            #[cfg(unix)]
            Self::Unix(_) => PeerAddress::Unix,
        }
    }

    /// The stream, which fails when its peer takes nothing of what is written to it for `write`.
    pub(super) fn stream(self, write: Duration) -> Stream {
        match self {
            Self::Tcp(stream, _) => {
                // An answer is written in one go; waiting to fill a packet would only delay its end.
                let _ = stream.set_nodelay(true);
                Box::new(Stall::new(stream, write))
            }
            #[cfg(unix)]
            Self::Unix(stream) => Box::new(Stall::new(stream, write)),
        }
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let everywhere = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match listen(address) {
        // A machine without IPv6: all of its addresses are those of IPv4.
        Err(error)
            if everywhere
                && !matches!(
                    error.kind(),
                    io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
                ) =>
        {
            listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        }
        listening => listening,
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Windows it would let two programs listen on one port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    // A peer that has gone without a word is noticed in the end. Connections inherit it.
    let _ = socket.set_keepalive(true);
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
