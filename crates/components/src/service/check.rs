//! Whether arguments are what the description of a route says.

use std::fmt;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::method::Argument;
use super::plan::Routed;
use crate::http::bind::Schema;
use crate::service_error::FieldError;

/// The compiled schemas of the arguments of a method.
pub(super) struct Check(jsonschema::Validator);

/// How many faults are told of one request.
const TOLD: usize = 32;

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
        jsonschema::draft202012::options()
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .build(&schema.whole())
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// Returns what is wrong with values, by the names of the arguments.
    pub(super) fn faults(&self, values: &Value, routed: &Routed) -> Vec<FieldError> {
        if self.0.is_valid(values) {
            return Vec::new();
        }
        let faults = self.0.iter_errors(values).take(TOLD);
        let fault = |error: jsonschema::ValidationError<'_>| {
            let pointer = error.instance_path().to_string();
            let inside = pointer.strip_prefix('/').unwrap_or_default();
            let (name, inside) = match inside.find('/') {
                Some(end) => inside.split_at(end),
                None => (inside, ""),
            };
            let at = routed.arguments.iter().position(|one| one.name == name);
            routed.refusal(at.unwrap_or(usize::MAX), inside, error.masked().to_string())
        };
        faults.map(fault).collect()
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").finish_non_exhaustive()
    }
}
