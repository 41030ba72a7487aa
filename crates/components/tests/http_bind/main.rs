//! What handlers are given of a request: checked, told at once, documented.
#![allow(
    clippy::items_after_statements,
    clippy::similar_names,
    clippy::struct_field_names,
    reason = "routes and types are declared where they are tested"
)]

mod content;
mod describing;
mod faults;
mod heads;
mod refusing;
mod rig;
mod routing;
