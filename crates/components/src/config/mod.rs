//! Configuration: one tree that knows where each of its values stands.

mod diff;
mod effective;
mod layers;
mod path;
mod placeholders;
mod print;
mod read;
mod secret;
mod tree;
pub mod units;
mod yaml;

pub use diff::{Change, Difference};
pub use effective::Config;
pub use layers::Layers;
pub use path::{Path, PathError, Step};
pub use print::PrintOptions;
pub use read::{CheckSettings, Checked, Faults, Read, read_node};
pub use secret::Secret;
pub use tree::{Key, Map, Node, Origin, Scalar, Source, Value};
pub use yaml::{parse, parse_flow};
