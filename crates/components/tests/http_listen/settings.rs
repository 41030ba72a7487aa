//! Settings as they are written, and those that cannot be.

use byname_components::config::units::Bytes;
use byname_components::http::listen::{BodyLimit, ListenError, Listener, Mode, Protocol, Settings};
use serde_json::{Value, json};

use crate::rig::settings;

fn read(settings: Value) -> Result<Settings, String> {
    serde_json::from_value(settings).map_err(|error| error.to_string())
}

#[test]
fn nothing_is_the_defaults_and_they_make_sense() {
    let defaults = read(json!({})).unwrap();
    assert_eq!(defaults, Settings::default());
    defaults.check().unwrap();
    assert_eq!(defaults.address.to_string(), "127.0.0.1:8080");
    assert_eq!(defaults.limits.body, BodyLimit::AtMost(Bytes::new(2 << 20)));
    assert_eq!(defaults.timeouts.idle.to_string(), "1m15s");
}

#[test]
fn everything_can_be_said() {
    let all = read(json!({
        "address": "unix:/run/app.sock",
        "tls": { "certificate": "cert.pem", "key": "key.pem", "client-ca": "ca.pem", "poll": "10s" },
        "protocols": ["http2"],
        "timeouts": { "header": "1s", "body": "2s", "idle": "3s", "write": "4s", "drain": "0s" },
        "limits": {
            "connections": 1, "header": "1KiB", "headers": 2, "body": "unlimited", "streams": 3,
        },
        "unix": { "mode": "0600", "replace": false },
    }))
    .unwrap();
    all.check().unwrap();
    assert_eq!(all.protocols, [Protocol::Http2]);
    assert_eq!(all.limits.body, BodyLimit::Unlimited);
    assert_eq!(all.unix.mode.bits(), 0o600);
    assert_eq!(all.tls.unwrap().client_ca.unwrap().to_str(), Some("ca.pem"));
}

#[test]
fn what_cannot_be_says_what_can() {
    for (settings, why) in [
        (json!({"limits": {"body": "2"}}), "`2` has no unit"),
        (
            json!({"limits": {"body": 0}}),
            "`unlimited`, or a number of bytes",
        ),
        (json!({"limits": {"connections": 0}}), "nonzero"),
        (
            json!({"unix": {"mode": "660x"}}),
            "three or four octal digits",
        ),
        (
            json!({"unix": {"mode": "7777"}}),
            "three or four octal digits",
        ),
        (json!({"unix": {"mode": 660}}), "three or four octal digits"),
        (json!({"protocols": ["http3"]}), "http1"),
        (json!({"tls": {"key": "key.pem"}}), "certificate"),
    ] {
        let error = read(settings.clone()).unwrap_err();
        assert!(error.contains(why), "{settings}: {error}");
    }
    assert_eq!("660".parse::<Mode>(), "0660".parse());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_key() {
    for (settings, key) in [
        (json!({"protocols": []}), "protocols"),
        (json!({"timeouts": {"header": "0s"}}), "timeouts.header"),
        (json!({"timeouts": {"body": "0s"}}), "timeouts.body"),
        (json!({"timeouts": {"idle": "1000d"}}), "timeouts.idle"),
        (json!({"timeouts": {"write": "0s"}}), "timeouts.write"),
        (json!({"limits": {"header": "1023B"}}), "limits.header"),
        (json!({"limits": {"header": "1GiB"}}), "limits.header"),
        (json!({"limits": {"headers": 10_001}}), "limits.headers"),
        (
            json!({"tls": {"certificate": "c", "key": "k", "poll": "0s"}}),
            "tls.poll",
        ),
    ] {
        let error = Listener::bind(read(settings).unwrap()).await.unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("`{key}` is ")),
            "{error}"
        );
        assert!(matches!(error, ListenError::Setting { .. }));
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_says_what_to_do() {
    let first = Listener::bind(settings()).await.unwrap();
    let taken = first.address().address().clone();
    let again = Settings {
        address: taken.clone(),
        ..settings()
    };
    let error = Listener::bind(again.clone()).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot listen on {taken}: another program")),
        "{error}"
    );
    assert!(error.contains("127.0.0.1:0 (any free one)"), "{error}");
    drop(first);
    assert!(Listener::bind(again).await.is_ok());
    let mut elsewhere = settings();
    // An address for documentation (RFC 5737), which no machine has.
    elsewhere.address = "192.0.2.1:0".parse().unwrap();
    let error = Listener::bind(elsewhere).await.unwrap_err().to_string();
    assert!(
        error.contains("this machine has no such address"),
        "{error}"
    );
}
