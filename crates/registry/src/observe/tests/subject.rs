//! Plain callbacks: whom a notification calls, in which order, and what they may do.

use std::{
    sync::{
        Arc, Barrier, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::observe::{Notified, Registration, Subject};

fn called(called: usize) -> Notified {
    Notified {
        called,
        panicked: 0,
    }
}

/// Writes down who was called with what.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<(u8, u32)>>>);

impl Diary {
    fn writer(&self, who: u8) -> impl Fn(&u32) + Send + Sync + 'static {
        let diary = self.clone();
        move |event| diary.0.lock().unwrap().push((who, *event))
    }

    fn take(&self) -> Vec<(u8, u32)> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

#[test]
fn callbacks_are_called_in_the_order_of_registration() {
    let (subject, diary) = (Subject::default(), Diary::default());
    assert_eq!((subject.notify(&1), subject.len()), (called(0), 0));
    let first = subject.register(diary.writer(1));
    let second = subject.register(diary.writer(2));
    let third = subject.register(diary.writer(3));
    assert_eq!((subject.notify(&2), subject.len()), (called(3), 3));
    assert_eq!(diary.take(), [(1, 2), (2, 2), (3, 2)]);
    second.unregister();
    let again = subject.register(diary.writer(2));
    assert_eq!(subject.notify(&3), called(3));
    assert_eq!(diary.take(), [(1, 3), (3, 3), (2, 3)]);
    drop((first, third, again));
    assert_eq!((subject.notify(&4), subject.is_empty()), (called(0), true));
}

#[test]
fn a_panic_is_counted_and_the_others_are_called() {
    let (subject, diary) = (Subject::new(), Diary::default());
    let _kept = [
        subject.register(diary.writer(1)),
        subject.register(|_| panic!("the callback's own fault")),
        subject.register(diary.writer(3)),
    ];
    for event in [7, 8] {
        let notified = Notified {
            called: 3,
            panicked: 1,
        };
        assert_eq!(subject.notify(&event), notified);
        assert_eq!(diary.take(), [(1, event), (3, event)]);
    }
}

#[test]
fn events_may_be_unsized() {
    let (subject, diary) = (Subject::<str>::new(), Diary::default());
    let write = diary.writer(1);
    let _kept = subject.register(move |text| write(&u32::try_from(text.len()).unwrap()));
    assert_eq!(subject.notify("four"), called(1));
    assert_eq!(diary.take(), [(1, 4)]);
}

#[test]
fn a_callback_may_end_its_own_registration_and_that_of_a_later_one() {
    let (subject, diary) = (Subject::new(), Diary::default());
    let own: Arc<Mutex<Vec<Registration>>> = Arc::default();
    let registrations = [1, 2, 3].map(|who| {
        let (own, write) = (own.clone(), diary.writer(who));
        subject.register(move |event| {
            write(event);
            drop(core::mem::take(&mut *own.lock().unwrap()));
        })
    });
    let [first, second, third] = registrations;
    own.lock().unwrap().extend([first, third]);
    assert_eq!(subject.notify(&1), called(2));
    assert_eq!(diary.take(), [(1, 1), (2, 1)]);
    assert_eq!(subject.notify(&2), called(1));
    assert_eq!(diary.take(), [(2, 2)]);
    drop(second);
    assert!(subject.is_empty());
}

#[test]
fn what_is_registered_from_within_is_called_from_the_next_notification_on() {
    let (subject, diary) = (Arc::new(Subject::new()), Diary::default());
    let added: Arc<Mutex<Vec<Registration>>> = Arc::default();
    let _kept = subject.register({
        let (subject, added, diary) = (Arc::downgrade(&subject), added.clone(), diary.clone());
        move |event| {
            diary.writer(1)(event);
            let subject: Arc<Subject<u32>> = subject.upgrade().unwrap();
            let registration = subject.register(diary.writer(2));
            added.lock().unwrap().push(registration);
        }
    });
    assert_eq!(subject.notify(&1), called(1));
    assert_eq!(subject.notify(&2), called(2));
    assert_eq!(diary.take(), [(1, 1), (1, 2), (2, 2)]);
    assert_eq!(subject.len(), 3);
}

#[test]
fn a_callback_may_notify() {
    let (subject, diary) = (Arc::new(Subject::new()), Diary::default());
    let _kept = subject.register({
        let (subject, write) = (Arc::downgrade(&subject), diary.writer(1));
        move |event: &u32| {
            write(event);
            if *event > 0 {
                let subject: Arc<Subject<u32>> = subject.upgrade().unwrap();
                assert_eq!(subject.notify(&(event - 1)), called(1));
            }
        }
    });
    assert_eq!(subject.notify(&2), called(1));
    assert_eq!(diary.take(), [(1, 2), (1, 1), (1, 0)]);
}

#[test]
fn the_end_of_a_registration_does_not_wait_for_a_call_and_drops_the_callback_after_it() {
    let (subject, inside, go_on) = (
        Subject::new(),
        Arc::new(Barrier::new(2)),
        Arc::new(Barrier::new(2)),
    );
    let held = Arc::new(());
    let registration = subject.register({
        let (held, inside, go_on) = (held.clone(), inside.clone(), go_on.clone());
        move |(): &()| {
            inside.wait();
            go_on.wait();
            assert_eq!(Arc::strong_count(&held), 2);
        }
    });
    thread::scope(|scope| {
        let notifying = scope.spawn(|| subject.notify(&()));
        inside.wait();
        drop(registration);
        assert_eq!(subject.notify(&()), called(0));
        assert_eq!(Arc::strong_count(&held), 2, "the call in progress holds it");
        go_on.wait();
        assert_eq!(notifying.join().unwrap(), called(1));
    });
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_call_that_had_not_begun_when_the_registration_ended_is_not_made() {
    let (subject, inside, go_on) = (
        Subject::new(),
        Arc::new(Barrier::new(2)),
        Arc::new(Barrier::new(2)),
    );
    let calls = Arc::new(AtomicUsize::new(0));
    let _first = subject.register({
        let (inside, go_on) = (inside.clone(), go_on.clone());
        move |(): &()| {
            inside.wait();
            go_on.wait();
        }
    });
    let second = subject.register({
        let calls = calls.clone();
        move |(): &()| {
            calls.fetch_add(1, Ordering::Relaxed);
        }
    });
    thread::scope(|scope| {
        let notifying = scope.spawn(|| subject.notify(&()));
        inside.wait();
        drop(second);
        go_on.wait();
        assert_eq!(notifying.join().unwrap(), called(1));
    });
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[test]
fn the_end_of_the_subject_lets_go_of_a_callback_that_owns_its_registration() {
    let subject = Subject::<()>::new();
    let own: Arc<Mutex<Option<Registration>>> = Arc::default();
    let registration = subject.register({
        let own = own.clone();
        move |()| drop(own.lock().unwrap().take())
    });
    *own.lock().unwrap() = Some(registration);
    let callback: Weak<_> = Arc::downgrade(&own);
    drop(own);
    assert_eq!(callback.strong_count(), 1);
    drop(subject);
    assert_eq!(callback.strong_count(), 0);
}

#[test]
fn registering_and_notifying_at_once_calls_everybody_who_stays() {
    let subject = &Subject::new();
    let steady = Arc::new(AtomicUsize::new(0));
    let _kept = subject.register({
        let steady = steady.clone();
        move |(): &()| {
            steady.fetch_add(1, Ordering::Relaxed);
        }
    });
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..500 {
                    drop(subject.register(|()| {}));
                }
            });
            scope.spawn(|| {
                for _ in 0..500 {
                    let Notified { called, panicked } = subject.notify(&());
                    assert!((1..=3).contains(&called), "{called}");
                    assert_eq!(panicked, 0);
                }
            });
        }
    });
    assert_eq!((steady.load(Ordering::Relaxed), subject.len()), (1000, 1));
}
