//! Middleware as a file names it.

use axum::extract::Request;
use byname_components::App;
use byname_components::http::Middleware;

use crate::rig::{answer, before, request};

/// Every type, with settings that it needs.
const ALL: &str = "
middleware:
  access-log: {}
  api-key: { settings: { keys: { given: ['ann:hush-1'] } } }
  bearer-auth: { settings: { keys: { given: ['ann:hush-2'] } } }
  body-limit: { settings: { max: 1MiB } }
  cache-control: { settings: { max-age: 1h } }
  compression: {}
  cors: { settings: { origins: ['https://a.example'] } }
  headers: { settings: { response: { set: { x-served-by: byname } } } }
  rate-limit: {}
  recover: {}
  request-id: {}
  security-headers: {}
  slow-log: {}
  timeout: { settings: { within: 5s } }
  trace: {}
";

/// A request that everything lets through.
fn asked() -> Request {
    let keys = [("x-api-key", "hush-1"), ("authorization", "Bearer hush-2")];
    request("GET", "/", &keys)
}

#[tokio::test]
async fn every_type_can_be_had_by_name_and_stands_before_a_handler() {
    let app = App::from_text(ALL);
    let problems = app.check();
    assert!(!problems.is_fatal(), "{problems}");
    let running = app.start().await.unwrap();
    let known = &running.registries().middleware;
    let names = known.names();
    let types: Vec<_> = known
        .factories()
        .snapshot()
        .names()
        .map(str::to_owned)
        .collect();
    assert_eq!(names, types, "every type is tested");
    for name in names {
        let middleware = known.create::<Middleware>(&name).await.unwrap();
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "answered" }));
        let answered = answer(&before(router, (*middleware).clone()), asked()).await;
        assert_eq!(answered.text(), "answered", "{name}");
    }
    running.stop().await.unwrap();
}

#[test]
fn settings_that_cannot_be_are_found_when_the_file_is_checked() {
    for (settings, why) in [
        (
            "cors: { settings: { origins: ['*'], credentials: true } }",
            "any page could act",
        ),
        ("cors: {}", "lacks the key `origins`"),
        (
            "cors: { settings: { origins: [] } }",
            "name those that are allowed",
        ),
        ("api-key: {}", "lacks the key `keys`"),
        ("bearer-auth: {}", "lacks the key `keys`"),
        ("bearer-auth: { settings: { keys: {} } }", "has no `file`"),
        (
            "bearer-auth: { settings: { keys: { given: ['ann:hush'] }, allow: [ann, anna] } }",
            "`middleware.bearer-auth.settings.allow` has `anna`, whose key is not among those `given`",
        ),
        ("request-id: { settings: { trust: proxies } }", "names none"),
        ("request-id: { settings: { trsut: never } }", "trust"),
        (
            "timeout: { settings: { within: 0s } }",
            "nothing can be answered",
        ),
        (
            "body-limit: { settings: { max: 10 } }",
            "a number of bytes with its unit",
        ),
    ] {
        let app = App::from_text(&format!("middleware:\n  {settings}\n"));
        let problems = app.check();
        assert!(problems.is_fatal());
        let text = problems.to_string();
        assert!(text.contains(why) && text.contains(":2:"), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
}

/// A list that was no list was told, and then that it had nothing in it.
#[test]
fn what_is_wrong_with_a_setting_is_told_once() {
    for (settings, told) in [
        (
            "cors: { settings: { origins: '*' } }",
            "`middleware.cors.settings.origins` must be a list, but is the text \"*\"",
        ),
        (
            "timeout: { settings: { within: soon } }",
            "`middleware.timeout.settings.within`: expected a length of time",
        ),
        (
            "compression: { settings: { codings: 3 } }",
            "`middleware.compression.settings.codings` must be a list, but is `3`",
        ),
        (
            "api-key: { settings: { keys: { file: [] } } }",
            "`middleware.api-key.settings.keys.file` must be a text, but is a list",
        ),
        (
            "cache-control: { settings: { maxage: 3s } }",
            "`middleware.cache-control.settings` has no key `maxage`; did you mean `max-age`?",
        ),
    ] {
        let problems = App::from_text(&format!("middleware: {{ {settings} }}")).check();
        let messages: Vec<_> = problems
            .iter()
            .map(byname_components::Problem::message)
            .collect();
        assert!(
            messages.len() == 1 && messages[0].starts_with(told),
            "{settings}: {messages:?}"
        );
    }
}

/// The keys that stand in a file are not shown with it.
#[tokio::test]
async fn keys_that_are_given_are_shown_nowhere() {
    let app = App::from_text(ALL);
    let running = app.start().await.unwrap();
    let known = &running.registries().middleware;
    let shown = format!("{:?}", known.create::<Middleware>("api-key").await.unwrap());
    assert!(!shown.contains("hush"));
    running.stop().await.unwrap();
}
