//! Editors and programs at the same time.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use byname_store::{FileOptions, Store, StoreError};

use crate::place::*;
use crate::rig::{SAVES, three};

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
