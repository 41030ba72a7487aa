//! A list read page by page is whole: every key once, whatever happens to the file meanwhile.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use server::{Server, key};

/// A catalog of these names, in the shape of models.dev, with `mark` as the name of every model.
fn catalog(names: impl IntoIterator<Item = (String, String)>, mark: &str) -> String {
    let mut providers: BTreeMap<String, String> = BTreeMap::new();
    for (provider, id) in names {
        let models = providers.entry(provider).or_default();
        let comma = if models.is_empty() { "" } else { "," };
        write!(models, r#"{comma}"{id}":{{"name":"{mark}"}}"#).unwrap();
    }
    let providers: Vec<String> = providers
        .iter()
        .map(|(id, models)| format!(r#""{id}":{{"models":{{{models}}}}}"#))
        .collect();
    format!("{{{}}}", providers.join(","))
}

/// Saves as an editor does: a new file beside the old one, renamed over it.
fn save(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}

fn name(provider: &str, number: usize) -> (String, String) {
    (provider.to_owned(), format!("m/{number:04}:x@{number}"))
}

#[test]
fn pages_of_every_size_hold_every_key_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    let mut names: Vec<_> = ["a", "a-b", "a.c", "a0", "é", "z"]
        .iter()
        .flat_map(|provider| (0..7).map(|number| name(provider, number)))
        .collect();
    save(&file, &catalog(names.clone(), "x"));
    names.sort();
    let server = Server::serving(&[&file]);
    for limit in [1, 2, 6, 7, 41, 42, 43, 1000] {
        assert_eq!(server.names(limit), names, "pages of {limit}");
    }
}

#[test]
fn a_page_has_a_hundred_unless_asked_otherwise_and_a_thousand_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    save(
        &file,
        &catalog((0..1500).map(|number| name("p", number)), "x"),
    );
    let server = Server::serving(&[&file]);
    let page = server.json("/api/v1/models");
    assert_eq!(page["data"].as_array().unwrap().len(), 100);
    assert!(page["next_cursor"].is_string());
    let page = server.json("/api/v1/models?limit=1000");
    assert_eq!(page["data"].as_array().unwrap().len(), 1000);
    assert_eq!(server.names(1000).len(), 1500);
}

#[test]
fn a_cursor_outlives_the_revision_and_the_key_that_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    // Even numbers stay throughout; odd ones come and go.
    let even = || (0..40).map(|number| name("p", number * 2));
    let odd = || (0..40).map(|number| name("p", number * 2 + 1));
    save(&file, &catalog(even().chain(odd()), "0"));
    let server = Server::serving(&[&file]);

    let mut seen = Vec::new();
    let mut cursor = String::new();
    let mut revision = 1;
    loop {
        let page = server.json(&format!("/api/v1/models?limit=7{cursor}"));
        seen.extend(page["data"].as_array().unwrap().iter().map(key));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
        // Between any two pages the file changes; every second time what was last on the page
        // may be gone.
        let with_odd = if revision % 2 == 0 { 40 } else { 0 };
        save(
            &file,
            &catalog(even().chain(odd().take(with_odd)), &revision.to_string()),
        );
        revision += 1;
        server.taken_over(0, revision);
    }
    assert!(revision > 6, "the file has changed {revision} times");
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted, seen, "in order and none twice");
    let stayed: Vec<_> = seen
        .into_iter()
        .filter(|(_, id)| id[2..6].parse::<usize>().unwrap() % 2 == 0)
        .collect();
    assert_eq!(
        stayed,
        even().collect::<Vec<_>>(),
        "what was there throughout is not missed"
    );
}

#[test]
fn a_reader_never_sees_a_mixture_of_two_revisions() {
    // All offerings of the file carry the number of its version, so they always change together:
    // one page that shows two numbers is a mixture. Nor may a later answer show an older number.
    const CHANGES: usize = 50;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    let names = || (0..200).map(|number| name("p", number));
    let version = |number: usize| catalog(names(), &number.to_string());
    save(&file, &version(0));
    let server = Server::serving(&[&file]);
    let done = AtomicBool::new(false);

    std::thread::scope(|scope| {
        let reader = || {
            let mut last = 0;
            let mut pages = 0;
            while !done.load(Ordering::Acquire) {
                let page = server.json("/api/v1/models?limit=1000");
                let data = page["data"].as_array().unwrap();
                assert_eq!(data.len(), 200);
                let first = data[0]["name"].as_str().unwrap();
                assert!(data.iter().all(|item| item["name"] == first), "a mixture");
                let number: usize = first.parse().unwrap();
                assert!(number >= last, "{number} after {last}");
                last = number;
                pages += 1;
            }
            (last, pages)
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for number in 1..=CHANGES {
            save(&file, &version(number));
            server.taken_over(0, number as u64 + 1);
        }
        // One more answer begins after the last change, so it shows the last version.
        assert_eq!(
            server.json("/api/v1/models")["data"][0]["name"],
            CHANGES.to_string()
        );
        done.store(true, Ordering::Release);
        for reader in readers {
            let (_, pages) = reader.join().unwrap();
            assert!(pages > 0);
        }
    });
    assert_eq!(server.json("/readyz")["revision"], CHANGES as u64 + 1);
}
