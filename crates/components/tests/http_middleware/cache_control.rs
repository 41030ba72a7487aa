use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use byname_components::http::Middleware;
use byname_components::http::middleware::{CacheControl, CacheControlSettings};

use crate::rig::{answer, before, request, settings};

/// What is said about an answer with a status, whose handler says something or nothing itself.
async fn said(yaml: &str, method: &str, status: u16, own: Option<&'static str>) -> Option<String> {
    let handler = move |_: Request| async move {
        let mut response: Response = Response::default();
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(own) = own {
            response
                .headers_mut()
                .insert("cache-control", own.parse().unwrap());
        }
        response
    };
    let layer = CacheControl::new(settings::<CacheControlSettings>(yaml)).unwrap();
    let endpoint = before(Router::new().fallback(handler), Middleware::new(layer));
    let answer = answer(&endpoint, request(method, "/", &[])).await;
    answer.header("cache-control").map(str::to_owned)
}

#[tokio::test]
async fn each_setting_is_said() {
    for (yaml, expected) in [
        ("{ scope: public, max-age: 1h }", "public, max-age=3600"),
        ("{ scope: private, max-age: 90s }", "private, max-age=90"),
        (
            "{ max-age: 1d, immutable: true }",
            "max-age=86400, immutable",
        ),
        (
            "{ shared-max-age: 1m, stale-while-revalidate: 30s }",
            "s-maxage=60, stale-while-revalidate=30",
        ),
        ("no-cache: true", "no-cache"),
        ("no-store: true", "no-store"),
    ] {
        assert_eq!(
            said(yaml, "GET", 200, None).await.as_deref(),
            Some(expected)
        );
    }
    for yaml in ["", "{ no-store: true, max-age: 1s }", "overwrite: true"] {
        assert!(CacheControl::new(settings(yaml)).is_err(), "{yaml}");
    }
}

#[tokio::test]
async fn it_is_said_of_what_can_be_kept_and_does_not_replace_what_the_handler_says() {
    let yaml = "max-age: 1s";
    let expected = Some("max-age=1".to_owned());
    for (method, status, is_said) in [
        ("GET", 204, true),
        ("HEAD", 200, true),
        ("GET", 304, true),
        ("POST", 200, false),
        ("GET", 404, false),
        ("GET", 500, false),
        ("GET", 302, false),
    ] {
        let said = said(yaml, method, status, None).await;
        assert_eq!(
            said,
            expected.clone().filter(|_| is_said),
            "{method} {status}"
        );
    }
    assert_eq!(
        said(yaml, "GET", 200, Some("no-store")).await.as_deref(),
        Some("no-store")
    );
    let overwrite = "{ max-age: 1s, overwrite: true }";
    assert_eq!(
        said(overwrite, "GET", 200, Some("no-store")).await,
        expected
    );
}
