//! Every valid edit becomes a revision, whoever sees it, and once.

use std::fs;
use std::time::Duration;

use byname_registry::Changed;
use byname_store::{Condition, Event, FileOptions, Store, StoreError, Transaction};

use crate::place::*;
use crate::rig::{EDITED, LAYOUTS, SAVES, beta, is_in_order, three};

#[test]
fn a_running_store_takes_up_an_edit_that_it_hears_of() {
    for (how, save) in SAVES {
        for (layout, lay_out) in LAYOUTS {
            let (place, store) = three(FileOptions::new().poll(None));
            save(&place, lay_out(&beta(&place, "20")));
            until(&store, 4);
            assert_eq!(shown(&store), entries(&EDITED), "{how}, {layout}");
            until_good(&store);
            is_in_order(&place, &store);
            // What programs write is laid out as ever.
            assert!(
                place
                    .text()
                    .contains("\n    \"beta\": {\n      \"revision\": 4,\n")
            );
            // A token of an entry that was not touched is as good as before; one of the other is not.
            let cas =
                |name: &str, revision| put(name, "0").when(name, Condition::Revision(revision));
            assert!(matches!(
                refused(&store, cas("beta", 2)),
                StoreError::Condition { found: 4, .. }
            ));
            assert_eq!(commit(&store, cas("alpha", 1)), 5);
            assert_eq!(commit(&store, cas("beta", 4)), 6);
        }
    }
}

#[test]
fn the_next_commit_takes_up_an_edit() {
    for (how, save) in SAVES {
        for (layout, lay_out) in LAYOUTS {
            let (place, store) = three(deaf());
            save(&place, lay_out(&beta(&place, "20")));
            assert_eq!(commit(&store, put("gamma", "30")), 5, "{how}, {layout}");
            let expected = [("alpha", 1, "1"), ("beta", 4, "20"), ("gamma", 5, "30")];
            assert_eq!(shown(&store), entries(&expected), "{how}, {layout}");
            is_in_order(&place, &store);
        }
    }
}

#[test]
fn a_commit_that_is_refused_takes_up_an_edit_all_the_same() {
    let (place, store) = three(deaf());
    place.save_in_place(beta(&place, "20"));
    let stale = put("beta", "0").when("beta", Condition::Revision(2));
    assert!(matches!(
        refused(&store, stale),
        StoreError::Condition { found: 4, .. }
    ));
    assert_eq!(shown(&store), entries(&EDITED));
    is_in_order(&place, &store);
}

#[test]
fn the_poll_takes_up_an_edit() {
    let often = Some(Duration::from_millis(5));
    for (_, save) in SAVES {
        let (place, store) = three(FileOptions::new().watch(false).poll(often));
        save(&place, beta(&place, "20"));
        until(&store, 4);
        assert_eq!(shown(&store), entries(&EDITED));
        until_good(&store);
        is_in_order(&place, &store);
    }
}

#[test]
fn opening_takes_up_an_edit() {
    for options in [FileOptions::new(), deaf()] {
        let (place, store) = three(deaf());
        drop(store);
        place.save_by_rename(beta(&place, "20"));
        let store = place.open(options);
        until(&store, 4);
        assert_eq!(shown(&store), entries(&EDITED));
        until_good(&store);
        is_in_order(&place, &store);
    }
}

#[test]
fn opening_takes_up_an_edit_when_nothing_else_is_known() {
    let (place, store) = three(deaf());
    drop(store);
    place.save_by_rename(beta(&place, "20"));
    fs::remove_dir_all(place.folder().join("machines.json.d")).unwrap();
    let store = place.open(deaf());
    // Which entries were changed cannot be told, so no token is as good as before.
    let expected = [("alpha", 4, "1"), ("beta", 4, "20"), ("gamma", 4, "3")];
    assert_eq!(shown(&store), entries(&expected));
    is_in_order(&place, &store);
}

#[test]
fn every_process_hears_of_an_edit() {
    let (place, store) = three(FileOptions::new().poll(None));
    let other = place.open(FileOptions::new().poll(None));
    let mut watch = other.watch(3);
    place.save_by_rename(beta(&place, "20"));
    let event = watch.recv_timeout(byname_testkit::PATIENCE).unwrap();
    let Event::Change(change) = event else {
        panic!("{event:?}");
    };
    assert_eq!(change.covers(), 4..=4);
    let names: Vec<_> = change.entries().iter().map(Changed::name).collect();
    assert_eq!(names, ["beta"]);
    until(&store, 4);
    until_good(&store);
    until(&other, 4);
    until_good(&other);
    // Nobody takes it up twice.
    assert_eq!(commit(&other, Transaction::new()), 4);
    assert_eq!(commit(&store, put("alpha", "10")), 5);
    assert_eq!(commit(&other, put("alpha", "11")), 6);
}

#[test]
fn two_edits_in_a_row_are_two_revisions() {
    for (_, save) in SAVES {
        let (place, store) = three(FileOptions::new().poll(None));
        let first = beta(&place, "20");
        save(&place, first.clone());
        until(&store, 4);
        // The editor still has what it saved, which says revision 3.
        eventually("the document is in order", || {
            place.text().contains("\"revision\": 4,")
        });
        save(&place, first.replace("\"value\": 3\n", "\"value\": 30\n"));
        until(&store, 5);
        let expected = [("alpha", 1, "1"), ("beta", 4, "20"), ("gamma", 5, "30")];
        assert_eq!(shown(&store), entries(&expected));
        until_good(&store);
        is_in_order(&place, &store);
    }
}

#[test]
fn an_edit_is_taken_up_once_however_many_processes_there_are() {
    let (place, one) = three(deaf());
    let other = place.open(deaf());
    place.save_by_rename(beta(&place, "20"));
    assert_eq!(commit(&one, Transaction::new()), 4);
    // The entry goes; the text that brought it was there a moment ago.
    assert_eq!(commit(&one, Transaction::new().remove("beta")), 5);
    assert_eq!(commit(&other, put("gamma", "30")), 6);
    let expected = entries(&[("alpha", 1, "1"), ("gamma", 6, "30")]);
    assert_eq!(shown(&other), expected);

    place.save_by_rename(place.text().replace("\"alpha\"", "\"omega\""));
    assert_eq!(commit(&one, Transaction::new()), 7);
    assert_eq!(commit(&other, Transaction::new().remove("omega")), 8);
    assert_eq!(commit(&place.open(deaf()), put("gamma", "31")), 9);
    assert_eq!(commit(&one, put("gamma", "32")), 10);
    assert_eq!(shown(&one), entries(&[("gamma", 10, "32")]));
    is_in_order(&place, &one);
    // Nobody took it for a text that came late.
    assert_eq!(place.aside_as("late"), Vec::<Vec<u8>>::new());
    assert_eq!(other.health().problems, []);
    // Both texts are there, as they were saved.
    assert_eq!(place.aside_as("edit").len(), 2);
}

#[test]
fn a_document_may_be_written_by_hand_from_the_first_line() {
    let place = Place::new();
    let id = "0123456789abcdef0123456789abcdef";
    place.save_by_rename(format!(
        r#"{{"byname": {{"format": "1.0", "id": "{id}", "revision": 0}}, "entries": {{"a": {{"value": 1}}}}}}"#
    ));
    let store = place.open(deaf());
    assert_eq!(store.id().as_deref(), Some(id));
    assert_eq!(shown(&store), entries(&[("a", 1, "1")]));
    is_in_order(&place, &store);
}
