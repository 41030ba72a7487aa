//! The order in which services are built.

use std::sync::Arc;

use byname_components::{App, BoxError, Lazy, Registrar, all, lazy, need, optional};

use crate::rig::{Log, Thing};

type Built<T> = std::future::Ready<Result<Arc<T>, BoxError>>;

fn built<T>(service: T) -> Built<T> {
    std::future::ready(Ok(Arc::new(service)))
}

/// Five services, registered and written in this order: one that must be there, one that may be, all of
/// a type, one that is asked for later.
fn five(names: &[&'static str], log: &Log) -> App {
    let written: Vec<String> = names.iter().map(|name| format!("{name}: {{}}")).collect();
    let text = format!(
        "{{ life: {{ parallel: 1 }}, services: {{ {} }} }}",
        written.join(", ")
    );
    let (names, log) = (names.to_vec(), log.clone());
    App::from_text(&text).register(move |registrar: &mut Registrar<'_>| {
        for name in names {
            let log = log.clone();
            match name {
                "store" => registrar.factory(
                    name,
                    (need::<Thing>("plain"),),
                    move |(): (), _: Arc<Thing>| {
                        log.note(name);
                        built(Thing(name.into()))
                    },
                ),
                "cache" => registrar.factory(
                    name,
                    (optional::<Thing>("store"),),
                    move |(): (), store: Option<Arc<Thing>>| {
                        log.note(format!("{name} of {}", store.unwrap().0));
                        built(Thing(name.into()))
                    },
                ),
                "orders" => registrar.factory(
                    name,
                    (need::<Thing>("cache"), lazy::<String>("report")),
                    move |(): (), _: Arc<Thing>, _: Lazy<String>| {
                        log.note(name);
                        built(Thing(name.into()))
                    },
                ),
                "plain" => registrar.factory(name, (), move |(): ()| {
                    log.note(name);
                    built(Thing(name.into()))
                }),
                _ => registrar.factory(
                    name,
                    (all::<Thing>(),),
                    move |(): (), all: Vec<(Arc<str>, Arc<Thing>)>| {
                        let all: Vec<&str> = all.iter().map(|(name, _)| &**name).collect();
                        log.note(format!("{name} of {}", all.join(", ")));
                        built(String::new())
                    },
                ),
            }
        }
    })
}

/// All orders of these names.
fn permutations(names: &[&'static str]) -> Vec<Vec<&'static str>> {
    let Some((last, names)) = names.split_last() else {
        return vec![Vec::new()];
    };
    let mut all = Vec::new();
    for rest in permutations(names) {
        for at in 0..=rest.len() {
            let mut one = rest.clone();
            one.insert(at, last);
            all.push(one);
        }
    }
    all
}

/// Modular knew of a provider only once it had been made: a service that was provided in `Init` and
/// needed by name was built too late ("required service not found"), a need that is optional made no
/// edge at all, and whether it went well hung on the order in which modules were registered. Needs are
/// declared here, so that each of the 120 orders of five modules builds in one and the same order, and
/// gives each what it needs.
#[tokio::test]
async fn all_orders_of_five_modules_build_in_one_order() {
    let orders = permutations(&["store", "cache", "orders", "plain", "report"]);
    assert_eq!(orders.len(), 120);
    for order in orders {
        let log = Log::default();
        let running = five(&order, &log).start().await.unwrap();
        assert_eq!(
            log.all(),
            [
                "plain",
                "store",
                "cache of store",
                "orders",
                "report of cache, orders, plain, store",
            ],
            "{order:?}"
        );
        running.stop().await.unwrap();
    }
}

/// With an optional need that made no edge, Modular's consumer was built first or last, as it happened,
/// and went without what was there. Only what nobody defines is gone without.
#[tokio::test]
async fn what_is_optional_and_there_is_built_before() {
    for names in [
        &["cache", "store", "plain"][..],
        &["plain", "store", "cache"],
    ] {
        let log = Log::default();
        let running = five(names, &log).start().await.unwrap();
        assert_eq!(log.all(), ["plain", "store", "cache of store"]);
        running.stop().await.unwrap();
    }
}
