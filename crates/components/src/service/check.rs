//! Whether arguments are what the description of a route says.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::method::Argument;
use super::plan::Routed;
use crate::http::bind::{Check as Compiled, Schema};
use crate::service_error::FieldError;

/// The compiled schemas of the arguments of a method.
#[derive(Debug)]
pub(super) struct Check(Compiled);

impl Check {
    pub(super) fn new(arguments: &[Argument]) -> Result<Self, String> {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let schema = Schema::make_by(settings, |generator| {
            let mut properties = Map::new();
            for argument in arguments {
                let schema = argument.schema()(generator).to_value();
                properties.insert(argument.name().to_owned(), schema);
            }
            let mut object = schemars::Schema::default();
            object.insert("type".into(), "object".into());
            object.insert("properties".into(), properties.into());
            object
        });
        Compiled::whole(schema).map(Self)
    }

    /// Returns what is wrong with values, by the names of the arguments.
    pub(super) fn faults(&self, values: &Value, routed: &Routed) -> Vec<FieldError> {
        let fault = |fault: FieldError| {
            let inside = fault.field.strip_prefix('/').unwrap_or_default();
            let (name, inside) = match inside.find('/') {
                Some(end) => inside.split_at(end),
                None => (inside, ""),
            };
            let at = routed.arguments.iter().position(|one| one.name == name);
            routed.refusal(at.unwrap_or(usize::MAX), inside, fault.message)
        };
        self.0.faults(values).into_iter().map(fault).collect()
    }
}
