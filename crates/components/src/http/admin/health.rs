//! What checks say.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::json as answer;
use crate::health::{Look, Outcome, Probe, Report};

fn status(passing: bool) -> StatusCode {
    if passing {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// The answer to one question, with which checks say what, and nothing that their errors say.
pub(super) fn brief(report: &Report) -> Response {
    let checks: Vec<_> = report.looks().iter().map(summary).collect();
    let passing = report.is_passing();
    let answered = json!({
        "passing": passing,
        "switched_off": report.switched_off(),
        "checks": checks,
    });
    answer(status(passing), &answered)
}

/// Both answers, with all that checks say.
pub(super) fn whole(live: &Report, ready: &Report) -> Response {
    let checks = |report: &Report| report.looks().iter().map(details).collect::<Vec<_>>();
    let passing = live.is_passing() && ready.is_passing();
    let answered = json!({
        "live": live.is_passing(),
        "ready": ready.is_passing(),
        "switched_off": ready.switched_off(),
        "liveness": checks(live),
        "readiness": checks(ready),
    });
    answer(status(passing), &answered)
}

fn summary(look: &Look) -> Value {
    json!({
        "check": look.key(),
        "optional": look.is_optional(),
        "outcome": word(look.outcome()),
    })
}

fn details(look: &Look) -> Value {
    let mut details = summary(look);
    details["took_seconds"] = look.took().as_secs_f64().into();
    details["age_seconds"] = look.age().as_secs_f64().into();
    if !look.outcome().is_passing() {
        details["message"] = look.outcome().to_string().into();
    }
    details
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passing => "passing",
        Outcome::Failing { .. } => "failing",
        Outcome::Panicked { .. } => "panicked",
        Outcome::TimedOut { .. } => "timed-out",
        Outcome::StillRunning { .. } => "still-running",
    }
}

/// Both questions at once.
pub(super) async fn both(checks: &crate::health::Checks) -> (Report, Report) {
    tokio::join!(checks.ask(Probe::Liveness), checks.ask(Probe::Readiness))
}
