//! What there is to measure of rate limits.

use super::exposition::{Exposition, Kind};
use crate::http::Middleware;
use crate::running::Running;

/// Adds what each rate limit has refused, by the name of its middleware.
pub(in crate::http::admin) fn write(exposition: &mut Exposition, app: &Running) {
    for (name, definition) in app.registries().middleware.definitions().snapshot().iter() {
        let part = definition.built();
        let Some(middleware) = part.as_ref().and_then(|part| part.get::<Middleware>()) else {
            continue;
        };
        let Some(limit) = middleware.limit() else {
            continue;
        };
        let labels = [("middleware", name)];
        exposition
            .family(
                "byname_rate_limit_refused",
                Kind::Counter,
                "",
                "Requests that a rate limit refused.",
            )
            .whole(&labels, limit.refused());
        exposition
            .family(
                "byname_rate_limit_keys",
                Kind::Gauge,
                "",
                "How many a rate limit counts now, those included that are forgotten soon.",
            )
            .whole(&labels, limit.keys() as u64);
    }
}
