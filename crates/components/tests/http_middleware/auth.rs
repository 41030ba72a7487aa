use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::get as on_get;
use axum::{Extension, Router};
use byname_components::http::middleware::{
    AccessLog, AccessLogSettings, ApiKeyAuth, ApiKeyAuthSettings, BearerAuth, BearerAuthSettings,
    Identity, KeyError,
};
use byname_components::http::{Endpoint, Middleware};
use tower::Layer as _;

use crate::rig::{Answer, Log, answer, before, get, request, settings};

fn router() -> Router {
    let whoami = |Extension(Identity(name)): Extension<Identity>| async move { name.to_string() };
    Router::new().route("/", on_get(whoami))
}

async fn bearer(yaml: &str) -> Endpoint {
    let layer = BearerAuth::load(settings::<BearerAuthSettings>(yaml))
        .await
        .unwrap();
    before(router(), Middleware::new(layer))
}

async fn api_key(yaml: &str) -> Endpoint {
    let layer = ApiKeyAuth::load(settings::<ApiKeyAuthSettings>(yaml))
        .await
        .unwrap();
    before(router(), Middleware::new(layer))
}

async fn with(endpoint: &Endpoint, headers: &[(&str, &str)]) -> Answer {
    answer(endpoint, request("GET", "/", headers)).await
}

const ANN: &str = "keys: { given: ['ann:hush-1', 'ben:hush-2'] }";

#[tokio::test]
async fn who_shows_a_token_is_known_behind_and_others_are_401() {
    let endpoint = bearer(ANN).await;
    for shown in ["Bearer hush-1", "bearer hush-1", "BEARER   hush-1"] {
        let known = with(&endpoint, &[("authorization", shown)]).await;
        assert_eq!(
            (known.status, known.text()),
            (StatusCode::OK, "ann"),
            "{shown}"
        );
        assert_eq!(known.header("vary"), None);
    }
    let none = answer(&endpoint, get("/?access_token=hush-1")).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        none.header("www-authenticate"),
        Some("Bearer realm=\"api\"")
    );
    none.problem();
    for shown in [
        "Bearer hush-3",
        "Bearer",
        "Bearer ",
        "hush-1",
        "Basic hush-1",
        "Bearerhush-1",
        "Bearer hush-1 x",
        "Bearer Hush-1",
    ] {
        let refused = with(&endpoint, &[("authorization", shown)]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{shown}");
        let challenge = "Bearer realm=\"api\", error=\"invalid_token\"";
        assert_eq!(refused.header("www-authenticate"), Some(challenge));
        assert!(!refused.text().contains("ush-"), "{}", refused.text());
    }
    let twice = [
        ("authorization", "Bearer hush-1"),
        ("authorization", "Bearer hush-1"),
    ];
    assert_eq!(
        with(&endpoint, &twice).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn who_shows_a_key_in_the_header_is_known() {
    let endpoint = api_key(ANN).await;
    let known = with(&endpoint, &[("x-api-key", "hush-2")]).await;
    assert_eq!(
        (known.text(), known.header("vary")),
        ("ben", Some("x-api-key"))
    );
    for headers in [
        &[][..],
        &[("x-api-key", "hush-3")],
        &[("authorization", "Bearer hush-1")],
    ] {
        let refused = with(&endpoint, headers).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        let challenge = "ApiKey realm=\"api\", header=\"x-api-key\"";
        assert_eq!(refused.header("www-authenticate"), Some(challenge));
        assert_eq!(refused.header("vary"), Some("x-api-key"));
    }
    let own = api_key("{ header: X-Token, realm: 'a \"b\"', keys: { given: [hush-1] } }").await;
    let known = with(&own, &[("x-token", "hush-1")]).await;
    assert!(known.text().starts_with("sha256:"), "{}", known.text());
    let refused = answer(&own, get("/?x-token=hush-1")).await;
    let challenge = "ApiKey realm=\"a \\\"b\\\"\", header=\"x-token\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
}

#[tokio::test]
async fn who_is_known_and_may_not_is_403_and_logged_by_name() {
    let log = Log::new();
    let inner = bearer(&format!("{{ allow: [ben], {ANN} }}")).await;
    let endpoint =
        Middleware::new(AccessLog::new(AccessLogSettings::default()).unwrap()).layer(inner);
    for (token, status, name) in [
        ("hush-1", 403, Some("ann")),
        ("hush-2", 200, Some("ben")),
        ("x", 401, None),
    ] {
        let shown = format!("Bearer {token}");
        let answer = with(&endpoint, &[("authorization", &shown)]).await;
        assert_eq!(answer.status.as_u16(), status);
        let events = log.take("byname::access");
        assert_eq!(events[0].get("identity"), name);
    }
    assert!(!log.says("hush"));
}

#[tokio::test]
async fn keys_come_from_a_file_a_variable_and_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    // The example of FIPS 180-4: the hash of `abc`.
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    std::fs::write(
        &file,
        format!("# keys\n\nann:from-file\nben:sha256:{hash}\n"),
    )
    .unwrap();
    // There is a variable with some text in it: the tests' own.
    let yaml = format!(
        "{{ file: '{}', variable: CARGO_PKG_NAME, given: ['cem:given'] }}",
        file.display()
    );
    let endpoint = api_key(&format!("keys: {yaml}")).await;
    let own = env!("CARGO_PKG_NAME");
    for (key, name) in [
        ("from-file", Some("ann")),
        ("abc", Some("ben")),
        ("given", Some("cem")),
        (hash, None),
    ] {
        let answer = with(&endpoint, &[("x-api-key", key)]).await;
        assert_eq!(
            answer.status.is_success().then(|| answer.text()),
            name,
            "{key}"
        );
    }
    assert_eq!(
        with(&endpoint, &[("x-api-key", own)]).await.status,
        StatusCode::OK
    );
}

/// Writes as an editor does: beside, and renamed.
fn replace(file: &std::path::Path, text: &str) {
    let beside = file.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, file).unwrap();
}

/// Asks again and again, on the paused clock, until a key is known or no longer.
async fn until(endpoint: &Endpoint, key: &str, known: bool) {
    for _ in 0..1000 {
        let answer = with(endpoint, &[("x-api-key", key)]).await;
        if answer.status.is_success() == known {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("`{key}` is never known as {known}");
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_again_and_stays_known_while_it_cannot_be_read() {
    let log = Log::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "ann:first").unwrap();
    let keys = format!(
        "keys: {{ file: '{}', reload: 5s, max-file: 64B }}",
        file.display()
    );
    let endpoint = api_key(&keys).await;
    until(&endpoint, "first", true).await;
    // As long, and in the same second.
    replace(&file, "ann:other");
    until(&endpoint, "other", true).await;
    until(&endpoint, "first", false).await;
    for unreadable in [Some("ann:".to_owned()), Some("x".repeat(65)), None] {
        match unreadable {
            Some(text) => replace(&file, &text),
            None => std::fs::remove_file(&file).unwrap(),
        }
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        until(&endpoint, "other", true).await;
    }
    // Told once: it has not been readable in between.
    let told = log.take("byname_components::http::middleware::auth::source");
    let errors = told
        .iter()
        .filter(|event| event.level == tracing::Level::ERROR);
    assert_eq!(errors.count(), 1, "{told:?}");
    replace(&file, "ann:third");
    until(&endpoint, "third", true).await;
    // Who takes all keys away means it.
    replace(&file, "");
    until(&endpoint, "third", false).await;
    assert!(!log.says("first") && !log.says("other") && !log.says("third"));
}

/// A name of `allow` that no key has was taken without a word: whoever was meant was refused.
#[tokio::test(start_paused = true)]
async fn names_that_may_ask_and_have_no_key_are_told_whenever_keys_are_read() {
    let log = Log::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "ann:first").unwrap();
    let file_of_keys = format!("keys: {{ file: '{}', reload: 5s }}", file.display());
    let settings = format!("{file_of_keys}\nallow: [ann, anna]");
    let endpoint = api_key(&settings).await;
    let warned = || {
        let told = log.take("byname_components::http::middleware::auth::source");
        let mut told = told.iter();
        told.any(|event| {
            event.level == tracing::Level::WARN && format!("{event:?}").contains("anna")
        })
    };
    assert!(warned());
    replace(&file, "ann:other\nanna:more");
    until(&endpoint, "other", true).await;
    assert!(!warned());
    replace(&file, "ann:third");
    until(&endpoint, "third", true).await;
    assert!(warned());
}

// Reading a pipe has no end: the keys stayed as they were for ever, without a word.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_pipe_in_the_place_of_the_file_does_not_end_the_following() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "ann:first").unwrap();
    let keys = format!("keys: {{ file: '{}', reload: 5s }}", file.display());
    let endpoint = api_key(&keys).await;
    std::fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    tokio::time::sleep(Duration::from_secs(60)).await;
    until(&endpoint, "first", true).await;
    replace(&file, "ann:other");
    until(&endpoint, "other", true).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_is_followed_as_long_as_the_layer_is_kept_and_not_if_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "ann:first").unwrap();
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let never = api_key(&format!(
        "keys: {{ file: '{}', reload: 0s }}",
        file.display()
    ))
    .await;
    assert_eq!(alive(), 0);
    let endpoint = api_key(&format!("keys: {{ file: '{}' }}", file.display())).await;
    assert_eq!(alive(), 1);
    drop(endpoint);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if alive() == 0 {
            until(&never, "first", true).await;
            return;
        }
    }
    panic!("it is followed for ever");
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_told_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let (large, wrong, empty) = ("large", "wrong", "empty");
    std::fs::write(folder.path().join(large), "ann:hush hush hush").unwrap();
    std::fs::write(folder.path().join(wrong), "ann:fine\nann:hush hush").unwrap();
    std::fs::write(folder.path().join(empty), "# nobody\n").unwrap();
    let file = |name| {
        format!(
            "keys: {{ file: '{}', max-file: 24B }}",
            folder.path().join(name).display()
        )
    };
    for (yaml, why) in [
        (
            "keys: {}".into(),
            "`keys` has no `file`, no `variable` and none `given`",
        ),
        (
            "keys: { given: ['a b:hush'] }".into(),
            "`keys.given` has one with: line 1: the name",
        ),
        (
            "keys: { variable: NOT_THERE_AT_ALL }".into(),
            "no keys in the variable `NOT_THERE_AT_ALL`",
        ),
        (file("none"), "keys cannot be read from"),
        (
            file(wrong),
            "line 2: the key has letters that no header can say",
        ),
        (file(empty), "there is no key"),
        (
            "{ realm: \"a\\nb\", keys: { given: [a] } }".into(),
            "`realm`",
        ),
    ] {
        let error = BearerAuth::load(settings(&yaml)).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(why) && !text.contains("hush"), "{text}");
    }
    let small = file(large).replace("24B", "8B");
    let error = BearerAuth::load(settings(&small)).await.unwrap_err();
    assert!(matches!(error, KeyError::File { .. }), "{error}");
    let reads_bearer = "{ header: Authorization, keys: { given: [a] } }";
    assert!(ApiKeyAuth::load(settings(reads_bearer)).await.is_err());
}
