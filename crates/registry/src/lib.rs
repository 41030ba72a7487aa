#![doc = include_str!("../README.md")]

/// The longest name, in bytes.
pub const MAX_NAME: usize = 65_535;

mod build;
mod builder;
mod draft;
mod error;
mod hash;
mod place;
mod raw;
mod registry;
mod sync;

pub use build::{
    BuildError, BuildName, BuildPath, BuildStatus, Cause, Clock, Context, Retry, Timer,
};
pub use builder::Builder;
pub use draft::{Changes, Committed, Draft};
pub use error::{ChangeError, TransactionError};
pub use place::Place;
pub use raw::handle::Handle;
pub use raw::owned::{Entry, Owned};
pub use raw::snapshot::Snapshot;
pub use raw::view::{Guard, View};
pub use registry::Registry;
