//! The registries of an application, and what is told of what is in them.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::address::shown_address;
use super::listed::{Listed, Told};
use crate::config::{Config, Node, Path, Value as Kind};
use crate::part::Part;
use crate::running::Running;

/// What is told of a part, whatever it is.
fn part(_: &str, part: &Part) -> Told {
    one("type", part.type_name())
}

fn one(key: &str, value: impl Into<Value>) -> Told {
    Told::from_iter([(key.to_owned(), value.into())])
}

/// Every registry of an application. They are asked for anew each time: whoever keeps them keeps the
/// application.
pub(super) fn all(app: &Running) -> Vec<Listed> {
    let them = app.registries();
    let config = app.0.config.counting().map(|now| now.config.clone());
    let masked = move |name: &str, node: &Node| {
        let path = Path::root().key("values").key(name);
        one("value", shown(config.as_ref(), node, &path))
    };
    vec![
        Listed::new("checks", "check", them.checks.registry(), |_, check| {
            let mut told = one("service", check.service());
            told.extend(one("optional", check.is_optional()));
            told
        }),
        Listed::new("client-rules", "rule", them.clients.rules(), |_, server| {
            one("server", &**server)
        }),
        Listed::new(
            "clients",
            "client",
            them.clients.definitions(),
            |_, client| {
                let mut told = one("service", &*client.service);
                told.extend(one("server", &*client.server));
                told.extend(one("url", shown_address(&client.url)));
                told
            },
        ),
        Listed::new(
            "conventions",
            "convention",
            them.conventions.registry(),
            part,
        ),
        Listed::new(
            "current-server",
            "server",
            them.current.registry(),
            |_, server| one("value", server.to_string()),
        ),
        Listed::new("factories", "factory", &them.factories, |_, factory| {
            let needs = factory.needs().iter().map(|need| {
                json!({ "need": need.kind().to_string(), "name": need.name(), "type": need.type_name() })
            });
            let mut told = one("type", factory.service_type());
            told.extend(one("needs", needs.collect::<Vec<_>>()));
            told
        }),
        Listed::new(
            "interfaces",
            "interface",
            &them.interfaces,
            |_, interface| one("methods", interface.methods().len()),
        ),
        Listed::new("kinds", "kind of route", &them.kinds, |_, factory| {
            let mut told = one("type", factory.service_type());
            told.extend(one("guarded", factory.is_guarded()));
            told
        }),
        Listed::new(
            "middleware",
            "middleware",
            them.middleware.definitions(),
            |_, named| one("factory", named.factory()),
        ),
        Listed::new(
            "middleware-factories",
            "middleware factory",
            them.middleware.factories(),
            |_, factory| {
                let mut told = one("type", factory.makes());
                told.extend(one("authenticates", factory.authenticates()));
                told
            },
        ),
        Listed::new("routers", "router", them.routers.registry(), part),
        Listed::new(
            "running-clients",
            "client",
            them.clients.running(),
            |_, client| {
                let mut told = one("server", &*client.server);
                told.extend(one("url", shown_address(&client.url)));
                told.extend(one("local", client.local));
                told
            },
        ),
        Listed::new("servers", "server", them.servers.registry(), part),
        Listed::new("services", "service", them.services.registry(), part),
        Listed::new("states", "state", &them.states, |_, state| {
            let since = state.since().duration_since(UNIX_EPOCH);
            let mut told = one("value", state.stage().to_string());
            told.extend(one("since", since.unwrap_or_default().as_secs_f64()));
            if let Some(error) = state.error() {
                told.extend(one("error", error));
            }
            told
        }),
        Listed::new("values", "value", them.values.registry(), masked),
    ]
}

/// A value of the configuration, secrets masked; all of it if nobody knows what is one.
pub(super) fn shown(config: Option<&Config>, node: &Node, path: &Path) -> Value {
    if config.is_none_or(|config| config.is_secret(node, path)) {
        return "***".into();
    }
    match &node.value {
        Kind::Null => Value::Null,
        // What a program would read as a number or a truth value is one here.
        Kind::Scalar(scalar) if scalar.plain => match serde_json::from_str(&scalar.text) {
            Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
            _ => (*scalar.text).into(),
        },
        Kind::Scalar(scalar) => (*scalar.text).into(),
        Kind::List(list) => {
            let list = list.iter().enumerate();
            list.map(|(at, node)| shown(config, node, &path.index(at)))
                .collect()
        }
        Kind::Map(map) => map
            .iter()
            .map(|(key, node)| {
                let value = shown(config, node, &path.key(Arc::clone(&key.name)));
                (key.name.to_string(), value)
            })
            .collect(),
    }
}
