//! Names in one process: read without waiting, change whole, build once, observe.
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the registry that uses the engine is merged after it"
    )
)]
mod build;
mod sync;

pub use build::{
    BuildError, BuildName, BuildPath, BuildStatus, Cause, Clock, Context, Retry, Timer,
};
