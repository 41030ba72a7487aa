//! What cannot be taken up is told with its place, and nothing of it is lost.

use byname_store::{FileOptions, FileState, FileStore, Limits, Problem, Store, Transaction};

use crate::place::*;
use crate::rig::{EDITED, SAVES, beta, is_in_order, numbers, three};

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
