//! `GET /api/v1/components`: the services that run, and where each is in its life.

use axum::extract::State;
use byname_components::http::bind::{NoParameters, Query};
use byname_components::http::routes::Routes;
use byname_components::{Context, ErrorKind, NeedKind, Registrar, Running, ServiceError, context};
use schemars::JsonSchema;
use serde::Serialize;

use super::line::Line;

/// What the router is called.
const NAME: &str = "components";

/// Registers the router.
pub(super) fn module(registrar: &mut Registrar<'_>) {
    let routes = Routes::new()
        .get("/components", list)
        .describe(|operation| {
            operation
                .id("list_components")
                .summary("Lists the services that run, and where each is in its life")
                .tag("components")
                .refuses(ErrorKind::Unavailable);
        });
    registrar.router(NAME, (context(),), |(context,)| context, routes);
}

/// All services, ordered so that each stands after what it needs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ComponentList")]
struct List {
    data: Vec<Component>,
}

/// A service as everybody may see it: no place in a file, no type of the program, no setting, no
/// text of an error.
#[derive(Serialize, JsonSchema)]
struct Component {
    /// What it is called.
    name: String,
    /// What makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    factory: Option<String>,
    /// Where it is in its life.
    state: String,
    /// Whether it is made only when somebody asks for it.
    lazy: bool,
    /// What it needs.
    needs: Vec<Need>,
}

/// What a service needs.
#[derive(Serialize, JsonSchema)]
struct Need {
    /// Which service.
    service: String,
    /// How it needs it.
    kind: Kind,
    /// What its factory calls it, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// How one service needs another.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "NeedKind")]
enum Kind {
    Required,
    Optional,
    All,
    Lazy,
    Value,
    Context,
}

async fn list(
    State(context): State<Context>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Line<List>, ServiceError> {
    let app = context.app();
    let app =
        app.ok_or_else(|| ServiceError::new(ErrorKind::Unavailable, "the server has stopped"))?;
    Ok(Line(components(&app)))
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

fn kind(kind: NeedKind) -> Kind {
    match kind {
        NeedKind::Required => Kind::Required,
        NeedKind::Optional => Kind::Optional,
        NeedKind::All => Kind::All,
        NeedKind::Lazy => Kind::Lazy,
        NeedKind::Value => Kind::Value,
        NeedKind::Context => Kind::Context,
    }
}
