//! What the engine promises, each promise in a file.

mod cancel;
mod context;
mod cycle;
mod deadline;
mod depth;
mod once;
mod retry;
mod rig;
mod unwind;
