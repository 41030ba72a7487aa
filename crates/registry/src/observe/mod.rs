//! Who hears of a change: subscriptions that pull, and a [`Subject`] for plain callbacks.
//!
//! The writer's side is [`Observers`], which lives in the registry and runs no caller's code; the
//! reader's side is [`Subscription`]; between them, one bounded [`queue`] a subscription.
//!
//! Locks, in the only order in which they are ever nested: the registry's writers' mutex, then
//! either the list of observers or one queue. Wakers, handlers and destructors of values run
//! under none of them: what a commit wakes and what it supersedes is handed back as [`Wakes`].

mod change;
mod observers;
mod options;
mod queue;
mod subject;
mod subscription;

#[cfg(test)]
mod tests;

pub use change::{Change, Changed};
pub(crate) use observers::{Admission, Observed, Observers, Wakes};
pub use options::{Counters, Options, Policy};
pub use subject::{Notified, Registration, Subject};
pub use subscription::{Event, RecvError, StopHandle, Subscription};
