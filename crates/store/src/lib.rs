//! Registries that outlive their process.
//!
//! A *durable registry* is a [`Registry`](byname_registry::Registry) that follows a store: reads are
//! those of any registry, a change is published after it is safe, never before. [`Store`] is the one
//! contract of all stores.
#![deny(unsafe_code)]

pub mod conformance;
pub mod disk;
mod durable;
mod error;
mod file;
mod health;
mod history;
mod json;
mod lease;
mod memory;
mod pending;
mod record;
mod store;
mod transaction;
mod watch;

pub use durable::{Durable, DurableError, DurableOptions, Value};
pub use error::{Blame, Holder, StoreError};
pub use file::{
    BootClock, Cleaned, FileOptions, FileState, FileStore, Inspection, Kept, Leftover, Locks,
    SystemBootClock,
};
pub use health::{Health, Problem};
pub use history::History;
pub use json::{Json, JsonError};
pub use lease::{Lease, LeaseId};
pub use memory::{Backup, Hold, MemoryOptions, MemoryStore};
pub use pending::{Completer, Pending};
pub use record::Record;
pub use store::{Limits, Store};
pub use transaction::{Condition, Transaction, Write};
pub use watch::{Event, Watch};

/// What happened in a revision of a store, or in several.
pub type Change = byname_registry::Change<Record>;
/// Everything a store holds, at one revision.
pub type State = byname_registry::Snapshot<Record>;

/// The longest name, in bytes.
pub const MAX_NAME: usize = 1_024;

/// Whether `name` can be the name of an entry: 1 to [`MAX_NAME`] bytes without control characters.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control)
}

/// What the fuzz targets run; there only in a build for them.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    /// Reads any bytes as a document of the file store.
    ///
    /// # Panics
    ///
    /// When what must hold of all bytes does not hold of these.
    pub fn document(bytes: &[u8]) {
        crate::file::document::check::check(bytes);
    }
}
