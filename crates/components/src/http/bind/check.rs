//! A compiled schema, and what it is for.

use super::schema::Schema;
use crate::service_error::FieldPlace;

/// An extractor that checks what it extracts.
pub(crate) trait Checked: 'static {
    /// Compiles its schema; or says why that cannot be.
    fn check() -> Result<Check, String>;
}

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) place: FieldPlace,
    pub(crate) schema: Schema,
}
