#![doc = include_str!("../README.md")]

/// The longest name, in bytes.
pub const MAX_NAME: usize = 65_535;

/// The last revision that a registry can have: 2^63 - 1.
pub const MAX_REVISION: u64 = i64::MAX as u64;

mod build;
mod builder;
mod changes;
mod draft;
mod error;
mod factory;
mod following;
mod hash;
mod nearest;
pub mod observe;
mod place;
mod raw;
mod registry;
mod resolve;
mod sync;

pub use build::{
    BuildError, BuildName, BuildPath, BuildStatus, Cause, Clock, Context, Retry, Timer,
};
pub use builder::Builder;
pub use changes::Changes;
pub use draft::{Committed, Draft};
pub use error::{ChangeError, TransactionError};
pub use factory::Factory;
pub use nearest::{nearest, suggestion};
pub use observe::{Counters, Notified, Options, Policy, RecvError, Registration, Subject};
pub use place::Place;
pub use raw::handle::Handle;
pub use raw::owned::{Entry, Owned};
pub use raw::snapshot::Snapshot;
pub use raw::view::{Guard, View};
pub use registry::Registry;
pub use resolve::{Resolve, ResolveError};

/// What happened in a revision, or in several of them, to entries of `V`.
pub type Change<V> = observe::Change<Entry<V>>;
/// One name of a [`Change`]: its entry before and after.
pub type Changed<V> = observe::Changed<Entry<V>>;
/// What a [`Subscription`] hands out: the next [`Change`], or a [`Snapshot`] to go on from.
pub type Event<V> = observe::Event<Entry<V>, Snapshot<V>>;
/// Hears every change of a [`Registry`], in order.
pub type Subscription<V> = observe::Subscription<Entry<V>, Snapshot<V>>;
/// Ends a [`Subscription`] from elsewhere.
pub type StopHandle<V> = observe::StopHandle<Entry<V>>;
