//! One trait, here or there: whatever is asked and whatever is answered, it is the same called directly,
//! through its routes, and over a socket.

mod along;
mod any;
mod errors;
mod same;
mod samples;
