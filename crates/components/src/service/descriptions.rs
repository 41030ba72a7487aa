//! The routes of a service, described for those who serve them and for those who read of them.

use std::sync::Arc;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::convention::Location;
use super::kind::Kinds;
use super::method::Method;
use super::plan::{Kind, Plan, Routed};
use crate::http::bind::Schema;
use crate::http::openapi::{Operation, Parameter};
use crate::http::routes::RouteDescription;
use crate::service_error::{ErrorKind, FieldPlace};

impl Plan {
    /// Describes the routes, in the order of the methods that have one.
    pub(crate) fn descriptions(&self) -> Vec<RouteDescription> {
        let methods = self.interface().methods();
        let describe = |routed: &Arc<Routed>| {
            let method = methods.get(routed.at)?;
            Some(RouteDescription {
                method: Some(routed.method.clone()),
                path: routed.template.to_string().into(),
                place: method.place().clone(),
                operation: Arc::new(self.operation(method, routed)),
            })
        };
        self.routed().filter_map(describe).collect()
    }

    fn operation(&self, method: &Method, routed: &Routed) -> Operation {
        let mut operation = Operation::default();
        operation
            .id(format!("{}.{}", self.interface().name(), method.name()))
            .tag(self.interface().name());
        let doc = method.doc().trim();
        let (summary, rest) = doc.split_once("\n\n").unwrap_or((doc, ""));
        if !summary.is_empty() {
            operation.summary(summary.replace('\n', " "));
        }
        if !rest.trim().is_empty() {
            operation.description(rest.trim());
        }
        parameters(method, routed, &mut operation);
        body(method, routed, &mut operation);
        let written = SchemaSettings::draft2020_12().for_serialize();
        let answer = Schema::make_by(written, |generator| method.answer()(generator));
        if Kinds::of(&answer).has_null() {
            operation.answer("204", "Done; there is nothing to answer.");
        }
        if answer.root != json!({ "type": "null" }) {
            let status = routed.status.as_str();
            operation.set_answer(status, "Done.", "application/json", Some(answer));
            if routed.identity.is_some() {
                operation.answer_header::<String>(status, "location", "Where it is.", true);
            }
        }
        // Whatever it takes, a parameter of the query that it does not is refused.
        operation.refuses(ErrorKind::Invalid);
        operation.refuses(ErrorKind::Unprocessable);
        operation.may_fail();
        operation
    }
}

fn parameters(method: &Method, routed: &Routed, operation: &mut Operation) {
    for (argument, placed) in method.arguments().iter().zip(&routed.arguments) {
        let (place, name) = match &placed.location {
            Location::Path(name) => (FieldPlace::Path, name),
            Location::Query(name) => (FieldPlace::Query, name),
            Location::Header(name) => (FieldPlace::Header, name),
            Location::Field(_) | Location::Body => continue,
        };
        operation.push_parameter(Parameter {
            place,
            name: name.clone(),
            required: !placed.optional && !matches!(placed.kind, Kind::Texts(_)),
            schema: argument.read(),
        });
    }
}

fn body(method: &Method, routed: &Routed, operation: &mut Operation) {
    let arguments = || method.arguments().iter().zip(&routed.arguments);
    let whole = arguments().find(|(_, placed)| placed.location == Location::Body);
    if let Some((argument, _)) = whole {
        content(operation, true, argument.read());
        return;
    }
    let mut required = Vec::new();
    let mut any = false;
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let schema = Schema::make_by(settings, |generator| {
        let mut properties = Map::new();
        for (argument, placed) in arguments() {
            if let Location::Field(name) = &placed.location {
                any = true;
                let schema = argument.schema()(generator).to_value();
                properties.insert(name.clone(), schema);
                if !placed.optional {
                    required.push(Value::from(name.clone()));
                }
            }
        }
        let mut object = schemars::Schema::default();
        object.insert("type".into(), "object".into());
        object.insert("properties".into(), properties.into());
        object.insert("additionalProperties".into(), false.into());
        if !required.is_empty() {
            object.insert("required".into(), required.clone().into());
        }
        object
    });
    if any {
        content(operation, !required.is_empty(), schema);
    }
}

fn content(operation: &mut Operation, required: bool, schema: Schema) {
    operation.set_body("application/json", required, Some(schema));
    operation.refuses(ErrorKind::TooLarge);
    operation.refuses(ErrorKind::Unsupported);
}
