//! What every store promises, as tests.
//!
//! Who writes a store makes a [`Fixture`] of it and names it in a test file:
//!
//! ```
//! use byname_store::conformance::Fixture;
//! use byname_store::{MemoryStore, Store};
//! use std::sync::Arc;
//!
//! struct Memory(MemoryStore);
//!
//! impl Fixture for Memory {
//!     fn open(&self) -> Arc<dyn Store> {
//!         Arc::new(self.0.reopen())
//!     }
//! }
//!
//! byname_store::conformance_tests!(Memory(MemoryStore::new()));
//! ```
//!
//! Each promise is a test of its own there, on a fixture of its own. [`PROMISES`] has them all, for
//! other ways of running them. A promise that is not kept panics and says what was found.
#![allow(clippy::missing_panics_doc, reason = "panicking is how a test fails")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::store::Store;

mod committing;
mod concurrent;
mod leases;
mod reaching;
mod refusing;
mod scene;
mod waiting;
mod watching;

pub use committing::*;
pub use concurrent::*;
pub use leases::*;
pub use reaching::*;
pub use refusing::*;
pub use waiting::*;
pub use watching::*;

/// How long a store that keeps its promises never takes: one minute.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A registry, empty at first, and what can be done to it from outside.
///
/// Only [`open`](Self::open) is needed. What a store cannot be put through, its fixture says by the
/// answers that are the default; the promises about it are then tested as far as they go without.
pub trait Fixture: Sync {
    /// Opens a further handle on the registry, as another process would have: it shares nothing
    /// with the others but what the store keeps.
    fn open(&self) -> Arc<dyn Store>;

    /// Makes the changes up to the present unknown to every handle. Returns whether it has done so.
    fn compact(&self) -> bool {
        false
    }

    /// Takes the right to write: until what is returned is dropped, nothing that is submitted to any
    /// handle begins.
    fn hold(&self) -> Option<Box<dyn Any>> {
        None
    }

    /// Lets exactly so much time pass, as the store measures it, and no other time. Returns whether
    /// it has done so; the suite then waits for time to pass by itself where it must.
    fn advance(&self, _time: Duration) -> bool {
        false
    }

    /// Opens a further handle that can be put out of contact.
    fn remote(&self) -> Option<Remote> {
        None
    }
}

/// A handle that can be put out of contact with what the store keeps.
pub struct Remote {
    /// The handle.
    pub store: Arc<dyn Store>,
    /// Puts it out of contact with `false`, back into contact with `true`.
    pub contact: Box<dyn Fn(bool) + Send + Sync>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// A promise: its name and its test.
pub type Promise = (&'static str, fn(&dyn Fixture));

/// Tests each promise on a fixture of its own.
pub fn run<F: Fixture>(fixture: impl Fn() -> F) {
    for (_, promise) in PROMISES {
        promise(&fixture());
    }
}

/// Makes a test of each promise, on the fixture that the expression makes anew each time.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:expr) => {
        $crate::__each_promise!(__conformance_tests, $fixture);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($fixture:expr; $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $crate::conformance::$name(&$fixture);
            }
        )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_list {
    ($($name:ident)*) => {
        &[$((stringify!($name), $crate::conformance::$name)),*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __each_promise {
    ($then:ident $(, $argument:expr)?) => {
        $crate::$then! {
            $($argument;)?
            an_empty_registry_has_no_entries_and_one_id
            revisions_grow_and_entries_carry_them
            a_transaction_is_one_revision
            conditions_hold_or_refuse
            conditions_see_the_state_before_the_transaction
            of_several_writes_of_a_name_the_last_counts
            removing_what_is_not_there_does_nothing
            what_writes_nothing_yields_a_revision
            unchanged_since_refuses_after_any_change
            names_and_values_are_kept_as_they_are
            names_that_are_none_are_refused
            more_than_the_limits_is_refused
            one_bad_transaction_fails_alone
            who_wrote_sees_it
            a_dropped_pending_is_done_nevertheless
            what_is_withdrawn_has_not_happened
            a_refresh_shows_what_others_committed
            a_new_handle_shows_everything
            out_of_contact_nothing_is_lost_and_nothing_looks_empty
            a_watch_hears_each_change_once_and_in_order
            a_watch_can_begin_at_any_recent_revision
            a_watch_of_another_handle_hears_without_asking
            a_watch_from_what_is_not_known_begins_with_everything
            a_slow_watch_is_told_and_ends_up_right
            a_lease_can_be_kept_and_revoked
            a_lease_that_lapses_takes_its_entries
            an_ended_lease_is_refused
            concurrent_increments_sum_exactly
            concurrent_adds_are_exactly_all_there
            concurrent_readers_never_see_half
            concurrent_watches_agree
        }
    };
}

/// Every promise.
pub const PROMISES: &[Promise] = crate::__each_promise!(__conformance_list);
