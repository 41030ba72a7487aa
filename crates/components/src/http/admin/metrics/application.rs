//! What there is to measure of any application.

use std::time::{SystemTime, UNIX_EPOCH};

use super::exposition::{Exposition, Kind};
use crate::health::{Probe, Report};
use crate::http::admin::listed::Listed;
use crate::life::Phase;
use crate::running::Running;
use crate::state::Stage;

const STAGES: [Stage; 13] = [
    Stage::Waiting,
    Stage::In(Phase::Build),
    Stage::In(Phase::Start),
    Stage::In(Phase::Ready),
    Stage::In(Phase::Drain),
    Stage::In(Phase::Stop),
    Stage::Running,
    Stage::Stopped,
    Stage::Failed(Phase::Build),
    Stage::Failed(Phase::Start),
    Stage::Failed(Phase::Ready),
    Stage::Failed(Phase::Drain),
    Stage::Failed(Phase::Stop),
];

const PHASES: [(Phase, &str); 5] = [
    (Phase::Build, "build"),
    (Phase::Start, "start"),
    (Phase::Ready, "ready"),
    (Phase::Drain, "drain"),
    (Phase::Stop, "stop"),
];

/// Adds registries, services, checks and time.
pub(in crate::http::admin) fn write(
    exposition: &mut Exposition,
    app: &Running,
    listed: &[Listed],
    reports: &[Report],
    started: SystemTime,
) {
    for listed in listed {
        let labels = [("registry", listed.name())];
        exposition
            .family(
                "byname_registry_entries",
                Kind::Gauge,
                "",
                "Entries of a registry, built or not.",
            )
            .whole(&labels, listed.len() as u64);
        exposition
            .family(
                "byname_registry_revision",
                Kind::Gauge,
                "",
                "The revision of the latest change of a registry.",
            )
            .whole(&labels, listed.revision());
    }
    services(exposition, app);
    for report in reports {
        checks(exposition, report);
    }
    let since = started.duration_since(UNIX_EPOCH).unwrap_or_default();
    exposition
        .family(
            "byname_start_time_seconds",
            Kind::Gauge,
            "seconds",
            "When what tells the measurements was made, since 1970.",
        )
        .sample(&[], since.as_secs_f64());
    let up = started.elapsed().unwrap_or_default();
    exposition
        .family(
            "byname_uptime_seconds",
            Kind::Gauge,
            "seconds",
            "How long ago that was.",
        )
        .sample(&[], up.as_secs_f64());
}

fn services(exposition: &mut Exposition, app: &Running) {
    for (name, state) in app.states().snapshot().iter() {
        let stages = STAGES.map(|stage| (stage.to_string(), stage == state.stage()));
        let stages: Vec<_> = stages.iter().map(|(word, is)| (&**word, *is)).collect();
        exposition
            .family(
                "byname_service_state",
                Kind::StateSet,
                "",
                "Where a service is in its life.",
            )
            .states(&[("service", name)], &stages);
        for (phase, word) in PHASES {
            let Some(took) = state.took(phase) else {
                continue;
            };
            exposition
                .family(
                    "byname_service_phase_seconds",
                    Kind::Gauge,
                    "seconds",
                    "How long a phase of a service took.",
                )
                .sample(&[("service", name), ("phase", word)], took.as_secs_f64());
        }
    }
}

fn checks(exposition: &mut Exposition, report: &Report) {
    let (probe, name) = match report.probe() {
        Probe::Liveness => ("liveness", "byname_live"),
        Probe::Readiness => ("readiness", "byname_ready"),
    };
    exposition
        .family(
            name,
            Kind::Gauge,
            "",
            "Whether the application is so: 1 or 0.",
        )
        .whole(&[], u64::from(report.is_passing()));
    for look in report.looks() {
        let optional = if look.is_optional() { "true" } else { "false" };
        let labels = [
            ("check", look.key()),
            ("probe", probe),
            ("optional", optional),
        ];
        exposition
            .family(
                "byname_check_passing",
                Kind::Gauge,
                "",
                "Whether a check passes: 1 or 0.",
            )
            .whole(&labels, u64::from(look.outcome().is_passing()));
        exposition
            .family(
                "byname_check_duration_seconds",
                Kind::Gauge,
                "seconds",
                "How long the latest run of a check took.",
            )
            .sample(&labels, look.took().as_secs_f64());
    }
}
