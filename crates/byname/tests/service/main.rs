//! One trait, here or there: whatever is asked and whatever is answered, it is the same called directly,
//! through its routes, and over a socket.

#![allow(
    clippy::option_option,
    clippy::too_many_arguments,
    clippy::type_complexity,
    reason = "they are among what is awkward"
)]

mod along;
mod along_middleware;
mod any;
mod deployed;
mod described;
mod documents;
mod errors;
mod given;
mod measured;
mod named;
mod names;
mod once;
mod problem_details;
#[cfg(unix)]
mod reached;
#[cfg(unix)]
mod refused;
mod same;
mod samples;
mod shown;
mod too_late;
