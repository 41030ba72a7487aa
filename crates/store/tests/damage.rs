//! What is not the document that was committed is told from it, and from an edit; nothing of it is
//! taken for the state, nothing is written over it unasked, and the state is brought back.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use byname_store::disk::Disk;
use byname_store::{
    Blame, Condition, FileOptions, FileState, FileStore, Problem, Store, StoreError, Transaction,
};
use place::meddled::Meddled;
use place::*;

/// Four revisions: alpha of 1, beta of 2 and then 4, gamma of 3.
fn four(options: FileOptions) -> (Place, FileStore) {
    let place = Place::new();
    let store = place.open(options);
    for (name, value) in [
        ("alpha", "1"),
        ("beta", "2"),
        ("gamma", "3"),
        ("beta", "20"),
    ] {
        commit(&store, put(name, value));
    }
    (place, store)
}

const FOUR: [(&str, u64, &str); 3] = [("alpha", 1, "1"), ("beta", 4, "20"), ("gamma", 3, "3")];

fn is_damage(problem: &Problem) -> bool {
    matches!(problem, Problem::Damage { .. })
}

/// What is said of it.
fn said(problem: &Problem) -> &str {
    match problem {
        Problem::Damage { what, .. } => what,
        other => panic!("{other:?}"),
    }
}

fn refuses(store: &FileStore, says: &str) {
    let error = refused(store, put("alpha", "\"over it\""));
    assert!(
        matches!(&error, StoreError::Damage { what, .. } if what.contains(says)),
        "{error}"
    );
    assert_eq!(error.blame(), Blame::Environment);
    assert!(!error.is_retryable());
}

/// The store is as any other, for those who have it and for those who come.
fn works_again(place: &Place, store: &FileStore) {
    let health = store.health();
    assert!(
        health
            .problems
            .iter()
            .all(|p| matches!(p, Problem::SetAside { .. })),
        "{health:?}"
    );
    assert_eq!(health.stale, None);
    let inspection = store.inspect().unwrap();
    assert!(inspection.is_good(), "{inspection:#?}");
    let revision = commit(store, put("delta", "\"works\""));
    assert_eq!(store.mirror().revision(), revision);
    let other = place.open(deaf());
    assert_eq!(shown(&other), shown(store));
    assert_eq!(other.health().problems, []);
    assert_eq!(commit(&other, put("delta", "\"again\"")), revision + 1);
    assert_eq!(store.refresh().wait().unwrap(), revision + 1);
}

/// A document that was damaged, seen by a running store and by one that is opened; then restored.
fn is_damage_until_restored(what: &str, says: &str, damage: impl Fn(&Place)) {
    for by_newcomer in [false, true] {
        let (place, running) = four(hearing());
        damage(&place);
        let there = fs::read(place.document()).ok();
        // The running store says so, and shows what it has shown.
        // A file that is written in place is empty for a moment, and that is damage too.
        problem(&running, |problem| {
            is_damage(problem) && said(problem).contains(says)
        });
        assert_eq!(shown(&running), entries(&FOUR), "{what}");
        refuses(&running, says);
        assert_eq!(
            running.inspect().unwrap().state,
            FileState::Damaged,
            "{what}"
        );
        // So does one that is opened now.
        let newcomer = place.open(deaf());
        assert_eq!(shown(&newcomer), entries(&FOUR), "{what}");
        let problems = newcomer.health().problems;
        assert!(
            matches!(&problems[..], [one] if said(one).contains(says)),
            "{what}: {problems:?}"
        );
        refuses(&newcomer, says);
        // Nothing has been written.
        assert_eq!(fs::read(place.document()).ok(), there, "{what}");
        assert_eq!(place.aside().len(), 0, "{what}");

        let store = if by_newcomer { &newcomer } else { &running };
        assert_eq!(store.restore(0).wait().unwrap(), 5, "{what}");
        assert_eq!(shown(store), entries(&FOUR), "{what}");
        let aside: Vec<_> = there.into_iter().collect();
        assert_eq!(place.aside_as("replaced"), aside, "{what}");
        works_again(&place, store);
        // The other one has come along.
        until(&running, 7);
        works_again(&place, &running);
        assert_eq!(newcomer.refresh().wait().unwrap(), 9);
    }
}

#[test]
fn a_missing_document_is_no_empty_registry() {
    is_damage_until_restored("missing", "is missing; revision 4 was there", |place| {
        fs::remove_file(place.document()).unwrap();
    });
}

#[test]
fn an_empty_document_is_no_empty_registry() {
    is_damage_until_restored("emptied", "is empty", |place| place.save_in_place(""));
    is_damage_until_restored("empty", "is empty", |place| place.save_by_rename(""));
}

#[test]
fn zeros_are_damage() {
    is_damage_until_restored("all", "holds nothing but zeros", |place| {
        place.save_in_place(vec![0; place.bytes().len()]);
    });
    is_damage_until_restored("the end", "has zero bytes in it", |place| {
        let mut bytes = place.bytes();
        let middle = bytes.len() / 2;
        bytes[middle..].fill(0);
        place.save_by_rename(bytes);
    });
}

#[test]
fn a_document_that_is_cut_short_is_damage() {
    let length = four(deaf()).0.bytes().len();
    for left in [
        1,
        2,
        20,
        100,
        length / 2,
        length - 20,
        length - 3,
        length - 2,
    ] {
        let says = format!("is cut short after {left} bytes");
        is_damage_until_restored("cut", &says, |place| {
            place.save_in_place(&place.bytes()[..left]);
        });
    }
}

#[test]
fn the_document_of_another_registry_is_damage() {
    let foreign = Place::new();
    let store = foreign.open(deaf());
    for revision in 1..=9 {
        assert_eq!(commit(&store, put("alpha", "\"foreign\"")), revision);
    }
    let id = store.id().unwrap();
    for says in ["is the document of another registry", &id] {
        is_damage_until_restored("foreign", says, |place| {
            place.save_by_rename(foreign.bytes());
        });
    }
    // The same with an edit in it.
    is_damage_until_restored("foreign", "is the document of another registry", |place| {
        place.save_in_place(foreign.text().replace("foreign", "edited"));
    });
}

#[test]
fn another_registry_is_adopted_when_that_is_asked_for() {
    let foreign = Place::new();
    let store = foreign.open(deaf());
    for _ in 1..=9 {
        commit(&store, put("alpha", "\"foreign\""));
    }
    let (place, running) = four(deaf());
    let id = running.id();
    place.save_by_rename(foreign.bytes());
    refuses(&running, "another registry");
    // Above all that was committed in either.
    assert_eq!(running.adopt().wait().unwrap(), 10);
    assert_eq!(shown(&running), entries(&[("alpha", 10, "\"foreign\"")]));
    assert_eq!(running.id(), id);
    assert_eq!(place.aside_as("replaced"), [foreign.bytes()]);
    works_again(&place, &running);
}

fn older(place: &Place) -> Vec<u8> {
    fs::read(place.kept(3)).unwrap()
}

#[test]
fn an_older_copy_is_told_from_an_edit() {
    for (how, put_back) in [
        ("rename", save_by_rename as fn(&Path, &[u8])),
        ("in place", save_in_place),
    ] {
        let damage = |place: &Place| put_back(&place.document(), &older(place));
        let says = "is revision 3, although 4 was committed: an older copy was put here";
        // Restoring without a number applies it.
        for by_newcomer in [false, true] {
            let (place, running) = four(hearing());
            damage(&place);
            // A file that is written in place is empty for a moment, which is damage of another kind.
            problem(&running, |it| is_damage(it) && said(it).contains(says));
            assert_eq!(shown(&running), entries(&FOUR));
            let newcomer = place.open(deaf());
            assert_eq!(shown(&newcomer), entries(&FOUR));
            refuses(&newcomer, says);
            refuses(&running, says);
            let store = if by_newcomer { &newcomer } else { &running };
            assert_eq!(store.restore(0).wait().unwrap(), 5);
            // What is other than it was is not what anybody has read before.
            let expected = [("alpha", 1, "1"), ("beta", 5, "2"), ("gamma", 3, "3")];
            assert_eq!(shown(store), entries(&expected), "{how}");
            for revision in [2, 4] {
                let stale = put("beta", "0").when("beta", Condition::Revision(revision));
                let error = refused(store, stale);
                assert!(
                    matches!(error, StoreError::Condition { found: 5, .. }),
                    "{error}"
                );
            }
            works_again(&place, store);
        }
        // With the number of the last one, that is brought back.
        let (place, running) = four(deaf());
        damage(&place);
        assert_eq!(running.restore(4).wait().unwrap(), 5);
        assert_eq!(shown(&running), entries(&FOUR));
        works_again(&place, &running);
    }
}

#[test]
fn an_older_copy_that_one_process_has_shown_last_is_older_all_the_same() {
    let (place, behind) = four(deaf());
    let bytes = place.bytes();
    let ahead = place.open(deaf());
    commit(&ahead, put("beta", "200"));
    place.save_by_rename(bytes);
    // It shows revision 4, and that is what is in place; but 5 was acknowledged.
    refuses(&behind, "is revision 4, although 5 was committed");
    let expected = [("alpha", 1, "1"), ("beta", 5, "200"), ("gamma", 3, "3")];
    assert_eq!(shown(&behind), entries(&expected));
    assert_eq!(behind.restore(5).wait().unwrap(), 6);
    assert_eq!(shown(&behind), entries(&expected));
    works_again(&place, &behind);
}

#[test]
fn the_document_that_is_put_back_is_the_document() {
    let (place, running) = four(hearing());
    let bytes = place.bytes();
    place.save_by_rename("");
    problem(&running, is_damage);
    let newcomer = place.open(deaf());
    for store in [&running, &newcomer] {
        refuses(store, "is empty");
    }
    place.save_by_rename(&bytes);
    until_good(&running);
    assert_eq!(newcomer.inspect().unwrap().state, FileState::Whole);
    assert_eq!(commit(&newcomer, put("delta", "4")), 5);
    works_again(&place, &newcomer);
    until(&running, 7);
}

#[test]
fn any_kept_revision_is_brought_back() {
    for revision in 1..=4 {
        let (place, store) = four(deaf());
        place.save_in_place("");
        refuses(&store, "is empty");
        assert_eq!(store.restore(revision).wait().unwrap(), 5);
        let expected: &[(&str, u64, &str)] = match revision {
            1 => &[("alpha", 1, "1")],
            2 => &[("alpha", 1, "1"), ("beta", 5, "2")],
            3 => &[("alpha", 1, "1"), ("beta", 5, "2"), ("gamma", 3, "3")],
            _ => &FOUR,
        };
        assert_eq!(shown(&store), entries(expected));
        works_again(&place, &store);
    }
    let (place, store) = four(deaf());
    let error = store.restore(17).wait().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: revision 17 is not kept, or its copy is damaged; kept are [1, 2, 3, 4]",
            place.kept(17).display()
        )
    );
    // Nothing was wrong, and nothing is.
    assert_eq!(store.restore(1).wait().unwrap(), 5);
    works_again(&place, &store);
}

#[test]
fn a_newer_format_is_left_alone() {
    let (place, running) = four(hearing());
    let text = place
        .text()
        .replace("\"format\": \"1.0\"", "\"format\": \"2.0\"");
    place.save_by_rename(&text);
    let problem = problem(&running, is_damage);
    assert!(said(&problem).contains("has format 2.0"), "{problem}");
    assert_eq!(shown(&running), entries(&FOUR));
    let error = refused(&running, put("alpha", "2"));
    assert!(
        matches!(&error, StoreError::Format { found, .. } if found == "2.0"),
        "{error}"
    );
    assert_eq!(error.blame(), Blame::Configuration);
    let error = FileStore::open(place.document(), deaf()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Format { found, .. } if found == "2.0"),
        "{error}"
    );
    assert_eq!(running.inspect().unwrap().state, FileState::LaterFormat);
    let adopt = running.adopt().wait().unwrap_err();
    assert!(adopt.to_string().contains("format 2.0"), "{adopt}");
    assert_eq!(place.text(), text);
    // A later minor version is read, and what is not known of it is kept.
    place.save_by_rename(text.replace("\"2.0\"", "\"1.7\""));
    assert_eq!(commit(&running, put("alpha", "2")), 6);
    assert!(place.text().contains("\"format\": \"1.7\""));
    works_again(&place, &running);
}

#[test]
fn another_json_file_is_told_by_its_place_and_kept() {
    let (place, running) = four(hearing());
    let text = "{\n  \"version\": 1,\n  \"machines\": {}\n}\n";
    place.save_by_rename(text);
    let told = problem(&running, |p| matches!(p, Problem::BrokenEdit { .. }));
    let Problem::BrokenEdit {
        line,
        column,
        message,
        ..
    } = &told
    else {
        panic!("{told:?}");
    };
    assert_eq!((*line, *column), (1, 1));
    assert!(
        message.contains("`byname`") && message.contains("machines"),
        "{message}"
    );
    let newcomer = place.open(deaf());
    assert_eq!(shown(&newcomer), entries(&FOUR));
    let error = newcomer.adopt().wait().unwrap_err();
    assert!(matches!(error, StoreError::Damage { .. }), "{error}");
    // Writing goes on, and the text is kept.
    assert_eq!(commit(&newcomer, put("delta", "4")), 5);
    assert_eq!(place.aside_as("broken"), [text.as_bytes()]);
    works_again(&place, &newcomer);
    // Where nothing else is known there is nothing to show.
    let place = Place::new();
    place.save_by_rename(text);
    let error = FileStore::open(place.document(), deaf()).unwrap_err();
    let expected = format!(
        "{}:1:1: this is no document of this program",
        place.document().display()
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert_eq!(place.text(), text);
}

#[test]
fn what_cannot_be_shown_is_an_error_and_can_be_repaired() {
    for (what, bytes) in [
        ("is empty", vec![]),
        ("holds nothing but zeros", vec![0; 300]),
    ] {
        let (place, store) = four(deaf());
        drop(store);
        place.save_by_rename(&bytes);
        fs::remove_dir_all(place.side("revisions")).unwrap();
        let error = FileStore::open(place.document(), deaf()).unwrap_err();
        assert!(matches!(error, StoreError::Damage { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        // It is opened to be repaired, shows nothing, and takes nothing.
        let store = place.open(deaf().for_repair());
        assert_eq!(store.mirror().revision(), 0);
        refuses(&store, what);
        assert!(store.restore(0).wait().is_err());
        assert!(store.adopt().wait().is_err());
        assert_eq!(place.bytes(), bytes);
    }
}

#[test]
fn the_folder_beside_may_go() {
    for options in [deaf(), hearing()] {
        let (place, store) = four(options);
        let other = place.open(deaf());
        fs::remove_dir_all(place.folder().join("machines.json.d")).unwrap();
        let newcomer = place.open(deaf());
        assert_eq!(shown(&newcomer), entries(&FOUR));
        assert_eq!(commit(&store, put("delta", "4")), 5);
        assert!(place.kept(5).exists());
        assert!(place.side("word").exists());
        // All hear of it, whatever they had mapped.
        assert_eq!(newcomer.refresh().wait().unwrap(), 5);
        assert_eq!(other.refresh().wait().unwrap(), 5);
        assert_eq!(commit(&newcomer, put("delta", "5")), 6);
        assert_eq!(other.refresh().wait().unwrap(), 6);
        assert_eq!(store.refresh().wait().unwrap(), 6);
        works_again(&place, &store);
    }
}

#[test]
fn everything_may_go_but_memory() {
    let (place, store) = four(hearing());
    fs::remove_dir_all(place.folder()).unwrap();
    problem(&store, is_damage);
    assert_eq!(shown(&store), entries(&FOUR));
    refuses(&store, "is missing; revision 4 was there");
    assert_eq!(store.restore(0).wait().unwrap(), 5);
    assert_eq!(shown(&store), entries(&FOUR));
    // Changes are heard of in the folder that is there now.
    place.save_by_rename(place.text().replace("\"value\": 1\n", "\"value\": 11\n"));
    until(&store, 6);
    assert_eq!(shown(&store)["alpha"], (6, "11".to_owned()));
    until_good(&store);
    works_again(&place, &store);
}

type Deed = fn(&Place);

/// What can become of the file with the shared word. It is never written but through the mapping, so
/// a hand replaces it by another.
const WORDS: [(&str, Deed); 4] = [
    ("removed", |place| {
        fs::remove_file(place.side("word")).unwrap();
    }),
    ("garbage", |place| {
        save_by_rename(&place.side("word"), &[0x5a; 4_096]);
    }),
    ("cut", |place| save_by_rename(&place.side("word"), b"")),
    ("of another registry", |place| {
        let foreign = four(deaf()).0;
        save_by_rename(
            &place.side("word"),
            &fs::read(foreign.side("word")).unwrap(),
        );
    }),
];

#[test]
fn the_shared_word_is_made_anew() {
    for (what, damage) in WORDS {
        let (place, one) = four(deaf());
        let other = place.open(deaf());
        damage(&place);
        let newcomer = place.open(deaf());
        assert_eq!(shown(&newcomer), entries(&FOUR), "{what}");
        assert_eq!(newcomer.health().problems, []);
        assert_eq!(commit(&one, put("delta", "4")), 5, "{what}");
        for store in [&one, &other, &newcomer] {
            assert_eq!(store.refresh().wait().unwrap(), 5, "{what}");
            assert_eq!(store.committed(), 5, "{what}");
        }
        assert_eq!(commit(&newcomer, put("delta", "5")), 6, "{what}");
        for store in [&one, &other, &newcomer] {
            assert_eq!(store.refresh().wait().unwrap(), 6, "{what}");
            assert_eq!(store.committed(), 6, "{what}");
        }
        works_again(&place, &other);
    }
}

#[test]
fn a_process_that_hears_finds_the_word_that_another_made() {
    for (what, damage) in WORDS {
        let (place, one) = four(hearing());
        damage(&place);
        let newcomer = place.open(deaf());
        assert_eq!(commit(&newcomer, put("delta", "4")), 5, "{what}");
        until(&one, 5);
        assert_eq!(commit(&newcomer, put("delta", "5")), 6, "{what}");
        // It maps the word of the other, or knows that what it maps is not in its place.
        assert_eq!(one.refresh().wait().unwrap(), 6, "{what}");
        works_again(&place, &one);
    }
}

#[test]
fn kept_copies_may_go_or_be_damaged() {
    let (place, store) = four(deaf());
    let text = place.text();
    fs::remove_file(place.kept(4)).unwrap();
    fs::write(place.kept(3), "").unwrap();
    fs::write(place.kept(2), fs::read(place.kept(1)).unwrap()).unwrap();
    let inspection = store.inspect().unwrap();
    let kept: Vec<_> = inspection
        .kept
        .iter()
        .map(|k| (k.revision, k.entries))
        .collect();
    assert_eq!(kept, [(1, Some(1)), (2, None), (3, None)]);
    assert!(!inspection.is_good());
    for revision in [2, 3, 4] {
        assert!(matches!(
            store.restore(revision).wait(),
            Err(StoreError::Damage { .. })
        ));
    }
    assert_eq!(place.text(), text);
    // An edit that is based on one of them is not merged with what is not it.
    commit(&store, put("gamma", "30"));
    place.save_by_rename(text.replace("\"value\": 1\n", "\"value\": 11\n"));
    commit(&store, Transaction::new());
    assert_eq!(place.aside_as("unmerged").len(), 1);
    assert_eq!(shown(&store)["alpha"], (1, "1".to_owned()));
    // A revision is kept although others cannot be.
    fs::remove_dir_all(place.side("revisions")).unwrap();
    let revision = commit(&store, put("gamma", "31"));
    assert!(place.kept(revision).exists());
    assert_eq!(store.clean().wait().unwrap().removed, Vec::<PathBuf>::new());
    works_again(&place, &store);
}

#[test]
fn cleaning_removes_copies_that_cannot_be_relied_on() {
    let (place, store) = four(deaf());
    fs::write(place.kept(3), "").unwrap();
    assert_eq!(store.clean().wait().unwrap().removed, [place.kept(3)]);
    assert!(store.inspect().unwrap().is_good());
    works_again(&place, &store);
}

/// Opens on a disk that keeps saying of the document what the system says now.
fn open_lying(place: &Place) -> (Arc<Meddled>, FileStore) {
    let disk = Arc::new(Meddled::default());
    let store = FileStore::open_on(Arc::clone(&disk) as Arc<dyn Disk>, place.document(), deaf());
    (disk, store.unwrap())
}

#[test]
fn a_bit_that_flips_on_the_disk_is_no_edit() {
    let (place, store) = four(deaf());
    drop(store);
    let bytes = place.bytes();
    let disk = Arc::new(Meddled::default());
    disk.lie(&place.document());
    for at in 0..bytes.len() {
        for bit in [0, 2] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            save_in_place(&place.document(), &flipped);
            let disk = Arc::clone(&disk) as Arc<dyn Disk>;
            let opened = FileStore::open_on(disk, place.document(), deaf().for_repair());
            let store = opened.unwrap();
            let what = format!("byte {at}, bit {bit}: {:?}", char::from(flipped[at]));
            assert_eq!(shown(&store), entries(&FOUR), "{what}");
            let problems = store.health().problems;
            assert!(
                matches!(&problems[..], [Problem::Damage { .. }]),
                "{what}: {problems:?}"
            );
            let error = refused(&store, put("alpha", "0"));
            assert!(
                matches!(error, StoreError::Damage { .. } | StoreError::Format { .. }),
                "{what}: {error}"
            );
            assert_eq!(place.bytes(), flipped, "{what}");
        }
    }
    let disk = disk as Arc<dyn Disk>;
    let store = FileStore::open_on(disk, place.document(), deaf()).unwrap();
    assert_eq!(store.restore(0).wait().unwrap(), 5);
    assert_eq!(shown(&store), entries(&FOUR));
    works_again(&place, &store);
}

/// Gives the file the time that it is said to have, as far as that can be given.
fn restamp(path: &Path, disk: &Meddled) {
    let nanos = u64::try_from(disk.told().unwrap().modified).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(nanos);
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

#[test]
fn damage_that_was_displaced_unseen_is_no_late_edit() {
    let (place, store) = four(deaf());
    drop(store);
    let (disk, store) = open_lying(&place);
    disk.lie(&place.document());
    let flipped = place.text().replace("\"value\": 20\n", "\"value\": 21\n");
    save_in_place(&place.document(), flipped.as_bytes());
    restamp(&place.document(), &disk);
    // It has the state in memory, and is told that the file is as it was.
    assert_eq!(commit(&store, put("gamma", "30")), 5);
    let other = place.open(deaf());
    assert_eq!(commit(&other, put("gamma", "31")), 6);
    let expected = [("alpha", 1, "1"), ("beta", 4, "20"), ("gamma", 6, "31")];
    assert_eq!(shown(&other), entries(&expected));
    assert_eq!(place.aside_as("late"), [flipped.into_bytes()]);
}

#[test]
fn the_seal_alone_tells_damage_from_an_edit() {
    for flips in [true, false] {
        let (place, store) = four(deaf().keep(0));
        drop(store);
        let disk = Arc::new(Meddled::default());
        if flips {
            disk.lie(&place.document());
        }
        let text = place.text().replace("\"value\": 20\n", "\"value\": 21\n");
        save_in_place(&place.document(), text.as_bytes());
        let opened = FileStore::open_on(disk as Arc<dyn Disk>, place.document(), deaf().keep(0));
        if flips {
            let error = opened.unwrap_err();
            assert!(matches!(error, StoreError::Damage { .. }), "{error}");
            assert_eq!(place.text(), text);
        } else {
            let store = opened.unwrap();
            let expected = [("alpha", 5, "1"), ("beta", 5, "21"), ("gamma", 5, "3")];
            assert_eq!(shown(&store), entries(&expected));
        }
    }
}
