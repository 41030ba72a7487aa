//! Who hears of a change: subscriptions that pull, and a [`Subject`] for plain callbacks.
//!
//! The types here are generic over what stands for a value (`P`) and for a whole state (`N`); the
//! crate's root names them as a registry hands them out: [`Subscription`](crate::Subscription),
//! [`Change`](crate::Change), [`Event`](crate::Event).
//!
//! A registry never runs a callback. A commit puts its change into the queue of each subscription,
//! and whoever holds the subscription pulls, on a thread or task of their own. Wakers and destructors
//! of values run under no lock of the registry.

// Locks, in the only order in which they are ever nested: the registry's writers' mutex, then either
// the list of observers or one queue. What a commit wakes and what it supersedes is handed back as
// `Wakes`, to be done after unlocking.

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
