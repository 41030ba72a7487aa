//! Backends over TLS: whom they are believed to be, and what is spoken.

use std::convert::Infallible;
use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use byname_upstream::{Backend, Error, Options, Phase, Protocol, Timeouts, Trust};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::TlsAcceptor;

use crate::rig::*;

/// A server over TLS with a certificate of its own for `name`, and whom to trust for it.
async fn secured(name: &str, spoken: &[&str]) -> (Server, Trust) {
    let (server, pem) = certified(name, spoken).await;
    (server, Trust::pem(pem.as_bytes()).expect("a certificate"))
}

/// A server over TLS with a certificate of its own for `name`, and that certificate.
async fn certified(name: &str, spoken: &[&str]) -> (Server, String) {
    let pair = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let pem = pair.cert.pem();
    let key = PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![pair.cert.der().clone()], key.into())
        .expect("a pair");
    config.alpn_protocols = spoken.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::raw(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let session = stream.get_ref().1;
            let two = session.alpn_protocol() == Some(b"h2");
            let called = session.server_name().unwrap_or("nobody").to_owned();
            let service = service_fn(move |request: http::Request<Incoming>| {
                let host = request.headers().get("host");
                let host = host.map(|it| it.to_str().expect("a text").to_owned());
                let host = host.or_else(|| request.uri().authority().map(ToString::to_string));
                let said = format!("{:?} {called} {}", request.version(), host.expect("a host"));
                let answer = http::Response::new(Full::new(Bytes::from(said)));
                std::future::ready(Ok::<_, Infallible>(answer))
            });
            let io = TokioIo::new(stream);
            if two {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(io, service).await;
            } else {
                let builder = hyper::server::conn::http1::Builder::new();
                let _ = builder.serve_connection(io, service).await;
            }
        }
    });
    (server.await, pem)
}

/// A backend by a name of this machine.
fn named(server: &Server) -> Backend {
    Backend::new(&format!("https://localhost:{}", server.addr.port())).expect("a backend")
}

fn chain(error: &Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

async fn said(backend: Backend, options: Options) -> Result<String, Error> {
    let answer = whole(get(&upstream([backend], options)).await).await?;
    Ok(String::from_utf8(answer.1.to_vec()).expect("a text"))
}

#[tokio::test]
async fn what_is_spoken_is_agreed_on() {
    for (spoken, wanted, version) in [
        (&["h2", "http/1.1"][..], Protocol::Agreed, "HTTP/2.0"),
        (&["http/1.1"], Protocol::Agreed, "HTTP/1.1"),
        (&[], Protocol::Agreed, "HTTP/1.1"),
        (&["h2", "http/1.1"], Protocol::Http1, "HTTP/1.1"),
        (&["h2", "http/1.1"], Protocol::Http2, "HTTP/2.0"),
    ] {
        let (server, trust) = secured("localhost", spoken).await;
        let backend = named(&server).protocol(wanted);
        let answer = said(backend, plain().trust(trust))
            .await
            .expect("an answer");
        let port = server.addr.port();
        assert_eq!(answer, format!("{version} localhost localhost:{port}"));
    }
}

#[tokio::test]
async fn who_does_not_speak_what_must_be_spoken_is_not_asked() {
    for spoken in [&["http/1.1"][..], &[]] {
        let (server, trust) = secured("localhost", spoken).await;
        let backend = named(&server).protocol(Protocol::Http2);
        let error = said(backend, plain().trust(trust)).await.expect_err("no");
        assert_eq!(error.phase(), Phase::Connect, "{error:?}");
        assert!(!error.may_have_reached());
    }
}

#[tokio::test]
async fn a_stranger_is_told_nothing_and_the_error_says_why() {
    let (server, _) = secured("localhost", &["http/1.1"]).await;
    let (_, other) = secured("localhost", &[]).await;
    let error = said(named(&server), plain().trust(other)).await;
    let error = error.expect_err("it is not trusted");
    assert_eq!(error.phase(), Phase::Connect);
    assert!(!error.may_have_reached());
    assert!(
        chain(&error).contains("invalid peer certificate"),
        "{}",
        chain(&error)
    );
}

/// What is logged at the level of a warning, field by field.
#[derive(Clone, Default)]
struct Warned(Arc<Mutex<String>>);

impl tracing::Subscriber for Warned {
    fn enabled(&self, of: &tracing::Metadata<'_>) -> bool {
        *of.level() <= tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn fmt::Debug| {
                let mut said = self.0.lock().expect("a lock");
                let _ = write!(said, "{}={value:?} ", field.name());
            },
        );
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

// A server that was left out for its certificate was only said to be left out: why was known to those who
// had asked for everything to be logged.
#[tokio::test]
async fn why_a_server_is_left_out_is_in_the_log() {
    let (server, _) = secured("localhost", &["http/1.1"]).await;
    let (_, other) = secured("localhost", &[]).await;
    let warned = Warned::default();
    let _recording = tracing::subscriber::set_default(warned.clone());
    let asked = upstream([named(&server)], Options::default().trust(other));
    for _ in 0..20 {
        let answer = whole(get(&asked).await).await;
        assert!(answer.is_err(), "it is not trusted");
    }
    let warned = warned.0.lock().expect("a lock");
    assert!(warned.contains("message=left out"), "{warned}");
    assert!(warned.contains("invalid peer certificate"), "{warned}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_none() {
    let (server, trust) = secured("elsewhere.example", &["http/1.1"]).await;
    let error = said(named(&server), plain().trust(trust.clone())).await;
    let error = error.expect_err("it is somebody else");
    assert!(
        chain(&error).contains("not valid for name"),
        "{}",
        chain(&error)
    );
    // By its address it is nobody either; one that is for the address is.
    let by_address = |server: &Server| Backend::new(&format!("https://{}", server.addr));
    let backend = by_address(&server).expect("a backend");
    said(backend, plain().trust(trust)).await.expect_err("no");
    let (server, trust) = secured("127.0.0.1", &["http/1.1"]).await;
    let backend = by_address(&server).expect("a backend");
    let answer = said(backend, plain().trust(trust)).await.expect("it is");
    // An address is not said to the other side (RFC 6066, 3).
    assert_eq!(answer, format!("HTTP/1.1 nobody {}", server.addr));
}

#[tokio::test]
async fn one_connection_carries_one_call_after_another() {
    for spoken in ["h2", "http/1.1"] {
        let (server, trust) = secured("localhost", &[spoken]).await;
        let upstream = upstream([named(&server)], plain().trust(trust));
        for _ in 0..20 {
            assert_eq!(status_of_get(&upstream).await.expect("an answer"), 200);
        }
        assert_eq!(server.connections(), 1, "{spoken}");
        assert_eq!(counts(&upstream, 0), [20, 20, 0, 0, 0]);
    }
}

#[tokio::test]
async fn agreeing_on_tls_has_an_end() {
    let silent = Server::scripted(&[Step::Hang]).await;
    let (_, trust) = secured("localhost", &[]).await;
    let options = plain().trust(trust).timeouts(Timeouts {
        connect: Duration::from_millis(50),
        ..Timeouts::default()
    });
    let error = said(named(&silent), options).await.expect_err("silence");
    assert_eq!(error.phase(), Phase::Connect);
    assert!(chain(&error).contains("in time"), "{}", chain(&error));
}

#[tokio::test]
async fn what_is_no_tls_is_refused() {
    let (server, _) = answers(200).await;
    let (_, trust) = secured("localhost", &[]).await;
    let error = said(named(&server), plain().trust(trust)).await;
    assert_eq!(error.expect_err("plain").phase(), Phase::Connect);
}

/// Backends over TLS may come later.
#[tokio::test]
async fn a_backend_over_tls_that_comes_later_is_called() {
    let (server, trust) = secured("localhost", &["h2"]).await;
    let upstream = upstream([], plain().trust(trust));
    upstream.set_backends([named(&server)]).expect("a backend");
    assert_eq!(status_of_get(&upstream).await.expect("an answer"), 200);
}

/// The variable that names a backend to the process that calls it.
const CALLED: &str = "BYNAME_TEST_CALLED";

/// Asks a backend in a process of its own, with a file of authorities as the system's: what is trusted
/// is a matter of the whole process.
async fn asked_with(authorities: &str, server: &Server) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("authorities.pem");
    std::fs::write(&file, authorities).expect("it is written");
    let program = std::env::current_exe().expect("this program");
    let mut asking = std::process::Command::new(program);
    asking
        .args(["--exact", TRUSTING, "--nocapture"])
        .env("SSL_CERT_FILE", &file)
        .env_remove("SSL_CERT_DIR")
        .env(CALLED, format!("https://localhost:{}", server.addr.port()));
    let asked = tokio::task::spawn_blocking(move || asking.output());
    let asked = asked.await.expect("it ends").expect("it is started");
    let said = String::from_utf8(asked.stdout).expect("a text");
    let said = said
        .split_once('<')
        .and_then(|(_, said)| said.split_once('>'));
    said.expect("it says what it was told").0.to_owned()
}

/// The test below, which is started once more by itself.
const TRUSTING: &str =
    "secured::the_authorities_of_the_system_are_those_of_ssl_cert_file_where_that_is_set";

/// Whom the system trusts was tested by nothing.
#[tokio::test]
async fn the_authorities_of_the_system_are_those_of_ssl_cert_file_where_that_is_set() {
    if let Ok(called) = std::env::var(CALLED) {
        let backend = Backend::new(&called).expect("a backend");
        match said(backend, plain().trust(Trust::system())).await {
            Ok(said) => println!("<{said}>"),
            Err(error) => println!("<{}>", chain(&error)),
        }
        return;
    }
    let (server, own) = certified("localhost", &["http/1.1"]).await;
    let (_, other) = certified("localhost", &[]).await;
    let answer = format!("HTTP/1.1 localhost localhost:{}", server.addr.port());
    assert_eq!(asked_with(&own, &server).await, answer);
    // Others beside it do no harm.
    assert_eq!(asked_with(&format!("{other}{own}"), &server).await, answer);
    let refused = asked_with(&other, &server).await;
    assert!(refused.contains("invalid peer certificate"), "{refused}");
}
