//! Model checks of publishing, reading and reclaiming, and of building and observing through them.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test --release -p byname-registry --lib models`. Under loom
//! nothing is really freed: a use of something freed is an assertion.

use loom::thread;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::{Clock, Event, Factory, Options, Policy, Registry, Snapshot, Subscription};

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
fn of_two_who_register_one_name_one_wins() {
    check(|| {
        let registry = registry(&[]);
        let other = thread::spawn({
            let registry = registry.clone();
            move || registry.register("a", Canary::new(1)).is_ok()
        });
        let won = registry.register("a", Canary::new(2)).is_ok();
        assert_ne!(won, other.join().unwrap());
        let value = registry.get("a").map(|a| a.read());
        assert_eq!(
            (value, registry.revision()),
            (Some(if won { 2 } else { 1 }), 1)
        );
    });
}

#[test]
fn of_two_transactions_that_conflict_both_happen() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        let add = |registry: &Registry<Canary>| {
            registry
                .transaction(|draft| {
                    let seen = draft.get("a").map_or(0, Canary::read);
                    draft.put("a", Canary::new(seen + 1))
                })
                .unwrap()
                .revision
        };
        let other = thread::spawn({
            let registry = registry.clone();
            move || add(&registry)
        });
        let revisions = (add(&registry), other.join().unwrap());
        assert!(matches!(revisions, (2, 3) | (3, 2)));
        assert_eq!(registry.get("a").map(|a| a.read()), Some(3));
    });
}

#[test]
fn a_change_beside_the_sealing_happens_or_does_not() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        let other = thread::spawn({
            let registry = registry.clone();
            move || registry.put("a", Canary::new(2)).is_ok()
        });
        registry.seal();
        let revision = registry.revision();
        let changed = other.join().unwrap();
        assert_eq!(
            (revision, registry.revision()),
            if changed { (2, 2) } else { (1, 1) }
        );
        assert_eq!(
            registry.get("a").map(|a| a.read()),
            Some(if changed { 2 } else { 1 })
        );
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

/// Makes the revisions from 2 up to `last`, of which each sets one name; see [`at`].
fn writing(registry: &Registry<Canary>, last: u64) -> thread::JoinHandle<()> {
    let registry = registry.clone();
    thread::spawn(move || {
        for revision in 2..=last {
            let name = if revision % 2 == 0 { "a" } else { "b" };
            let number = revision / 2 + 1;
            assert_eq!(registry.put(name, Canary::new(number)), Ok(revision));
        }
    })
}

/// What `a` and `b` are at `revision`.
fn at(revision: u64) -> (Option<u64>, Option<u64>) {
    let a = revision - revision % 2;
    let b = if revision < 3 {
        1
    } else {
        revision - 1 + revision % 2
    };
    (Some(a / 2 + 1), Some(if b == 1 { 1 } else { b / 2 + 1 }))
}

/// Receives up to revision `last`, from the state of `snapshot` on; returns how often it fell behind.
fn follow(
    registry: &Registry<Canary>,
    snapshot: &Snapshot<Canary>,
    changes: &mut Subscription<Canary>,
    last: u64,
) -> usize {
    let (mut reached, mut lost) = (snapshot.revision(), 0);
    assert_eq!(numbers(snapshot), at(reached));
    while reached < last {
        match changes.recv().expect("the registry has not ended") {
            Event::Change(change) => {
                assert_eq!(change.covers(), reached + 1..=reached + 1);
                let [changed] = change.entries() else {
                    panic!("{change:?}")
                };
                let of = |(a, b)| if changed.name() == "a" { a } else { b };
                let number = |entry: Option<&crate::Entry<_>>| entry?.value().map(Canary::read);
                assert_eq!(number(changed.before()), of(at(reached)));
                reached += 1;
                assert_eq!(number(changed.after()), of(at(reached)));
            }
            Event::Resync { from, snapshot } => {
                assert_eq!(from, reached);
                assert!(snapshot.revision() > reached);
                lost += 1;
                reached = snapshot.revision();
                assert_eq!(numbers(&snapshot), at(reached));
            }
        }
        // What is heard of is visible.
        assert!(registry.revision() >= reached);
        assert!(registry.get("a").map(|a| a.read()) >= at(reached).0);
    }
    lost
}

#[test]
fn a_change_is_visible_before_it_is_heard_and_none_is_lost() {
    check(|| {
        let registry = registry(&[("a", 1), ("b", 1)]);
        let (snapshot, mut changes) = registry.subscribe(Policy::DropOldest);
        let writer = writing(&registry, 3);
        assert_eq!(follow(&registry, &snapshot, &mut changes, 3), 0);
        writer.join().unwrap();
        assert!(changes.try_recv().is_err());
    });
}

#[test]
fn an_observer_that_falls_behind_is_resynchronised_with_a_whole_state() {
    check(|| {
        let registry = registry(&[("a", 1), ("b", 1)]);
        let options = Options::new(Policy::DropOldest).capacity(1);
        let (snapshot, mut changes) = registry.subscribe(options);
        let writer = writing(&registry, 4);
        assert!(follow(&registry, &snapshot, &mut changes, 4) <= 2);
        writer.join().unwrap();
        assert!(changes.try_recv().is_err());
    });
}

#[test]
fn subscribing_beside_commits_leaves_no_gap() {
    check(|| {
        let registry = registry(&[("a", 1), ("b", 1)]);
        let writer = writing(&registry, 3);
        let (snapshot, mut changes) = registry.subscribe(Policy::DropOldest);
        assert_eq!(follow(&registry, &snapshot, &mut changes, 3), 0);
        writer.join().unwrap();
        assert!(changes.try_recv().is_err());
    });
}

/// Under the model checker a deadline never passes: a wake that is lost would be a deadlock.
#[test]
fn a_writer_waits_for_room() {
    check(|| {
        let registry = registry(&[("a", 1), ("b", 1)]);
        let deadline = Duration::from_secs(1);
        let options = Options::new(Policy::Wait { deadline }).capacity(1);
        let (snapshot, mut changes) = registry.subscribe(options);
        let writer = writing(&registry, 3);
        assert_eq!(follow(&registry, &snapshot, &mut changes, 3), 0);
        writer.join().unwrap();
    });
}

/// The changes of two writers are heard in the order of their revisions, also when each found room
/// before the other took it.
#[test]
fn two_writers_are_heard_in_order() {
    let deadline = Duration::from_secs(1);
    for policy in [Policy::DropOldest, Policy::Wait { deadline }] {
        check(move || {
            let registry = registry(&[("a", 1), ("b", 1)]);
            let capacity = if policy == Policy::DropOldest { 2 } else { 1 };
            let (_, mut changes) = registry.subscribe(Options::new(policy).capacity(capacity));
            let writers = ["a", "b"].map(|name| {
                let registry = registry.clone();
                thread::spawn(move || registry.put(name, Canary::new(2)).unwrap())
            });
            for revision in [2, 3] {
                let Some(Event::Change(change)) = changes.recv() else {
                    panic!("nothing is lost")
                };
                assert_eq!(change.covers(), revision..=revision);
            }
            for writer in writers {
                writer.join().unwrap();
            }
        });
    }
}

/// What is pending in a queue is kept alive by it, and dropped with it beside a commit.
#[test]
fn a_subscription_ends_beside_a_commit() {
    check(|| {
        let registry = registry(&[("a", 1), ("b", 1)]);
        let (snapshot, changes) = registry.subscribe(Policy::DropOldest);
        drop(snapshot);
        let writer = writing(&registry, 3);
        drop(changes);
        writer.join().unwrap();
        assert_eq!(registry.collect(), 0);
        assert_eq!(numbers(&registry.snapshot()), (Some(2), Some(2)));
    });
}

/// Time plays no part in these models.
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// A number that whoever reads it must have seen written.
struct Written(loom::cell::UnsafeCell<u64>);

// SAFETY: written before it is shared, and only read afterwards; the model checker sees to that.
unsafe impl Sync for Written {}

impl Written {
    fn new(number: u64) -> Self {
        let cell = loom::cell::UnsafeCell::new(0);
        // SAFETY: nobody else has seen the cell.
        cell.with_mut(|cell| unsafe { *cell = number });
        Self(cell)
    }

    fn read(&self) -> u64 {
        // SAFETY: nobody writes any more; if somebody could, the model checker reports it.
        self.0.with(|cell| unsafe { *cell })
    }
}

/// A registry whose entry `a` makes 1 and counts how often.
fn lazy() -> (Registry<Written>, Arc<AtomicUsize>) {
    let registry = Registry::builder().hold_back(0).clock(Still).build();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let factory = Factory::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(Written::new(1))
    });
    registry.register_factory("a", factory).unwrap();
    (registry, calls)
}

#[test]
fn two_who_ask_get_what_one_build_made() {
    check(|| {
        let (registry, calls) = lazy();
        let other = thread::spawn({
            let registry = registry.clone();
            move || {
                let made = registry.resolve("a").unwrap();
                (made.read(), std::ptr::from_ref(&*made).addr())
            }
        });
        let made = registry.resolve("a").unwrap();
        let seen = (made.read(), std::ptr::from_ref(&*made).addr());
        assert_eq!(other.join().unwrap(), seen);
        assert_eq!(seen.0, 1);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert_eq!(registry.revision(), 1);
    });
}

#[test]
fn a_reader_beside_a_build_sees_nothing_or_all_of_the_value() {
    check(|| {
        let (registry, calls) = lazy();
        let snapshot = registry.snapshot();
        let asker = thread::spawn({
            let registry = registry.clone();
            move || assert_eq!(registry.resolve("a").unwrap().read(), 1)
        });
        let seen = registry.get("a").map(|made| made.read());
        assert!(matches!(seen, None | Some(1)));
        if seen.is_some() {
            assert_eq!(snapshot.get("a").map(Written::read), Some(1));
        }
        asker.join().unwrap();
        assert_eq!(snapshot.get("a").map(Written::read), Some(1));
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    });
}

/// An entry that is replaced while it is built belongs to those who asked for it, and to nobody else.
#[test]
fn an_ask_beside_a_replacement() {
    check(|| {
        let (registry, calls) = lazy();
        let writer = thread::spawn({
            let registry = registry.clone();
            move || assert_eq!(registry.put("a", Written::new(2)), Ok(2))
        });
        let made = registry.resolve("a").unwrap();
        assert_eq!(made.read(), made.revision());
        let built = usize::from(made.revision() == 1);
        assert_eq!(calls.load(Ordering::Relaxed), built);
        writer.join().unwrap();
        assert_eq!(registry.get("a").unwrap().read(), 2);
        drop(made);
        assert_eq!(registry.collect(), 0);
    });
}

/// A snapshot is taken of a revision whose announcement, unused by now, is being given up.
#[test]
fn an_announcement_is_revived_beside_a_collection() {
    check(|| {
        let registry = registry(&[("a", 1)]);
        drop(registry.snapshot());
        let collector = thread::spawn({
            let registry = registry.clone();
            move || registry.collect()
        });
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.get("a").map(Canary::read), Some(1));
        drop(snapshot);
        collector.join().unwrap();
        assert_eq!(registry.collect(), 0);
    });
}

/// A thread reads under a pin of one registry and pins another in the same place, while the first is
/// reclaimed: seeing the second pin must mean that the read is done.
///
/// Found by review: with relaxed stores of the pin this is a race. It takes four preemptions.
#[test]
fn a_place_is_used_for_another_registry() {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicU64, Ordering};

    use super::barrier;
    use super::pin::{Pin, Records};

    const ONE: usize = 128;
    const OTHER: usize = 256;

    struct World {
        records: Records,
        epoch: AtomicU64,
        gone: AtomicU64,
        value: UnsafeCell<u32>,
    }
    // SAFETY: `value` is what the pins protect, and loom watches every access to it.
    unsafe impl Sync for World {}

    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(4);
    builder.check(|| {
        let world = Arc::new(World {
            records: Records::new(),
            epoch: AtomicU64::new(1),
            gone: AtomicU64::new(0),
            value: UnsafeCell::new(0),
        });
        let reader = thread::spawn({
            let world = world.clone();
            move || {
                let pin = Pin::new(&world.records, ONE, &world.epoch);
                if world.gone.load(Ordering::Acquire) == 0 {
                    // SAFETY: pinned before it was gone.
                    world.value.with(|value| assert_eq!(unsafe { *value }, 0));
                }
                let _ = pin.release();
                let pin = Pin::new(&world.records, OTHER, &world.epoch);
                let _ = pin.release();
            }
        });
        world.gone.store(1, Ordering::Release);
        world.epoch.fetch_add(1, Ordering::AcqRel);
        assert!(barrier::heavy());
        if world.records.floors(ONE, false).reads >= 2 {
            // SAFETY: nobody is pinned since before it was gone.
            world.value.with_mut(|value| unsafe { *value = 1 });
        }
        reader.join().unwrap();
    });
}
