use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Fixture;
use super::scene::{Follower, answer, entries, number, put, seen, together};
use crate::error::StoreError;
use crate::transaction::{Condition, Transaction};

const THREADS: usize = 16;
const ROUNDS: u64 = 12;

/// Threads of two handles that increment one number by compare-and-set lose no increment.
pub fn concurrent_increments_sum_exactly(fixture: &dyn Fixture) {
    let handles = [fixture.open(), fixture.open()];
    together(THREADS, |index| {
        let store = &handles[index % 2];
        for _ in 0..ROUNDS {
            loop {
                let (value, at) = match store.mirror().entry("sum") {
                    Some(entry) => {
                        let record = entry.value().expect("a mirror builds nothing");
                        (record.value.read().unwrap(), entry.revision())
                    }
                    None => (0_u64, 0),
                };
                let add = Transaction::new()
                    .when("sum", Condition::Revision(at))
                    .put("sum", number(value + 1));
                match answer(&store.submit(add)) {
                    Ok(_) => break,
                    Err(StoreError::Condition { .. }) => drop(answer(&store.refresh()).unwrap()),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    for store in &handles {
        answer(&store.refresh()).unwrap();
        let sum = seen(&store.mirror().view(), "sum");
        assert_eq!(sum, Some(THREADS as u64 * ROUNDS));
    }
}

/// Threads of two handles that add and remove names: each name that was added and not removed is
/// there, and of those who want the same one gets it.
pub fn concurrent_adds_are_exactly_all_there(fixture: &dyn Fixture) {
    let handles = [fixture.open(), fixture.open()];
    let won = AtomicU64::new(0);
    together(THREADS, |index| {
        let store = &handles[index % 2];
        let add = |name: &str| {
            let add = Transaction::new()
                .when(name, Condition::Absent)
                .put(name, number(index as u64));
            answer(&store.submit(add))
        };
        for round in 0..ROUNDS {
            add(&format!("{index}/{round}")).unwrap();
            let brief = format!("{index}/brief");
            add(&brief).unwrap();
            let remove = Transaction::new().when(brief.as_str(), Condition::Exists);
            answer(&store.submit(remove.remove(brief))).unwrap();
            match add(&format!("all/{round}")) {
                Ok(_) => drop(won.fetch_add(1, Ordering::Relaxed)),
                Err(StoreError::Condition { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert_eq!(won.into_inner(), ROUNDS, "each name is taken once");
    let mut expected: Vec<_> = (0..ROUNDS).map(|round| format!("all/{round}")).collect();
    for index in 0..THREADS {
        expected.extend((0..ROUNDS).map(|round| format!("{index}/{round}")));
    }
    expected.sort_unstable();
    for store in &handles {
        answer(&store.refresh()).unwrap();
        let names: Vec<_> = entries(&**store).into_keys().collect();
        assert_eq!(names, expected);
    }
}

/// While transactions keep two numbers equal, no reader of any handle sees them differ, and none
/// goes back.
pub fn concurrent_readers_never_see_half(fixture: &dyn Fixture) {
    let handles = [fixture.open(), fixture.open()];
    let writing = AtomicU64::new(2);
    together(4, |index| {
        let store = &handles[index % 2];
        if index < 2 {
            for round in 0..ROUNDS * 3 {
                let both = Transaction::new().put("left", number(round));
                answer(&store.submit(both.put("right", number(round)))).unwrap();
            }
            writing.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let mut last = 0;
        while writing.load(Ordering::Acquire) > 0 {
            let view = store.mirror().view();
            assert!(view.revision() >= last, "a mirror goes forward");
            last = view.revision();
            assert_eq!(seen(&view, "left"), seen(&view, "right"));
            drop(view);
            std::thread::yield_now();
        }
    });
    answer(&handles[0].refresh()).unwrap();
    let last = seen(&handles[0].mirror().view(), "left");
    assert_eq!(last, Some(ROUNDS * 3 - 1));
}

/// Watches that begin while others commit all lead to the same.
pub fn concurrent_watches_agree(fixture: &dyn Fixture) {
    let handles = [fixture.open(), fixture.open()];
    let followers = Mutex::new(Vec::new());
    let writing = AtomicBool::new(true);
    together(4, |index| {
        let store = &handles[index % 2];
        if index < 2 {
            for round in 0..ROUNDS * 2 {
                put(&**store, &format!("{}", round % 5), round);
            }
            writing.store(false, Ordering::Release);
            return;
        }
        let mut own = Vec::new();
        while writing.load(Ordering::Acquire) && own.len() < 20 {
            let begin = store.mirror().snapshot();
            own.push((store.watch(begin.revision()), Follower::at(&begin)));
            std::thread::yield_now();
        }
        followers.lock().unwrap().extend(own);
    });
    let last = put(&*handles[0], "last", 1);
    for (watch, follower) in followers.lock().unwrap().iter_mut() {
        follower.follow(watch, last);
        assert_eq!((follower.revision, follower.gone), (last, 0));
        assert_eq!(follower.entries, entries(&*handles[0]));
    }
}
