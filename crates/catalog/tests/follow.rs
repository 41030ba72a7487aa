//! What the files of a catalog promise to whoever uses the crate.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use byname_catalog::Catalog;
use byname_catalog::follow::{FileState, Files, Options};

/// How long anything may take before a test gives up: far longer than it ever does.
const PATIENCE: Duration = Duration::from_secs(60);

fn wait_for(catalog: &Catalog, revision: u64) {
    let deadline = Instant::now() + PATIENCE;
    while catalog.registry().revision() < revision {
        assert!(
            Instant::now() < deadline,
            "still waiting for revision {revision}"
        );
        std::thread::yield_now();
    }
}

fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    (folder, file)
}

#[test]
fn a_change_is_one_revision_that_touches_only_what_differs() {
    let (_folder, file) = file(
        "api.json",
        r#"{"p": {"name": "P", "models": {"gone": {}, "same": {}, "other": {"name": "1"}}}}"#,
    );
    let files = Files::open([&file]).unwrap();
    let catalog = files.catalog().clone();
    let before = catalog.offerings();
    let follower = files.follow(Options::default().poll(None)).unwrap();
    fs::write(
        &file,
        r#"{"p": {"models": {"new": {}, "same": {}, "other": {"name": "2"}}}}"#,
    )
    .unwrap();
    wait_for(&catalog, 2);
    let revision = |name: &str| catalog.registry().entry(name).map(|entry| entry.revision());
    assert_eq!(
        ["p/gone", "p/same", "p/other", "p/new"].map(revision),
        [None, Some(1), Some(2), Some(2)]
    );
    drop(follower);

    // What was read before the change still shows it as it was.
    assert_eq!(before.revision(), 1);
    let names: Vec<&str> = before.iter().map(|offering| offering.key.name()).collect();
    assert_eq!(names, ["p/gone", "p/other", "p/same"]);

    // Nobody follows the file any longer.
    fs::remove_file(&file).unwrap();
    assert_eq!(catalog.files()[0].state, FileState::Good);
}

#[test]
fn without_events_the_poll_is_enough() {
    let (_folder, file) = file("api.json", r#"{"p": {"models": {"a": {}}}}"#);
    let options = Options::default()
        .watch(false)
        .poll(Some(Duration::from_millis(1)));
    let follower = Files::open([&file]).unwrap().follow(options).unwrap();
    fs::write(&file, r#"{"p": {"models": {"b": {}}}}"#).unwrap();
    wait_for(follower.catalog(), 2);
    let offerings = follower.catalog().offerings();
    assert!(offerings.get("p", "b").is_some());
    assert!(offerings.get("p", "a").is_none());
}

#[test]
fn a_change_before_the_following_begins_is_not_missed() {
    let (_folder, file) = file("api.json", r#"{"p": {"models": {"a": {}}}}"#);
    let files = Files::open([&file]).unwrap();
    fs::write(&file, r#"{"p": {"models": {"b": {}}}}"#).unwrap();
    let follower = files.follow(Options::default().poll(None)).unwrap();
    wait_for(follower.catalog(), 2);
    assert!(follower.catalog().offerings().get("p", "b").is_some());
}

#[test]
fn every_refused_file_is_named_and_none_is_opened() {
    let (folder, broken) = file("broken.json", "{");
    let missing = folder.path().join("missing.json");
    let error = Files::open([&broken, &missing]).unwrap_err();
    let refused: Vec<_> = error
        .refused()
        .map(|(path, state)| {
            (
                path.to_owned(),
                state.word(),
                state.trouble().unwrap().place(),
            )
        })
        .collect();
    assert_eq!(
        refused,
        [
            (broken, "broken", Some((1, 2))),
            (missing, "unreadable", None)
        ]
    );
}
