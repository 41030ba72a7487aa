//! What the life of the application adds to `/healthz` and `/readyz`.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use byname_components::{Context, Look, Probe, Report};
use serde::Serialize;

/// Turns a yes into a no where the checks of the application say so, or it has begun to stop.
pub(super) async fn decide(
    State(context): State<Context>,
    request: Request,
    next: Next,
) -> Response {
    let probe = match request.uri().path() {
        "/healthz" => Some(Probe::Liveness),
        "/readyz" => Some(Probe::Readiness),
        _ => None,
    };
    let response = next.run(request).await;
    let (Some(probe), StatusCode::OK) = (probe, response.status()) else {
        return response;
    };
    let Some(app) = context.app() else {
        return refusal(probe, "the server has stopped".into());
    };
    let report = app.checks().ask(probe).await;
    if report.is_passing() {
        response
    } else {
        refusal(probe, reason(&report))
    }
}

#[derive(Serialize)]
struct Refusal {
    status: &'static str,
    reason: String,
}

fn refusal(probe: Probe, reason: String) -> Response {
    let refusal = Refusal {
        status: match probe {
            Probe::Liveness => "not ok",
            Probe::Readiness => "not ready",
        },
        reason,
    };
    // Two texts can always be written.
    let mut body = serde_json::to_vec(&refusal).unwrap_or_default();
    body.push(b'\n');
    let kind = HeaderValue::from_static("application/json");
    let headers = [(header::CONTENT_TYPE, kind)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, body).into_response()
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
