//! Model checks of publishing, reading and reclaiming.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test --release -p byname-registry --lib models`. Under loom
//! nothing is really freed: a use of something freed is an assertion.

use loom::thread;

use crate::{Registry, Snapshot};

/// A value that notices being used after its drop.
struct Canary {
    number: u64,
    alive: crate::sync::Alive,
}

impl Canary {
    fn new(number: u64) -> Self {
        Self {
            number,
            alive: crate::sync::Alive::new(),
        }
    }

    fn read(&self) -> u64 {
        self.alive.check();
        self.number
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.alive.end();
    }
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(
        std::env::var("LOOM_MAX_PREEMPTIONS")
            .ok()
            .and_then(|n| n.parse().ok())
            .unwrap_or(2),
    );
    builder.max_branches = 100_000;
    builder.check(model);
}

fn registry(names: &[(&'static str, u64)]) -> Registry<Canary> {
    let registry = Registry::builder().hold_back(0).build();
    let entries = names
        .iter()
        .map(|&(name, number)| (name, Canary::new(number)));
    registry.put_all(entries).unwrap();
    registry
}

fn numbers(snapshot: &Snapshot<Canary>) -> (Option<u64>, Option<u64>) {
    (
        snapshot.get("a").map(Canary::read),
        snapshot.get("b").map(Canary::read),
    )
}

#[test]
fn a_borrowed_value_is_not_dropped() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        let writer = thread::spawn({
            let registry = registry.clone();
            move || registry.put("a", Canary::new(2)).unwrap()
        });
        let guard = registry.get("a").unwrap();
        assert!(matches!(guard.read(), 1 | 2));
        loom::thread::yield_now();
        guard.read();
        drop(guard);
        writer.join().unwrap();
        assert_eq!(registry.get("a").unwrap().read(), 2);
    });
}

#[test]
fn a_view_sees_a_change_of_two_names_whole() {
    check(|| {
        let registry = registry(&[("a", 1), ("b", 1)]);
        let writer = thread::spawn({
            let registry = registry.clone();
            move || {
                let both = [("a", Canary::new(2)), ("b", Canary::new(2))];
                registry.put_all(both).unwrap();
            }
        });
        let view = registry.view();
        let seen = view.get("a").unwrap().read();
        assert_eq!(view.get("b").unwrap().read(), seen);
        assert_eq!(view.get("a").unwrap().read(), seen);
        drop(view);
        writer.join().unwrap();
    });
}

#[test]
fn a_read_after_a_change_returned_sees_it() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        let done = loom::sync::Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let writer = thread::spawn({
            let (registry, done) = (registry.clone(), done.clone());
            move || {
                registry.put("a", Canary::new(2)).unwrap();
                done.store(true, loom::sync::atomic::Ordering::Release);
            }
        });
        if done.load(loom::sync::atomic::Ordering::Acquire) {
            assert_eq!(registry.get("a").unwrap().read(), 2);
        }
        writer.join().unwrap();
    });
}

#[test]
fn two_writers_lose_nothing() {
    check(|| {
        let registry = registry(&[]);
        let writer = thread::spawn({
            let registry = registry.clone();
            move || registry.register("a", Canary::new(1)).unwrap()
        });
        let b = registry.register("b", Canary::new(2)).unwrap();
        let a = writer.join().unwrap();
        assert_eq!((a.min(b), a.max(b)), (1, 2));
        assert_eq!(numbers(&registry.snapshot()), (Some(1), Some(2)));
    });
}

#[test]
fn a_snapshot_keeps_what_it_shows() {
    check(|| {
        let registry = registry(&[("a", 1), ("b", 1)]);
        let writer = thread::spawn({
            let registry = registry.clone();
            move || {
                let both = [("a", Canary::new(2)), ("b", Canary::new(2))];
                registry.put_all(both).unwrap();
                registry.put("a", Canary::new(3)).unwrap();
            }
        });
        let snapshot = registry.snapshot();
        let seen = numbers(&snapshot);
        writer.join().unwrap();
        assert_eq!(numbers(&snapshot), seen);
        assert!([(Some(1), Some(1)), (Some(2), Some(2)), (Some(3), Some(2))].contains(&seen));
        drop(snapshot);
        assert_eq!(registry.collect(), 0);
    });
}

/// A reader of an old snapshot walks past a newer version while that is reclaimed.
#[test]
fn versions_between_snapshots_are_reclaimed_under_walkers() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        let old = registry.snapshot();
        registry.put("a", Canary::new(2)).unwrap();
        let middle = registry.snapshot();
        registry.put("a", Canary::new(3)).unwrap();
        let dropper = thread::spawn(move || drop(middle));
        assert_eq!(old.get("a").map(Canary::read), Some(1));
        dropper.join().unwrap();
        assert_eq!(old.get("a").map(Canary::read), Some(1));
        drop(old);
        assert_eq!(registry.collect(), 0);
    });
}

#[test]
fn two_snapshots_share_and_drop() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        let other = thread::spawn({
            let registry = registry.clone();
            move || {
                let snapshot = registry.snapshot();
                assert!(snapshot.get("a").unwrap().read() <= 2);
            }
        });
        let snapshot = registry.snapshot();
        registry.put("a", Canary::new(2)).unwrap();
        assert_eq!(snapshot.get("a").map(Canary::read), Some(1));
        drop(snapshot);
        other.join().unwrap();
        assert_eq!(registry.collect(), 0);
    });
}

/// The index is rebuilt without the slot of a removed name while that name is looked up.
#[test]
fn a_name_that_leaves_the_index() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        registry.remove("a").unwrap();
        let writer = thread::spawn({
            let registry = registry.clone();
            move || {
                registry.register("b", Canary::new(2)).unwrap();
                registry.register("a", Canary::new(3)).unwrap();
            }
        });
        let seen = registry.get("a").map(|a| a.read());
        assert!(matches!(seen, None | Some(3)));
        writer.join().unwrap();
        assert_eq!(registry.get("a").map(|a| a.read()), Some(3));
    });
}

#[test]
fn a_handle_is_resolved_while_its_name_leaves_the_index() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        let writer = thread::spawn({
            let registry = registry.clone();
            move || {
                registry.remove("a").unwrap();
                registry.register("b", Canary::new(2)).unwrap();
                registry.register("a", Canary::new(3)).unwrap();
            }
        });
        let handle = registry.handle("a");
        writer.join().unwrap();
        if let Some(handle) = handle {
            assert_eq!(handle.read(Canary::read), Some(3));
        }
    });
}

#[test]
fn an_owned_value_outlives_the_registry() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        let owner = thread::spawn({
            let registry = registry.clone();
            move || {
                let owned = registry.get_owned("a").unwrap();
                drop(registry);
                owned.read()
            }
        });
        registry.put("a", Canary::new(2)).unwrap();
        drop(registry);
        assert!(matches!(owner.join().unwrap(), 1 | 2));
    });
}
