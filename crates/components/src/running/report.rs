//! How long the start took, and what it waited for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Running;
use crate::life::Phase;

/// How long a service took until it was ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The service.
    pub name: Arc<str>,
    /// Its factory.
    pub build: Duration,
    /// Its start.
    pub start: Duration,
    /// Until it was ready after the start.
    pub ready: Duration,
}

impl Timing {
    /// Returns the sum.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.build + self.start + self.ready
    }
}

/// How long the start of an application took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartReport {
    /// The services that were built, each after what it needs.
    pub services: Vec<Timing>,
    /// The chain of needs that took longest: no start can be shorter, however much is done at once.
    pub critical: Vec<Timing>,
}

impl StartReport {
    /// Returns how long the longest chain took.
    #[must_use]
    pub fn critical_time(&self) -> Duration {
        self.critical.iter().map(Timing::total).sum()
    }
}

impl fmt::Display for StartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>10}  {:>10}  {:>10}  service",
            "build", "start", "ready"
        )?;
        for timing in &self.services {
            let Timing {
                name,
                build,
                start,
                ready,
            } = timing;
            let mark = if self.critical.contains(timing) {
                " *"
            } else {
                ""
            };
            writeln!(
                f,
                "{build:>10.1?}  {start:>10.1?}  {ready:>10.1?}  {name}{mark}"
            )?;
        }
        let names: Vec<&str> = self.critical.iter().map(|timing| &*timing.name).collect();
        write!(
            f,
            "critical path (*): {} ({:.1?})",
            names.join(" -> "),
            self.critical_time()
        )
    }
}

impl Running {
    /// Returns how long each service took until it was ready, and the critical path.
    #[must_use]
    pub fn report(&self) -> StartReport {
        let graph = self.graph();
        let mut services = Vec::new();
        // For each service the longest chain up to it: how long, and what came before.
        let mut longest: Vec<(Duration, Option<usize>, Option<Timing>)> =
            vec![(Duration::ZERO, None, None); graph.len()];
        let mut last = None;
        for service in graph.services() {
            let Some(at) = graph.at(service.name()) else {
                continue;
            };
            let took = |phase| {
                self.states()
                    .read(service.name(), |state| state.took(phase))
                    .flatten()
            };
            let Some(build) = took(Phase::Build) else {
                continue;
            };
            let timing = Timing {
                name: Arc::clone(&service.name),
                build,
                start: took(Phase::Start).unwrap_or_default(),
                ready: took(Phase::Ready).unwrap_or_default(),
            };
            let before = service
                .edges
                .iter()
                .filter(|edge| edge.kind.is_built_before() && longest[edge.to].2.is_some())
                .map(|edge| edge.to)
                .max_by_key(|to| longest[*to].0);
            let sum = before.map_or(Duration::ZERO, |to| longest[to].0) + timing.total();
            longest[at] = (sum, before, Some(timing.clone()));
            if last.is_none_or(|last: usize| longest[last].0 < sum) {
                last = Some(at);
            }
            services.push(timing);
        }
        let mut critical = Vec::new();
        while let Some(at) = last {
            critical.extend(longest[at].2.clone());
            last = longest[at].1;
        }
        critical.reverse();
        StartReport { services, critical }
    }
}
