//! Keeping a caller's panic from leaving a build half-way.

use std::{
    any::Any,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Runs `call`, and returns what its panic said if it panics.
///
/// Unwind safety is the caller's to see to: nothing that `call` touched may be used afterwards except
/// to be dropped.
pub(super) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, Arc<str>> {
    catch_unwind(AssertUnwindSafe(call)).map_err(message)
}

/// Runs `call`, and ends a panic there; the panic hook has reported it already.
pub(super) fn contain(call: impl FnOnce()) {
    drop(catch(call));
}

fn message(payload: Box<dyn Any + Send>) -> Arc<str> {
    let text = if let Some(text) = payload.downcast_ref::<&str>() {
        Arc::from(*text)
    } else if let Some(text) = payload.downcast_ref::<String>() {
        Arc::from(text.as_str())
    } else {
        Arc::from("a value that is no text")
    };
    // A payload is a caller's value too. Should its destructor panic, the second payload is leaked:
    // dropping it could go on for ever.
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        let _leaked = ManuallyDrop::new(second);
    }
    text
}
