//! Encrypted connections, with certificates that may change.

mod files;
mod follow;

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::error::ListenError;
use super::io::Stream;
use super::settings::{Protocol, Settings, Tls};
use files::Files;

/// What agrees on TLS with peers, always by the newest certificate that can be used. A clone is the same.
#[derive(Clone)]
pub(super) struct Encryption {
    files: Arc<Files>,
    now: watch::Sender<Arc<ServerConfig>>,
    /// What the files were when `now` was made of them.
    read: files::Mark,
}

/// A connection that has been agreed on.
pub(super) struct Agreed {
    pub(super) stream: Stream,
    /// None where the peer did not say what it speaks.
    pub(super) protocol: Option<Protocol>,
    pub(super) certificate: Option<Arc<[u8]>>,
}

impl Encryption {
    /// Reads the files, and checks that they belong together.
    pub(super) async fn new(tls: &Tls, settings: &Settings) -> Result<Self, ListenError> {
        let files = Files::new(tls, settings);
        let (config, read) = files.read().await;
        Ok(Self {
            files: Arc::new(files),
            now: watch::Sender::new(config?),
            read,
        })
    }

    /// Agrees with a peer; a certificate that changes meanwhile is for the next one.
    pub(super) async fn agree(&self, stream: Stream) -> io::Result<Agreed> {
        let config = Arc::clone(&self.now.borrow());
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let session = stream.get_ref().1;
        let protocol = session.alpn_protocol().map(|name| {
            if name == files::HTTP2 {
                Protocol::Http2
            } else {
                Protocol::Http1
            }
        });
        let certificates = session.peer_certificates();
        let certificate = certificates.and_then(|all| all.first());
        let certificate = certificate.map(|first| Arc::from(first.as_ref()));
        Ok(Agreed {
            stream: Box::new(stream),
            protocol,
            certificate,
        })
    }
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encryption").finish_non_exhaustive()
    }
}
