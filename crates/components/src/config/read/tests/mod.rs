//! From the tree to types of a test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::items_after_statements,
    reason = "a type stands where it is read"
)]

mod any;
mod enums;
mod maps;
mod scalars;
mod secrets;
mod whole;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::num::NonZeroU16;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::config::units::{Bytes, Duration};
use crate::config::{Source, parse};

fn tree(text: &str) -> Node {
    let source = Source::File(std::path::Path::new("app.yaml").into());
    parse(text, &source).unwrap()
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    match read_node(&tree(text), &Path::root(), "the test") {
        Ok(read) => read.value,
        Err(problems) => panic!("{problems}"),
    }
}

/// What is told, each as `line:column message`.
fn wrong<T: DeserializeOwned + Debug>(text: &str) -> Vec<String> {
    let problems = read_node::<T>(&tree(text), &Path::root(), "the test").unwrap_err();
    problems
        .iter()
        .map(|problem| {
            let (place, _) = problem.places().next().unwrap();
            let place = place.to_string();
            format!(
                "{} {}",
                place.strip_prefix("app.yaml:").unwrap(),
                problem.message()
            )
        })
        .collect()
}

#[derive(Debug, PartialEq, Deserialize)]
struct Settings {
    name: String,
    port: u16,
    ratio: f64,
    on: bool,
    #[serde(default)]
    within: Duration,
    size: Bytes,
    level: Level,
    tags: Vec<String>,
    limits: BTreeMap<String, u64>,
    maybe: Option<i8>,
    inner: Inner,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    address: SocketAddr,
    at_least: NonZeroU16,
    pair: (u8, char),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Debug,
    Info,
    Custom(u8),
    Pair(u8, String),
    Named { value: u8 },
}

const RIGHT: &str = "\
name: no
port: 8080
ratio: 1
on: true
within: 1m30s
size: 10MiB
level: info
tags: [a, 'b', 0123]
limits: {a: 1, b: 18446744073709551615}
maybe: -128
inner: { address: '127.0.0.1:80', at_least: 1, pair: [255, x] }
";

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Tagged {
    File {
        path: String,
        mode: Option<String>,
        within: Option<Duration>,
    },
    Tcp {
        port: u16,
        inner: Option<Small>,
    },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Small {
    size: u8,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(String),
    Both { host: String, port: u16 },
    Host { host: String },
    Many(Vec<Either>),
}
