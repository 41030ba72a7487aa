//! Where a publisher is reached: over TLS, and at the file of a socket.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use byname::{ErrorKind, Running, ServiceError};
use tempfile::TempDir;

use crate::names::{Asking, app};

async fn ask(near: &Running) -> Result<String, ServiceError> {
    let asking = near.service::<Asking>("asking").await.unwrap();
    asking.0.get_name("a/b".to_owned()).await
}

/// The first says names, the second needs them and has none of its own.
fn file(far: &str, client: &str) -> String {
    format!(
        "
services: {{ names: {{}}, asking: {{}} }}
servers:
  far: {{ publish: [names], values: {{ by: far }}, {far} }}
  near: {{ services: [asking] }}
{client}"
    )
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_at_a_sockets_file_is_called_and_found_again_when_it_comes_back() {
    let folder = TempDir::new().unwrap();
    let socket = format!("'unix:{}'", path(&folder, "shop.sock"));
    let far = format!("url: {socket}, listeners: {{ one: {{ address: {socket} }} }}");
    let file = file(&far, "");
    let near = app(&file, "near").start().await.unwrap();
    let error = ask(&near).await.expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!error.to_string().contains("shop.sock"), "{error}");
    for _ in 0..2 {
        let far = app(&file, "far").start().await.unwrap();
        assert_eq!(ask(&near).await.unwrap(), "a/b by far");
        far.stop().await.unwrap();
        assert_eq!(ask(&near).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    near.stop().await.unwrap();
}

/// Writes a certificate of this name and its key, and returns what it is written as.
fn certificate(folder: &TempDir, name: &str) -> String {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let write = |name: String, text: String| std::fs::write(folder.path().join(name), text);
    write(format!("{name}.pem"), pair.cert.pem()).unwrap();
    write(format!("{name}.key"), pair.signing_key.serialize_pem()).unwrap();
    path(folder, &format!("{name}.pem"))
}

async fn port(far: &Running) -> u16 {
    let name = "servers.far.listeners.one";
    let server = far.service::<byname::http::Server>(name).await.unwrap();
    server.address().unwrap().tcp().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_over_tls_is_called_by_who_trusts_it_and_by_nobody_else() {
    let folder = TempDir::new().unwrap();
    let (own, other) = (certificate(&folder, "own"), certificate(&folder, "other"));
    let (own, other) = (format!("'{own}'"), format!("'{other}'"));
    let key = format!("'{}'", path(&folder, "own.key"));
    let listeners = format!(
        "listeners: {{ one: {{ address: '127.0.0.1:0', tls: {{ certificate: {own}, key: {key} }} }} }}"
    );
    let far = app(&file(&listeners, ""), "far").start().await.unwrap();
    let url = format!("url: 'https://localhost:{}'", port(&far).await);
    let near = async |of_server: &str, client: &str| {
        let file = file(&format!("{listeners}, {url}{of_server}"), client);
        app(&file, "near").start().await.unwrap()
    };
    let client = |trust: &str| format!("clients: {{ names: {{ server: far, trust: {trust} }} }}");
    for (of_server, client, is_trusted) in [
        (format!(", trust: {own}"), String::new(), true),
        (format!(", trust: {other}"), String::new(), false),
        // What a client says counts.
        (format!(", trust: {other}"), client(&own), true),
        (format!(", trust: {own}"), client(&other), false),
        // The system trusts nobody's own certificate.
        (String::new(), client(&own), true),
    ] {
        let near = near(&of_server, &client).await;
        match ask(&near).await {
            Ok(name) => assert!(is_trusted && name == "a/b by far", "{name}"),
            Err(error) => {
                assert!(!is_trusted, "{error:?}");
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                // Why is for the log, and nobody else is told.
                let told = serde_json::to_string(&error.to_problem()).unwrap();
                assert!(!told.contains("certificate"), "{told}");
                assert!(causes(&error).contains("invalid peer certificate"));
            }
        }
        near.stop().await.unwrap();
    }
    far.stop().await.unwrap();
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes = format!("{causes}: {error}");
        cause = error.source();
    }
    causes
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_to_be_trusted_must_be_there_and_be_somebody() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let missing = folder.path().join("missing.pem");
    let of = |trust: &Path| {
        let far = format!("url: 'https://localhost:1', trust: '{}'", trust.display());
        app(&file(&far, ""), "near")
    };
    for (trust, word) in [(&missing, "cannot be read"), (&empty, "of no use")] {
        let error = of(trust).start().await.expect_err("nobody").to_string();
        let name = trust.file_name().unwrap().to_str().unwrap();
        assert!(error.contains(word) && error.contains(name), "{error}");
    }
}

#[test]
fn a_wrong_url_is_told_with_its_place() {
    for (url, what) in [
        ("ftp://a", "it does not begin with"),
        ("https://a:x", "the port is no number"),
        ("https://a..b", "no certificate can be for"),
        ("https://a/../b", "dot segment"),
        ("unix:", "no path of a socket"),
        ("unix:/run/", "no path of a socket"),
        ("unix:/run/a.sock:/x?y", "a query"),
        ("unix:/run/a.sock:/x/../y", "dot segment"),
        (&format!("unix:/{}", "a".repeat(107)), "at most 107 bytes"),
    ] {
        for (far, client, place) in [
            (format!("url: '{url}'"), String::new(), "the application:4:"),
            (
                "url: 'http://a'".to_owned(),
                format!("clients: {{ names: {{ server: far, url: '{url}' }} }}"),
                "the application:6:",
            ),
        ] {
            let told = app(&file(&far, &client), "near").check();
            assert!(told.is_fatal(), "{url}");
            let told = told.to_string();
            assert!(told.contains(what) && told.contains(place), "{told}");
        }
    }
}
