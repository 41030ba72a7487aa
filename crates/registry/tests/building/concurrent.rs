//! Many threads and tasks that ask for one value, or for many, at once.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use byname_registry::{BuildError, Cause, Factory, Registry, ResolveError, Retry};
use byname_testkit::{DropCounter, Rng, together};

use super::rig::{Boom, Calls, Gate, address, circle, patient, until, waiters};

type Never = Infallible;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

/// Waits, in a factory of `a`, until `count` wait for it.
fn gather(registry: &Registry<impl Send + Sync + 'static>, count: usize) {
    let entry = registry.entry("a").unwrap();
    until(|| waiters(&entry) == count);
}

#[test]
fn a_hundred_threads_get_one_instance_of_one_build() {
    let (registry, calls, drops) = (patient(), Calls::default(), DropCounter::new());
    let (asks, counted, made) = (registry.clone(), calls.clone(), drops.clone());
    let factory = Factory::new(move |_| {
        gather(&asks, 100);
        counted.call();
        Ok::<_, Never>(made.count(7))
    });
    registry.register_factory("a", factory).unwrap();
    let got = together(100, |_| registry.resolve("a").unwrap());
    let same = address(&*got[0]);
    assert!(got.iter().all(|value| address(&**value) == same));
    assert_eq!(registry.get("a").map(|value| address(&*value)), Some(same));
    assert_eq!((calls.count(), registry.revision()), (1, 1));
    drop(got);
    drops.assert_live(1);
    drop(registry);
    drops.assert_all_dropped();
}

#[test]
fn a_hundred_tasks_get_one_instance_of_one_build() {
    let (registry, calls, gate) = (patient(), Calls::default(), Gate::default());
    let (door, counted) = (gate.clone(), calls.clone());
    let factory = Factory::future(move |_| {
        let (door, counted) = (door.clone(), counted.clone());
        async move {
            door.pass().await;
            counted.call();
            Ok::<_, Never>(7)
        }
    });
    registry.register_factory("a", factory).unwrap();
    let runtime = runtime();
    let asks: Vec<_> = (0..100)
        .map(|_| runtime.spawn(registry.resolve_async("a")))
        .collect();
    gather(&registry, 100);
    gate.open();
    let got: Vec<_> = asks
        .into_iter()
        .map(|ask| runtime.block_on(ask).unwrap().unwrap())
        .collect();
    let same = address(&*got[0]);
    assert!(got.iter().all(|value| address(&**value) == same));
    assert_eq!(registry.get("a").map(|value| address(&*value)), Some(same));
    assert_eq!((calls.count(), registry.revision()), (1, 1));
}

/// Half of those who wait are cancelled, whoever drives the build at that moment among them.
#[test]
fn of_a_hundred_tasks_half_are_cancelled() {
    let (registry, calls, gate) = (patient(), Calls::default(), Gate::default());
    let (door, counted) = (gate.clone(), calls.clone());
    let factory = Factory::future(move |_| {
        let (door, call) = (door.clone(), counted.call());
        async move {
            door.pass().await;
            Ok::<_, Never>(call)
        }
    });
    registry.register_factory("a", factory).unwrap();
    let runtime = runtime();
    let mut asks: Vec<_> = (0..100)
        .map(|_| runtime.spawn(registry.resolve_async("a")))
        .collect();
    gather(&registry, 100);
    for ask in asks.drain(..50) {
        ask.abort();
        assert!(runtime.block_on(ask).unwrap_err().is_cancelled());
    }
    gather(&registry, 50);
    gate.open();
    for ask in asks {
        assert_eq!(*runtime.block_on(ask).unwrap().unwrap(), 0);
    }
    assert_eq!(calls.count(), 1);
}

/// A factory of one registry by the name of its type, a lazy service of another that names it: as
/// many servers are put together. A check for the service, then a call of the factory, then a second
/// check gives a hundred services to a hundred callers.
#[test]
fn concurrent_access_to_a_lazy_service_of_a_named_factory() {
    type Make = fn(&Calls) -> Box<usize>;
    let factories: Registry<Make> = Registry::new();
    let make: Make = |calls| Box::new(calls.call());
    factories.register("counter", make).unwrap();
    let (services, calls) = (patient(), Calls::default());
    let (asks, counted) = (services.clone(), calls.clone());
    let factory = Factory::new(move |_| {
        gather(&asks, 100);
        let make = factories.resolve("counter")?;
        Ok::<_, ResolveError>(make(&counted))
    });
    services.register_factory("a", factory).unwrap();
    let results = together(100, |_| {
        let service = services.resolve("a").unwrap();
        (address(&**service), **service)
    });
    assert!(results.iter().all(|result| *result == results[0]));
    assert_eq!((results[0].1, calls.count()), (0, 1));
}

/// Returns the one failure that all of `errors` are.
fn one_cause(errors: &[ResolveError]) -> Cause {
    let causes: Vec<_> = errors
        .iter()
        .map(|error| match error.build_error() {
            Some(BuildError::Failed { cause, .. }) => cause,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(causes.iter().all(|cause| Arc::ptr_eq(cause, causes[0])));
    Arc::clone(causes[0])
}

#[test]
fn a_hundred_threads_get_the_one_cause_of_a_failure() {
    for retry in [Retry::NextAsk, Retry::Never] {
        let (registry, calls) = (patient(), Calls::default());
        let (asks, counted) = (registry.clone(), calls.clone());
        let factory = Factory::new(move |_| match counted.call() {
            0 => {
                gather(&asks, 100);
                Err(Boom(0))
            }
            call => Ok(call),
        });
        registry
            .register_factory("a", factory.retry(retry))
            .unwrap();
        let errors = together(100, |_| registry.resolve("a").unwrap_err());
        let cause = one_cause(&errors);
        assert_eq!(cause.downcast_ref(), Some(&Boom(0)));
        assert_eq!(calls.count(), 1);
        assert!(registry.get("a").is_none());
        if retry == Retry::NextAsk {
            assert_eq!(*registry.resolve("a").unwrap(), 1);
        } else {
            let kept = one_cause(&[registry.resolve("a").unwrap_err()]);
            assert!(Arc::ptr_eq(&kept, &cause));
            assert_eq!(calls.count(), 1);
            registry.remove("a").unwrap();
        }
    }
}

#[test]
fn a_hundred_tasks_get_the_one_cause_of_a_failure() {
    let (registry, calls, gate) = (patient::<u32>(), Calls::default(), Gate::default());
    let (door, counted) = (gate.clone(), calls.clone());
    let factory = Factory::future(move |_| {
        let (door, call) = (door.clone(), counted.call());
        async move {
            door.pass().await;
            Err(Boom(call))
        }
    });
    registry.register_factory("a", factory).unwrap();
    let runtime = runtime();
    let asks: Vec<_> = (0..100)
        .map(|_| runtime.spawn(registry.resolve_async("a")))
        .collect();
    gather(&registry, 100);
    gate.open();
    let errors: Vec<_> = asks
        .into_iter()
        .map(|ask| runtime.block_on(ask).unwrap().unwrap_err())
        .collect();
    assert_eq!(one_cause(&errors).downcast_ref(), Some(&Boom(0)));
    assert_eq!(calls.count(), 1);
}

#[test]
fn a_hundred_threads_are_told_of_one_panic() {
    let (registry, calls) = (patient(), Calls::default());
    let (asks, counted) = (registry.clone(), calls.clone());
    let factory = Factory::new(move |_| {
        let call = counted.call();
        if call == 0 {
            gather(&asks, 100);
            panic!("out of ports");
        }
        Ok::<_, Never>(call)
    });
    registry.register_factory("a", factory).unwrap();
    let errors = together(100, |_| registry.resolve("a").unwrap_err());
    let told = |error: &ResolveError| {
        matches!(
            error.build_error(),
            Some(BuildError::Panicked { message, .. }) if &**message == "out of ports"
        )
    };
    assert!(errors.iter().all(told));
    assert_eq!(calls.count(), 1);
    assert_eq!(*registry.resolve("a").unwrap(), 1);
}

#[test]
fn ten_thousand_factories_in_random_order_are_each_built_once() {
    const FACTORIES: usize = 10_000;
    let calls: Arc<Vec<AtomicUsize>> =
        Arc::new((0..FACTORIES).map(|_| AtomicUsize::new(0)).collect());
    let registry = Registry::builder()
        .build_deadline(10 * byname_testkit::PATIENCE)
        .build();
    for n in 0..FACTORIES {
        let calls = Arc::clone(&calls);
        let factory = Factory::new(move |_| {
            calls[n].fetch_add(1, Ordering::Relaxed);
            Ok::<_, Never>(n)
        });
        registry.register_factory(&n.to_string(), factory).unwrap();
    }
    let seen = together(4, |thread| {
        let mut rng = Rng::seeded(thread as u64);
        let mut order: Vec<_> = (0..FACTORIES).collect();
        for left in (1..FACTORIES).rev() {
            order.swap(left, rng.below(left + 1));
        }
        let mut seen = vec![0; FACTORIES];
        for n in order {
            let made = registry.resolve(&n.to_string()).unwrap();
            assert_eq!(*made, n);
            seen[n] = address(&*made);
        }
        seen
    });
    assert!(calls.iter().all(|calls| calls.load(Ordering::Relaxed) == 1));
    assert!(seen.iter().all(|addresses| *addresses == seen[0]));
    let revision = u64::try_from(FACTORIES).unwrap();
    assert_eq!((registry.len(), registry.revision()), (FACTORIES, revision));
    assert_eq!(registry.snapshot().iter().count(), FACTORIES);
}

/// Nobody gets a value that is older than the entry they asked for, nor one that is built twice.
#[test]
fn stress_of_asks_beside_replacements() {
    let rounds = if cfg!(debug_assertions) {
        2_000
    } else {
        20_000
    };
    let (drops, registry) = (DropCounter::new(), patient());
    let built = Arc::new(
        (0..=rounds)
            .map(|_| AtomicUsize::new(0))
            .collect::<Vec<_>>(),
    );
    let factory = |n: usize| {
        let (drops, built) = (drops.clone(), Arc::clone(&built));
        Factory::new(move |_| {
            built[n].fetch_add(1, Ordering::Relaxed);
            Ok::<_, Never>(drops.count(n))
        })
    };
    registry.register_factory("a", factory(0)).unwrap();
    let done = AtomicBool::new(false);
    together(4, |thread| {
        if thread == 0 {
            for n in 1..=rounds {
                registry.replace_factory("a", factory(n)).unwrap();
            }
            done.store(true, Ordering::Release);
            return;
        }
        let mut last = 0;
        while !done.load(Ordering::Acquire) {
            let published = registry.revision();
            let made = registry.resolve("a").unwrap();
            let revision = u64::try_from(**made).unwrap() + 1;
            assert_eq!(made.revision(), revision);
            assert!(revision >= published && revision >= last);
            last = revision;
        }
    });
    assert_eq!(**registry.resolve("a").unwrap(), rounds);
    assert!(built.iter().all(|built| built.load(Ordering::Relaxed) <= 1));
    registry.collect();
    drops.assert_live(1);
    drop(registry);
    drops.assert_all_dropped();
}

/// However four threads meet in a circle of three, each is told of it and none hangs.
#[test]
fn stress_of_a_circle_asked_for_from_everywhere() {
    let registry: Registry<u32> = Registry::builder()
        .label("s")
        .build_deadline(10 * byname_testkit::PATIENCE)
        .build();
    for (name, needs) in [("a", "b"), ("b", "c"), ("c", "a")] {
        let asks = registry.clone();
        let factory = Factory::new(move |_| {
            thread::yield_now();
            asks.resolve(needs).map(|made| *made)
        });
        registry.register_factory(name, factory).unwrap();
    }
    together(4, |thread| {
        for round in 0..200 {
            let name = ["a", "b", "c"][(thread + round) % 3];
            let error = registry.resolve(name).unwrap_err();
            let path = circle(&error);
            assert!(
                [
                    "s/a -> s/b -> s/c -> s/a",
                    "s/b -> s/c -> s/a -> s/b",
                    "s/c -> s/a -> s/b -> s/c"
                ]
                .contains(&path.as_str()),
                "{path}"
            );
        }
    });
    for name in ["a", "b", "c"] {
        registry.remove(name).unwrap();
    }
}
