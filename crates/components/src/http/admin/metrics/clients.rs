//! What there is to measure of clients of services that are elsewhere.

use byname_upstream::{BackendState, BreakerState, Counters, HealthState, Upstream};

use super::exposition::{Exposition, Kind};
use crate::running::Running;

/// What a client has done, and what is known of those whom it calls.
struct Client {
    counters: Counters,
    backends: Vec<BackendState>,
}

impl Client {
    fn of(upstream: &Upstream) -> Self {
        Self {
            counters: upstream.counters(),
            backends: upstream.states(),
        }
    }

    fn sum(&self, of: impl Fn(&BackendState) -> u64) -> u64 {
        self.backends.iter().map(of).sum()
    }

    fn count(&self, is: impl Fn(&BackendState) -> bool) -> u64 {
        self.sum(|backend| u64::from(is(backend)))
    }
}

/// A family of samples of each client: name, kind, what it tells, the label that tells its samples apart
/// where there are several, and these.
type Of = (
    &'static str,
    Kind,
    &'static str,
    &'static str,
    &'static [(&'static str, fn(&Client) -> u64)],
);

const FAMILIES: [Of; 9] = [
    (
        "byname_client_calls",
        Kind::Counter,
        "Calls that were begun.",
        "",
        &[("", |client| client.counters.calls)],
    ),
    (
        "byname_client_tries",
        Kind::Counter,
        "Tries that were begun: several of a call that is repeated.",
        "",
        &[("", |client| client.sum(|backend| backend.tries))],
    ),
    (
        "byname_client_tries_ended",
        Kind::Counter,
        "Tries that are over: answered, failed (or answered 502, 503 or 504), given up by the caller.",
        "outcome",
        &[
            ("success", |client| client.sum(|backend| backend.successes)),
            ("failure", |client| client.sum(|backend| backend.failures)),
            ("abandoned", |client| {
                client.sum(|backend| backend.abandoned)
            }),
        ],
    ),
    (
        "byname_client_tries_in_flight",
        Kind::Gauge,
        "Tries that are under way.",
        "",
        &[("", |client| client.sum(|backend| backend.in_flight as u64))],
    ),
    (
        "byname_client_retries",
        Kind::Counter,
        "Tries that repeated another, and those that would have, had the budget allowed it.",
        "made",
        &[
            ("true", |client| client.counters.retries),
            ("false", |client| client.counters.over_budget),
        ],
    ),
    (
        "byname_client_refused",
        Kind::Counter,
        "Calls that were not sent: all breakers were open, too many waited, nobody was there to be called.",
        "reason",
        &[
            ("breaker", |client| client.counters.refused),
            ("overloaded", |client| client.counters.overloaded),
            ("nobody", |client| client.counters.without_backend),
        ],
    ),
    (
        "byname_client_waited",
        Kind::Counter,
        "Times that a call waited for a place.",
        "",
        &[("", |client| client.counters.waited)],
    ),
    (
        "byname_client_breakers",
        Kind::Gauge,
        "Those who are called, by what their breaker does: closed lets everybody through, open nobody, half-open a few.",
        "state",
        &[
            ("closed", |client| {
                client.count(|one| matches!(one.breaker, BreakerState::Closed { .. }))
            }),
            ("open", |client| {
                client.count(|one| matches!(one.breaker, BreakerState::Open { .. }))
            }),
            ("half-open", |client| {
                client.count(|one| matches!(one.breaker, BreakerState::HalfOpen { .. }))
            }),
        ],
    ),
    (
        "byname_client_left_out",
        Kind::Gauge,
        "Those who are not called for a while, as they have failed, while another can be.",
        "",
        &[("", |client| {
            client.count(|one| matches!(one.health, HealthState::LeftOut { .. }))
        })],
    ),
];

/// Adds what each client counts, by the name of the service that it stands for.
pub(in crate::http::admin) fn write(exposition: &mut Exposition, app: &Running) {
    for (name, upstream) in app.registries().upstreams.snapshot().iter() {
        let client = Client::of(upstream);
        for (family, kind, help, label, samples) in FAMILIES {
            let family = exposition.family(family, kind, "", help);
            for (value, of) in samples {
                let apart = [("service", name), (label, *value)];
                let labels = if label.is_empty() {
                    &apart[..1]
                } else {
                    &apart
                };
                family.whole(labels, of(&client));
            }
        }
    }
}
