//! What a file configures: values by dotted name, and middleware by name.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::{Arc, PoisonError, RwLock};

use byname_components::{Instances, Middlewares, Values};

use super::lookups::{Row, ask};
use crate::names::Svc;
use crate::sections::once::wait;

pub(super) const FLOOR: &str = "a number in a `HashMap` behind `&`";
pub(super) const VALUE: &str = "**components**, a configuration value";
pub(super) const MIDDLEWARE: &str = "**components**, a middleware";
const NAME: &str = "limits.of-50";

pub(super) fn values() -> Vec<Row> {
    let names: Vec<String> = (0..100).map(|at| format!("limits.of-{at}")).collect();
    let plain: HashMap<String, u32> = names.iter().cloned().zip(0..).collect();
    let read = |name: &'static str, field| Row {
        name,
        field: Some(field),
        own: None,
    };
    let json: HashMap<String, serde_json::Value> = plain
        .iter()
        .map(|(name, value)| (name.clone(), (*value).into()))
        .collect();
    let (locked, json) = (RwLock::new(plain.clone()), RwLock::new(json));
    let values = Values::new();
    for (name, value) in &plain {
        values.set(name, *value).expect("it is a name");
    }
    vec![
        read(
            FLOOR,
            ask(move || u64::from(black_box(&plain)[black_box(NAME)])),
        ),
        read(
            "a number in a `HashMap` behind `RwLock`",
            ask(move || {
                let values = locked.read().unwrap_or_else(PoisonError::into_inner);
                u64::from(values[black_box(NAME)])
            }),
        ),
        read(
            "JSON in a `HashMap` behind `RwLock`, read as a number",
            ask(move || {
                let values = json.read().unwrap_or_else(PoisonError::into_inner);
                let value = &values[black_box(NAME)];
                let read: Result<u32, _> = serde::Deserialize::deserialize(value);
                read.map_or(0, u64::from)
            }),
        ),
        read(
            VALUE,
            ask(move || {
                let value = values.get::<u32>(black_box(NAME));
                value.map_or(0, |value| value.map_or(0, u64::from))
            }),
        ),
    ]
}

pub(super) fn middleware() -> Vec<Row> {
    let names: Vec<String> = (0..10).map(|at| format!("middleware-{at}")).collect();
    let asked: &'static str = String::leak(names[5].clone());
    let made: HashMap<String, Arc<Svc>> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.clone(), Arc::new(Svc::new(at))))
        .collect();
    let locked = RwLock::new(made);
    let middleware = Middlewares::new();
    middleware
        .factory("kind", Instances::Shared, |(): ()| async {
            Ok::<_, std::convert::Infallible>(Arc::new(Svc::new(5)))
        })
        .expect("it is the first");
    for name in &names {
        let nothing = BTreeMap::<&str, u32>::new();
        middleware
            .define(name, "kind", nothing)
            .expect("it is the first of its name");
    }
    vec![
        Row {
            name: "an `Arc` in a `HashMap` behind `RwLock`",
            field: None,
            own: Some(ask(move || {
                let own = locked
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get(black_box(asked))
                    .cloned();
                black_box(own).map_or(0, |middleware| middleware.id)
            })),
        },
        Row {
            name: MIDDLEWARE,
            field: None,
            own: Some(ask(move || {
                let own = wait(middleware.create::<Svc>(black_box(asked)));
                black_box(own).map_or(0, |middleware| middleware.id)
            })),
        },
    ]
}
