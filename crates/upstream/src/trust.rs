//! Whose word is taken for who a backend is.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Phase};

/// Whose word is taken for who a backend over TLS is: the authorities whose certificates count.
///
/// Who a backend is, is always looked at; nothing switches that off. By default, those of the system
/// count, whom its administrator looks after: that is where an organisation's own authority is put.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Trust(Option<Arc<[CertificateDer<'static>]>>);

impl Trust {
    /// Trusts whom the system trusts, as of when an upstream first has a backend over TLS; where
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, those there.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// Trusts the authorities whose certificates these are (PEM, RFC 7468), and nobody else.
    ///
    /// # Errors
    ///
    /// It is no PEM, there is no certificate in it, or one that is none.
    pub fn pem(text: &[u8]) -> Result<Self, Error> {
        let wrong = |what: &'static str| Error::new(Phase::Settings, what);
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
        let read = read.map_err(|_| wrong("what is to be trusted is no PEM"))?;
        if read.is_empty() {
            return Err(wrong("there is no certificate to be trusted"));
        }
        let trust = Self(Some(read.into()));
        trust.authorities()?;
        Ok(trust)
    }

    /// How a connection is agreed on.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(Phase::Settings, "TLS cannot be spoken").because(error))?;
        let config = config.with_root_certificates(self.authorities()?);
        Ok(Arc::new(config.with_no_client_auth()))
    }

    fn authorities(&self) -> Result<RootCertStore, Error> {
        let mut store = RootCertStore::empty();
        if let Some(given) = &self.0 {
            for one in given.iter() {
                store.add(one.clone()).map_err(|error| {
                    let message = "a certificate that is to be trusted is none";
                    Error::new(Phase::Settings, message).because(error)
                })?;
            }
            return Ok(store);
        }
        let found = rustls_native_certs::load_native_certs();
        // A system's own list may hold what is out of use; the others count.
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            let message = "the system trusts nobody, and a backend over TLS is to be called";
            let error = Error::new(Phase::Settings, message);
            return Err(match found.errors.into_iter().next() {
                Some(why) => error.because(why),
                None => error,
            });
        }
        Ok(store)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("Trust(system)"),
            Some(given) => write!(f, "Trust({} given)", given.len()),
        }
    }
}

/// The name that a certificate must be for, of the host of a URI.
pub(crate) fn name_of(host: &str) -> Option<ServerName<'static>> {
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    ServerName::try_from(bare.unwrap_or(host).to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_certificate_is_not_trusted() {
        let signed = rcgen::generate_simple_self_signed(["a".to_owned()]).expect("a certificate");
        let good = signed.cert.pem();
        assert!(Trust::pem(good.as_bytes()).is_ok());
        let half = &good[..good.len() / 2];
        let other = good.replace("CERTIFICATE", "PRIVATE KEY");
        let none = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for wrong in ["", "text", half, &other, none, &format!("{good}{none}")] {
            let error = Trust::pem(wrong.as_bytes()).expect_err(wrong);
            assert_eq!(error.phase(), Phase::Settings);
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for host in ["a", "a.example", "127.0.0.1", "[::1]"] {
            assert!(name_of(host).is_some(), "{host}");
        }
        for host in ["", "-", "a b", "[::1", "a..b"] {
            assert!(name_of(host).is_none(), "{host}");
        }
    }
}
