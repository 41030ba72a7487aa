//! Named middleware and what makes it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use byname_components::config::{Key, Map, Node, Origin, Source, Value};
use byname_components::{Given, Instances, LookupError, MiddlewareError, Middlewares, Problem};
use byname_testkit::together;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

#[derive(Debug, Deserialize, JsonSchema)]
struct Limit {
    bytes: u64,
}

fn bytes(bytes: u64) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([("bytes", bytes)])
}

trait Layer: Send + Sync {
    fn bytes(&self) -> u64;
}

impl Layer for Limit {
    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Factories `shared` and `own`, and how often each has run.
fn limits() -> (Middlewares, [Arc<AtomicUsize>; 2]) {
    let middleware = Middlewares::new();
    let built = [("shared", Instances::Shared), ("own", Instances::PerUse)];
    let built = built.map(|(name, instances)| {
        let count = Arc::new(AtomicUsize::new(0));
        let built = Arc::clone(&count);
        let make = move |limit: Limit| {
            built.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                Ok::<Arc<dyn Layer>, fmt::Error>(Arc::new(limit))
            }
        };
        middleware.factory(name, instances, make).unwrap();
        count
    });
    (middleware, built)
}

fn count(counts: &[Arc<AtomicUsize>; 2]) -> [usize; 2] {
    [0, 1].map(|at| counts[at].load(Ordering::Relaxed))
}

fn address<T: ?Sized>(value: &Arc<T>) -> usize {
    Arc::as_ptr(value).cast::<()>() as usize
}

#[tokio::test]
async fn one_is_shared_and_the_other_made_for_each_use() {
    let (middleware, built) = limits();
    for (name, factory) in [("a", "shared"), ("b", "shared"), ("c", "own")] {
        middleware.define(name, factory, bytes(10)).unwrap();
    }
    assert_eq!(count(&built), [0, 0]);
    let mut made = Vec::new();
    for name in ["a", "a", "b", "c", "c"] {
        made.push(middleware.create::<dyn Layer>(name).await.unwrap());
    }
    assert!(made.iter().all(|layer| layer.bytes() == 10));
    let at: Vec<_> = made.iter().map(address).collect();
    assert_eq!(at[0], at[1]);
    assert_ne!(at[0], at[2]);
    assert_ne!(at[3], at[4]);
    assert_eq!(count(&built), [2, 2]);
}

/// The predecessor ran the factory of one middleware twenty times for twenty callers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_concurrent_asks_a_shared_one_is_built_once() {
    let (middleware, built) = limits();
    middleware.define("a", "shared", bytes(1)).unwrap();
    middleware.define("b", "own", bytes(2)).unwrap();
    let start = Arc::new(Barrier::new(100));
    let mut asks = JoinSet::new();
    for ask in 0..100 {
        let (middleware, start) = (middleware.clone(), Arc::clone(&start));
        asks.spawn(async move {
            start.wait().await;
            let name = ["a", "b"][ask % 2];
            middleware.create::<dyn Layer>(name).await.unwrap()
        });
    }
    let made = asks.join_all().await;
    let mut at: Vec<_> = made.iter().map(address).collect();
    at.sort_unstable();
    at.dedup();
    assert_eq!((made.len(), at.len()), (100, 51));
    assert_eq!(count(&built), [1, 50]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_concurrent_registrations_and_fifty_creations_all_succeed() {
    let (middleware, built) = limits();
    let registered = together(50, |at| {
        let factory = ["shared", "own"][at % 2];
        middleware
            .define(&format!("mw-{at}"), factory, bytes(at as u64))
            .unwrap()
    });
    let mut revisions = registered;
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=50).collect::<Vec<u64>>());
    assert_eq!(middleware.names().len(), 50);
    let mut asks = JoinSet::new();
    for at in 0..50 {
        let middleware = middleware.clone();
        asks.spawn(async move {
            let made = middleware.create::<dyn Layer>(&format!("mw-{at}")).await;
            made.unwrap().bytes()
        });
    }
    let mut made = asks.join_all().await;
    made.sort_unstable();
    assert_eq!(made, (0..50).collect::<Vec<u64>>());
    assert_eq!(count(&built), [25, 25]);
}

/// The predecessor looked whether a name was free and then took it.
#[tokio::test]
async fn of_concurrent_registrations_of_one_name_one_succeeds() {
    for _ in 0..100 {
        let (middleware, _) = limits();
        let results = together(8, |at| middleware.define("a", "own", bytes(at as u64)));
        let winners: Vec<_> = (0..8_u64)
            .filter(|at| results[usize::try_from(*at).unwrap()].is_ok())
            .collect();
        assert_eq!(winners.len(), 1);
        let made = middleware.create::<dyn Layer>("a").await.unwrap();
        assert_eq!(made.bytes(), winners[0]);
    }
    let (middleware, _) = limits();
    let own = |_: Limit| async { Ok::<_, fmt::Error>(Arc::new(0_u8)) };
    let results = together(8, |_| middleware.factory("new", Instances::Shared, own));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn an_unknown_name_type_and_a_wrong_type_are_errors() {
    let (middleware, built) = limits();
    middleware.define("cors", "shared", bytes(1)).unwrap();
    middleware.define("lost", "shard", bytes(1)).unwrap();
    let told = async |name: &str| match middleware.create::<dyn Layer>(name).await {
        Ok(_) => panic!("{name} was made"),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        told("cor").await,
        "there is no middleware `cor`; did you mean `cors`?"
    );
    let lost = told("lost").await;
    assert!(
        lost.starts_with("middleware `lost` (") && lost.contains("middleware.rs:"),
        "{lost}"
    );
    assert!(
        lost.ends_with(") is of type `shard`, which no factory makes; did you mean `shared`?"),
        "{lost}"
    );
    let wrong = middleware.create::<Limit>("cors").await.unwrap_err();
    assert!(matches!(
        &wrong,
        MiddlewareError::Lookup(LookupError::WrongType { asked, found, .. })
            if asked.ends_with("Limit") && found.ends_with("Layer")
    ));
    // Known before anything is built, and afterwards.
    assert_eq!(count(&built), [0, 0]);
    middleware.create::<dyn Layer>("cors").await.unwrap();
    let again = middleware.create::<Limit>("cors").await.unwrap_err();
    assert_eq!(again.to_string(), wrong.to_string());
}

#[tokio::test]
async fn a_failing_factory_keeps_its_cause_and_is_tried_again() {
    for instances in [Instances::Shared, Instances::PerUse] {
        let middleware = Middlewares::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&runs);
        middleware
            .factory("fails", instances, move |limit: Limit| {
                let run = counter.fetch_add(1, Ordering::Relaxed);
                async move {
                    assert_ne!(run, 1, "on purpose");
                    if run == 0 {
                        "x".parse::<u8>()?;
                    }
                    Ok::<_, std::num::ParseIntError>(Arc::new(limit))
                }
            })
            .unwrap();
        middleware.define("a", "fails", bytes(3)).unwrap();
        let error = middleware.create::<Limit>("a").await.unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("was not built: its factory failed"),
            "{error}"
        );
        let cause = error.source().unwrap();
        assert!(cause.is::<std::num::ParseIntError>());
        let panicked = middleware
            .create::<Limit>("a")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            panicked.contains("its factory panicked") && panicked.contains("on purpose"),
            "{panicked}"
        );
        assert_eq!(middleware.create::<Limit>("a").await.unwrap().bytes, 3);
        assert_eq!(runs.load(Ordering::Relaxed), 3);
    }
}

fn origin(line: u32) -> Origin {
    Origin::at(
        Source::File(std::path::Path::new("app.yaml").into()),
        line,
        5,
    )
}

fn node(entries: Vec<(&str, Node)>, line: u32) -> Node {
    let mut map = Map::default();
    for (name, value) in entries {
        let origin = value.origin.clone();
        map.insert(
            Key {
                name: name.into(),
                origin,
            },
            value,
        );
    }
    Node::new(Value::Map(map), origin(line))
}

#[tokio::test]
async fn definitions_are_checked_before_anything_is_built() {
    let (middleware, built) = limits();
    let settings = |value: Node, line| node(vec![("bytes", value)], line);
    let of = |factory: &str, given: Node, line| {
        node(
            vec![("type", factory.given(&origin(line))), ("settings", given)],
            line,
        )
    };
    let good = of("shared", settings(1.given(&origin(3)), 2), 1);
    let bad = of("own", settings("many".given(&origin(13)), 12), 11);
    let lost = of("shraed", settings(1.given(&origin(23)), 22), 21);
    for (name, declared) in [("a", &good), ("b", &bad), ("c", &lost)] {
        assert_eq!(middleware.declare(name, declared).to_string(), "");
    }
    // Its own name is its type where none is given.
    let plain = node(vec![("settings", settings(7.given(&origin(33)), 32))], 31);
    assert!(middleware.declare("own", &plain).is_empty());
    let twice = middleware.declare("a", &bad);
    assert_eq!(
        twice.to_string(),
        "error: middleware `a` is defined twice\n  app.yaml:11:5: here\n  app.yaml:1:5: and here \
         before"
    );
    let unknown = node(vec![("setings", 1.given(&origin(43)))], 41);
    assert_eq!(
        middleware.declare("d", &unknown).to_string(),
        "error: middleware `d` has no key `setings`; did you mean `settings`?\n  app.yaml:43:5\n  \
         help: it may have `type` and `settings`"
    );
    assert_eq!(middleware.names(), ["a", "b", "c", "own"]);

    let problems = middleware.check();
    assert_eq!(problems.errors(), 2);
    let of_b = problems.iter().next().unwrap();
    assert!(of_b.message().contains("middleware.b.settings"), "{of_b}");
    assert!(of_b.to_string().contains("app.yaml:1"), "{of_b}");
    assert_eq!(
        problems.iter().nth(1).map(Problem::to_string).unwrap(),
        "error: middleware `c` is of type `shraed`, which no factory makes; did you mean `shared`?\n  \
         app.yaml:21:5: `c` is defined here"
    );
    assert_eq!(count(&built), [0, 0]);
    let error = middleware.create::<dyn Layer>("b").await.err().unwrap();
    assert!(error.source().is_some_and(
        |cause| cause.to_string().contains("bytes") || cause.to_string().contains("many")
    ));
    assert_eq!(
        middleware.create::<dyn Layer>("own").await.unwrap().bytes(),
        7
    );
}
