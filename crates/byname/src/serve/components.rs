//! `GET /api/v1/components`: the services that run, and where each is in its life.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use byname_components::http::routes::Routes;
use byname_components::{Context, ErrorKind, NeedKind, Registrar, Running, ServiceError, context};
use serde::Serialize;

/// What the router is called.
const NAME: &str = "components";

/// Registers the router.
pub(super) fn module(registrar: &mut Registrar<'_>) {
    let routes = Routes::new()
        .raw(Method::GET, "/components", list)
        .describe(|operation| {
            operation
                .id("list_components")
                .summary("Lists the services that run, and where each is in its life")
                .tag("components")
                .answer_with::<serde_json::Value>("200", "All services: `data`", "application/json")
                .refuses(ErrorKind::Invalid)
                .refuses(ErrorKind::Unavailable);
        });
    registrar.router(NAME, (context(),), |(context,)| context, routes);
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
        let message = "this path has no query parameters";
        return ServiceError::new(ErrorKind::Invalid, message).into_response();
    }
    match context.app() {
        Some(app) => json(&components(&app)),
        None => ServiceError::new(ErrorKind::Unavailable, "the server has stopped").into_response(),
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

fn json<T: Serialize>(value: &T) -> Response {
    // Texts and booleans can always be written.
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    // A terminal shows its prompt on the next line.
    body.push(b'\n');
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}
