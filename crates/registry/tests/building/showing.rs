//! What an entry of a factory shows before, while and after it is built.

use std::convert::Infallible;
use std::time::Duration;

use byname_registry::{
    BuildError, BuildStatus, ChangeError, Clock, Factory, Guard, Place, Policy, RecvError,
    Registry, ResolveError,
};

use super::rig::{Calls, Gate, address, poll, ready, waiters};

type Never = Infallible;

fn seven(calls: &Calls) -> Factory<u32> {
    let calls = calls.clone();
    Factory::new(move |_| {
        calls.call();
        Ok::<_, Never>(7)
    })
}

#[test]
fn an_unbuilt_entry_is_there_without_a_value() {
    let (registry, calls) = (Registry::from_iter([("value", 1)]), Calls::default());
    assert_eq!(registry.register_factory("made", seven(&calls)), Ok(2));
    assert!(registry.get("made").is_none());
    assert!(registry.get_owned("made").is_none());
    assert_eq!(registry.read("made", |n| *n), None);
    assert!(registry.contains("made"));
    assert_eq!((registry.len(), registry.is_empty()), (2, false));

    let entry = registry.entry("made").unwrap();
    assert_eq!((entry.value(), entry.revision()), (None, 2));
    assert!(entry.is_factory());
    assert!(matches!(entry.build_status(), Some(BuildStatus::Unbuilt)));
    let value = registry.entry("value").unwrap();
    assert!(!value.is_factory());
    assert!(value.build_status().is_none());

    let snapshot = registry.snapshot();
    assert_eq!(snapshot.len(), 2);
    assert!(snapshot.contains("made"));
    assert_eq!(snapshot.get("made"), None);
    assert_eq!(snapshot.iter().collect::<Vec<_>>(), [("value", &1)]);
    assert_eq!(snapshot.names().collect::<Vec<_>>(), ["made", "value"]);
    let entries: Vec<_> = snapshot
        .entries()
        .map(|(name, entry)| (name, entry.value().copied(), entry.is_factory()))
        .collect();
    assert_eq!(entries, [("made", None, true), ("value", Some(1), false)]);
    assert_eq!(snapshot.to_hash_map().len(), 1);

    let view = registry.view();
    assert_eq!((view.get("made"), view.contains("made")), (None, true));
    let handle = registry.handle("made").unwrap();
    assert!(handle.get().is_none());
    assert_eq!(handle.get_in(&view), None);
    assert_eq!(calls.count(), 0);
}

#[test]
fn what_was_taken_before_the_build_shows_the_value_after_it() {
    let (registry, calls) = (Registry::new(), Calls::default());
    registry.register_factory("made", seven(&calls)).unwrap();
    let (snapshot, handle) = (registry.snapshot(), registry.handle("made").unwrap());
    let (entry, view) = (registry.entry("made").unwrap(), registry.view());
    assert_eq!(snapshot.iter().count(), 0);

    let made = registry.resolve("made").unwrap();
    assert_eq!((*made, made.revision()), (7, 1));
    let same = address(&*made);
    assert_eq!(snapshot.get("made").map(address), Some(same));
    assert_eq!(snapshot.iter().collect::<Vec<_>>(), [("made", &7)]);
    assert_eq!(handle.get().map(|seen| address(&*seen)), Some(same));
    assert_eq!(handle.get_in(&view).map(address), Some(same));
    assert_eq!(view.get("made").map(address), Some(same));
    assert_eq!(entry.value().map(address), Some(same));
    assert_eq!(registry.get("made").map(|seen| address(&*seen)), Some(same));
    assert!(matches!(entry.build_status(), Some(BuildStatus::Built)));
    assert!(entry.is_factory());
    assert_eq!(calls.count(), 1);
}

#[test]
fn building_is_no_change_and_is_allowed_after_seal() {
    let (registry, calls) = (Registry::new(), Calls::default());
    registry.register_factory("made", seven(&calls)).unwrap();
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    registry.seal();
    assert_eq!(registry.put("other", 1), Err(ChangeError::Sealed));
    assert_eq!(
        registry.register_factory("other", seven(&calls)),
        Err(ChangeError::Sealed)
    );
    assert_eq!(*registry.resolve("made").unwrap(), 7);
    assert_eq!(registry.revision(), 1);
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Empty);
    assert_eq!(changes.stats().received, 0);
}

#[test]
fn a_transaction_does_not_conflict_with_a_build() {
    let registry = Registry::builder().attempts(1).build();
    let calls = Calls::default();
    registry.register_factory("made", seven(&calls)).unwrap();
    let committed = registry
        .transaction(|draft| {
            assert_eq!((draft.get("made"), draft.contains("made")), (None, true));
            let made = *registry.resolve("made").unwrap();
            assert_eq!(draft.get("made"), Some(&7));
            draft.put("copy", made)
        })
        .unwrap();
    assert_eq!(committed.revision, 2);
    assert_eq!(registry.compare_and_set("made", 1, 8), Ok(3));
    assert_eq!(registry.get("copy").as_deref(), Some(&7));
}

#[test]
fn every_way_to_an_entry_builds_it() {
    type Ask = fn(&Registry<u32>) -> u32;
    let ways: [(&str, Ask); 7] = [
        ("resolve", |r| *r.resolve("made").unwrap()),
        ("blocking", |r| *r.resolve_blocking("made").unwrap()),
        ("async", |r| {
            *ready(poll(&mut r.resolve_async("made"))).unwrap()
        }),
        ("entry", |r| *r.entry("made").unwrap().resolve().unwrap()),
        ("handle", |r| {
            let entry = r.handle("made").unwrap().entry().unwrap();
            *entry.resolve_blocking(|| false).unwrap()
        }),
        ("snapshot", |r| {
            let entry = r.snapshot().entry("made").unwrap();
            *ready(poll(&mut entry.resolve_async())).unwrap()
        }),
        ("view", |r| {
            let entry = r.view().entry("made").unwrap();
            *entry.resolve().unwrap()
        }),
    ];
    for (way, ask) in ways {
        let (registry, calls) = (Registry::new(), Calls::default());
        registry.register_factory("made", seven(&calls)).unwrap();
        assert_eq!((ask(&registry), ask(&registry)), (7, 7), "{way}");
        assert_eq!(registry.get("made").as_deref(), Some(&7), "{way}");
        assert_eq!(calls.count(), 1, "{way}");
    }
}

#[test]
fn every_way_to_an_entry_finds_a_plain_value() {
    let registry = Registry::from_iter([("value", 1)]);
    let here = address(&*registry.get("value").unwrap());
    assert_eq!(address(&*registry.resolve("value").unwrap()), here);
    assert_eq!(address(&*registry.resolve_blocking("value").unwrap()), here);
    let asked = ready(poll(&mut registry.resolve_async("value"))).unwrap();
    assert_eq!(address(&*asked), here);
}

/// What is built is read as any value is: nothing of the build is asked any more, its clock included.
#[test]
fn after_the_build_nobody_goes_through_it() {
    struct Counting(Calls);
    impl Clock for Counting {
        fn now(&self) -> Duration {
            self.0.call();
            Duration::ZERO
        }
    }
    let looks = Calls::default();
    let registry = Registry::builder().clock(Counting(looks.clone())).build();
    let calls = Calls::default();
    registry.register_factory("made", seven(&calls)).unwrap();
    registry.resolve("made").unwrap();
    let looked = looks.count();
    assert!(looked > 0);
    assert_eq!(registry.get("made").as_deref(), Some(&7));
    assert_eq!(*registry.resolve("made").unwrap(), 7);
    assert_eq!(*registry.resolve_blocking("made").unwrap(), 7);
    assert_eq!(
        *ready(poll(&mut registry.resolve_async("made"))).unwrap(),
        7
    );
    assert_eq!((looks.count(), calls.count()), (looked, 1));
}

#[test]
fn a_read_while_it_is_built_finds_nothing_and_does_not_wait() {
    let (registry, gate) = (Registry::new(), Gate::default());
    let door = gate.clone();
    let made = Factory::future(move |_| {
        let door = door.clone();
        async move {
            door.pass().await;
            Ok::<_, Never>(7)
        }
    });
    registry.register_factory("made", made).unwrap();
    let mut asked = registry.resolve_async("made");
    assert!(poll(&mut asked).is_pending());
    assert!(registry.get("made").is_none());
    assert_eq!(waiters(&registry.entry("made").unwrap()), 1);
    gate.open();
    assert_eq!(*ready(poll(&mut asked)).unwrap(), 7);
    // A future that is polled again finds the value again.
    assert_eq!(*ready(poll(&mut asked)).unwrap(), 7);
    assert_eq!(
        registry.get("made").map(|seen| Guard::revision(&seen)),
        Some(1)
    );
}

#[test]
fn a_taken_name_is_refused_with_the_place_of_the_earlier_registration() {
    let (registry, calls) = (Registry::new(), Calls::default());
    let line = line!() + 1;
    registry.register_factory("made", seven(&calls)).unwrap();
    let error = registry.register("made", 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "`made` is already registered at {}:{line} (revision 1); \
             choose another name, or replace it",
            file!()
        )
    );
    let again = registry.register_factory("made", seven(&calls));
    assert_eq!(again.unwrap_err(), error);
    let other = Place::new("app.yaml:12");
    registry
        .register_factory_at("other", seven(&calls), other.clone())
        .unwrap();
    assert_eq!(
        registry.register_factory("other", seven(&calls)),
        Err(ChangeError::Taken {
            name: "other".into(),
            place: other,
            revision: 2
        })
    );
    assert_eq!(
        registry.register_factory("", seven(&calls)),
        Err(ChangeError::Name { len: 0 })
    );
    assert_eq!((registry.revision(), calls.count()), (2, 0));
}

#[test]
fn what_is_not_there_cannot_be_resolved() {
    let registry: Registry<u32> = Registry::builder().label("services").build();
    let errors = [
        registry.resolve("db").unwrap_err(),
        registry.resolve_blocking("db").unwrap_err(),
        ready(poll(&mut registry.resolve_async("db"))).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(
            &error,
            ResolveError::Absent { registry, name } if &**registry == "services" && &**name == "db"
        ));
        assert!(error.build_error().is_none());
        assert_eq!(
            error.to_string(),
            "there is no entry `services/db`; register it first"
        );
    }
}

#[test]
fn a_synchronous_ask_for_an_unbuilt_asynchronous_entry_is_an_error() {
    let registry = Registry::builder().label("services").build();
    let calls = Calls::default();
    let made = Factory::future({
        let calls = calls.clone();
        move |_| {
            calls.call();
            async { Ok::<_, Never>(7) }
        }
    });
    registry.register_factory("made", made).unwrap();
    let error = registry.resolve("made").unwrap_err();
    assert!(matches!(
        error.build_error(),
        Some(BuildError::NeedsAsync { .. })
    ));
    assert_eq!(
        error.to_string(),
        "`services/made` is not built yet and its factory is asynchronous: resolve it in a task, \
         or blocking on a thread outside any runtime"
    );
    assert_eq!(calls.count(), 0);
    assert_eq!(
        *ready(poll(&mut registry.resolve_async("made"))).unwrap(),
        7
    );
    assert_eq!(*registry.resolve("made").unwrap(), 7);
    assert_eq!(calls.count(), 1);
}
