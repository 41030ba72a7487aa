//! The machines of a fleet by name, and how to run something on them.
//!
//! [`Machines`] is a durable registry of [`Machine`]s: in the file store every process of this
//! machine shares it, and reads never wait for those who write. The machine `local` is always there.
//! An [`Address`] names a file on a machine, a [`Connection`] runs commands and moves files, here or
//! through the system's `ssh`, and [`run_many`] does so on many machines at once.
//!
//! # Examples
//!
//! ```
//! use byname_machines::{Definition, Machines};
//! use byname_store::MemoryStore;
//! use std::sync::Arc;
//!
//! let machines = Machines::open(Arc::new(MemoryStore::new()))?;
//! let mut alpha = Definition::ssh("ops@alpha.example:2222".parse()?);
//! alpha.labels.insert("gpu", "a100")?;
//! machines.add("alpha", alpha)?;
//!
//! let names: Vec<_> = machines.select(&"gpu=a100".parse()?)?.into_iter().map(|m| m.name).collect();
//! assert_eq!(names, ["alpha"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod address;
mod connection;
mod error;
mod fleet;
#[cfg(feature = "http")]
pub mod http;
mod import;
mod machines;
mod model;
mod selector;

pub use address::{Address, Located};
pub use connection::{
    Bounds, Command, Connection, ConnectionError, HostKeys, LocalConnection, Options, Output,
    Progress, RunResult, SshConnection, SshOptions, Status, connect, each, quote, run_many,
};
pub use error::MachinesError;
pub use fleet::{Fleet, Unusable};
pub use import::{ImportError, ImportProblem, Imported, OnExisting};
pub use machines::Machines;
pub use model::{
    Accelerator, Capacity, Definition, Host, Invalid, Kind, Labels, Machine, MachineName, Timestamp,
};
pub use selector::{Selector, Term};
