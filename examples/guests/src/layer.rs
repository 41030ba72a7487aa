//! A middleware: a layer of tower, made from settings.

use std::future::ready;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use axum::middleware::map_response;
use axum::response::Response;
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

async fn stamp(settings: StampSettings) -> Result<Arc<Middleware>, BoxError> {
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
