//! What each path answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::{COME_AGAIN, Pages};
use super::answer::{answer, gone, json as json_answer, text};
use super::changes::{From, events};
use super::listed::Listed;
use super::metrics::{self, Exposition, Kind};
use super::settings::MOST_ENTRIES;
use super::{config as configuration, health as checks, page as html};
use crate::graph;
use crate::health::Probe;
use crate::http::bind::{NoParameters, Query};
use crate::http::files::accept;
use crate::running::Running;
use crate::service_error::{ErrorKind, ServiceError};

/// How many changes the first page shows.
const LATEST: u64 = 20;

type Shared = State<Arc<Pages>>;

/// What a page answers: a refusal where the query is wrong.
type Answered = Result<Response, ServiceError>;

/// Which part of a registry is asked for.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Part {
    /// How many entries.
    #[schemars(range(min = 1, max = MOST_ENTRIES))]
    limit: Option<usize>,
    /// Behind which name.
    after: Option<String>,
}

/// How the graph is asked for.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Drawn {
    format: Option<Drawing>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Drawing {
    Json,
    Mermaid,
    Dot,
    Text,
}

/// How the configuration is asked for.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Written {
    format: Option<Writing>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Writing {
    Yaml,
    Json,
}

pub(super) async fn page(
    State(pages): Shared,
    OriginalUri(uri): OriginalUri,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered {
    let Some(app) = pages.context.app() else {
        return Ok(gone());
    };
    // What leads to the other pages, also where this one is asked for without its slash.
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    let base = if last.is_empty() {
        "./".to_owned()
    } else {
        format!("./{last}/")
    };
    let (live, ready) = checks::both(app.checks()).await;
    let latest = pages.ring.last().saturating_sub(LATEST);
    let changes = pages.ring.behind(latest, usize::MAX).notes;
    let changes: Vec<_> = changes.into_iter().map(|(_, note)| note).collect();
    let overview = html::Overview {
        base: &base,
        app: &app,
        listed: &pages.listed(&app),
        live: &live,
        ready: &ready,
        changes: &changes,
    };
    Ok(overview.answer())
}

pub(super) async fn registries(
    State(pages): Shared,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered {
    let Some(app) = pages.context.app() else {
        return Ok(gone());
    };
    let listed = pages.listed(&app);
    let all: Vec<_> = listed.iter().map(Listed::summary).collect();
    Ok(json_answer(StatusCode::OK, &json!({ "registries": all })))
}

pub(super) async fn entries(
    State(pages): Shared,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    Query(Part { limit, after }): Query<Part>,
    headers: HeaderMap,
) -> Answered {
    let most = limit.unwrap_or(pages.settings.page);
    let Some(app) = pages.context.app() else {
        return Ok(gone());
    };
    let listed = pages.listed(&app);
    // A name that is no UTF-8 is that of no registry.
    let found = name.ok().and_then(|Path(name)| {
        let mut listed = listed.iter();
        listed.find(|listed| listed.name() == name)
    });
    let Some(listed) = found else {
        return Err(ServiceError::new(
            ErrorKind::NotFound,
            "there is no such registry",
        ));
    };
    let page = listed.page(after.as_deref(), most);
    let next = page.last.as_ref().map(|last| {
        let after = utf8_percent_encode(last, NON_ALPHANUMERIC);
        format!("?limit={most}&after={after}")
    });
    let mut answered = if accept::html(&headers) {
        // Whether a slash in the name was written as one or as `%2F`: it is the address that counts.
        let above = uri.path().matches('/').count().saturating_sub(1);
        let entries = html::Entries {
            base: &"../".repeat(above),
            listed,
            page: &page,
            next: next.as_deref(),
        };
        entries.answer()
    } else {
        json_answer(
            StatusCode::OK,
            &entries_told(listed, &page, next.as_deref()),
        )
    };
    answered
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(answered)
}

fn entries_told(listed: &Listed, page: &super::listed::Page, next: Option<&str>) -> Value {
    json!({
        "name": listed.name(),
        "kind": listed.kind(),
        "revision": page.revision,
        "count": page.count,
        "entries": page.entries,
        "next": next,
    })
}

pub(super) async fn graph(State(pages): Shared, Query(Drawn { format }): Query<Drawn>) -> Answered {
    let plain = "text/plain; charset=utf-8";
    let (format, kind) = match format {
        None | Some(Drawing::Json) => (graph::Format::Json, "application/json"),
        Some(Drawing::Mermaid) => (graph::Format::Mermaid, plain),
        Some(Drawing::Dot) => (graph::Format::Dot, plain),
        Some(Drawing::Text) => (graph::Format::Text, plain),
    };
    let Some(app) = pages.context.app() else {
        return Ok(gone());
    };
    let states = app.states().snapshot();
    let states = states.iter();
    let states: BTreeMap<_, _> = states
        .map(|(name, state)| (name.to_owned(), state.stage().to_string()))
        .collect();
    Ok(text(kind, app.graph().write(format, &states)))
}

pub(super) async fn health(
    State(pages): Shared,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered {
    let Some(app) = pages.context.app() else {
        return Ok(gone());
    };
    let (live, ready) = checks::both(app.checks()).await;
    Ok(checks::whole(&live, &ready))
}

pub(super) async fn live(
    State(pages): Shared,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered {
    Ok(probe(&pages, Probe::Liveness).await)
}

pub(super) async fn ready(
    State(pages): Shared,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered {
    Ok(probe(&pages, Probe::Readiness).await)
}

async fn probe(pages: &Pages, probe: Probe) -> Response {
    match pages.context.app() {
        Some(app) => checks::brief(&app.checks().ask(probe).await),
        None => gone(),
    }
}

pub(super) async fn config(
    State(pages): Shared,
    Query(Written { format }): Query<Written>,
) -> Answered {
    let counting = pages.context.app().and_then(|app| app.0.config.counting());
    let Some(counting) = counting else {
        return Ok(gone());
    };
    Ok(match format {
        None | Some(Writing::Yaml) => configuration::yaml(&counting.config),
        Some(Writing::Json) => configuration::list(&counting.config),
    })
}

pub(super) async fn metrics(
    State(pages): Shared,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered {
    let Some(app) = pages.context.app() else {
        return Ok(gone());
    };
    let (live, ready) = checks::both(app.checks()).await;
    let reports = [live, ready];
    let write = move || write_metrics(&pages, &app, &reports);
    let written = tokio::task::spawn_blocking(write).await;
    let written = written.map_err(ServiceError::internal)?;
    Ok(text(metrics::CONTENT_TYPE, written))
}

/// Adds what there is to measure of any application.
pub(super) fn of_application(
    exposition: &mut Exposition,
    app: &Running,
    listed: &[Listed],
    reports: &[crate::health::Report],
    started: SystemTime,
) {
    metrics::application(exposition, app, listed, reports, started);
    metrics::listeners(exposition, app);
    metrics::limits(exposition, app);
    metrics::clients(exposition, app);
    metrics::process(exposition);
}

fn write_metrics(pages: &Pages, app: &Running, reports: &[crate::health::Report]) -> String {
    let mut exposition = Exposition::new();
    let listed = pages.listed(app);
    of_application(&mut exposition, app, &listed, reports, pages.started);
    let followers = pages.settings.followers - pages.followers.available_permits();
    exposition
        .family(
            "byname_admin_followers",
            Kind::Gauge,
            "",
            "Who follows the changes now.",
        )
        .whole(&[], followers as u64);
    exposition
        .family(
            "byname_admin_followers_refused",
            Kind::Counter,
            "",
            "Who was told to come later, because too many followed the changes.",
        )
        .whole(&[], pages.counts.refused.load(Ordering::Relaxed));
    exposition
        .family(
            "byname_admin_changes",
            Kind::Counter,
            "",
            "Changes of registries that were noted.",
        )
        .whole(&[], pages.ring.last());
    exposition
        .family(
            "byname_admin_answer_seconds",
            Kind::Histogram,
            "seconds",
            "How long it took until an answer of the admin pages began.",
        )
        .histogram(&[], &pages.counts.answered);
    for measure in &pages.measures {
        measure(&mut exposition);
    }
    exposition.render()
}

pub(super) async fn changes(
    State(pages): Shared,
    Query(NoParameters {}): Query<NoParameters>,
    headers: HeaderMap,
) -> Answered {
    let Ok(permit) = Arc::clone(&pages.followers).try_acquire_owned() else {
        pages.counts.refused.fetch_add(1, Ordering::Relaxed);
        let error = ServiceError::new(ErrorKind::Unavailable, "too many follow the changes");
        return Err(error.with_retry_after(COME_AGAIN));
    };
    let id = headers.get("last-event-id").map(HeaderValue::as_bytes);
    let from = From::read(id, &pages.run, pages.ring.last());
    let body = events(
        Arc::clone(&pages.ring),
        Arc::clone(&pages.run),
        from,
        pages.settings.keep_alive.get(),
        pages.context.clone(),
        permit,
    );
    Ok(answer(StatusCode::OK, "text/event-stream", body).into_response())
}
