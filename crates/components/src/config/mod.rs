//! Configuration: one tree that knows where each of its values stands.

mod path;
mod tree;
mod yaml;

pub use path::{Path, PathError, Step};
pub use tree::{Key, Map, Node, Origin, Scalar, Source, Value};
pub use yaml::{parse, parse_flow};
