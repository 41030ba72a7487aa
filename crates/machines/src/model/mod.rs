//! What is known of a machine.

mod capacity;
mod definition;
mod fields;
mod host;
mod invalid;
mod kind;
mod labels;
mod machine;
mod name;
#[cfg(feature = "http")]
mod schema;
mod timestamp;

pub use capacity::{Accelerator, Capacity};
pub use definition::Definition;
pub(crate) use fields::read;
pub use host::Host;
pub use invalid::Invalid;
pub use kind::Kind;
pub use labels::Labels;
pub(crate) use labels::{check_key, check_value};
pub use machine::Machine;
pub use name::MachineName;
pub use timestamp::Timestamp;
