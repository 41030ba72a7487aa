//! The files of a certificate.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error as TlsError, RootCertStore, ServerConfig};

use crate::http::listen::error::ListenError;
use crate::http::listen::settings::{Protocol, Settings, Tls};

/// What HTTP/2 is called in the agreement on TLS (RFC 9113, 3.1).
pub(super) const HTTP2: &[u8] = b"h2";
/// What HTTP/1.1 is called there (RFC 7301, 6).
const HTTP1: &[u8] = b"http/1.1";

/// Where a certificate is, and what is made of it.
#[derive(Debug)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    authorities: Option<PathBuf>,
    poll: Duration,
    /// In the order in which they are preferred.
    protocols: Vec<Vec<u8>>,
    marks: RandomState,
}

/// What the files were, as a number: two that differ are of different contents.
pub(super) type Mark = u64;

/// The bytes of a file, or why there are none.
type Read = Result<Vec<u8>, String>;

/// The largest file that is read.
const MOST: u64 = 1024 * 1024;

/// Reads a file that has an end. One that may never have one (a pipe, a device) would keep its reader for
/// ever, and with it all later changes.
fn bytes_of(path: &Path) -> Read {
    let unread = |why: std::io::Error| format!("cannot be read: {why}");
    let found = std::fs::metadata(path).map_err(unread)?;
    if !found.is_file() {
        return Err("is no regular file".into());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unread)?;
    let read = file.take(MOST + 1).read_to_end(&mut bytes);
    if read.map_err(unread)? as u64 > MOST {
        return Err("is larger than 1 MiB".into());
    }
    Ok(bytes)
}

impl Files {
    pub(super) fn new(tls: &Tls, settings: &Settings) -> Self {
        let protocols = [(Protocol::Http2, HTTP2), (Protocol::Http1, HTTP1)];
        let spoken = protocols
            .into_iter()
            .filter(|(protocol, _)| settings.speaks(*protocol));
        Self {
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
            authorities: tls.client_ca.clone(),
            poll: tls.poll.get(),
            protocols: spoken.map(|(_, name)| name.to_vec()).collect(),
            marks: RandomState::new(),
        }
    }

    pub(super) fn poll(&self) -> Duration {
        self.poll
    }

    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let all = [
            Some(&self.certificate),
            Some(&self.key),
            self.authorities.as_ref(),
        ];
        all.into_iter().flatten().cloned().collect()
    }

    /// Makes of the files what agrees with peers, unless something is wrong with them.
    pub(super) async fn read(&self) -> (Result<Arc<ServerConfig>, ListenError>, Mark) {
        let read = self.bytes().await;
        let mark = self.marks.hash_one(&read);
        let mut read = read.into_iter();
        let mut next = || read.next().unwrap_or_else(|| Err("cannot be read".into()));
        let (certificate, key) = (next(), next());
        let authorities = self.authorities.as_ref().map(|path| (path, next()));
        (self.made(certificate, key, authorities), mark)
    }

    async fn bytes(&self) -> Vec<Read> {
        let paths = self.paths();
        let reading =
            tokio::task::spawn_blocking(move || paths.iter().map(|path| bytes_of(path)).collect());
        reading.await.unwrap_or_default()
    }

    fn made(
        &self,
        certificate: Read,
        key: Read,
        authorities: Option<(&PathBuf, Read)>,
    ) -> Result<Arc<ServerConfig>, ListenError> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&self.certificate, certificate)?;
        let key = self.private_key(key)?;
        let certified = CertifiedKey::from_der(chain, key, &provider);
        let certified = certified.map_err(|error| self.unfit(&error))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(&self.certificate, error.to_string()))?;
        let builder = match authorities {
            None => builder.with_no_client_auth(),
            Some((path, read)) => {
                builder.with_client_cert_verifier(verifier(path, read, provider)?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols.clone_from(&self.protocols);
        Ok(Arc::new(config))
    }

    /// Reads the key; nothing of what is in the file gets into a message.
    fn private_key(&self, read: Read) -> Result<PrivateKeyDer<'static>, ListenError> {
        let bytes = read.map_err(|why| refused(&self.key, why))?;
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
            let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
            let encrypted = bytes.windows(encrypted.len()).any(|part| part == encrypted);
            let why = match error {
                PemError::NoItemsFound if encrypted => {
                    "the private key is encrypted; decrypt it, as by `openssl pkey`"
                }
                PemError::NoItemsFound => {
                    "there is no private key in it; expected PEM of PKCS #8, PKCS #1 or SEC 1"
                }
                _ => "is broken PEM",
            };
            refused(&self.key, why)
        })
    }

    /// Says why a certificate and a key are no pair.
    fn unfit(&self, error: &TlsError) -> ListenError {
        match error {
            TlsError::InconsistentKeys(_) => {
                let of = self.certificate.display();
                refused(
                    &self.key,
                    format!("is not the key of the certificate in {of}"),
                )
            }
            TlsError::InvalidCertificate(why) => refused(
                &self.certificate,
                format!("the certificate is broken: {why:?}"),
            ),
            _ => refused(&self.key, "no kind of private key that is supported"),
        }
    }
}

fn refused(path: &Path, why: impl Into<String>) -> ListenError {
    ListenError::Tls {
        path: path.to_path_buf(),
        why: why.into(),
    }
}

fn certificates(path: &Path, read: Read) -> Result<Vec<CertificateDer<'static>>, ListenError> {
    let bytes = read.map_err(|why| refused(path, why))?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    // Who mixes the files up finds a key here.
    let all = all.map_err(|_| refused(path, "is broken PEM"))?;
    if all.is_empty() {
        return Err(refused(path, "there is no certificate in it; expected PEM"));
    }
    Ok(all)
}

/// What verifies the certificates of peers.
fn verifier(
    path: &Path,
    read: Read,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ListenError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, read)? {
        let added = roots.add(certificate);
        added.map_err(|error| refused(path, format!("an authority is broken: {error}")))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| refused(path, error.to_string()))
}
