//! What an edit says of entries, merged with what programs have said meanwhile.

use std::fs;

use byname_store::{FileOptions, Problem, Store, Transaction};

use crate::place::*;
use crate::rig::{EDITED, SAVES, beta, crlf, is_in_order, three};

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
