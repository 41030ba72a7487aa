//! The first bytes of a connection.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, timeout_at};

use super::ahead::Ahead;
use super::connection::{Connection, UNWANTED};
use super::io::Stream;
use super::settings::Protocol;
use super::tls::{Agreed, Encryption};

/// A connection of which it is known what it speaks.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) protocol: Protocol,
    /// Whether some of it has been read already.
    pub(super) heard: bool,
}

/// What a connection of HTTP/2 begins with (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What bytes of the beginning of a connection say that it speaks; none if they do not say it yet.
fn spoken(begun: &[u8]) -> Option<Protocol> {
    let begun = &begun[..begun.len().min(PREFACE.len())];
    if !PREFACE.starts_with(begun) {
        Some(Protocol::Http1)
    } else if begun.len() == PREFACE.len() {
        Some(Protocol::Http2)
    } else {
        None
    }
}

impl Connection {
    /// Finds out what the peer speaks, and agrees with it on TLS where that is wanted.
    pub(super) async fn opened(&mut self, mut stream: Stream) -> io::Result<Opened> {
        if let Some(encryption) = self.encryption.take() {
            return self.encrypted(stream, &encryption).await;
        }
        if let Some(protocol) = self.only() {
            return Ok(Opened {
                stream,
                protocol,
                heard: false,
            });
        }
        let begun = self.first(&mut stream, |begun| spoken(begun).is_some());
        let begun = begun.await?;
        Ok(Opened {
            // Who has closed its half behind half a preface has not spoken HTTP/2.
            protocol: spoken(&begun).unwrap_or(Protocol::Http1),
            stream: Box::new(Ahead::new(begun, stream)),
            heard: true,
        })
    }

    async fn encrypted(
        &mut self,
        mut stream: Stream,
        encryption: &Encryption,
    ) -> io::Result<Opened> {
        let begun = self.first(&mut stream, |_| true).await?;
        let stream = Box::new(Ahead::new(begun, stream));
        let agreed = timeout_at(self.by(), encryption.agree(stream)).await;
        let agreed = agreed.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let Agreed {
            stream,
            protocol,
            certificate,
        } = agreed.inspect_err(|_| self.open.counters().handshake_errors.up())?;
        self.since = Instant::now();
        self.peer.tls = true;
        self.peer.certificate = certificate;
        Ok(Opened {
            stream,
            // Who does not say it speaks HTTP/1 (RFC 9113, 3.3), unless that is not spoken here.
            protocol: protocol.or(self.only()).unwrap_or(Protocol::Http1),
            heard: false,
        })
    }

    /// What is spoken here, if it is only one.
    fn only(&self) -> Option<Protocol> {
        let speaks = |protocol| self.settings.speaks(protocol);
        match (speaks(Protocol::Http1), speaks(Protocol::Http2)) {
            (true, false) => Some(Protocol::Http1),
            (false, true) => Some(Protocol::Http2),
            _ => None,
        }
    }

    /// When the head, or the agreement, has to have come.
    fn by(&self) -> Instant {
        self.since + self.settings.timeouts.header.get()
    }

    /// Reads until there is enough, or no more; never nothing.
    async fn first(
        &self,
        stream: &mut Stream,
        enough: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Bytes> {
        let mut read = BytesMut::with_capacity(UNWANTED);
        loop {
            let silent = read.is_empty();
            let more = timeout_at(self.by(), stream.read_buf(&mut read));
            let more = tokio::select! {
                // What has come already is answered.
                biased;
                more = more => more,
                // Who has said nothing yet loses nothing.
                () = self.stop.cancelled(), if silent => {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            };
            let count = more.map_err(|_| {
                self.open.counters().header_timeouts.up();
                io::ErrorKind::TimedOut
            })??;
            if read.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if count == 0 || enough(&read) {
                return Ok(read.freeze());
            }
        }
    }
}
