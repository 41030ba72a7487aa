//! What waits for itself is told so, with the whole path, and never hangs.
//!
//! The factories here keep clones of the registries they ask, so each registry keeps itself alive
//! until [`clear`] ends that.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use byname_registry::{BuildError, Factory, Registry, ResolveError};
use byname_testkit::{Executor, StartBarrier, TaskBarrier, together};

use super::rig::{Calls, Turned, circle, root};

/// Makes a number out of those that `names` of `registry` make.
fn sum(registry: &Registry<u32>, names: &'static [&'static str]) -> Factory<u32> {
    let registry = registry.clone();
    Factory::new(move |_| {
        let mut sum = 1;
        for name in names {
            sum += *registry.resolve(name)?;
        }
        Ok::<_, ResolveError>(sum)
    })
}

fn labelled(label: &'static str) -> Registry<u32> {
    Registry::builder().label(label).build()
}

fn clear<V: Send + Sync + 'static>(registry: &Registry<V>) {
    for name in registry.snapshot().names() {
        registry.remove(name).unwrap();
    }
}

#[test]
fn an_entry_that_needs_itself() {
    let services = labelled("services");
    services
        .register_factory("a", sum(&services, &["a"]))
        .unwrap();
    let error = services.resolve("a").unwrap_err();
    assert_eq!(
        root(&error).to_string(),
        "`services/a` needs itself to be built: services/a -> services/a; \
         let one of these factories keep a handle and ask later, when its value is used"
    );
    assert!(services.get("a").is_none());
    clear(&services);
}

#[test]
fn three_that_need_each_other_and_one_that_needs_them() {
    let services = labelled("services");
    services
        .register_factory("a", sum(&services, &["b"]))
        .unwrap();
    services
        .register_factory("b", sum(&services, &["leaf", "c"]))
        .unwrap();
    services
        .register_factory("c", sum(&services, &["a"]))
        .unwrap();
    services
        .register_factory("leaf", sum(&services, &[]))
        .unwrap();
    services
        .register_factory("top", sum(&services, &["b"]))
        .unwrap();
    let asked = |name: &str| circle(&services.resolve(name).unwrap_err());
    assert_eq!(
        asked("a"),
        "services/a -> services/b -> services/c -> services/a"
    );
    assert_eq!(
        asked("top"),
        "services/b -> services/c -> services/a -> services/b"
    );
    // What is not part of the circle has been built.
    assert_eq!(services.get("leaf").as_deref(), Some(&1));
    // The circle is no fault of the entries for ever: it is gone when one of them is another.
    services.replace("c", 5).unwrap();
    assert_eq!(*services.resolve("top").unwrap(), 8);
    clear(&services);
}

#[test]
fn a_circle_through_two_registries() {
    let (services, routers) = (labelled("services"), labelled("routers"));
    services
        .register_factory("api", sum(&routers, &["main"]))
        .unwrap();
    routers
        .register_factory("main", sum(&services, &["db"]))
        .unwrap();
    services
        .register_factory("db", sum(&services, &["api"]))
        .unwrap();
    assert_eq!(
        circle(&services.resolve("api").unwrap_err()),
        "services/api -> routers/main -> services/db -> services/api"
    );
    assert_eq!(
        circle(&routers.resolve("main").unwrap_err()),
        "routers/main -> services/db -> services/api -> routers/main"
    );
    clear(&services);
    clear(&routers);
}

/// The same need is no circle when it is met twice, or at the ends of two ways.
#[test]
fn a_diamond_is_no_circle() {
    let services = labelled("services");
    services
        .register_factory("top", sum(&services, &["left", "right"]))
        .unwrap();
    services
        .register_factory("left", sum(&services, &["leaf", "leaf"]))
        .unwrap();
    services
        .register_factory("right", sum(&services, &["leaf"]))
        .unwrap();
    services
        .register_factory("leaf", sum(&services, &[]))
        .unwrap();
    assert_eq!(*services.resolve("top").unwrap(), 6);
    clear(&services);
}

/// An entry `name` that is told of the circle builds alone instead of failing.
fn either(registry: &Registry<String>, name: &'static str, barrier: &Arc<StartBarrier>) {
    let (asks, barrier) = (registry.clone(), Arc::clone(barrier));
    let other = if name == "a" { "b" } else { "a" };
    let factory = Factory::new(move |_| {
        barrier.wait();
        match asks.resolve(other) {
            Ok(made) => Ok(format!("{name} with {other} {}", *made)),
            Err(error) if root_is_cycle(&error) => Ok("alone".to_owned()),
            Err(error) => Err(error),
        }
    });
    registry.register_factory(name, factory).unwrap();
}

fn root_is_cycle(error: &ResolveError) -> bool {
    matches!(root(error), BuildError::Cycle { .. })
}

#[test]
fn crosswise_in_two_threads_exactly_one_is_told() {
    for _ in 0..50 {
        let (registry, barrier) = (Registry::new(), Arc::new(StartBarrier::new(2)));
        either(&registry, "a", &barrier);
        either(&registry, "b", &barrier);
        let made = together(2, |thread| {
            let name = ["a", "b"][thread];
            registry.resolve(name).unwrap().to_string()
        });
        assert!(
            made == ["alone", "b with a alone"] || made == ["a with b alone", "alone"],
            "{made:?}"
        );
        clear(&registry);
    }
}

#[test]
fn crosswise_in_two_tasks_exactly_one_is_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    for _ in 0..50 {
        let registry: Registry<u32> = labelled("services");
        let barrier = Arc::new(TaskBarrier::new(2));
        for (name, other) in [("a", "b"), ("b", "a")] {
            let (asks, barrier) = (registry.clone(), Arc::clone(&barrier));
            let factory = Factory::future(move |_| {
                let (asks, barrier) = (asks.clone(), Arc::clone(&barrier));
                async move {
                    barrier.wait().await;
                    Ok::<_, ResolveError>(*asks.resolve_async(other).await? + 1)
                }
            });
            registry.register_factory(name, factory).unwrap();
        }
        let asks = ["a", "b"].map(|name| runtime.spawn(registry.resolve_async(name)));
        let errors = asks.map(|ask| runtime.block_on(ask).unwrap().unwrap_err());
        let circles = errors.each_ref().map(circle);
        assert_eq!(circles[0], circles[1]);
        assert!(
            circles[0] == "services/a -> services/b -> services/a"
                || circles[0] == "services/b -> services/a -> services/b",
            "{}",
            circles[0]
        );
        clear(&registry);
    }
}

/// A thread that a factory starts is part of the build if it is given the context.
#[test]
fn a_context_carries_the_build_to_another_thread() {
    let services = labelled("services");
    let asks = services.clone();
    let factory = Factory::new(move |context: byname_registry::Context| {
        assert_eq!(context.name().to_string(), "services/a");
        let asks = asks.clone();
        let other = thread::spawn(move || context.enter(|| asks.resolve("b").map(|b| *b)));
        other.join().unwrap()
    });
    services.register_factory("a", factory).unwrap();
    services
        .register_factory("b", sum(&services, &["a"]))
        .unwrap();
    assert_eq!(
        circle(&services.resolve("a").unwrap_err()),
        "services/a -> services/b -> services/a"
    );
    clear(&services);
}

#[test]
fn a_context_carries_the_build_to_another_task() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let (services, handle) = (labelled("services"), runtime.handle().clone());
    let asks = services.clone();
    let factory = Factory::future(move |context: byname_registry::Context| {
        let ask = context.scope(asks.resolve_async("a"));
        let spawned = handle.spawn(ask);
        async move { spawned.await.unwrap().map(|a| *a) }
    });
    services.register_factory("a", factory).unwrap();
    let error = runtime.block_on(services.resolve_async("a")).unwrap_err();
    assert_eq!(circle(&error), "services/a -> services/a");
    clear(&services);
}

/// Nobody can know what a thread without the context waits for; its wait has an end.
#[test]
fn a_detached_thread_meets_the_deadline() {
    let services: Registry<u32> = Registry::builder()
        .label("services")
        .build_deadline(Duration::ZERO)
        .build();
    let asks = services.clone();
    let factory = Factory::new(move |_| {
        let asks = asks.clone();
        let other = thread::spawn(move || asks.resolve("a").map(|a| *a));
        other.join().unwrap()
    });
    services.register_factory("a", factory).unwrap();
    let error = services.resolve("a").unwrap_err();
    assert_eq!(
        root(&error).to_string(),
        "`services/a` was not built within 0ns: its factory is slow, or waits for something that \
         waits for `services/a`"
    );
    clear(&services);
}

#[test]
fn a_task_that_waits_too_long_leaves_and_the_build_goes_on() {
    let (time, calls) = (Turned::new(), Calls::default());
    let services: Registry<usize> = Registry::builder()
        .clock(time.clone())
        .timer(time.clone())
        .build_deadline(Duration::from_secs(30))
        .build();
    let gate = super::rig::Gate::default();
    let (door, counted) = (gate.clone(), calls.clone());
    let factory = Factory::future(move |_| {
        let (door, call) = (door.clone(), counted.call());
        async move {
            door.pass().await;
            Ok::<_, ResolveError>(call)
        }
    });
    services.register_factory("a", factory).unwrap();
    let mut executor = Executor::new();
    let early = executor.spawn(services.resolve_async("a"));
    executor.run_until_stalled();
    time.clock.advance(Duration::from_secs(20));
    let late = executor.spawn(services.resolve_async("a"));
    executor.run_until_stalled();
    // Nothing but the timer wakes the task.
    time.clock.advance(Duration::from_secs(10));
    executor.run_until_stalled();
    let error = early.take().unwrap().unwrap_err();
    assert!(matches!(
        error.build_error(),
        Some(BuildError::Deadline { after, .. }) if *after == Duration::from_secs(30)
    ));
    assert!(!late.is_finished());
    gate.open();
    executor.run_until_stalled();
    assert_eq!(*late.take().unwrap().unwrap(), 0);
    assert_eq!(calls.count(), 1);
}

#[test]
fn nesting_has_a_limit() {
    let services: Registry<u32> = Registry::builder().label("s").build_depth(3).build();
    services
        .register_factory("1", sum(&services, &["2"]))
        .unwrap();
    services
        .register_factory("2", sum(&services, &["3"]))
        .unwrap();
    services
        .register_factory("3", sum(&services, &["4"]))
        .unwrap();
    services.register_factory("4", sum(&services, &[])).unwrap();
    let error = services.resolve("1").unwrap_err();
    assert_eq!(
        root(&error).to_string(),
        "more than 3 builds are nested in one another: s/1 -> s/2 -> s/3 -> s/4; if this is no \
         factory that registers ever new names, raise the registry's limit"
    );
    // Three fit, and what is built needs no nesting.
    assert_eq!(*services.resolve("2").unwrap(), 3);
    assert_eq!(*services.resolve("1").unwrap(), 4);
    clear(&services);
}

/// Neither a circle nor ever the same path: only the limit ends this.
#[test]
fn a_factory_that_registers_ever_new_names_overflows_no_stack() {
    fn endless(registry: &Registry<u32>, n: u32, calls: &Calls) -> Factory<u32> {
        let (registry, calls) = (registry.clone(), calls.clone());
        Factory::new(move |_| {
            calls.call();
            let next = format!("n{}", n + 1);
            let factory = endless(&registry, n + 1, &calls);
            registry.register_factory(&next, factory).unwrap();
            registry.resolve(&next).map(|made| *made)
        })
    }
    let (registry, calls) = (Registry::new(), Calls::default());
    registry
        .register_factory("n1", endless(&registry, 1, &calls))
        .unwrap();
    let error = registry.resolve("n1").unwrap_err();
    assert!(matches!(
        root(&error),
        BuildError::TooDeep { limit: 64, path } if path.names().len() == 65
    ));
    assert_eq!((calls.count(), registry.len()), (64, 65));
    clear(&registry);
}
