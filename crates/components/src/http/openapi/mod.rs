//! What is routed, as OpenAPI 3.1.
//!
//! Nothing is written twice: what a handler takes and answers says what it is ([`Describe`],
//! [`DescribeAnswer`]), with the schemas that are enforced ([`bind`](super::bind)); a route adds words to
//! it ([`Operation`]); [`document`] writes it all down.

mod components;
mod describe;
mod document;
mod operation;

pub use self::describe::{Describe, DescribeAnswer};
pub use self::document::{Info, document};
pub use self::operation::{Operation, Security};

pub(crate) use self::operation::Parameter;
