//! What is said when an application does not start.

use std::error::Error;
use std::path::Path;

use byname_components::http::listen::ListenError;
use byname_components::{
    CreateError, GetError, NotStarted, ReloadOutcome, ReloadReport, StartError, StepError,
};
use byname_registry::BuildError;

use crate::failure::Failure;

/// Says why, once for each service whose own fault it is.
pub(super) fn not_started(error: &StartError, file: Option<&Path>) -> Failure {
    let (services, stopping) = match error {
        StartError::Problems(problems) => return Failure::told(problems),
        StartError::Failed { services, stopping } => (services, stopping),
        other => return Failure::new(other.to_string()),
    };
    let mut lines: Vec<String> = Vec::new();
    for service in services {
        let line = match cause(&service.error) {
            // The file of the program is nobody's who reads this.
            Some(message) if file.is_none() => message,
            Some(message) => format!("{message}\n  {}", at(service)),
            None => without_severity(&service.to_string()).to_owned(),
        };
        lines.push(line);
    }
    for failure in stopping {
        lines.push(format!("while the others were stopped: {failure}"));
    }
    Failure::new(lines.join("\n"))
}

/// Tells what came of a changed file, in one line.
pub(super) fn reloaded(report: &ReloadReport) {
    let text = report.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let text = lines.join("; ");
    match report.outcome() {
        ReloadOutcome::Unchanged | ReloadOutcome::Applied => tracing::info!("{text}"),
        _ => tracing::warn!("{text}"),
    }
}

fn at(service: &NotStarted) -> String {
    let name = service.chain.last().map_or("", |name| name);
    format!("{}: service `{name}` is defined here", service.place)
}

fn without_severity(text: &str) -> &str {
    text.strip_prefix("error: ").unwrap_or(text)
}

/// What a factory or a hook of this program said itself: it names the thing and what to do.
fn cause(error: &GetError) -> Option<String> {
    let GetError::Build(error) = error else {
        return None;
    };
    let BuildError::Failed { cause, .. } = error.build_error()? else {
        return None;
    };
    match (&**cause as &(dyn Error + 'static)).downcast_ref::<CreateError>()? {
        CreateError::Need(error) => self::cause(error),
        CreateError::Step {
            error: StepError::Failed(error),
            ..
        } => {
            let error = &**error as &(dyn Error + 'static);
            let own = error.downcast_ref::<Failure>().map(ToString::to_string);
            own.or_else(|| Some(error.downcast_ref::<ListenError>()?.to_string()))
        }
        _ => None,
    }
}
