//! The named parts of a server, declared in one file, wired once, started and stopped in order.
//!
//! An [`App`] is what is declared: modules register factories, which are functions from settings and
//! declared needs to a service; a file says which services there are, with which settings, and which
//! server has which of them. Everything is checked before anything is built, and everything that is
//! wrong is told at once ([`Problems`]), with its places in files and in code. A [`Running`] is what is
//! started: services by name ([`Parts`]), their states, health checks, configuration values, all in
//! [`Registries`] that can be read without waiting, changed and observed.
//!
//! A whole `main` is `App::from_file("app.yaml")?.register(my_module).run().await`.
#![forbid(unsafe_code)]

mod app;
mod chosen;
mod clients;
pub mod config;
mod context;
mod factory;
mod graph;
mod health;
#[cfg(feature = "http")]
pub mod http;
mod life;
mod made;
mod middleware;
mod need;
mod part;
mod problem;
mod registrar;
mod registries;
mod reload;
mod running;
#[cfg(feature = "http")]
pub mod service;
mod service_error;
mod signals;
mod state;
mod supply;
mod values;

/// The types of declared needs, which are seldom named.
pub mod needs {
    pub use crate::need::{All, Declaration, Later, Optional, Required, Told, Value};
}

pub use app::{App, DemandKey, NotStarted, StartError};
pub use byname_registry::Place;
pub use chosen::{ServerChoice, ServerName};
pub use clients::{
    Client, ClientBreaker, ClientBudget, ClientKey, ClientLimits, ClientPool, ClientRetry,
    ClientSettings, ClientTimeouts, Clients, RunningClient,
};
pub use context::{Context, Lazy};
pub use factory::{Build, FactoryEntry, Settings};
pub use graph::{Edge, Format, Graph, Service};
pub use health::{Check, Checks, Decides, HealthOptions, Look, Outcome, Probe, Report};
pub use life::{Phase, StepError, Within};
pub use made::{BoxError, Made, Product};
pub use middleware::{Instances, MiddlewareError, MiddlewareFactory, Middlewares};
pub use need::{Declared, Need, NeedKind, Needs, all, context, lazy, need, optional, value};
pub use part::{Key, Lookup, LookupError, Part, Parts};
pub use problem::{Problem, Problems, Severity};
pub use registrar::{Module, Registrar};
pub use registries::Registries;
pub use reload::{
    Following, PartOutcome, PartReport, Prepared, ReloadOutcome, ReloadReport, Reloads,
};
pub use running::{CreateError, Failure, GetError, Running, StartReport, StopError, Timing};
pub use service_error::{Blame, ErrorKind, FieldError, FieldPlace, ServiceError};
pub use signals::Signals;
pub use state::{Stage, State};
pub use values::{Given, ValueError, Values};
