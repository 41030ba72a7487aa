//! Encrypted connections, and certificates that change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use byname_components::http::listen::{
    ListenError, Listener, Peer as Who, Protocol, Serving, Settings, Tls,
};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedKey, IsCa, Issuer, KeyPair,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::rig::{Calls, PATIENCE, Peer, patiently, port, router, serve, settings, until};

/// A folder with a certificate and its key.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a pair into the files that the settings name.
    fn put(&self, pair: &CertifiedKey<KeyPair>) {
        fs::write(self.path("cert.pem"), pair.cert.pem()).unwrap();
        fs::write(self.path("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    }

    fn settings(&self) -> Settings {
        Settings {
            tls: Some(Tls {
                certificate: self.path("cert.pem"),
                key: self.path("key.pem"),
                client_ca: None,
                poll: Duration::from_secs(3600).into(),
            }),
            ..settings()
        }
    }
}

fn pair() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// What a peer trusts, shows and speaks.
struct Client<'a> {
    trusts: &'a Certificate,
    shows: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    speaks: &'a [&'a str],
}

impl Client<'_> {
    async fn connect(self, serving: &Serving) -> std::io::Result<Peer<TlsStream<TcpStream>>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusts.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.shows {
            Some((certificate, key)) => builder
                .with_client_auth_cert(vec![certificate], key)
                .unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self
            .speaks
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let stream = TcpStream::connect(port(serving)).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        patiently(connecting).await.map(Peer)
    }
}

fn trusting(trusts: &Certificate) -> Client<'_> {
    Client {
        trusts,
        shows: None,
        speaks: &[],
    }
}

async fn trusted(serving: &Serving, trusts: &Certificate) -> bool {
    trusting(trusts).connect(serving).await.is_ok()
}

#[tokio::test]
async fn requests_are_answered_under_encryption() {
    let (folder, pair) = (Folder::new(), pair());
    folder.put(&pair);
    let tell = Router::new().route(
        "/",
        get(|Extension(who): Extension<Who>| async move { format!("{} {}", who.tls, who.local) }),
    );
    let serving = serve(folder.settings(), tell).await;
    let mut peer = trusting(&pair.cert).connect(&serving).await.unwrap();
    let address = format!("https://{}", port(&serving));
    assert_eq!(serving.address().to_string(), address);
    assert_eq!(peer.get("/").await.body, format!("true {address}"));
    assert_eq!(serving.drain(PATIENCE).await, 0);
    // The end is said, and not only the connection cut.
    assert_eq!(peer.rest().await, "");
}

#[tokio::test]
async fn the_peer_chooses_what_is_spoken() {
    let (folder, pair) = (Folder::new(), pair());
    folder.put(&pair);
    let both = serve(folder.settings(), router(&Calls::default())).await;
    let one = Settings {
        protocols: vec![Protocol::Http1],
        ..folder.settings()
    };
    let one = serve(one, router(&Calls::default())).await;
    for (serving, speaks, chosen) in [
        (&both, &["h2", "http/1.1"][..], Some("h2")),
        (&both, &["http/1.1"], Some("http/1.1")),
        (&both, &[], None),
        (&one, &["h2", "http/1.1"], Some("http/1.1")),
    ] {
        let client = Client {
            speaks,
            ..trusting(&pair.cert)
        };
        let mut peer = client.connect(serving).await.unwrap();
        let agreed = peer.0.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(agreed.as_deref(), chosen.map(str::as_bytes));
        if chosen == Some("h2") {
            let io = hyper_util::rt::TokioIo::new(peer.0);
            let executor = hyper_util::rt::TokioExecutor::new();
            let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
                .await
                .unwrap();
            tokio::spawn(connection);
            let request = axum::http::Request::get("https://localhost/");
            let request = request.body(axum::body::Body::empty()).unwrap();
            let response = patiently(sender.send_request(request)).await.unwrap();
            assert_eq!(response.status(), 200);
        } else {
            assert_eq!(peer.get("/").await.body, "hello");
        }
    }
    let client = Client {
        speaks: &["h2"],
        ..trusting(&pair.cert)
    };
    assert!(client.connect(&one).await.is_err());
    until(|| one.stats().handshake_errors == 1).await;
}

#[tokio::test]
async fn who_speaks_without_encryption_is_not_answered() {
    let (folder, pair) = (Folder::new(), pair());
    folder.put(&pair);
    let serving = serve(folder.settings(), router(&Calls::default())).await;
    let mut peer = Peer::connect(&serving).await;
    peer.say("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    peer.gone().await;
    until(|| serving.stats().open == 0).await;
    let stats = serving.stats();
    assert_eq!((stats.handshake_errors, stats.requests), (1, 0));
    assert!(trusted(&serving, &pair.cert).await);
}

#[tokio::test]
async fn an_agreement_that_does_not_come_ends_the_connection() {
    let (folder, pair) = (Folder::new(), pair());
    folder.put(&pair);
    let mut short = folder.settings();
    short.timeouts.header = Duration::from_millis(50).into();
    let serving = serve(short, router(&Calls::default())).await;
    let mut silent = Peer::connect(&serving).await;
    assert_eq!(silent.rest().await, "");
    assert_eq!(serving.stats().header_timeouts, 1);
    let mut begun = Peer::connect(&serving).await;
    // The first bytes of a message that is longer.
    begun.say("\x16\x03\x01\x00\x70").await;
    begun.gone().await;
    until(|| serving.stats().handshake_errors == 1).await;
}

#[tokio::test]
async fn who_has_not_begun_to_agree_is_closed_at_the_drain() {
    let (folder, pair) = (Folder::new(), pair());
    folder.put(&pair);
    let serving = serve(folder.settings(), router(&Calls::default())).await;
    let mut silent = Peer::connect(&serving).await;
    until(|| serving.stats().open == 1).await;
    assert_eq!(serving.drain(PATIENCE).await, 0);
    assert_eq!(silent.rest().await, "");
}

#[tokio::test]
async fn a_changed_certificate_is_taken_and_connections_stay() {
    let folder = Folder::new();
    let (before, after) = (pair(), pair());
    folder.put(&before);
    let serving = serve(folder.settings(), router(&Calls::default())).await;
    let mut peer = trusting(&before.cert).connect(&serving).await.unwrap();
    assert_eq!(peer.get("/").await.status, 200);
    folder.put(&after);
    until(|| serving.stats().certificates_reloaded > 0).await;
    assert!(trusted(&serving, &after.cert).await);
    assert!(!trusted(&serving, &before.cert).await);
    assert_eq!(peer.get("/").await.status, 200);
}

#[tokio::test]
async fn an_agreement_that_has_begun_ends_with_the_certificate_it_began_with() {
    let folder = Folder::new();
    let (before, after) = (pair(), pair());
    folder.put(&before);
    let serving = serve(folder.settings(), router(&Calls::default())).await;
    // What the peer says first goes through a pipe that is held in the middle.
    let (end, mut middle) = tokio::io::duplex(1 << 16);
    let mut roots = RootCertStore::empty();
    roots.add(before.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, end);
    let connecting = tokio::spawn(connecting);
    let mut hello = vec![0; 5];
    tokio::io::AsyncReadExt::read_exact(&mut middle, &mut hello)
        .await
        .unwrap();
    let mut stream = TcpStream::connect(port(&serving)).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &hello)
        .await
        .unwrap();
    until(|| serving.stats().open == 1).await;
    // Not by a number of the listener: that it has begun to agree shows in nothing else.
    let mut other = trusting(&before.cert).connect(&serving).await.unwrap();
    assert_eq!(other.get("/").await.status, 200);
    folder.put(&after);
    until(|| serving.stats().certificates_reloaded > 0).await;
    let passing = tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut middle, &mut stream).await;
    });
    let mut peer = Peer(patiently(connecting).await.unwrap().unwrap());
    assert_eq!(peer.get("/").await.body, "hello");
    drop(peer);
    patiently(passing).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_used_keeps_what_was_before_and_is_counted() {
    let folder = Folder::new();
    let (before, other) = (pair(), pair());
    folder.put(&before);
    let serving = serve(folder.settings(), router(&Calls::default())).await;
    let halves: [&dyn Fn(); 3] = [
        // A certificate without its key.
        &|| fs::write(folder.path("cert.pem"), other.cert.pem()).unwrap(),
        &|| fs::write(folder.path("key.pem"), "no key").unwrap(),
        &|| fs::remove_file(folder.path("cert.pem")).unwrap(),
    ];
    for change in halves {
        let refused = serving.stats().certificates_refused;
        change();
        until(|| serving.stats().certificates_refused > refused).await;
        assert!(trusted(&serving, &before.cert).await);
    }
    assert_eq!(serving.stats().certificates_reloaded, 0);
    folder.put(&other);
    until(|| serving.stats().certificates_reloaded == 1).await;
    assert!(trusted(&serving, &other.cert).await);
}

/// As files of secrets are changed where a cluster puts them: a link to a folder is switched.
#[cfg(unix)]
#[tokio::test]
async fn a_link_that_is_switched_is_a_change() {
    let folder = Folder::new();
    let (before, after) = (pair(), pair());
    for (name, pair) in [("one", &before), ("two", &after)] {
        fs::create_dir(folder.path(name)).unwrap();
        fs::write(folder.path(name).join("cert.pem"), pair.cert.pem()).unwrap();
        fs::write(
            folder.path(name).join("key.pem"),
            pair.signing_key.serialize_pem(),
        )
        .unwrap();
    }
    let link = |from: &str, to: &str| {
        std::os::unix::fs::symlink(Path::new(from), folder.path(to)).unwrap();
    };
    link("one", "now");
    link("now/cert.pem", "cert.pem");
    link("now/key.pem", "key.pem");
    let serving = serve(folder.settings(), router(&Calls::default())).await;
    assert!(trusted(&serving, &before.cert).await);
    link("two", "next");
    fs::rename(folder.path("next"), folder.path("now")).unwrap();
    until(|| serving.stats().certificates_reloaded == 1).await;
    assert!(trusted(&serving, &after.cert).await);
}

#[tokio::test]
async fn a_change_between_binding_and_serving_is_seen() {
    let folder = Folder::new();
    let (before, after) = (pair(), pair());
    folder.put(&before);
    let listener = Listener::bind(folder.settings()).await.unwrap();
    folder.put(&after);
    let serving = listener.serve(crate::rig::endpoint(router(&Calls::default())));
    until(|| serving.stats().certificates_reloaded == 1).await;
    assert!(trusted(&serving, &after.cert).await);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_errors_before_anything_is_bound() {
    let folder = Folder::new();
    let (one, other) = (pair(), pair());
    let key = one.signing_key.serialize_pem();
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let cut = &key[..key.len() / 2];
    let cert = one.cert.pem();
    for (certificate, key, file, why) in [
        (Some(&*cert), None, "key.pem", "cannot be read"),
        (None, Some(&*key), "cert.pem", "cannot be read"),
        (
            Some(&cert),
            Some(&other.signing_key.serialize_pem()),
            "key.pem",
            "is not the key of",
        ),
        (
            Some(&cert),
            Some(&cert),
            "key.pem",
            "there is no private key in it",
        ),
        (
            Some(&key),
            Some(&key),
            "cert.pem",
            "there is no certificate in it",
        ),
        (Some(&cert), Some(&encrypted), "key.pem", "is encrypted"),
        (Some(&cert), Some(cut), "key.pem", "is broken PEM"),
        (
            Some(&cert),
            Some(""),
            "key.pem",
            "there is no private key in it",
        ),
    ] {
        for (name, content) in [("cert.pem", certificate), ("key.pem", key)] {
            let _ = fs::remove_file(folder.path(name));
            if let Some(content) = content {
                fs::write(folder.path(name), content).unwrap();
            }
        }
        let mut settings = folder.settings();
        // If it were bound, that would be another error.
        settings.address = "192.0.2.1:1".parse().unwrap();
        let error = Listener::bind(settings).await.unwrap_err();
        let told = error.to_string();
        assert!(
            matches!(error, ListenError::Tls { path, .. } if path == folder.path(file)),
            "{told}"
        );
        assert!(told.contains(why), "{told}");
        // Nothing of a key is in a message.
        for line in key
            .unwrap_or_default()
            .lines()
            .filter(|line| line.len() > 8)
        {
            assert!(!told.contains(line), "{told}");
        }
    }
}

/// An authority, and a certificate that it has signed.
fn authority() -> (Certificate, CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let peers = KeyPair::generate().unwrap();
    let signed = CertificateParams::new(["peer".to_owned()]).unwrap();
    let signed = signed.signed_by(&peers, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(peers.serialize_der()).unwrap();
    (authority, signed.der().clone(), key)
}

#[tokio::test]
async fn a_peer_shows_a_certificate_of_the_authority_where_one_is_named() {
    let (folder, pair) = (Folder::new(), pair());
    folder.put(&pair);
    let (ours, certificate, key) = authority();
    let (_, foreign, foreign_key) = authority();
    fs::write(folder.path("ca.pem"), ours.pem()).unwrap();
    let mut settings = folder.settings();
    settings.tls.as_mut().unwrap().client_ca = Some(folder.path("ca.pem"));
    let expected = certificate.clone();
    let tell = Router::new().route(
        "/",
        get(move |Extension(who): Extension<Who>| async move {
            (who.certificate.unwrap()[..] == expected[..]).to_string()
        }),
    );
    let serving = serve(settings, tell).await;
    let client = Client {
        shows: Some((certificate, key)),
        ..trusting(&pair.cert)
    };
    let mut peer = client.connect(&serving).await.unwrap();
    assert_eq!(peer.get("/").await.body, "true");
    for shows in [None, Some((foreign, foreign_key))] {
        let client = Client {
            shows,
            ..trusting(&pair.cert)
        };
        // Of TLS 1.3, the peer is done before it hears that it is refused.
        if let Ok(mut peer) = client.connect(&serving).await {
            peer.gone().await;
        }
    }
    until(|| serving.stats().handshake_errors == 2).await;
    assert_eq!(serving.stats().requests, 1);
}
