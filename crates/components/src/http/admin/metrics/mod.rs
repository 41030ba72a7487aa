//! Measurements as text (OpenMetrics 1.0).

mod application;
mod clients;
mod exposition;
mod limits;
mod listeners;
mod process;

pub use crate::http::histogram::Histogram;
pub(super) use application::write as application;
pub(super) use clients::write as clients;
pub use exposition::{Exposition, Family, Kind};
pub(super) use limits::write as limits;
pub(super) use listeners::write as listeners;
pub(super) use process::write as process;

/// The content type of [`Exposition::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Adds measurements, whenever they are asked for.
pub type Measure = Box<dyn Fn(&mut Exposition) + Send + Sync>;
