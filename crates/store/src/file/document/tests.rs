#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod damage;
mod edit;
mod example;
mod merge;
mod property;
mod render;
mod share;

use super::Document;
use crate::{Json, LeaseId, Record};

const ID: &str = "6f1c0f3a9b7d4e21a5c8d0e4b3f29617";

fn json(text: &str) -> Json {
    Json::new(text).unwrap()
}

/// A document with two entries, one of them with a lease.
fn small() -> Document {
    let mut document = Document::new(ID.into());
    document.revision = 42;
    let alpha = Record::new(json(r#"{"kind":"ssh","cores":4}"#));
    assert_eq!(document.put("alpha".into(), 41, alpha), None);
    let beta = Record {
        value: json("\"é\""),
        lease: Some(LeaseId(255)),
    };
    assert_eq!(document.put("beta".into(), 42, beta), None);
    document
}

/// The text of [`small`].
fn text() -> String {
    String::from_utf8(small().render().bytes).unwrap()
}
