//! The newest per name, and never a state that was not one.

use super::double::{World, change, resync, shown};
use crate::observe::{Counters, Options, Policy};

const COALESCE: Options = Options::new(Policy::Coalesce);

#[test]
fn pending_changes_become_one_with_the_oldest_old_and_the_newest_new() {
    let world = World::new();
    world.write(1, &[("kept", Some(1)), ("removed", Some(1))]);
    let (_, mut watch) = World::subscribe(&world, COALESCE);
    world.write(1, &[("kept", Some(2)), ("added", Some(1))]);
    world.write(1, &[("passing", Some(1)), ("removed", None)]);
    world.write(3, &[("kept", Some(3)), ("passing", None)]);
    let expected = (
        2,
        6,
        vec![
            ("added".into(), None, Some(1)),
            ("kept".into(), Some(1), Some(3)),
            ("removed".into(), Some(1), None),
        ],
    );
    assert_eq!(watch.stats().pending, 1);
    assert_eq!(shown(&change(watch.recv().unwrap())), expected);
    let expected = Counters {
        received: 3,
        delivered: 1,
        coalesced: 2,
        ..Counters::default()
    };
    assert_eq!(watch.stats(), expected);

    world.put("kept", 4);
    let next = (7, 7, vec![("kept".into(), Some(3), Some(4))]);
    assert_eq!(shown(&change(watch.recv().unwrap())), next);
}

#[test]
fn changes_that_cancel_out_still_cover_their_revisions() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, COALESCE);
    world.put("a", 1);
    world.write(1, &[("a", None)]);
    assert_eq!(shown(&change(watch.recv().unwrap())), (1, 2, vec![]));
}

#[test]
fn more_names_than_the_capacity_resynchronise() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, COALESCE.capacity(2));
    world.put("a", 1);
    world.put("b", 1);
    world.put("a", 2);
    world.put("c", 1);
    world.put("d", 1);
    let (from, snapshot) = resync(watch.recv().unwrap());
    assert_eq!((from, snapshot), (0, world.snapshot()));
    let expected = Counters {
        received: 5,
        coalesced: 3,
        dropped: 2,
        resynchronised: 1,
        ..Counters::default()
    };
    assert_eq!(watch.stats(), expected);
    world.put("d", 2);
    let next = (6, 6, vec![("d".into(), Some(1), Some(2))]);
    assert_eq!(shown(&change(watch.recv().unwrap())), next);
}

#[test]
fn one_commit_is_delivered_whole_however_many_names_it_has() {
    let world = World::new();
    let (_, mut watch) = World::subscribe(&world, COALESCE.capacity(2));
    let many = [("a", Some(1)), ("b", Some(1)), ("c", Some(1))];
    world.write(1, &many);
    assert_eq!(change(watch.recv().unwrap()).entries().len(), 3);
    world.write(1, &many);
    world.put("a", 2);
    assert_eq!(resync(watch.recv().unwrap()).0, 1);
}
