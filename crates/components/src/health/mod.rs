//! Whether an application lives and is ready, as its services' checks say.
//!
//! A [`Check`] is run in a task of its own, with a deadline, by a second task that outlives whoever
//! asked: so a run that has begun ends in a result, also when every asker has left. What came out is
//! kept with the check for a short while, and shared by all who ask meanwhile.

mod check;
mod checks;
mod report;
mod run;

pub use check::{Check, Decides};
pub use checks::{Checks, HealthOptions};
pub use report::{Look, Outcome, Probe, Report};
