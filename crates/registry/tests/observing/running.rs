//! Observers that run, and what they may do meanwhile.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use byname_registry::{Event, Options, Policy, RecvError, Subject};
use byname_testkit::{PATIENCE, Recording};

use super::rig::{Follower, all, numbers, state};

#[test]
fn an_observer_may_unsubscribe_itself() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    for n in 1..=5 {
        registry.put("a", n).unwrap();
    }
    let (stop, mut heard) = (changes.stop_handle(), 0);
    let ran = changes.run(|_| {
        heard += 1;
        if heard == 3 {
            stop.stop();
        }
        ControlFlow::<()>::Continue(())
    });
    assert_eq!((ran, heard), (ControlFlow::Continue(()), 3));
    registry.put("a", 6).unwrap();
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Ended);
    assert_eq!((changes.stats().received, changes.stats().dropped), (5, 2));
}

#[test]
fn an_observer_may_change_what_it_observes() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Options::new(Policy::DropOldest).capacity(4));
    registry.put("a", 1).unwrap();
    let mut heard = Vec::new();
    let ran = changes.run(|event| {
        let Event::Change(change) = event else {
            panic!("{event:?}")
        };
        let value = *change.entries()[0].after().unwrap().value().unwrap();
        heard.push((change.revision(), value));
        if value == 5 {
            return ControlFlow::Break("done");
        }
        registry.put("a", value + 1).unwrap();
        ControlFlow::Continue(())
    });
    assert_eq!(ran, ControlFlow::Break("done"));
    assert_eq!(heard, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
}

#[test]
fn an_observer_may_begin_and_end_others() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    let (_, other) = registry.subscribe(Policy::DropOldest);
    let mut other = Some(other);
    registry.put("a", 1).unwrap();
    let inner = changes.run(|_| {
        drop(other.take());
        let (snapshot, inner) = registry.subscribe(Policy::Coalesce);
        assert_eq!(snapshot.revision(), 1);
        registry.put("a", 2).unwrap();
        ControlFlow::Break(inner)
    });
    let ControlFlow::Break(mut inner) = inner else {
        panic!("it breaks at the first change")
    };
    assert_eq!(all(&mut inner), ["2..=2 a: 1@1 -> 2@2"]);
    assert_eq!(all(&mut changes), ["2..=2 a: 1@1 -> 2@2"]);
}

/// One hung observer must not stop the others, nor a writer.
#[test]
fn a_hung_observer_stops_nobody() {
    let registry = numbers();
    let (_, mut hung) = registry.subscribe(Options::new(Policy::DropOldest).capacity(4));
    let (snapshot, mut healthy) = registry.subscribe(Policy::DropOldest);
    let (hangs, is_hanging) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let hanging = scope.spawn(move || {
            let Some(Event::Change(first)) = hung.recv() else {
                panic!("the first change is there")
            };
            hangs.send(first.revision()).unwrap();
            released.recv().unwrap();
            hung
        });
        registry.put("n", 1).unwrap();
        assert_eq!(is_hanging.recv().unwrap(), 1);
        for n in 2..=20 {
            registry.put("n", n).unwrap();
        }
        let mut follower = Follower::new(&snapshot);
        for _ in 0..20 {
            follower.hear(&healthy.try_recv().unwrap());
        }
        assert_eq!((follower.revision, follower.resyncs), (20, 0));
        assert_eq!(follower.state, state(&registry.snapshot()));
        release.send(()).unwrap();
        // It was told what it missed as soon as it asked.
        let mut hung = hanging.join().unwrap();
        let (from, snapshot) = super::rig::resync(&mut hung);
        assert_eq!((from, snapshot.revision()), (1, 20));
    });
}

#[test]
fn a_panicking_observer_harms_nobody_and_may_go_on() {
    let registry = numbers();
    let (_, mut panics) = registry.subscribe(Policy::DropOldest);
    let (_, mut healthy) = registry.subscribe(Policy::DropOldest);
    for n in 1..=3 {
        registry.put("n", n).unwrap();
    }
    let died = catch_unwind(AssertUnwindSafe(|| {
        panics.run(|_| -> ControlFlow<()> { panic!("cannot hear this") })
    }));
    assert!(died.is_err());
    registry.put("n", 4).unwrap();
    let expected = [
        "1..=1 n: - -> 1@1",
        "2..=2 n: 1@1 -> 2@2",
        "3..=3 n: 2@2 -> 3@3",
        "4..=4 n: 3@3 -> 4@4",
    ];
    assert_eq!(all(&mut healthy), expected);
    assert_eq!(all(&mut panics), expected[1..]);
}

#[test]
fn the_end_of_the_registry_wakes_a_receiver() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Policy::Coalesce);
    let (heard, events) = mpsc::channel();
    let receiver = thread::spawn(move || {
        while let Some(event) = changes.recv() {
            heard.send(matches!(event, Event::Change(_))).unwrap();
        }
        changes.try_recv().unwrap_err()
    });
    registry.put("a", 1).unwrap();
    assert_eq!(events.recv_timeout(PATIENCE), Ok(true));
    drop(registry);
    assert_eq!(receiver.join().unwrap(), RecvError::Ended);
}

/// Plain callbacks: whoever wants them called for each change calls them, from one subscription.
#[test]
fn a_subject_calls_back_what_a_subscription_hears() {
    let registry = numbers();
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    let (subject, heard) = (Subject::new(), Recording::new());
    let record = heard.clone();
    let first = subject.register(move |revision: &u64| record.push(("first", *revision)));
    let _panics = subject.register(|revision: &u64| assert!(*revision < 2, "tired"));
    let (record, writes) = (heard.clone(), registry.clone());
    let _last = subject.register(move |revision: &u64| {
        record.push(("last", *revision));
        if *revision == 1 {
            writes.put("from within", 0).unwrap();
        }
    });
    registry.put("a", 1).unwrap();
    let mut first = Some(first);
    let mut told = Vec::new();
    let ran = changes.run(|event| {
        let Event::Change(change) = event else {
            panic!("{event:?}")
        };
        told.push(subject.notify(&change.revision()));
        match change.revision() {
            2 => drop(first.take()),
            3 => return ControlFlow::Break(()),
            _ => {}
        }
        if change.revision() == 2 {
            registry.put("a", 2).unwrap();
        }
        ControlFlow::Continue(())
    });
    assert_eq!(ran, ControlFlow::Break(()));
    let told: Vec<_> = told.iter().map(|n| (n.called, n.panicked)).collect();
    assert_eq!(told, [(3, 0), (3, 1), (2, 1)]);
    assert_eq!(
        heard.items(),
        [
            ("first", 1),
            ("last", 1),
            ("first", 2),
            ("last", 2),
            ("last", 3)
        ]
    );
}
