//! A kind of route: what a file says of it, and what answers then.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::response::Redirect;
use byname::config::{CheckSettings, Checked, Faults};
use byname::http::Mounted;
use byname::{BoxError, Registrar};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a file says under `moved`.
#[derive(Deserialize, JsonSchema)]
struct MovedSettings {
    /// Where everything is now: a path without a slash at its end.
    to: String,
}

impl CheckSettings for MovedSettings {
    fn check(&self, faults: &mut Faults) {
        let to = &self.to;
        if !to.starts_with('/') || to.ends_with('/') {
            faults.tell("to", format!("is `{to}`; expected a path such as `/new`"));
        }
    }
}

/// Sends everybody who asks for something under the route's prefix to where it is now.
async fn moved(Checked(settings): Checked<MovedSettings>) -> Result<Arc<Mounted>, BoxError> {
    let to = settings.to;
    let service = tower::service_fn(move |request: Request| {
        // The prefix is stripped already.
        let rest = request.uri().path_and_query();
        let rest = rest.map_or("", PathAndQuery::as_str);
        let answer = Redirect::permanent(&format!("{to}{rest}"));
        ready(Ok::<_, Infallible>(answer))
    });
    Ok(Arc::new(Mounted::new(service)))
}

/// Registers the kind of route `moved`.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    registrar.route_kind("moved", (), moved);
}
