//! Connections to a backend: over TCP, over TLS, to the file of a socket.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
#[cfg(any(unix, feature = "tls"))]
use std::sync::Arc;
#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

#[cfg(feature = "tls")]
use {
    crate::backend::Protocol,
    rustls::ClientConfig,
    rustls::pki_types::ServerName,
    tokio_rustls::{TlsConnector, client::TlsStream},
};

use crate::backend::{Backend, Reach};
use crate::error::Error;
use crate::options::Options;

/// What HTTP/2 is called in the agreement on TLS (RFC 9113, 3.1).
#[cfg(feature = "tls")]
const HTTP2: &[u8] = b"h2";
/// What HTTP/1.1 is called there (RFC 7301, 6).
#[cfg(feature = "tls")]
const HTTP1: &[u8] = b"http/1.1";

/// How the connections of an upstream are agreed on, made when the first backend over TLS comes.
#[derive(Default)]
pub(crate) struct Secure {
    #[cfg(feature = "tls")]
    trust: crate::trust::Trust,
    #[cfg(feature = "tls")]
    config: OnceLock<Arc<ClientConfig>>,
}

impl Secure {
    #[cfg_attr(
        not(feature = "tls"),
        allow(unused_variables, reason = "nothing is asked")
    )]
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            #[cfg(feature = "tls")]
            trust: options.trust.clone(),
            #[cfg(feature = "tls")]
            config: OnceLock::new(),
        }
    }

    /// Sees to it that all of these can be connected to.
    #[cfg(feature = "tls")]
    pub(crate) fn ready(&self, backends: &[Backend]) -> Result<(), Error> {
        let is_needed = backends.iter().any(|one| *one.reach() == Reach::Tls);
        if is_needed && self.config.get().is_none() {
            // Of two that are made at once, either will do.
            let _ = self.config.set(self.trust.config()?);
        }
        Ok(())
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with TLS")]
    pub(crate) fn ready(&self, _: &[Backend]) -> Result<(), Error> {
        Ok(())
    }
}

/// Connects to one backend.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    via: Via,
    /// How long a connection may take that is more than one over TCP.
    within: Duration,
}

#[derive(Clone)]
enum Via {
    Tcp,
    #[cfg(feature = "tls")]
    Tls(Option<Agreeing>),
    #[cfg(unix)]
    Unix(Arc<std::path::Path>),
}

/// What a connection over TLS is agreed on by.
#[cfg(feature = "tls")]
#[derive(Clone)]
struct Agreeing {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    protocol: Protocol,
}

impl Connector {
    #[cfg_attr(
        not(feature = "tls"),
        allow(unused_variables, reason = "nothing is asked")
    )]
    pub(crate) fn new(backend: &Backend, within: Duration, secure: &Secure) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(within));
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let via = match backend.reach() {
            #[cfg(unix)]
            Reach::Unix(path) => Via::Unix(path.clone()),
            #[cfg(feature = "tls")]
            Reach::Tls => Via::Tls(Agreeing::new(backend, secure)),
            // Others cannot be named where they cannot be reached.
            _ => Via::Tcp,
        };
        Self { tcp, via, within }
    }
}

#[cfg(feature = "tls")]
impl Agreeing {
    fn new(backend: &Backend, secure: &Secure) -> Option<Self> {
        let name = crate::trust::name_of(backend.host())?;
        let mut config = ClientConfig::clone(secure.config.get()?);
        let protocol = backend.spoken();
        let spoken: &[&[u8]] = match protocol {
            Protocol::Agreed => &[HTTP2, HTTP1],
            Protocol::Http1 => &[HTTP1],
            Protocol::Http2 => &[HTTP2],
        };
        config.alpn_protocols = spoken.iter().map(|name| name.to_vec()).collect();
        Some(Self {
            config: Arc::new(config),
            name,
            protocol,
        })
    }

    async fn agree(self, tcp: TcpStream) -> io::Result<Stream> {
        let agreed = TlsConnector::from(self.config)
            .connect(self.name, tcp)
            .await?;
        let chosen = agreed.get_ref().1.alpn_protocol();
        if self.protocol == Protocol::Http2 && chosen != Some(HTTP2) {
            return Err(io::Error::other("the backend does not speak HTTP/2"));
        }
        Ok(Stream::Tls(Box::new(TokioIo::new(agreed))))
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        #[cfg_attr(
            not(any(unix, feature = "tls")),
            allow(unused_variables, reason = "TCP has a bound of its own")
        )]
        let within = self.within;
        match self.via.clone() {
            Via::Tcp => {
                let connecting = self.tcp.call(uri);
                Box::pin(async move { Ok(Stream::Tcp(connecting.await?)) })
            }
            #[cfg(feature = "tls")]
            Via::Tls(agreeing) => {
                let connecting = self.tcp.call(uri);
                Box::pin(in_time(within, async move {
                    let agreeing = agreeing.ok_or("it is not known whom to trust")?;
                    let tcp = connecting.await?.into_inner();
                    Ok(agreeing.agree(tcp).await?)
                }))
            }
            #[cfg(unix)]
            Via::Unix(path) => Box::pin(in_time(within, async move {
                let stream = tokio::net::UnixStream::connect(path).await?;
                Ok(Stream::Unix(TokioIo::new(stream)))
            })),
        }
    }
}

async fn in_time(
    within: Duration,
    connecting: impl Future<Output = Result<Stream, BoxError>>,
) -> Result<Stream, BoxError> {
    match timeout(within, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err("there was no connection in time".into()),
    }
}

/// A connection.
pub(crate) enum Stream {
    Tcp(TokioIo<TcpStream>),
    #[cfg(feature = "tls")]
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
    #[cfg(unix)]
    Unix(TokioIo<tokio::net::UnixStream>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Tcp(stream) => stream.connected(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => {
                let chosen = stream.inner().get_ref().1.alpn_protocol();
                let connected = Connected::new();
                if chosen == Some(HTTP2) {
                    connected.negotiated_h2()
                } else {
                    connected
                }
            }
            #[cfg(unix)]
            Self::Unix(_) => Connected::new(),
        }
    }
}

/// Does the same with whatever stream it is.
macro_rules! with {
    ($stream:expr, $it:ident => $do:expr) => {
        match $stream {
            Stream::Tcp($it) => $do,
            #[cfg(feature = "tls")]
            Stream::Tls($it) => $do,
            #[cfg(unix)]
            Stream::Unix($it) => $do,
        }
    };
}

impl Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        with!(self.get_mut(), it => Pin::new(it).poll_read(context, into))
    }
}

impl Write for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        with!(self.get_mut(), it => Pin::new(it).poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self.get_mut(), it => Pin::new(it).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self.get_mut(), it => Pin::new(it).poll_shutdown(context))
    }

    fn is_write_vectored(&self) -> bool {
        with!(self, it => it.is_write_vectored())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with!(self.get_mut(), it => Pin::new(it).poll_write_vectored(context, bytes))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
