//! What is said of texts with names.

use super::check::{Check, Shape};
use super::fields::{part, properties};
use crate::http::openapi::{Operation, Parameter};

/// Says what fields there are, as parameters.
pub(super) fn describe_fields(check: &Check, operation: &mut Operation) {
    let Shape::Named(fields) = &check.shape else {
        return;
    };
    for (name, property) in properties(&check.schema) {
        operation.push_parameter(Parameter {
            place: check.place,
            name: name.clone(),
            required: fields.is_required(name),
            schema: part(&check.schema, property),
        });
    }
}
