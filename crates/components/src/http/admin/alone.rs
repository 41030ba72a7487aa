//! Parts of the pages for those who ask for nothing else: probes, and what collects measurements.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use schemars::JsonSchema;
use serde::Deserialize;

use super::admin::{alive, not_allowed};
use super::answer::{gone, text};
use super::handle::of_application;
use super::metrics::{self, Exposition};
use super::settings::host_fault;
use super::{health as checks, host, registries};
use crate::config::{CheckSettings, Faults};
use crate::context::Context;
use crate::health::Probe;
use crate::http::bind::{NoParameters, Query};
use crate::service_error::{ErrorKind, ServiceError};

/// The settings of the kind of route `health`: none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct HealthSettings {}

/// To whom the kind of route `metrics` tells what is measured.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct MetricsSettings {
    /// Host names by which it may be asked for, besides `localhost` and addresses; none by default. A page
    /// of another site can make a browser connect to this one under the site's own name, and would be
    /// answered.
    pub hosts: Vec<String>,
}

impl CheckSettings for MetricsSettings {
    fn check(&self, faults: &mut Faults) {
        if let Some(message) = host_fault(&self.hosts) {
            faults.tell("hosts", message);
        }
    }
}

/// Answers at `/livez` and `/readyz` as the pages do, whoever asks: it is told which checks there are and
/// whether they pass, and nothing that they say.
pub(in crate::http) fn health(context: &Context) -> Router {
    let probe = |probe: Probe| {
        let context = context.clone();
        get(async move |Query(NoParameters {}): Query<NoParameters>| {
            let Some(app) = context.app() else {
                return gone();
            };
            checks::brief(&app.checks().ask(probe).await)
        })
    };
    Router::new()
        .route("/livez", probe(Probe::Liveness))
        .route("/readyz", probe(Probe::Readiness))
        .fallback(nothing)
        .method_not_allowed_fallback(not_allowed)
}

/// Answers with what is measured, as the pages do at `/metrics`, without what is measured of pages.
pub(in crate::http) fn measurements(settings: MetricsSettings, context: Context) -> Router {
    let shared = Arc::new((context, SystemTime::now()));
    let hosts: Arc<[String]> = settings.hosts.into();
    Router::new()
        .route("/", get(measured))
        .fallback(nothing)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(hosts, known))
        .with_state(shared)
}

async fn nothing() -> ServiceError {
    ServiceError::new(ErrorKind::NotFound, "there is no such page")
}

async fn known(State(hosts): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    match host::check(&hosts, request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn measured(
    State(shared): State<Arc<(Context, SystemTime)>>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Response, ServiceError> {
    let Some(app) = shared.0.app() else {
        return Ok(gone());
    };
    let (live, ready) = checks::both(app.checks()).await;
    let reports = [live, ready];
    // It reads files that the system makes up.
    let written = tokio::task::spawn_blocking(move || {
        let mut exposition = Exposition::new();
        let listed = alive(&app, registries::all(&app));
        of_application(&mut exposition, &app, &listed, &reports, shared.1);
        exposition.render()
    });
    let written = written.await.map_err(ServiceError::internal)?;
    Ok(text(metrics::CONTENT_TYPE, written))
}
