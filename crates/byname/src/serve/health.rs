//! `/healthz` and `/readyz`: whether to send requests here.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use byname_catalog::Catalog;
use byname_catalog::follow::FileStatus;
use byname_components::http::openapi::Operation;
use byname_components::http::routes::Routes;
use byname_components::{
    Context, ErrorKind, FieldError, FieldPlace, Look, Probe, Registrar, Report, ServiceError,
    context, optional,
};
use byname_machines::Machines;
use serde::Serialize;

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
        .describe(|operation| describe(operation, "live", "Tells that the server runs"))
        .raw(Method::GET, "/readyz", ready)
        .describe(|operation| {
            describe(
                operation,
                "ready",
                "Tells what is served, and whether to send requests here",
            );
        });
    let state = |(catalog, machines, context)| Looked {
        catalog,
        machines,
        context,
    };
    registrar.router(NAME, needs, state, routes);
}

fn describe(operation: &mut Operation, id: &str, summary: &str) {
    const JSON: &str = "application/json";
    operation
        .id(id)
        .summary(summary)
        .tag("health")
        .answer_with::<serde_json::Value>("200", "Yes", JSON)
        .answer_with::<serde_json::Value>("503", "No, and why", JSON)
        .refuses(ErrorKind::Invalid);
}

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    /// Whether something is served that its source no longer says.
    degraded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    catalog: Option<CatalogState>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registries: Vec<RegistryState>,
}

#[derive(Serialize)]
struct CatalogState {
    revision: u64,
    entries: usize,
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    position: usize,
    #[serde(rename = "file")]
    name: String,
    state: &'static str,
    good_revision: u64,
    offerings: usize,
    refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Refusal {
    status: &'static str,
    reason: String,
}

async fn live(State(looked): State<Looked>, RawQuery(query): RawQuery) -> Response {
    if let Some(refusal) = parameters(query.as_deref()) {
        return refusal.into_response();
    }
    match looked.refused(Probe::Liveness).await {
        Some(reason) => no("not ok", reason),
        None => looked.json(StatusCode::OK, &Live { status: "ok" }),
    }
}

/// Ready is whoever has a revision to serve, also while a file of it is broken: taking every
/// server away because of one bad file would help nobody. A registry of which there is no state at
/// all is another thing: what is asked of it cannot be answered.
async fn ready(State(looked): State<Looked>, RawQuery(query): RawQuery) -> Response {
    if let Some(refusal) = parameters(query.as_deref()) {
        return refusal.into_response();
    }
    if let Some(reason) = looked.refused(Probe::Readiness).await {
        return no("not ready", reason);
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
        status: if is_ready { "ready" } else { "not ready" },
        degraded: !troubles.is_empty() || registries.iter().any(|one| one.degraded),
        reason: Some(troubles.join("; ")).filter(|reason| !reason.is_empty()),
        catalog,
        registries,
    };
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    looked.json(status, &ready)
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

    fn json<T: Serialize>(&self, status: StatusCode, value: &T) -> Response {
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

/// Refuses query parameters: there are none.
fn parameters(query: Option<&str>) -> Option<ServiceError> {
    let first = query?.split('&').find(|pair| !pair.is_empty())?;
    let name = first.split('=').next().unwrap_or_default();
    let message = format!("unknown query parameter `{name}`; this path takes none");
    let error = ServiceError::new(ErrorKind::Invalid, message);
    Some(error.with_field(FieldError {
        r#in: FieldPlace::Query,
        field: name.to_owned(),
        message: "this path takes none".to_owned(),
    }))
}

fn no(status: &'static str, reason: String) -> Response {
    json(StatusCode::SERVICE_UNAVAILABLE, &Refusal { status, reason })
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

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    // Texts, numbers and truth values can always be written.
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    // A terminal shows its prompt on the next line.
    body.push(b'\n');
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}
