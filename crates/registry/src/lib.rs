//! Names in one process: read without waiting, change whole, build once, observe.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the registry that calls it comes next")
)]
mod observe;
mod sync;

pub use observe::{
    Change, Changed, Counters, Event, Notified, Options, Policy, RecvError, Registration,
    StopHandle, Subject, Subscription,
};
