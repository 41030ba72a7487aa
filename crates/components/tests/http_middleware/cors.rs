use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get as on_get};
use byname_components::http::middleware::{Cors, CorsSettings};
use byname_components::http::{Endpoint, Middleware};

use crate::rig::{Answer, answer, before, get, request, settings};

/// An endpoint, and how often its handlers were asked.
fn endpoint(yaml: &str) -> (Endpoint, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let handler = move || async move {
        counted.fetch_add(1, Ordering::Relaxed);
        [
            ("vary", "accept"),
            ("access-control-allow-origin", "https://handler.example"),
        ]
    };
    let plain = || async { "plain" };
    let router = Router::new()
        .route("/own", any(handler))
        .route("/get", on_get(plain));
    let layer = Cors::new(settings::<CorsSettings>(yaml)).unwrap();
    (before(router, Middleware::new(layer)), asked)
}

const A: &str = "https://a.example";
const LISTED: &str = "{ origins: ['https://a.example', 'https://*.b.example'], credentials: true }";

async fn preflight(endpoint: &Endpoint, headers: &[(&str, &str)]) -> Answer {
    answer(endpoint, request("OPTIONS", "/get", headers)).await
}

fn allows(answer: &Answer) -> Vec<&str> {
    let mut names: Vec<_> = answer
        .headers
        .keys()
        .map(axum::http::HeaderName::as_str)
        .collect();
    names.retain(|name| name.starts_with("access-control-"));
    names.sort_unstable();
    names
}

fn vary(answer: &Answer) -> Vec<&str> {
    answer
        .headers
        .get_all("vary")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

/// A predecessor answered 405 without headers to a preflight of a route for GET, and ran handlers on
/// preflights of others (lokstra fault 35).
#[tokio::test]
async fn a_preflight_is_answered_without_the_handler() {
    let (endpoint, asked) = endpoint(LISTED);
    for path in ["/get", "/own"] {
        let headers = [
            ("origin", A),
            ("access-control-request-method", "PATCH"),
            (
                "access-control-request-headers",
                "content-type,Authorization",
            ),
        ];
        let answer = answer(&endpoint, request("OPTIONS", path, &headers)).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::NO_CONTENT, 0)
        );
        for (name, value) in [
            ("access-control-allow-origin", A),
            ("access-control-allow-credentials", "true"),
            (
                "access-control-allow-methods",
                "GET, HEAD, POST, PUT, PATCH, DELETE",
            ),
            (
                "access-control-allow-headers",
                "authorization, content-type",
            ),
            ("access-control-max-age", "600"),
        ] {
            assert_eq!(answer.header(name), Some(value));
        }
        let expected = [
            "origin",
            "access-control-request-method",
            "access-control-request-headers",
        ];
        assert_eq!(vary(&answer), expected);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_preflight_of_what_is_not_allowed_has_nothing_that_allows() {
    let (endpoint, _) = endpoint("{ origins: ['https://a.example'], methods: [GET, POST] }");
    let get = ("access-control-request-method", "GET");
    for headers in [
        &[("origin", "https://evil.example"), get][..],
        &[("origin", "null"), get],
        &[("origin", A), ("access-control-request-method", "DELETE")],
        &[("origin", A), ("access-control-request-method", "get")],
        &[
            ("origin", A),
            get,
            ("access-control-request-headers", "content-type, x-other"),
        ],
        &[
            ("origin", A),
            get,
            ("access-control-request-private-network", "true"),
        ],
    ] {
        let answer = preflight(&endpoint, headers).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert!(
            allows(&answer).is_empty(),
            "{headers:?}: {:?}",
            allows(&answer)
        );
        assert_eq!(vary(&answer)[0], "origin");
    }
}

#[tokio::test]
async fn an_origin_that_is_listed_may_read_and_others_may_not() {
    let (endpoint, asked) = endpoint(LISTED);
    for (origin, allowed) in [
        (A, true),
        ("https://x.b.example", true),
        ("https://b.example", false),
        ("https://a.example.evil.example", false),
        ("null", false),
    ] {
        let answer = answer(&endpoint, request("POST", "/own", &[("origin", origin)])).await;
        // Requests reach the handler in any case.
        assert_eq!(answer.status, StatusCode::OK);
        let expected = if allowed {
            origin
        } else {
            "https://handler.example"
        };
        assert_eq!(answer.header("access-control-allow-origin"), Some(expected));
        let credentials = answer.header("access-control-allow-credentials");
        assert_eq!(credentials, allowed.then_some("true"));
        assert_eq!(vary(&answer), ["accept", "origin"]);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 5);
}

/// A cache would give pages of one origin the answer for another (lokstra fault 35).
#[tokio::test]
async fn what_depends_on_the_origin_says_so_also_without_one() {
    let (listed, _) = endpoint(LISTED);
    let without = answer(&listed, get("/get")).await;
    assert_eq!((vary(&without), allows(&without)), (vec!["origin"], vec![]));
    let (open, _) = endpoint("origins: ['*']");
    for headers in [&[][..], &[("origin", A)]] {
        let answer = answer(&open, request("GET", "/get", headers)).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(vary(&answer).is_empty());
    }
    let asked = [("origin", A), ("access-control-request-method", "GET")];
    let answer = preflight(&open, &asked).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(!vary(&answer).contains(&"origin"));
}

#[tokio::test]
async fn a_request_for_options_that_no_browser_asks_first_reaches_the_handler() {
    let (endpoint, asked) = endpoint(LISTED);
    for headers in [
        &[][..],
        &[("origin", A)],
        &[("access-control-request-method", "GET")],
    ] {
        let answer = answer(&endpoint, request("OPTIONS", "/own", headers)).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn each_setting_has_its_effect() {
    let (open, _) = endpoint(
        "{ origins: [https://a.example], headers: ['*'], expose: [x-total, etag], max-age: 1h, \
         methods: [QUERY], private-network: true }",
    );
    let asked = [
        ("origin", A),
        ("access-control-request-method", "QUERY"),
        ("access-control-request-headers", "x-any,authorization"),
        ("access-control-request-private-network", "true"),
    ];
    let preflight = preflight(&open, &asked).await;
    for (name, value) in [
        ("access-control-allow-methods", "QUERY"),
        ("access-control-allow-headers", "x-any,authorization"),
        ("access-control-allow-private-network", "true"),
        ("access-control-max-age", "3600"),
    ] {
        assert_eq!(preflight.header(name), Some(value));
    }
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
    assert_eq!(preflight.header("access-control-expose-headers"), None);
    let answer = answer(&open, request("GET", "/get", &[("origin", A)])).await;
    assert_eq!(
        answer.header("access-control-expose-headers"),
        Some("x-total, etag")
    );
}

/// A predecessor's default allowed any origin, with credentials (lokstra fault 35).
#[test]
fn any_origin_with_credentials_is_refused() {
    for origins in [
        "'*'",
        "'null'",
        "'https://*'",
        "'https://*.com'",
        "'https://a.example', '*'",
    ] {
        let yaml = format!("{{ origins: [{origins}], credentials: true }}");
        let error = Cors::new(settings(&yaml)).unwrap_err();
        assert_eq!(error.setting(), "origins", "{origins}");
    }
    for yaml in [
        "origins: []",
        "origins: [a.example]",
        "{ origins: ['*'], methods: ['*'] }",
        "{ origins: ['*'], methods: ['a b'] }",
        "{ origins: ['*'], headers: ['*', a] }",
        "{ origins: ['*'], headers: ['a b'] }",
        "{ origins: ['*'], expose: ['*'] }",
        "{ origins: ['*', 'https://a.example'] }",
    ] {
        assert!(Cors::new(settings(yaml)).is_err(), "{yaml}");
    }
}
