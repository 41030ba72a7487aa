//! `/healthz` and `/readyz`: whether to send requests here.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use byname_catalog::Catalog;
use byname_catalog::follow::FileStatus;
use byname_components::http::bind::{NoParameters, Query};
use byname_components::http::openapi::Operation;
use byname_components::http::routes::Routes;
use byname_components::{Context, Look, Probe, Registrar, Report, context, optional};
use byname_machines::Machines;
use schemars::JsonSchema;
use serde::Serialize;

use super::line::Line;
use super::machines::RegistryState;
use super::{catalog, machines};

/// What the router is called.
pub(super) const NAME: &str = "health";

/// The revision of the catalog that an answer was taken from.
const REVISION: HeaderName = HeaderName::from_static("byname-revision");

/// What is looked at.
#[derive(Clone)]
struct Looked {
    catalog: Option<Arc<Catalog>>,
    machines: Option<Arc<Machines>>,
    context: Context,
}

/// Registers the router.
pub(super) fn module(registrar: &mut Registrar<'_>) {
    let needs = (optional(catalog::NAME), optional(machines::NAME), context());
    let routes = Routes::new()
        .raw(Method::GET, "/healthz", live)
        .describe(|operation| {
            describe::<Live, Refusal>(operation, "live", "Tells that the server runs");
        })
        .raw(Method::GET, "/readyz", ready)
        .describe(|operation| {
            let summary = "Tells what is served, and whether to send requests here";
            describe::<Ready, NotReady>(operation, "ready", summary);
            says_revision(operation, "503");
        });
    let state = |(catalog, machines, context)| Looked {
        catalog,
        machines,
        context,
    };
    registrar.router(NAME, needs, state, routes);
}

/// Describes what says yes with one type and no with another.
fn describe<Y: JsonSchema, N: JsonSchema>(operation: &mut Operation, id: &str, summary: &str) {
    const JSON: &str = "application/json";
    operation
        .id(id)
        .summary(summary)
        .tag("health")
        .takes::<Query<NoParameters>>()
        .answer_with::<Y>("200", "Yes", JSON)
        .answer_with::<N>("503", "No, and why", JSON);
    says_revision(operation, "200");
}

fn says_revision(operation: &mut Operation, status: &str) {
    let said = "The revision of the catalog, where there is one";
    operation.answer_header::<u64>(status, REVISION.as_str(), said, false);
}

/// The server runs.
#[derive(Serialize, JsonSchema)]
struct Live {
    status: Up,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Up {
    Ok,
}

/// What is served.
#[derive(Serialize, JsonSchema)]
struct Ready {
    /// Whether to send requests here.
    status: Readiness,
    /// Whether something is served that its source no longer says.
    degraded: bool,
    /// What an operator should look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    catalog: Option<CatalogState>,
    /// How the registries are that are kept in files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registries: Vec<RegistryState>,
}

#[derive(Serialize, JsonSchema)]
enum Readiness {
    #[serde(rename = "ready")]
    Ready,
    #[serde(rename = "not ready")]
    NotReady,
}

/// What is served and not ready, or what keeps it from being asked.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum NotReady {
    Served(Ready),
    Refused(Refusal),
}

#[derive(Serialize, JsonSchema)]
struct CatalogState {
    /// The revision of the catalog that is served.
    revision: u64,
    /// How many offerings it has.
    entries: usize,
    /// The files that it is made of, in their order.
    files: Vec<File>,
}

/// A file that the catalog is made of.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CatalogFile")]
struct File {
    /// Which of the files it is, from 1.
    position: usize,
    /// Its name, without its folder.
    #[serde(rename = "file")]
    name: String,
    /// How it is.
    #[schemars(extend("enum" = ["good", "broken", "unreadable"]))]
    state: &'static str,
    /// The revision at which it was last taken over.
    good_revision: u64,
    /// How many offerings it brought.
    offerings: usize,
    /// How often it was refused.
    refused: u64,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Why not to send requests here.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Unhealthy")]
struct Refusal {
    status: No,
    /// Which checks do not pass.
    reason: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
enum No {
    #[serde(rename = "not ok")]
    NotOk,
    #[serde(rename = "not ready")]
    NotReady,
}

async fn live(
    State(looked): State<Looked>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Response {
    match looked.refused(Probe::Liveness).await {
        Some(reason) => {
            let status = No::NotOk;
            json(StatusCode::SERVICE_UNAVAILABLE, Refusal { status, reason })
        }
        None => looked.json(StatusCode::OK, Live { status: Up::Ok }),
    }
}

/// Ready is whoever has a revision to serve, also while a file of it is broken: taking every
/// server away because of one bad file would help nobody. A registry of which there is no state at
/// all is another thing: what is asked of it cannot be answered.
async fn ready(
    State(looked): State<Looked>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Response {
    if let Some(reason) = looked.refused(Probe::Readiness).await {
        let status = No::NotReady;
        let refusal = NotReady::Refused(Refusal { status, reason });
        return json(StatusCode::SERVICE_UNAVAILABLE, refusal);
    }
    let catalog = looked.catalog.as_deref().map(CatalogState::of);
    let registries: Vec<RegistryState> = looked
        .machines
        .iter()
        .map(|machines| machines::state(machines))
        .collect();
    let files = catalog.iter().flat_map(|catalog| &catalog.files);
    let of_files =
        files.filter_map(|file| Some(format!("{}: {}", file.name, file.error.as_deref()?)));
    let behind = registries.iter().filter(|registry| registry.degraded);
    let of_registries = behind.flat_map(|registry| {
        let name = registry.name;
        let problems = registry.problems.iter();
        problems.map(move |problem| format!("{name}: {problem}"))
    });
    let troubles: Vec<String> = of_files.chain(of_registries).collect();
    let is_ready = registries.iter().all(|registry| registry.ready);
    let ready = Ready {
        status: if is_ready {
            Readiness::Ready
        } else {
            Readiness::NotReady
        },
        degraded: !troubles.is_empty() || registries.iter().any(|one| one.degraded),
        reason: Some(troubles.join("; ")).filter(|reason| !reason.is_empty()),
        catalog,
        registries,
    };
    if is_ready {
        looked.json(StatusCode::OK, ready)
    } else {
        looked.json(StatusCode::SERVICE_UNAVAILABLE, NotReady::Served(ready))
    }
}

impl Looked {
    /// What the checks of the application have against a probe.
    async fn refused(&self, probe: Probe) -> Option<String> {
        let Some(app) = self.context.app() else {
            return Some("the server has stopped".into());
        };
        let report = app.checks().ask(probe).await;
        (!report.is_passing()).then(|| reason(&report))
    }

    fn json<T: Serialize>(&self, status: StatusCode, value: T) -> Response {
        let mut response = json(status, value);
        if let Some(catalog) = &self.catalog {
            let revision = HeaderValue::from(catalog.registry().revision());
            response.headers_mut().insert(REVISION, revision);
        }
        response
    }
}

impl CatalogState {
    fn of(catalog: &Catalog) -> Self {
        // In this order no file can be said to be good at a revision that is not served yet.
        let files = catalog.files().iter().map(File::of).collect();
        let offerings = catalog.offerings();
        Self {
            revision: offerings.revision(),
            entries: offerings.len(),
            files,
        }
    }
}

impl File {
    fn of(status: &FileStatus) -> Self {
        Self {
            position: status.position,
            name: status.file_name(),
            state: status.state.word(),
            good_revision: status.good_revision,
            offerings: status.offerings,
            refused: status.refused,
            error: status.state.trouble().map(ToString::to_string),
        }
    }
}

/// What everybody may know: which checks do not pass, and not what their errors say.
fn reason(report: &Report) -> String {
    if let Some(reason) = report.switched_off() {
        return reason.to_owned();
    }
    let failing = report
        .looks()
        .iter()
        .filter(|look| !look.is_optional() && !look.outcome().is_passing());
    let keys: Vec<&str> = failing.map(Look::key).collect();
    format!("these checks do not pass: {}", keys.join(", "))
}

fn json<T: Serialize>(status: StatusCode, value: T) -> Response {
    (status, Line(value)).into_response()
}
