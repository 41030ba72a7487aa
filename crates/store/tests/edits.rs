//! A document that is edited by hand while programs use it: every valid edit becomes a revision,
//! and no text is lost.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use byname_registry::Changed;
use byname_store::{
    Condition, Event, FileOptions, FileState, FileStore, Limits, Problem, Store, StoreError,
    Transaction,
};
use place::meddled::Meddled;
use place::*;

/// Three entries at revisions 1, 2 and 3.
fn three(options: FileOptions) -> (Place, FileStore) {
    let place = Place::new();
    let store = place.open(options);
    for (name, value) in [("alpha", "1"), ("beta", "2"), ("gamma", "3")] {
        commit(&store, add(name, value));
    }
    (place, store)
}

/// The document's text with the value of `beta` changed.
fn beta(place: &Place, value: &str) -> String {
    let text = place.text();
    assert!(text.contains("\"value\": 2\n"), "{text}");
    text.replace("\"value\": 2\n", &format!("\"value\": {value}\n"))
}

/// Nothing is to be said, and the file is what the mirror shows.
fn is_in_order(place: &Place, store: &FileStore) {
    assert!(store.health().is_good(), "{:?}", store.health());
    assert!(store.inspect().unwrap().is_good(), "{:#?}", store.inspect());
    let other = place.open(deaf().read_only(true));
    assert_eq!(shown(&other), shown(store));
    assert_eq!(other.mirror().revision(), store.mirror().revision());
    assert!(other.health().is_good(), "{:?}", other.health());
}

const EDITED: [(&str, u64, &str); 3] = [("alpha", 1, "1"), ("beta", 4, "20"), ("gamma", 3, "3")];

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

fn tabs(text: &str) -> String {
    text.replace("  ", "\t")
}

fn bom(text: &str) -> String {
    format!("\u{feff}{text}")
}

fn one_line(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value.to_string()
}

/// How editors lay out what they save.
type LayOut = fn(&str) -> String;
const LAYOUTS: [(&str, LayOut); 5] = [
    ("as it is", |text| text.to_owned()),
    ("crlf", crlf),
    ("tabs", tabs),
    ("bom", bom),
    ("one line", one_line),
];

type Save = fn(&Place, String);
const SAVES: [(&str, Save); 2] = [
    ("rename", |place, text| place.save_by_rename(text)),
    ("in place", |place, text| place.save_in_place(text)),
];

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
fn an_entry_needs_no_revision_to_be_added() {
    let (place, store) = three(deaf());
    let text = place.text().replace(
        "  \"entries\": {\n",
        "  \"entries\": {\n    \"zeta\": {\"value\": {\"kind\": \"ssh\"}},\n",
    );
    place.save_by_rename(text);
    assert_eq!(commit(&store, add("delta", "4")), 5);
    let expected = [
        ("alpha", 1, "1"),
        ("beta", 2, "2"),
        ("delta", 5, "4"),
        ("gamma", 3, "3"),
        ("zeta", 4, r#"{"kind":"ssh"}"#),
    ];
    assert_eq!(shown(&store), entries(&expected));
    is_in_order(&place, &store);
}

#[test]
fn a_revision_by_hand_counts_for_nothing() {
    let (place, store) = three(deaf());
    let text = beta(&place, "20").replace("\"revision\": 2,", "\"revision\": 77,");
    place.save_by_rename(text.replace("\"revision\": 1,", "\"revision\": 66,"));
    assert_eq!(commit(&store, Transaction::new()), 4);
    assert_eq!(shown(&store), entries(&EDITED));
    is_in_order(&place, &store);
}

#[test]
fn an_entry_is_removed_by_hand() {
    let (place, store) = three(FileOptions::new().poll(None));
    let mut text: serde_json::Value = serde_json::from_str(&place.text()).unwrap();
    text["entries"].as_object_mut().unwrap().remove("beta");
    place.save_in_place(format!("{text:#}"));
    until(&store, 4);
    let expected = [("alpha", 1, "1"), ("gamma", 3, "3")];
    assert_eq!(shown(&store), entries(&expected));
    until_good(&store);
    is_in_order(&place, &store);
    // Adding it again is not the entry that was there.
    assert_eq!(commit(&store, add("beta", "2")), 5);
}

#[test]
fn what_a_hand_adds_that_is_not_known_is_kept() {
    let (place, store) = three(deaf());
    let text = beta(&place, r#"{"x": 1.50, "y": [1e3, -0.0]}"#)
        .replace(
            "{\n  \"byname\": {",
            "{\n  \"note\": [\"top\"],\n  \"byname\": {\n    \"owner\": \"me\",",
        )
        .replace(
            "\"revision\": 1,",
            "\"revision\": 1,\n      \"comment\": \"first\",",
        );
    place.save_by_rename(text);
    assert_eq!(commit(&store, put("gamma", "30")), 5);
    for _ in 0..3 {
        commit(&store, put("gamma", "31"));
    }
    let text = place.text();
    for kept in [
        "\n    \"owner\": \"me\"\n",
        "\n      \"value\": 1,\n      \"comment\": \"first\"\n",
        "\n        \"x\": 1.50,\n",
        "\n          1e3,\n          -0.0\n",
        "\n  \"note\": [\n    \"top\"\n  ]\n}\n",
    ] {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
    // An entry that got a field was changed.
    assert_eq!(shown(&store)["alpha"].0, 4);
    is_in_order(&place, &store);
    // And it goes when a hand takes it out.
    place.save_by_rename(text.replace(",\n    \"owner\": \"me\"", ""));
    commit(&store, put("gamma", "32"));
    assert!(!place.text().contains("owner"), "{}", place.text());
    assert!(place.text().contains("\"note\""));
    is_in_order(&place, &store);
}

#[test]
fn saving_what_was_there_changes_no_entry() {
    let (place, store) = three(deaf());
    let text = place.text();
    // The very same text is no edit.
    for (_, save) in SAVES {
        save(&place, text.clone());
        assert_eq!(commit(&store, Transaction::new()), 3);
        assert_eq!(place.text(), text);
    }
    // Another layout is, of nothing.
    place.save_by_rename(crlf(&text));
    assert_eq!(commit(&store, Transaction::new()), 4);
    let expected = [("alpha", 1, "1"), ("beta", 2, "2"), ("gamma", 3, "3")];
    assert_eq!(shown(&store), entries(&expected));
    is_in_order(&place, &store);
}

#[test]
fn an_edit_of_an_earlier_revision_is_merged_by_entry() {
    let (place, store) = three(deaf());
    // The operator opens the document; programs go on.
    let text = beta(&place, "20").replace("\"alpha\"", "\"omega\"");
    commit(&store, put("gamma", "30"));
    commit(&store, add("delta", "4"));
    place.save_by_rename(&text);
    assert_eq!(commit(&store, Transaction::new()), 6);
    let expected = [
        ("beta", 6, "20"),
        ("delta", 5, "4"),
        ("gamma", 4, "30"),
        ("omega", 6, "1"),
    ];
    assert_eq!(shown(&store), entries(&expected));
    is_in_order(&place, &store);
}

#[test]
fn what_conflicts_stays_as_the_program_wrote_it_and_is_told() {
    let (place, store) = three(FileOptions::new().poll(None));
    let text = beta(&place, "20")
        .replace("\"value\": 3\n", "\"value\": \"three\"\n")
        .replace("\"alpha\"", "\"omega\"");
    commit(&store, put("beta", "200"));
    commit(&store, Transaction::new().remove("alpha"));
    commit(&store, put("gamma", "\"three\""));
    place.save_in_place(&text);
    until(&store, 7);
    // Both made the same of gamma. Both took alpha away, one of them under another name.
    let expected = [
        ("beta", 4, "200"),
        ("gamma", 6, "\"three\""),
        ("omega", 7, "1"),
    ];
    assert_eq!(shown(&store), entries(&expected));
    let told = problem(&store, |problem| {
        matches!(problem, Problem::SetAside { .. })
    });
    let Problem::SetAside { path, reason } = told else {
        panic!("{told:?}");
    };
    assert_eq!(
        reason,
        "`beta` changed by hand on the basis of revision 3, and by others since; theirs stays"
    );
    let aside: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let expected = serde_json::json!({
        "based_on": 3,
        "met": 6,
        "conflicts": [{ "name": "beta", "base": 2, "edited": 20, "current": 200 }],
    });
    assert_eq!(aside, expected);
    // The text itself is there, too, byte for byte.
    assert_eq!(place.aside_as("edit"), [text.into_bytes()]);
}

#[test]
fn removing_by_hand_what_a_program_changed_conflicts() {
    let (place, store) = three(deaf());
    let mut text: serde_json::Value = serde_json::from_str(&place.text()).unwrap();
    text["entries"].as_object_mut().unwrap().remove("beta");
    commit(&store, put("beta", "200"));
    place.save_by_rename(format!("{text:#}"));
    commit(&store, Transaction::new());
    assert_eq!(shown(&store)["beta"], (4, "200".to_owned()));
    let conflicts = place.aside_as("conflicts");
    let conflicts: serde_json::Value = serde_json::from_slice(&conflicts[0]).unwrap();
    let expected = serde_json::json!(
        [{ "name": "beta", "base": 2, "edited": null, "current": 200 }]
    );
    assert_eq!(conflicts["conflicts"], expected);
    assert_eq!(set_aside(&store.health()).len(), 1);
}

#[test]
fn an_edit_whose_base_is_not_kept_is_set_aside_whole() {
    let (place, store) = three(deaf().keep(2));
    let text = beta(&place, "20");
    for value in 0..3 {
        commit(&store, put("gamma", &value.to_string()));
    }
    place.save_by_rename(&text);
    assert_eq!(commit(&store, Transaction::new()), 7);
    let expected = [("alpha", 1, "1"), ("beta", 2, "2"), ("gamma", 6, "2")];
    assert_eq!(shown(&store), entries(&expected));
    assert_eq!(place.aside_as("unmerged"), [text.into_bytes()]);
    let told = set_aside(&store.health());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        told[0].1,
        "an edit based on revision 3, which is not kept any more, so it cannot be merged"
    );
    assert_eq!(place.open(deaf()).health().problems, []);
}

#[test]
fn a_broken_edit_is_told_with_its_place_and_nothing_is_lost() {
    for (how, save) in SAVES {
        let (place, store) = three(FileOptions::new().poll(None));
        let text = beta(&place, "20,");
        save(&place, text.clone());
        let told = problem(&store, |problem| {
            matches!(problem, Problem::BrokenEdit { .. })
        });
        let Problem::BrokenEdit {
            path, line, column, ..
        } = told
        else {
            panic!("{told:?}");
        };
        assert_eq!(
            (path, line, column),
            (place.document(), 17, 5),
            "{how}: {text}"
        );
        assert_eq!(store.inspect().unwrap().state, FileState::Broken);
        // The last good state is there, for those who have it and for those who come.
        let good = entries(&[("alpha", 1, "1"), ("beta", 2, "2"), ("gamma", 3, "3")]);
        assert_eq!(shown(&store), good);
        let other = place.open(deaf());
        assert_eq!(shown(&other), good);
        assert!(matches!(
            other.health().problems[..],
            [Problem::BrokenEdit { .. }]
        ));
        drop(other);
        // It can be written, over the text, which is kept as it is.
        assert_eq!(place.text(), text);
        assert_eq!(commit(&store, put("gamma", "30")), 4);
        assert_eq!(place.aside_as("broken"), [text.clone().into_bytes()]);
        let told = set_aside(&store.health());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].1.contains(":17:5: "), "{told:?}");
        // The operator corrects the comma and saves what is still in the editor.
        save(&place, text.replace("20,", "20"));
        until(&store, 5);
        let expected = [("alpha", 1, "1"), ("beta", 5, "20"), ("gamma", 4, "30")];
        assert_eq!(shown(&store), entries(&expected), "{how}");
        eventually("only what was set aside is told", || {
            store.health().problems.len() == 1
        });
    }
}

#[test]
fn a_broken_edit_that_is_corrected_is_taken_up() {
    for (_, save) in SAVES {
        let (place, store) = three(FileOptions::new().poll(None));
        let text = beta(&place, "20,");
        save(&place, text.clone());
        problem(&store, |problem| {
            matches!(problem, Problem::BrokenEdit { .. })
        });
        save(&place, text.replace("20,", "20"));
        until(&store, 4);
        assert_eq!(shown(&store), entries(&EDITED));
        until_good(&store);
        is_in_order(&place, &store);
    }
}

/// Takes whole numbers only.
fn numbers(options: FileOptions) -> FileOptions {
    options.check(|_, value| {
        let number = value.read::<i64>();
        number
            .map(|_| ())
            .map_err(|_| "expected a whole number".to_owned())
    })
}

#[test]
fn a_value_that_the_program_refuses_is_broken_at_its_entry() {
    let (place, store) = three(numbers(FileOptions::new().poll(None)));
    let text = beta(&place, "\"two\"");
    place.save_by_rename(&text);
    let expected = Problem::BrokenEdit {
        path: place.document(),
        line: 14,
        column: 5,
        message: "`beta`: expected a whole number".to_owned(),
    };
    assert_eq!(problem(&store, |problem| *problem == expected), expected);
    let good = entries(&[("alpha", 1, "1"), ("beta", 2, "2"), ("gamma", 3, "3")]);
    assert_eq!(shown(&store), good);
    // Whoever looks later is told the same.
    let other = place.open(numbers(deaf()));
    assert_eq!(other.health().problems, std::slice::from_ref(&expected));
    let reader = place.open(numbers(FileOptions::new().read_only(true)));
    assert_eq!(reader.health().problems, std::slice::from_ref(&expected));
    assert_eq!(store.inspect().unwrap().problem, Some(expected));
    // A commit goes on over it.
    assert_eq!(commit(&store, put("gamma", "30")), 4);
    assert_eq!(place.aside_as("broken"), [text.clone().into_bytes()]);
    place.save_by_rename(text.replace("\"two\"", "20"));
    until(&store, 5);
    let expected = [("alpha", 1, "1"), ("beta", 5, "20"), ("gamma", 4, "30")];
    assert_eq!(shown(&store), entries(&expected));
}

#[test]
fn only_what_a_hand_changed_is_checked() {
    let (place, store) = three(deaf());
    // A program without the check wrote it.
    commit(&store, put("alpha", "\"one\""));
    drop(store);
    place.save_by_rename(beta(&place, "20"));
    let store = place.open(numbers(FileOptions::new().poll(None)));
    until(&store, 5);
    let expected = [
        ("alpha", 4, "\"one\""),
        ("beta", 5, "20"),
        ("gamma", 3, "3"),
    ];
    assert_eq!(shown(&store), entries(&expected));
    until_good(&store);
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
fn an_edit_is_merged_by_who_has_not_seen_the_last_commit() {
    let (place, one) = three(deaf());
    let other = place.open(deaf());
    commit(&one, put("gamma", "30"));
    place.save_by_rename(beta(&place, "20"));
    // The other one shows revision 3; the edit is of 4.
    assert_eq!(commit(&other, Transaction::new()), 5);
    let expected = [("alpha", 1, "1"), ("beta", 5, "20"), ("gamma", 4, "30")];
    assert_eq!(shown(&other), entries(&expected));
    is_in_order(&place, &other);

    commit(&other, put("gamma", "31"));
    let broken = place.text().replace("{\n", "{,\n");
    place.save_by_rename(&broken);
    assert_eq!(commit(&one, put("gamma", "32")), 7);
    assert_eq!(place.aside_as("broken"), [broken.into_bytes()]);
}

#[test]
fn an_edit_that_says_it_is_of_before_is_an_edit() {
    for (in_place, options) in [(true, deaf()), (false, deaf()), (false, hearing())] {
        let (place, store) = three(options);
        let before = fs::metadata(place.document()).unwrap();
        let text = beta(&place, "7");
        // As long as before, and as old.
        let path = if in_place {
            place.document()
        } else {
            place.folder().join("editor")
        };
        fs::write(&path, &text).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
        let edited = file.metadata().unwrap();
        assert_eq!(edited.len(), before.len());
        assert_eq!(edited.modified().unwrap(), before.modified().unwrap());
        fs::rename(&path, place.document()).unwrap();
        commit(&store, Transaction::new());
        let expected = [("alpha", 1, "1"), ("beta", 4, "7"), ("gamma", 3, "3")];
        assert_eq!(shown(&store), entries(&expected), "in place: {in_place}");
        until_good(&store);
        is_in_order(&place, &store);
    }
}

/// A store on a disk on which something can be done in the middle of a commit.
fn meddled(place: &Place) -> (Arc<Meddled>, FileStore) {
    let disk = Arc::new(Meddled::default());
    let store = FileStore::open_on(Arc::clone(&disk) as _, place.document(), deaf()).unwrap();
    (disk, store)
}

#[test]
fn an_edit_amid_a_commit_is_taken_up_before_it() {
    for (how, save) in SAVES {
        let (place, _) = three(deaf());
        let (disk, store) = meddled(&place);
        let text = beta(&place, "20");
        let at = Place::at(place.folder());
        let saved = text.clone();
        // The document has been read, the new one has not been written.
        disk.before_create(move || save(&at, saved));
        assert_eq!(commit(&store, put("gamma", "30")), 5, "{how}");
        let expected = [("alpha", 1, "1"), ("beta", 4, "20"), ("gamma", 5, "30")];
        assert_eq!(shown(&store), entries(&expected), "{how}");
        assert_eq!(place.aside_as("edit"), [text.into_bytes()]);
        is_in_order(&place, &store);
    }
}

#[test]
fn an_edit_right_before_the_exchange_is_taken_up_after_it() {
    for (how, save) in SAVES {
        let (place, _) = three(deaf());
        let (disk, store) = meddled(&place);
        let text = beta(&place, "20");
        let at = Place::at(place.folder());
        let saved = text.clone();
        // Nobody looks any more.
        disk.before_exchange(move || save(&at, saved));
        assert_eq!(commit(&store, put("gamma", "30")), 4, "{how}");
        // It was displaced, and nobody asks for anything else.
        until(&store, 5);
        let expected = [("alpha", 1, "1"), ("beta", 5, "20"), ("gamma", 4, "30")];
        assert_eq!(shown(&store), entries(&expected), "{how}");
        assert_eq!(place.aside_as("edit"), [text.into_bytes()]);
        is_in_order(&place, &store);
    }
}

#[test]
fn a_broken_text_that_is_corrected_right_before_the_exchange_is_taken_up() {
    let (place, _) = three(deaf());
    let (disk, store) = meddled(&place);
    let broken = beta(&place, "20,");
    let corrected = broken.replace("20,", "20");
    place.save_by_rename(&broken);
    let at = Place::at(place.folder());
    disk.before_exchange(move || at.save_by_rename(corrected));
    assert_eq!(commit(&store, put("gamma", "30")), 4);
    until(&store, 5);
    let expected = [("alpha", 1, "1"), ("beta", 5, "20"), ("gamma", 4, "30")];
    assert_eq!(shown(&store), entries(&expected));
    is_in_order(&place, &store);
}

#[test]
fn an_editor_that_moves_the_document_away_first_is_waited_for() {
    let (place, _) = three(deaf());
    let (disk, store) = meddled(&place);
    let text = beta(&place, "20");
    let at = Place::at(place.folder());
    disk.before_exchange(move || {
        fs::rename(at.document(), at.folder().join("machines.json~")).unwrap();
        // It writes the new one a moment later.
        std::thread::spawn(move || fs::write(at.document(), text).unwrap());
    });
    assert_eq!(commit(&store, put("gamma", "30")), 5);
    let expected = [("alpha", 1, "1"), ("beta", 4, "20"), ("gamma", 5, "30")];
    assert_eq!(shown(&store), entries(&expected));
    is_in_order(&place, &store);
}

/// An editor that saves in place, and has the file open already.
fn opened(place: &Place) -> fs::File {
    fs::OpenOptions::new()
        .write(true)
        .open(place.document())
        .unwrap()
}

fn save_into(mut file: fs::File, text: &str) {
    file.set_len(0).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_text_that_comes_late_into_a_document_that_was_replaced_is_merged() {
    for by_another in [false, true] {
        let (place, store) = three(deaf());
        let file = opened(&place);
        let text = beta(&place, "20");
        commit(&store, put("gamma", "30"));
        save_into(file, &text);
        let other = place.open(deaf());
        let writer = if by_another { &other } else { &store };
        // It is an edit that was saved a moment later.
        assert_eq!(commit(writer, put("alpha", "10")), 6);
        let expected = [("alpha", 6, "10"), ("beta", 5, "20"), ("gamma", 4, "30")];
        assert_eq!(shown(writer), entries(&expected));
        assert_eq!(place.aside_as("edit"), [text.into_bytes()]);
        assert_eq!(place.aside().len(), 1);
        is_in_order(&place, writer);
        // Once.
        commit(&store, Transaction::new().remove("beta"));
        commit(&other, put("alpha", "11"));
        commit(&store, put("alpha", "12"));
        assert!(!store.mirror().contains("beta"));
        is_in_order(&place, &store);
    }
}

#[test]
fn a_text_that_comes_late_and_cannot_be_merged_is_set_aside() {
    let refused = |text: &str| text.replace("20", "\"two\"");
    let broken = |text: &str| text.replace("20", "20,");
    let empty = |_: &str| String::new();
    let layouts: [&dyn Fn(&str) -> String; 3] = [&refused, &broken, &empty];
    for spoil in layouts {
        let (place, store) = three(numbers(deaf()));
        let file = opened(&place);
        let text = spoil(&beta(&place, "20"));
        commit(&store, put("gamma", "30"));
        save_into(file, &text);
        // It is in nobody's way.
        assert_eq!(commit(&store, put("gamma", "31")), 5);
        assert_eq!(place.aside_as("late"), [text.into_bytes()]);
        assert_eq!(set_aside(&store.health()).len(), 1);
        let expected = [("alpha", 1, "1"), ("beta", 2, "2"), ("gamma", 5, "31")];
        assert_eq!(shown(&store), entries(&expected));
        assert_eq!(commit(&store, put("gamma", "32")), 6);
        assert_eq!(place.aside().len(), 1);
    }
}

#[test]
fn an_edit_that_is_more_than_the_store_takes_is_broken() {
    let mut limits = Limits::default();
    limits.value = 100;
    limits.total = 1_000;
    let big = format!("\"{}\"", "v".repeat(200));
    let (place, store) = three(deaf().limits(limits));
    let text = beta(&place, &big);
    place.save_by_rename(&text);
    assert_eq!(commit(&store, put("gamma", "30")), 4);
    assert_eq!(place.aside_as("broken"), [text.into_bytes()]);
    let told = set_aside(&store.health());
    assert!(
        told[0]
            .1
            .contains(":14:5: `beta`: 202 bytes in one value; at most 100"),
        "{told:?}"
    );

    let mut text = place.text();
    for number in 0..10 {
        let entry = format!(
            "{{\n    \"more-{number}\": {{\"value\": \"{}\"}},",
            "v".repeat(90)
        );
        text = text.replace("\"entries\": {", &format!("\"entries\": {entry}"));
    }
    place.save_in_place(&text);
    assert_eq!(commit(&store, Transaction::new()), 4);
    let waits = store.health().problems;
    assert!(
        waits
            .iter()
            .any(|p| matches!(p, Problem::BrokenEdit { line: 1, .. })),
        "{waits:?}"
    );
    assert_eq!(store.inspect().unwrap().state, FileState::Broken);
    assert_eq!(commit(&store, put("gamma", "31")), 5);
    assert_eq!(place.aside_as("broken").len(), 2);
    assert_eq!(place.aside_as("edit").len(), 0);
    assert_eq!(shown(&store).len(), 3);
}

#[test]
fn a_revision_that_no_other_can_follow_is_refused() {
    let place = Place::new();
    let id = "0123456789abcdef0123456789abcdef";
    let text = format!(
        "{{\"byname\": {{\"format\": \"1.0\", \"id\": \"{id}\", \"revision\": {}}}, \"entries\": {{}}}}",
        i64::MAX
    );
    place.save_by_rename(&text);
    let error = FileStore::open(place.document(), deaf()).unwrap_err();
    assert!(error.to_string().contains("revisions"), "{error}");
    assert_eq!(place.text(), text);
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

/// Editors read, change and save; programs commit all the while, through stores that hear and stores
/// that do not. Every entry that was committed is there, and every one that was edited in; unless its
/// text is found byte for byte beside the document.
#[test]
fn concurrent_edits_and_commits_lose_nothing() {
    const EDITORS: usize = 3;
    const EDITS: usize = 12;
    for keep in [16, 4_096] {
        let (place, hearing) = three(FileOptions::new().keep(keep));
        let deaf = place.open(deaf().keep(keep));
        // One editor at a time: they do not know of each other. They do not wait for programs.
        let desk = Mutex::new(());
        let at_work = AtomicUsize::new(EDITORS);
        let commits = AtomicUsize::new(0);
        let (committed, edited) = std::thread::scope(|scope| {
            let editors: Vec<_> = (0..EDITORS)
                .map(|editor| {
                    let (place, desk) = (&place, &desk);
                    let (at_work, commits) = (&at_work, &commits);
                    scope.spawn(move || {
                        let mut texts = Vec::new();
                        for edit in 0..EDITS {
                            let desk = desk.lock().unwrap();
                            let before = commits.load(Ordering::Relaxed);
                            let name = format!("edit-{editor}-{edit}");
                            let entry =
                                format!("\"entries\": {{\n\"{name}\": {{\"value\": {edit}}},");
                            let text = place.text().replace("\"entries\": {", &entry);
                            // While it is in the editor, programs go on.
                            let meanwhile = 3 * (edit % 4);
                            eventually("others have committed", || {
                                commits.load(Ordering::Relaxed) >= before + meanwhile
                            });
                            let (_, save) = SAVES[(editor + edit) % 2];
                            save(place, text.clone());
                            eventually("the text is taken", || place.text() != text);
                            drop(desk);
                            texts.push((name, edit, text));
                        }
                        at_work.fetch_sub(1, Ordering::Relaxed);
                        texts
                    })
                })
                .collect();
            let committers: Vec<_> = [&hearing, &deaf, &hearing, &deaf]
                .into_iter()
                .enumerate()
                .map(|(number, store)| {
                    let (at_work, commits) = (&at_work, &commits);
                    scope.spawn(move || {
                        let mut names = Vec::new();
                        while at_work.load(Ordering::Relaxed) > 0 {
                            let name = format!("commit-{number}-{}", names.len());
                            match store.submit(add(&name, "true")).wait() {
                                Ok(revision) => {
                                    names.push((name, revision));
                                    commits.fetch_add(1, Ordering::Relaxed);
                                }
                                // An editor has emptied the file, and was kept from filling it.
                                Err(StoreError::Damage { .. }) => {}
                                Err(error) => panic!("{error}"),
                            }
                        }
                        names
                    })
                })
                .collect();
            let edited: Vec<_> = editors
                .into_iter()
                .flat_map(|e| e.join().unwrap())
                .collect();
            let committed: Vec<_> = committers
                .into_iter()
                .flat_map(|c| c.join().unwrap())
                .collect();
            (committed, edited)
        });
        // Whatever came last is looked at.
        for _ in 0..3 {
            commit(&deaf, put("alpha", "\"end\""));
        }
        let state = shown(&deaf);
        let mut expected: BTreeMap<String, (u64, String)> = BTreeMap::new();
        for (name, revision) in &committed {
            expected.insert(name.clone(), (*revision, "true".to_owned()));
        }
        for (name, value) in [
            ("beta", (2, "2".to_owned())),
            ("gamma", (3, "3".to_owned())),
        ] {
            expected.insert(name.to_owned(), value);
        }
        expected.insert("alpha".to_owned(), state["alpha"].clone());
        let mut beside = place.aside();
        if let Ok(previous) = fs::read(place.side("previous")) {
            beside.insert("previous".to_owned(), previous);
        }
        let mut merged = 0;
        for (name, value, text) in &edited {
            match state.get(name) {
                Some(found) => {
                    assert_eq!(found.1, value.to_string());
                    expected.insert(name.clone(), found.clone());
                    merged += 1;
                }
                None => assert!(
                    beside.values().any(|beside| *beside == text.as_bytes()),
                    "{name} is lost: {:?}",
                    beside.keys()
                ),
            }
        }
        assert_eq!(state, expected);
        assert_eq!(edited.len(), EDITORS * EDITS);
        assert!(
            merged > 0 && committed.len() > EDITS,
            "{merged} and {}",
            committed.len()
        );
        assert_eq!(hearing.refresh().wait().unwrap(), deaf.mirror().revision());
        assert_eq!(shown(&hearing), state);
        assert_eq!(
            shown(&place.open(FileOptions::new().watch(false).poll(None))),
            state
        );
    }
}
