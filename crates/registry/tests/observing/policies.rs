//! What happens when changes come faster than they are received.

use std::thread;
use std::time::{Duration, Instant};

use byname_registry::{Changes, Counters, Options, Policy, RecvError, Registry};
use byname_testkit::PATIENCE;

use super::rig::{all, change, numbers, resync, state, written};

#[test]
fn the_oldest_is_dropped_and_the_loss_is_told() {
    let registry = numbers();
    registry.put("a", 1).unwrap();
    let options = Options::new(Policy::DropOldest).capacity(2);
    let (_, mut changes) = registry.subscribe(options);
    registry.put("a", 2).unwrap();
    assert_eq!(written(&*change(&mut changes)), "2..=2 a: 1@1 -> 2@2");
    for n in 3..=6 {
        registry.put("a", n).unwrap();
    }
    assert_eq!(
        changes.stats(),
        Counters {
            received: 5,
            delivered: 1,
            dropped: 4,
            ..Counters::default()
        }
    );
    let (from, snapshot) = resync(&mut changes);
    assert_eq!(
        (from, snapshot.revision(), snapshot.get("a")),
        (2, 6, Some(&6))
    );
    assert_eq!(changes.revision(), 6);
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Empty);
    // From there everything is told again.
    registry.put("a", 7).unwrap();
    registry.remove("a").unwrap();
    assert_eq!(
        all(&mut changes),
        ["7..=7 a: 6@6 -> 7@7", "8..=8 a: 7@7 -> -"]
    );
    assert_eq!(
        changes.stats(),
        Counters {
            received: 7,
            delivered: 3,
            dropped: 4,
            resynchronised: 1,
            ..Counters::default()
        }
    );
}

/// The snapshot of a resynchronisation is of the moment it is received, not of the loss.
#[test]
fn a_resynchronisation_is_up_to_date() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Options::new(Policy::DropOldest).capacity(1));
    for n in 1..=10 {
        registry.put(&format!("name-{n}"), n).unwrap();
    }
    let (from, snapshot) = resync(&mut changes);
    assert_eq!((from, snapshot.revision(), snapshot.len()), (0, 10, 10));
    assert_eq!(state(&snapshot), state(&registry.snapshot()));
}

#[test]
fn changes_are_folded_into_one_that_does_the_same() {
    let registry = numbers();
    registry
        .put_all([("kept", 1), ("removed", 1), ("back", 1)])
        .unwrap();
    let (_, mut changes) = registry.subscribe(Policy::Coalesce);
    registry.put("kept", 2).unwrap();
    registry.put("passing", 1).unwrap();
    registry.remove("back").unwrap();
    registry.put_all([("added", 1), ("kept", 3)]).unwrap();
    registry.remove("removed").unwrap();
    registry.remove("passing").unwrap();
    registry.put("back", 2).unwrap();
    assert_eq!(
        changes.stats(),
        Counters {
            received: 7,
            coalesced: 6,
            pending: 1,
            ..Counters::default()
        }
    );
    assert_eq!(
        all(&mut changes),
        ["2..=8 added: - -> 1@5, back: 1@1 -> 2@8, kept: 1@1 -> 3@5, removed: 1@1 -> -"]
    );
    registry.put("kept", 4).unwrap();
    assert_eq!(all(&mut changes), ["9..=9 kept: 3@5 -> 4@9"]);
}

#[test]
fn folding_covers_the_gaps_of_a_store() {
    let registry: Registry<u64> = Registry::builder().following().build();
    let (_, mut changes) = registry.subscribe(Policy::Coalesce);
    for (revision, value) in [(6, 60), (17, 170)] {
        let mut put = Changes::new();
        put.put("a", revision, value).unwrap();
        registry.publish(revision, put).unwrap();
    }
    registry.publish(99, Changes::new()).unwrap();
    assert_eq!(all(&mut changes), ["1..=99 a: - -> 170@17"]);
}

#[test]
fn more_names_than_may_be_folded_resynchronise() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Options::new(Policy::Coalesce).capacity(2));
    // One commit is told as it is.
    registry.put_all([("a", 1), ("b", 1), ("c", 1)]).unwrap();
    assert_eq!(
        all(&mut changes),
        ["1..=1 a: - -> 1@1, b: - -> 1@1, c: - -> 1@1"]
    );
    registry.put("a", 2).unwrap();
    registry.put("b", 2).unwrap();
    registry.put("a", 3).unwrap();
    assert_eq!(all(&mut changes), ["2..=4 a: 1@1 -> 3@4, b: 1@1 -> 2@3"]);
    registry.put("a", 4).unwrap();
    registry.put("b", 4).unwrap();
    registry.put("c", 4).unwrap();
    let (from, snapshot) = resync(&mut changes);
    assert_eq!((from, snapshot.revision()), (4, 7));
}

#[test]
fn writers_wait_for_room_and_nothing_is_lost() {
    let registry = numbers();
    let wait = Policy::Wait {
        deadline: 10 * PATIENCE,
    };
    let (_, mut changes) = registry.subscribe(Options::new(wait).capacity(2));
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1..=3 {
                registry.put("a", n).unwrap();
            }
        });
        let deadline = Instant::now() + PATIENCE;
        while changes.stats().waited == 0 {
            assert!(Instant::now() < deadline, "the writer does not wait");
            thread::yield_now();
        }
        // It waits before it has changed anything, and readers do not wait for it.
        assert_eq!(registry.revision(), 2);
        assert_eq!(registry.get("a").as_deref(), Some(&2));
        assert_eq!(written(&*change(&mut changes)), "1..=1 a: - -> 1@1");
        writer.join().unwrap();
    });
    assert_eq!(
        all(&mut changes),
        ["2..=2 a: 1@1 -> 2@2", "3..=3 a: 2@2 -> 3@3"]
    );
    assert_eq!(
        changes.stats(),
        Counters {
            received: 3,
            delivered: 3,
            waited: 1,
            ..Counters::default()
        }
    );
}

#[test]
fn after_its_deadline_a_writer_goes_on() {
    let registry = numbers();
    let wait = Policy::Wait {
        deadline: Duration::ZERO,
    };
    let (_, mut changes) = registry.subscribe(Options::new(wait).capacity(2));
    for n in 1..=5 {
        registry.put("a", n).unwrap();
    }
    let (from, snapshot) = resync(&mut changes);
    assert_eq!(
        (from, snapshot.revision(), snapshot.get("a")),
        (0, 5, Some(&5))
    );
    registry.put("a", 6).unwrap();
    assert_eq!(all(&mut changes), ["6..=6 a: 5@5 -> 6@6"]);
}

/// An observer that writes cannot wait for itself to receive.
#[test]
fn an_observer_never_waits_for_itself() {
    let registry = numbers();
    let wait = Policy::Wait {
        deadline: 10 * PATIENCE,
    };
    let (_, mut changes) = registry.subscribe(Options::new(wait).capacity(1));
    registry.put("a", 1).unwrap();
    assert_eq!(written(&*change(&mut changes)), "1..=1 a: - -> 1@1");
    registry.put("a", 2).unwrap();
    registry.put("a", 3).unwrap();
    let (from, snapshot) = resync(&mut changes);
    assert_eq!((from, snapshot.revision()), (1, 3));
    assert_eq!(changes.stats().waited, 0);
}

/// A writer that waits is let go when the observer leaves instead of receiving.
#[test]
fn an_observer_that_leaves_lets_waiting_writers_go() {
    for stops in [false, true] {
        let registry = numbers();
        let wait = Policy::Wait {
            deadline: 10 * PATIENCE,
        };
        let (_, changes) = registry.subscribe(Options::new(wait).capacity(1));
        thread::scope(|scope| {
            let writer = scope.spawn(|| (registry.put("a", 1), registry.put("a", 2)));
            let deadline = Instant::now() + PATIENCE;
            while changes.stats().waited == 0 {
                assert!(Instant::now() < deadline, "the writer does not wait");
                thread::yield_now();
            }
            if stops {
                changes.stop_handle().stop();
            } else {
                drop(changes);
            }
            assert_eq!(writer.join().unwrap(), (Ok(1), Ok(2)));
        });
    }
}
