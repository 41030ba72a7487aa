//! What the real program says of its own interface over HTTP.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::path::Path;

use serde_json::{Value, json};
use server::{Response, Server};

/// Every path that is described, with something in place of its parameters.
const PATHS: [&str; 8] = [
    "/api/v1/components",
    "/api/v1/machines",
    "/api/v1/machines/local",
    "/api/v1/models",
    "/api/v1/models/openai/gpt-4o",
    "/api/v1/providers",
    "/healthz",
    "/readyz",
];

/// `UPDATE_EXPECT=1` keeps what is served.
#[test]
fn the_description_is_as_expected() {
    let served = Server::start().trusted().json("/openapi.json");
    let mut text = serde_json::to_string_pretty(&served).unwrap();
    text.push('\n');
    let path = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/expected/openapi.json"
    ));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert_eq!(text, expected, "UPDATE_EXPECT=1 keeps what was found");
    let described = served["paths"].as_object().unwrap();
    assert_eq!(
        described.len(),
        PATHS.len(),
        "a path is missing in this test"
    );
}

fn field(response: &Response) -> Value {
    let errors = response.json()["errors"].clone();
    assert_eq!(
        errors.as_array().map(Vec::len),
        Some(1),
        "{}",
        response.body
    );
    errors[0].clone()
}

#[test]
fn every_path_treats_a_query_that_it_does_not_know_alike() {
    let server = Server::start();
    for path in PATHS {
        assert_eq!(server.get(path).status, 200, "{path}");
        // Nothing is nothing, however it is written.
        for empty in ["?", "?&", "?&&"] {
            assert_eq!(
                server.get(&format!("{path}{empty}")).status,
                200,
                "{path}{empty}"
            );
        }
        for (query, name) in [("verbose", "verbose"), ("&a%20b=1", "a b"), ("=", "")] {
            let response = server.get(&format!("{path}?{query}"));
            assert_eq!(response.status, 422, "{path}?{query}");
            let field = field(&response);
            assert_eq!(
                (&field["in"], &field["field"]),
                (&json!("query"), &json!(name))
            );
        }
        let response = server.get(&format!("{path}?%ff"));
        assert_eq!(response.status, 400, "{path}?%ff");
        assert_eq!(response.json()["detail"], "the query is no text (UTF-8)");
    }
    let none = field(&server.get("/healthz?verbose"));
    assert_eq!(none["message"], "is not known; none is taken here");
}

/// The edges of what may be asked are where the description says: the values within are taken, those
/// beyond are refused.
#[test]
fn the_edges_of_parameters_are_where_they_are_described() {
    let server = Server::start();
    let long = |unit: &str, count: usize| unit.repeat(count);
    for (path, status) in [
        ("/api/v1/models?limit=1".into(), 200),
        ("/api/v1/models?limit=1000".into(), 200),
        ("/api/v1/models?limit=0".into(), 422),
        ("/api/v1/models?limit=1001".into(), 422),
        ("/api/v1/machines?limit=1000".into(), 200),
        ("/api/v1/machines?limit=1001".into(), 422),
        ("/api/v1/models?cursor=~~".into(), 200),
        (
            format!("/api/v1/models?cursor=~{}~", long("AAAA", 107)),
            200,
        ),
        (
            format!("/api/v1/models?cursor=~{}~", long("AAAA", 108)),
            422,
        ),
        (format!("/api/v1/machines?cursor=~{}~", long("a", 63)), 200),
        (format!("/api/v1/machines?cursor=~{}~", long("a", 64)), 422),
        (format!("/api/v1/machines?label={}", long("a", 63)), 200),
        (format!("/api/v1/machines?label={}", long("a", 64)), 422),
        (format!("/api/v1/machines?label=a={}", long("b", 128)), 200),
        (format!("/api/v1/machines?label=a={}", long("b", 129)), 422),
        (format!("/api/v1/machines/{}", long("a", 63)), 404),
        (format!("/api/v1/machines/{}", long("a", 64)), 422),
        ("/api/v1/machines/LOCAL".into(), 422),
        (format!("/api/v1/models/{}/x", long("a", 64)), 404),
        (format!("/api/v1/models/{}/x", long("a", 65)), 422),
        (format!("/api/v1/models/a/{}", long("x", 256)), 404),
        (format!("/api/v1/models/a/{}", long("x", 257)), 422),
        ("/api/v1/models/a/%20x".into(), 422),
        ("/api/v1/models/a/x%00y".into(), 422),
        ("/api/v1/models/a/%ff".into(), 400),
    ] {
        assert_eq!(server.get(&path).status, status, "{path}");
    }
}

/// A description that says too little would hold anything.
#[test]
fn what_is_not_as_described_is_found() {
    let server = Server::start();
    let response = server.get("/api/v1/machines/local");
    let faults =
        |response: &Response| server::described::faults("GET", "/api/v1/machines/local", response);
    assert_eq!(faults(&response), [""; 0]);
    let changed = |from: &str, to: &str| {
        let (head, body) = (
            response.head.replace(from, to),
            response.body.replace(from, to),
        );
        assert!(head != response.head || body != response.body, "{from}");
        Response {
            head,
            body,
            ..response
        }
    };
    for (from, to) in [
        (r#""kind":"local""#, r#""kind":"Local""#),
        (r#""kind":"local""#, r#""kind":"local","key":"~/id""#),
        (r#""revision":0"#, r#""revision":"0""#),
        (r#","kind":"local""#, ""),
        ("byname-revision: 0", "byname-revision: x"),
        ("byname-revision", "revision"),
        ("application/json", "text/plain"),
    ] {
        assert_eq!(faults(&changed(from, to)).len(), 1, "{from} -> {to}");
    }
}
