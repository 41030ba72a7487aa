//! The named parts of a server, declared in one file, wired once, started and stopped in order.
#![forbid(unsafe_code)]

mod chosen;
mod clients;
pub mod config;
mod health;
mod middleware;
mod part;
mod problem;
mod values;

pub use byname_registry::Place;
pub use chosen::{ServerChoice, ServerName};
pub use clients::{Client, Clients, RunningClient};
pub use health::{Check, Checks, Decides, HealthOptions, Look, Outcome, Probe, Report};
pub use middleware::{Instances, MiddlewareError, MiddlewareFactory, Middlewares};
pub use part::{Key, Lookup, LookupError, Part, Parts};
pub use problem::{Problem, Problems, Severity};
pub use values::{Given, ValueError, Values};
