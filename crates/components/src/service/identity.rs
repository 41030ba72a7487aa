//! Where what a method made is found.

use axum::http::{self, HeaderValue, StatusCode};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::convention::{Location, Route};
use super::kind::{Kinds, Scalar};
use super::method::Method;
use super::template::{Template, encode, guard};
use crate::http::bind::Schema;

/// Where what a method made is found: one segment below the path of the method, which a field of its answer
/// says.
#[derive(Debug)]
pub(super) struct Identity {
    field: String,
    /// The fixed segments of other routes that stand there.
    rivals: Vec<String>,
}

/// A route, and the method that it is of.
pub(super) type Known<'a> = (&'a Method, &'a Route, &'a Template);

impl Identity {
    /// Works out where what this method makes is found: where another one gets it, by what the answer of
    /// this one always says under the same name.
    #[allow(single_use_lifetimes, reason = "it cannot be anonymous here")]
    pub(super) fn of<'a>(
        one: Known<'_>,
        all: impl Iterator<Item = Known<'a>> + Clone,
    ) -> Option<Self> {
        let (method, route, template) = one;
        if route.method != http::Method::POST || route.status != StatusCode::CREATED {
            return None;
        }
        let mut below = all
            .clone()
            .filter(|(_, other, _)| other.method == http::Method::GET);
        let (getting, parameter, found) = below.find_map(|(_, getting, found)| {
            let parameter = found.parameter_below(template)?;
            Some((getting, parameter, found))
        })?;
        let written = SchemaSettings::draft2020_12().for_serialize();
        let answer = Schema::make_by(written, |generator| method.answer()(generator));
        let place = Location::Path(parameter.to_owned());
        let arguments = getting.locations.iter().filter(|(_, at)| **at == place);
        let mut names = arguments.map(|(name, _)| &**name).chain([parameter]);
        let field = names.find(|name| is_always_said(&answer, name))?.to_owned();
        let templates = all.map(|(_, _, template)| template);
        Some(Self {
            field,
            rivals: found.rivals(parameter, templates),
        })
    }

    /// Where it is, of what was made at this path with this answer.
    pub(super) fn location(&self, path: &str, answer: &[u8]) -> Option<HeaderValue> {
        let answer: Value = serde_json::from_slice(answer).ok()?;
        let said = match answer.get(&self.field)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let segment = guard(&said, &self.rivals);
        HeaderValue::try_from(format!("{path}/{}", encode(&segment))).ok()
    }
}

/// Whether an answer is an object that has a text or a whole number under this name, whatever it is.
fn is_always_said(answer: &Schema, name: &str) -> bool {
    let object = answer.resolve(&answer.root);
    let required = object.get("required").and_then(Value::as_array);
    let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
    let field = object.get("properties").and_then(|fields| fields.get(name));
    let Some(field) = field.filter(|_| is_required) else {
        return false;
    };
    let kinds = Kinds::of(&Schema {
        root: field.clone(),
        definitions: answer.definitions.clone(),
    });
    let is_plain = matches!(kinds.scalar(), Some(Scalar::Text | Scalar::Integer));
    is_plain && !kinds.has_null()
}
