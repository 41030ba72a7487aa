//! `GET /api/v1/components`: the services that run, and where each is in its life.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use byname_components::{Context, NeedKind, Running};
use serde::Serialize;

/// Where it is answered.
pub(super) const PATH: &str = "/api/v1/components";

/// Serves the components of the application that `context` is of.
pub(super) fn routes(context: Context) -> Router {
    Router::new().route(PATH, get(list)).with_state(context)
}

#[derive(Serialize)]
struct List {
    data: Vec<Component>,
}

/// A service as everybody may see it: no place in a file, no type of the program, no setting, no
/// text of an error.
#[derive(Serialize)]
struct Component {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    factory: Option<String>,
    state: String,
    lazy: bool,
    needs: Vec<Need>,
}

#[derive(Serialize)]
struct Need {
    service: String,
    kind: &'static str,
    /// What its factory calls it, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

async fn list(State(context): State<Context>, RawQuery(query): RawQuery) -> Response {
    if query.is_some_and(|query| !query.is_empty()) {
        return refusal(StatusCode::BAD_REQUEST, "this path has no query parameters");
    }
    match context.app() {
        Some(app) => json(StatusCode::OK, "application/json", &components(&app)),
        None => refusal(StatusCode::SERVICE_UNAVAILABLE, "the server has stopped"),
    }
}

fn components(app: &Running) -> List {
    let graph = app.graph();
    let services = graph.services().map(|service| Component {
        name: service.name().to_owned(),
        factory: service.factory().map(str::to_owned),
        state: app
            .states()
            .read(service.name(), |state| state.stage().to_string())
            .unwrap_or_else(|| "unknown".to_owned()),
        lazy: service.is_lazy(),
        needs: graph
            .needs(service)
            .map(|(edge, to)| Need {
                service: to.name().to_owned(),
                kind: kind(edge.kind()),
                name: Some(edge.need())
                    .filter(|name| !name.is_empty() && *name != to.name())
                    .map(str::to_owned),
            })
            .collect(),
    });
    List {
        data: services.collect(),
    }
}

fn kind(kind: NeedKind) -> &'static str {
    match kind {
        NeedKind::Required => "required",
        NeedKind::Optional => "optional",
        NeedKind::All => "all",
        NeedKind::Lazy => "lazy",
        NeedKind::Value => "value",
        NeedKind::Context => "context",
    }
}

#[derive(Serialize)]
struct Refusal<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

fn refusal(status: StatusCode, detail: &str) -> Response {
    let refusal = Refusal {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail,
    };
    json(status, "application/problem+json", &refusal)
}

fn json<T: Serialize>(status: StatusCode, kind: &'static str, value: &T) -> Response {
    // Texts and booleans can always be written.
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    // A terminal shows its prompt on the next line.
    body.push(b'\n');
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
    (status, headers, body).into_response()
}
