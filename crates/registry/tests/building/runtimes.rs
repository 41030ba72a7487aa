//! Building from plain threads and from tasks.

use std::convert::Infallible;
use std::thread;

use byname_registry::{BuildError, Factory, Registry};

use super::rig::{Calls, Gate, until, waiters};

type Never = Infallible;

fn gated(gate: &Gate, calls: &Calls) -> Factory<u32> {
    let (gate, calls) = (gate.clone(), calls.clone());
    Factory::future(move |_| {
        calls.call();
        let gate = gate.clone();
        async move {
            gate.pass().await;
            Ok::<_, Never>(7)
        }
    })
}

fn inside_tokio() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap()
}

#[test]
fn a_thread_outside_any_runtime_drives_an_asynchronous_build() {
    let (gate, calls) = (Gate::default(), Calls::default());
    let registry = Registry::builder().inside_runtime(inside_tokio).build();
    registry
        .register_factory("a", gated(&gate, &calls))
        .unwrap();
    let entry = registry.entry("a").unwrap();
    thread::scope(|scope| {
        let asked = scope.spawn(|| *registry.resolve_blocking("a").unwrap());
        until(|| waiters(&entry) == 1);
        gate.open();
        assert_eq!(asked.join().unwrap(), 7);
    });
    assert_eq!(calls.count(), 1);
}

#[test]
fn a_thread_of_a_runtime_is_not_blocked() {
    let (gate, calls) = (Gate::default(), Calls::default());
    let registry = Registry::builder()
        .label("services")
        .inside_runtime(inside_tokio)
        .build();
    registry
        .register_factory("a", gated(&gate, &calls))
        .unwrap();
    let runtime = runtime();
    let error = runtime
        .block_on(async { registry.resolve_blocking("a") })
        .unwrap_err();
    assert!(matches!(
        error.build_error(),
        Some(BuildError::InsideRuntime { .. })
    ));
    assert_eq!(
        error.to_string(),
        "waiting for `services/a` would block a thread that runs asynchronous tasks: await it \
         instead"
    );
    assert_eq!(calls.count(), 0);
    gate.open();
    assert_eq!(*runtime.block_on(registry.resolve_async("a")).unwrap(), 7);
    // What is there blocks nobody.
    let blocking = runtime.block_on(async { registry.resolve_blocking("a") });
    assert_eq!(*blocking.unwrap(), 7);
    assert_eq!(calls.count(), 1);
}

/// A factory that a task drives runs on the task's thread, whatever the registry knows of runtimes.
#[test]
fn a_factory_in_a_task_does_not_block_it_either() {
    let (gate, calls) = (Gate::default(), Calls::default());
    let registry = Registry::builder().inside_runtime(|| false).build();
    registry
        .register_factory("b", gated(&gate, &calls))
        .unwrap();
    let asks = registry.clone();
    let blocks = Factory::future(move |_| {
        let asked = asks.resolve_blocking("b").map(|b| *b);
        async move { asked }
    });
    registry.register_factory("a", blocks).unwrap();
    let error = runtime().block_on(registry.resolve_async("a")).unwrap_err();
    assert!(matches!(
        super::rig::root(&error),
        BuildError::InsideRuntime { path } if path.to_string() == "registry/a -> registry/b"
    ));
    registry.remove("a").unwrap();
}

/// Without a hook only the feature `tokio` knows of a runtime.
#[test]
fn the_feature_tokio_knows_of_its_runtime() {
    let (gate, calls) = (Gate::default(), Calls::default());
    gate.open();
    let registry = Registry::new();
    registry
        .register_factory("a", gated(&gate, &calls))
        .unwrap();
    let asked = runtime().block_on(async { registry.resolve_blocking("a") });
    if cfg!(feature = "tokio") {
        let error = asked.unwrap_err();
        assert!(matches!(
            error.build_error(),
            Some(BuildError::InsideRuntime { .. })
        ));
    } else {
        assert_eq!(*asked.unwrap(), 7);
    }
}
