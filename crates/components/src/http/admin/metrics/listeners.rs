//! What there is to measure of listeners.

use super::exposition::{Exposition, Kind};
use crate::http::Server;
use crate::http::listen::Stats;
use crate::running::Running;

/// A family of samples of each listener: name, kind, what it tells, the label that tells its samples
/// apart where there are several, and these.
type Of = (
    &'static str,
    Kind,
    &'static str,
    &'static str,
    &'static [(&'static str, fn(&Stats) -> u64)],
);

const FAMILIES: [Of; 14] = [
    (
        "byname_listener_connections",
        Kind::Gauge,
        "Connections that are open now, by what they speak: HTTP, or what they were upgraded to.",
        "speaking",
        &[
            ("http", |stats| stats.open.saturating_sub(stats.upgraded)),
            ("upgraded", |stats| stats.upgraded),
        ],
    ),
    (
        "byname_listener_accepted",
        Kind::Counter,
        "Connections accepted.",
        "",
        &[("", |stats| stats.accepted)],
    ),
    (
        "byname_listener_accept_errors",
        Kind::Counter,
        "Times that the system did not hand out a connection for want of something.",
        "",
        &[("", |stats| stats.accept_errors)],
    ),
    (
        "byname_listener_waits",
        Kind::Counter,
        "Times that accepting waited, as all places for connections were taken.",
        "",
        &[("", |stats| stats.waits)],
    ),
    (
        "byname_listener_peers_refused",
        Kind::Counter,
        "Connections closed at once, as their peer had as many as it may.",
        "",
        &[("", |stats| stats.peers_refused)],
    ),
    (
        "byname_listener_handshake_errors",
        Kind::Counter,
        "Connections that did not agree on TLS, or not in time.",
        "",
        &[("", |stats| stats.handshake_errors)],
    ),
    (
        "byname_listener_requests_in_flight",
        Kind::Gauge,
        "Requests whose answer has not been given to its last byte.",
        "",
        &[("", |stats| stats.in_flight)],
    ),
    (
        "byname_listener_requests",
        Kind::Counter,
        "Requests whose head was read.",
        "",
        &[("", |stats| stats.requests)],
    ),
    (
        "byname_listener_answers",
        Kind::Counter,
        "Answers that were begun, by the class of their status.",
        "class",
        &[
            ("1xx", |stats| stats.answered_1xx),
            ("2xx", |stats| stats.answered_2xx),
            ("3xx", |stats| stats.answered_3xx),
            ("4xx", |stats| stats.answered_4xx),
            ("5xx", |stats| stats.answered_5xx),
        ],
    ),
    (
        "byname_listener_refused",
        Kind::Counter,
        "What the listener refused by itself: a body or fields beyond its limits, a head that is too large or none, requests beyond those at a time.",
        "reason",
        &[
            ("body", |stats| stats.too_large),
            ("fields", |stats| stats.too_many_headers),
            ("head", |stats| stats.heads_too_large),
            ("malformed", |stats| stats.malformed),
            ("requests", |stats| stats.overloaded),
        ],
    ),
    (
        "byname_listener_timeouts",
        Kind::Counter,
        "What did not come or was not taken in time: a head, a body, a next request, an answer.",
        "of",
        &[
            ("header", |stats| stats.header_timeouts),
            ("body", |stats| stats.body_timeouts),
            ("idle", |stats| stats.idle_timeouts),
            ("write", |stats| stats.write_timeouts),
        ],
    ),
    (
        "byname_listener_panics",
        Kind::Counter,
        "Requests whose endpoint panicked before it answered.",
        "",
        &[("", |stats| stats.panics)],
    ),
    (
        "byname_listener_cut",
        Kind::Counter,
        "Connections cut because the time to drain was over.",
        "",
        &[("", |stats| stats.cut)],
    ),
    (
        "byname_listener_certificates",
        Kind::Counter,
        "Changed certificates, by whether they were taken or could not be used.",
        "outcome",
        &[
            ("taken", |stats| stats.certificates_reloaded),
            ("refused", |stats| stats.certificates_refused),
        ],
    ),
];

/// Adds what each listener counts, by the name of its service.
pub(in crate::http::admin) fn write(exposition: &mut Exposition, app: &Running) {
    for (name, part) in app.registries().servers.list().iter() {
        let Some(server) = part.get::<Server>() else {
            continue;
        };
        let Some(stats) = server.stats() else {
            continue;
        };
        times(exposition, name, server);
        for (family, kind, help, label, samples) in FAMILIES {
            let family = exposition.family(family, kind, "", help);
            for (value, of) in samples {
                let apart = [("listener", name), (label, *value)];
                let labels = if label.is_empty() {
                    &apart[..1]
                } else {
                    &apart
                };
                family.whole(labels, of(&stats));
            }
        }
    }
}

/// How long the requests of a listener took, by route.
fn times(exposition: &mut Exposition, name: &str, server: &Server) {
    let family = exposition.family(
        "byname_request_seconds",
        Kind::Histogram,
        "seconds",
        "How long it took until the answer to a request began, or until it was given up (class unanswered), by its route (none where no route is for it), its method (other for one of those that are not told apart) and the class of the answer's status.",
    );
    for (route, times) in server.times() {
        for (method, class, histogram) in times.counted() {
            let labels = [
                ("listener", name),
                ("route", route.unwrap_or("none")),
                ("method", method),
                ("class", class),
            ];
            family.histogram(&labels, histogram);
        }
    }
}
