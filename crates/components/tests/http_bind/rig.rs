//! Asks routes without a socket.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use byname_components::http::routes::Routes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.content).expect("JSON")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.content).expect("a text")
    }

    /// The fields that are wrong, as `in field: message`, of an answer of 422 with problem details.
    pub(crate) fn wrong(&self) -> Vec<String> {
        assert_eq!(self.status, 422, "{}", self.text());
        self.is_problem();
        let problem = self.json();
        let errors = problem["errors"].as_array().expect("errors");
        let text = |error: &Value, key: &str| error[key].as_str().expect("a text").to_owned();
        let lines = errors.iter().map(|error| {
            let (place, field) = (text(error, "in"), text(error, "field"));
            format!("{place} {field}: {}", text(error, "message"))
        });
        lines.collect()
    }

    /// Whether it is problem details that say their own status.
    pub(crate) fn is_problem(&self) {
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(self.json()["status"], json!(self.status.as_u16()));
    }
}

pub(crate) async fn ask(routes: &Routes, request: Request<Body>) -> Answer {
    let router = routes.router(()).expect("right routes");
    let answer = router.oneshot(request).await.expect("an answer");
    let (parts, body) = answer.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        content: body.collect().await.expect("content").to_bytes().to_vec(),
    }
}

pub(crate) async fn get(routes: &Routes, target: &str) -> Answer {
    let request = Request::get(target).body(Body::empty());
    ask(routes, request.expect("a request")).await
}

/// Sends content of a type.
pub(crate) async fn send(
    routes: &Routes,
    target: &str,
    kind: &str,
    content: impl Into<Body>,
) -> Answer {
    let request = Request::post(target).header(header::CONTENT_TYPE, kind);
    ask(routes, request.body(content.into()).expect("a request")).await
}

/// Sends JSON.
pub(crate) async fn post(routes: &Routes, target: &str, content: &Value) -> Answer {
    send(routes, target, "application/json", content.to_string()).await
}
