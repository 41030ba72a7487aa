use byname_registry::RecvError;

use super::Fixture;
use super::scene::{Follower, answer, commit, entries, number, put};
use crate::transaction::Transaction;
use crate::watch::Event;

/// How many changes behind a watch may begin, at least.
const RECENT: usize = 16;
/// More changes than a watch is bound to keep for who does not take them.
const MANY: u64 = 1_100;

/// Each event of a watch follows the one before without a gap, and together they lead to what the
/// mirror shows.
pub fn a_watch_hears_each_change_once_and_in_order(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "a", 1);
    let begin = store.mirror().snapshot();
    let mut watch = store.watch(begin.revision());
    let mut follower = Follower::at(&begin);
    assert_eq!(watch.try_recv().err(), Some(RecvError::Empty));
    for round in 0..10 {
        put(&*store, "a", round);
        let several = Transaction::new()
            .put(format!("{round}"), number(round))
            .remove(format!("{}", round.saturating_sub(3)));
        commit(&*store, several);
    }
    let last = commit(&*store, Transaction::new().remove("a"));
    follower.follow(&mut watch, last);
    assert_eq!((follower.revision, follower.gone), (last, 0));
    assert_eq!(follower.entries, entries(&*store));
    assert_eq!(watch.try_recv().err(), Some(RecvError::Empty));
}

/// Who knows the state of a recent revision goes on from there.
pub fn a_watch_can_begin_at_any_recent_revision(fixture: &dyn Fixture) {
    let store = fixture.open();
    let mut known = Vec::new();
    for round in 0..RECENT as u64 {
        put(&*store, &format!("{}", round % 5), round);
        commit(
            &*store,
            Transaction::new().remove(format!("{}", (round + 2) % 5)),
        );
        known.push(Follower::at(&store.mirror().snapshot()));
    }
    let last = put(&*store, "last", 1);
    for mut follower in known.split_off(RECENT / 2) {
        let mut watch = store.watch(follower.revision);
        follower.follow(&mut watch, last);
        assert_eq!((follower.revision, follower.gone), (last, 0));
        assert_eq!(follower.entries, entries(&*store));
    }
}

/// A watch of one handle hears of what another commits, though nobody asks for it.
pub fn a_watch_of_another_handle_hears_without_asking(fixture: &dyn Fixture) {
    let (a, b) = (fixture.open(), fixture.open());
    let begin = b.mirror().snapshot();
    let mut watch = b.watch(begin.revision());
    let mut follower = Follower::at(&begin);
    for round in 0..5 {
        let revision = put(&*a, "a", round);
        follower.follow(&mut watch, revision);
        assert_eq!(follower.entries, entries(&*a));
    }
    assert_eq!(follower.gone, 0);
}

/// Where history is not known, in the future or after a compaction, a watch begins with everything.
pub fn a_watch_from_what_is_not_known_begins_with_everything(fixture: &dyn Fixture) {
    let store = fixture.open();
    put(&*store, "a", 1);
    let old = put(&*store, "b", 1);
    let last = put(&*store, "a", 2);
    let begins_anew = |after: u64| {
        let mut watch = store.watch(after);
        let event = watch.try_recv();
        let Ok(Event::Gone(state)) = event else {
            panic!("after {after}: {event:?}");
        };
        assert_eq!(state.revision(), store.mirror().revision());
        let mut follower = Follower::at(&state);
        assert_eq!(follower.entries, entries(&*store));
        let next = put(&*store, "next", after % 7);
        follower.follow(&mut watch, next);
        assert_eq!(follower.entries, entries(&*store));
        assert_eq!(follower.gone, 0);
    };
    begins_anew(last + 1_000_000);
    begins_anew(u64::MAX);
    if fixture.compact() {
        begins_anew(old);
        begins_anew(last);
    }
}

/// A watch that nobody takes from holds nobody up; when somebody does, it leads to what is there.
pub fn a_slow_watch_is_told_and_ends_up_right(fixture: &dyn Fixture) {
    let store = fixture.open();
    let begin = store.mirror().snapshot();
    let mut watch = store.watch(begin.revision());
    let mut follower = Follower::at(&begin);
    let mut pending = Vec::new();
    for round in 0..MANY {
        let transaction = Transaction::new()
            .put(format!("{}", round % 50), number(round))
            .remove(format!("{}", (round + 25) % 50));
        pending.push(store.submit(transaction));
        // Not all at once: what is committed together may be told together.
        if round % 2 == 0 {
            answer(&pending[pending.len() - 1]).unwrap();
        }
    }
    let revisions = pending.iter().map(|pending| answer(pending).unwrap());
    let last = revisions.max().unwrap();
    follower.follow(&mut watch, last);
    assert_eq!(follower.entries, entries(&*store));
    // And it goes on.
    let next = put(&*store, "next", 1);
    follower.follow(&mut watch, next);
    assert_eq!(follower.entries, entries(&*store));
}
