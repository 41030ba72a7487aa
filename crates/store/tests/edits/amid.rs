//! Edits amid a commit, right before its end, and into a document that was replaced.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use byname_store::{FileStore, Store, Transaction};

use crate::place::meddled::Meddled;
use crate::place::*;
use crate::rig::{SAVES, beta, is_in_order, numbers, three};

/// A store on a disk on which something can be done in the middle of a commit.
fn meddled(place: &Place) -> (Arc<Meddled>, FileStore) {
    let disk = Arc::new(Meddled::default());
    let store = FileStore::open_on(Arc::clone(&disk) as _, place.document(), deaf()).unwrap();
    (disk, store)
}

/// What an edit meets that is saved in the middle of a commit: how to save it then, the revision of the
/// commit, and that of the edit.
fn edited(amid: fn(&Meddled, Box<dyn FnOnce() + Send>), committed: u64, edit: u64) {
    for (how, save) in SAVES {
        let (place, _) = three(deaf());
        let (disk, store) = meddled(&place);
        let text = beta(&place, "20");
        let at = Place::at(place.folder());
        let saved = text.clone();
        amid(&disk, Box::new(move || save(&at, saved)));
        assert_eq!(commit(&store, put("gamma", "30")), committed, "{how}");
        until(&store, committed.max(edit));
        let expected = [
            ("alpha", 1, "1"),
            ("beta", edit, "20"),
            ("gamma", committed, "30"),
        ];
        assert_eq!(shown(&store), entries(&expected), "{how}");
        assert_eq!(place.aside_as("edit"), [text.into_bytes()]);
        is_in_order(&place, &store);
    }
}

#[test]
fn an_edit_amid_a_commit_is_taken_up_before_it() {
    // The document has been read, the new one has not been written.
    edited(Meddled::before_create, 5, 4);
}

#[test]
fn an_edit_right_before_the_exchange_is_taken_up_after_it() {
    // Nobody looks any more. It is displaced, and nobody asks for anything else.
    edited(Meddled::before_exchange, 4, 5);
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
