//! A middleware: a layer of tower, made from settings.

use std::future::ready;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use axum::middleware::map_response;
use axum::response::Response;
use byname::config::{CheckSettings, Checked, Faults};
use byname::http::Middleware;
use byname::{BoxError, Instances, Registrar};
use schemars::JsonSchema;
use serde::Deserialize;

/// The settings of a middleware of the type `stamp`.
#[derive(Deserialize, JsonSchema)]
struct StampSettings {
    /// The header that every answer has.
    header: String,
    /// What it says.
    text: String,
}

impl CheckSettings for StampSettings {
    fn check(&self, faults: &mut Faults) {
        if HeaderName::try_from(&self.header).is_err() {
            faults.tell("header", "names no header");
        }
        if HeaderValue::try_from(&self.text).is_err() {
            faults.tell("text", "cannot be sent as the value of a header");
        }
    }
}

async fn stamp(Checked(settings): Checked<StampSettings>) -> Result<Arc<Middleware>, BoxError> {
    let header = HeaderName::try_from(settings.header)?;
    let text = HeaderValue::try_from(settings.text)?;
    let layer = map_response(move |mut response: Response| {
        response.headers_mut().insert(header.clone(), text.clone());
        ready(response)
    });
    Ok(Arc::new(Middleware::new(layer)))
}

/// Registers the type of middleware `stamp`: all who name one share it.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    registrar.middleware("stamp", Instances::Shared, stamp);
}
