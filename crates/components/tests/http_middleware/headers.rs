use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get as on_get;
use byname_components::http::Middleware;
use byname_components::http::middleware::{Headers, HeadersSettings};

use crate::rig::{answer, before, request, settings};

#[tokio::test]
async fn headers_are_removed_set_and_added_in_requests_and_answers() {
    let handler = |headers: HeaderMap| async move {
        let all = |name| {
            headers
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap())
        };
        let told = ["gone", "set", "more"].map(|name| all(name).collect::<Vec<_>>().join("+"));
        (
            [("gone", "b"), ("set", "b"), ("more", "b"), ("kept", "b")],
            told.join(" "),
        )
    };
    let edits = "{ remove: [Gone], set: { Set: c }, append: { more: c } }";
    let yaml = format!("{{ request: {edits}, response: {edits} }}");
    let layer = Headers::new(settings::<HeadersSettings>(&yaml)).unwrap();
    let endpoint = before(
        Router::new().route("/", on_get(handler)),
        Middleware::new(layer),
    );
    let asked = request("GET", "/", &[("gone", "a"), ("set", "a"), ("more", "a")]);
    let answer = answer(&endpoint, asked).await;
    assert_eq!(answer.text(), " c a+c");
    assert_eq!(
        ["gone", "set", "kept"].map(|name| answer.header(name)),
        [None, Some("c"), Some("b")]
    );
    let more: Vec<_> = answer.headers.get_all("more").iter().collect();
    assert_eq!(more, ["b", "c"]);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    for yaml in [
        "",
        "request: { set: { 'a b': c } }",
        "response: { set: { a: \"b\\nc\" } }",
        "response: { remove: [Content-Length] }",
        "request: { append: { Transfer-Encoding: chunked } }",
        "request: { set: { Host: other } }",
    ] {
        assert!(Headers::new(settings(yaml)).is_err(), "{yaml}");
    }
}
