//! A failed build: who is told, and when it is tried again.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use byname_registry::{BuildError, BuildStatus, Cause, Factory, Registry, ResolveError, Retry};

use super::rig::{Boom, Calls, Turned, poll, ready};

fn cause(error: &ResolveError) -> Cause {
    match error.build_error() {
        Some(BuildError::Failed { cause, .. }) => Arc::clone(cause),
        other => panic!("{other:?}"),
    }
}

/// A factory whose call number `works` is the first that does.
fn works_at(works: usize, calls: &Calls) -> Factory<usize> {
    let calls = calls.clone();
    Factory::new(move |_| {
        let call = calls.call();
        if call >= works {
            Ok(call)
        } else {
            Err(Boom(call))
        }
    })
}

#[test]
fn a_failure_is_not_kept_and_the_next_ask_builds_again() {
    let (registry, calls) = (
        Registry::builder().label("services").build(),
        Calls::default(),
    );
    registry
        .register_factory("db", works_at(2, &calls))
        .unwrap();
    for attempt in 0..2 {
        let error = registry.resolve("db").unwrap_err();
        assert_eq!(error.to_string(), "the factory of `services/db` failed");
        let source = error.source().unwrap();
        assert_eq!(source.downcast_ref::<Boom>(), Some(&Boom(attempt)));
        assert!(registry.get("db").is_none());
        let status = registry.entry("db").unwrap().build_status().unwrap();
        assert!(matches!(
            status,
            BuildStatus::Failed(BuildError::Failed { .. })
        ));
    }
    assert_eq!(*registry.resolve("db").unwrap(), 2);
    assert_eq!(registry.get("db").as_deref(), Some(&2));
    assert_eq!((calls.count(), registry.revision()), (3, 1));
}

#[test]
fn a_failure_is_kept_until_the_entry_is_replaced() {
    let (registry, calls) = (Registry::new(), Calls::default());
    let factory = works_at(1, &calls).retry(Retry::Never);
    registry.register_factory("db", factory).unwrap();
    let first = cause(&registry.resolve("db").unwrap_err());
    for error in [
        registry.resolve("db").unwrap_err(),
        registry.resolve_blocking("db").unwrap_err(),
        ready(poll(&mut registry.resolve_async("db"))).unwrap_err(),
    ] {
        assert!(Arc::ptr_eq(&cause(&error), &first));
    }
    assert_eq!(calls.count(), 1);
    registry
        .replace_factory("db", works_at(1, &calls).retry(Retry::Never))
        .unwrap();
    assert_eq!(*registry.resolve("db").unwrap(), 1);
}

#[test]
fn a_failure_is_kept_for_the_time_that_was_chosen() {
    let (time, calls) = (Turned::new(), Calls::default());
    let registry = Registry::builder().clock(time.clone()).build();
    let factory = works_at(1, &calls).retry(Retry::After(Duration::from_secs(10)));
    registry.register_factory("db", factory).unwrap();
    time.clock.advance(Duration::from_secs(1000));
    let first = cause(&registry.resolve("db").unwrap_err());
    time.clock.advance(Duration::from_nanos(9_999_999_999));
    let still = cause(&registry.resolve("db").unwrap_err());
    assert!(Arc::ptr_eq(&first, &still));
    assert_eq!(calls.count(), 1);
    time.clock.advance(Duration::from_nanos(1));
    assert_eq!(*registry.resolve("db").unwrap(), 1);
    assert_eq!(calls.count(), 2);
}

#[test]
fn a_panic_is_an_error_and_poisons_nothing() {
    let (registry, calls) = (Registry::new(), Calls::default());
    let counted = calls.clone();
    let panics_once = Factory::new(move |_| {
        let call = counted.call();
        assert!(call > 0, "no database today");
        Ok::<_, Boom>(call)
    });
    registry.register_factory("sync", panics_once).unwrap();
    let counted = calls.clone();
    let panics_in_its_future = Factory::future(move |_| {
        let counted = counted.clone();
        async move {
            let call = counted.call();
            assert!(call > 2, "nor tomorrow");
            Ok::<_, Boom>(call)
        }
    });
    registry
        .register_factory("async", panics_in_its_future)
        .unwrap();

    let error = registry.resolve("sync").unwrap_err();
    assert!(matches!(
        error.build_error(),
        Some(BuildError::Panicked { message, .. }) if &**message == "no database today"
    ));
    assert_eq!(
        error.to_string(),
        "the factory of `registry/sync` panicked: no database today"
    );
    assert_eq!(*registry.resolve("sync").unwrap(), 1);
    let error = ready(poll(&mut registry.resolve_async("async"))).unwrap_err();
    assert!(matches!(
        error.build_error(),
        Some(BuildError::Panicked { message, .. }) if &**message == "nor tomorrow"
    ));
    assert_eq!(
        *ready(poll(&mut registry.resolve_async("async"))).unwrap(),
        3
    );
    assert_eq!(registry.put("other", 5), Ok(3));
    assert_eq!(calls.count(), 4);
}

#[test]
fn a_failure_passes_through_those_who_needed_it() {
    let registry = Registry::builder().label("services").build();
    registry
        .register_factory("db", Factory::new(|_| Err::<u32, _>(Boom(1))))
        .unwrap();
    let needs = registry.clone();
    registry
        .register_factory(
            "api",
            Factory::new(move |_| needs.resolve("db").map(|db| *db)),
        )
        .unwrap();
    let error = registry.resolve("api").unwrap_err();
    assert_eq!(error.to_string(), "the factory of `services/api` failed");
    let inner = error.source().unwrap();
    assert_eq!(
        inner.to_string(),
        "the factory of `services/db` failed (asked for by services/api -> services/db)"
    );
    assert_eq!(inner.source().unwrap().downcast_ref(), Some(&Boom(1)));
    // Ends the circle of the registry, its factory and the registry that this captured.
    registry.remove("api").unwrap();
}
