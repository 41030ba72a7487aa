//! Placeholder until the build engine is merged.
#[derive(Debug)]
pub(crate) struct Build;
