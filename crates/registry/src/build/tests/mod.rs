//! What the engine promises, each promise in a file.

mod cancel;
mod cycle;
mod deadline;
mod once;
mod retry;
mod rig;
mod unwind;
