//! Conditional requests.

use std::fs::File;
use std::time::{Duration, SystemTime};

use byname_components::http::files::serve;

use crate::rig::{Folder, ask, get, settings};

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let folder = Folder::new(&[("a.txt", "0123456789")]);
    let files = folder.serve().await;
    let first = get(&files, "/a.txt", &[]).await;
    let (tag, modified) = (first.header("etag"), first.header("last-modified"));
    assert!(tag.starts_with("W/\""), "just written: {tag}");
    for method in ["GET", "HEAD"] {
        for condition in [
            ("if-none-match", tag),
            ("if-none-match", tag.trim_start_matches("W/")),
            ("if-modified-since", modified),
        ] {
            let answer = ask(&files, method, "/a.txt", &[condition]).await;
            assert_eq!((answer.status, &*answer.body), (304, ""), "{condition:?}");
            assert_eq!(answer.header("etag"), tag);
            assert_eq!(answer.header("cache-control"), "no-cache");
            for absent in ["content-type", "content-length", "last-modified"] {
                assert_eq!(answer.header(absent), "", "{absent}");
            }
        }
    }
    let both = [("if-none-match", "\"x\""), ("if-modified-since", modified)];
    assert_eq!(get(&files, "/a.txt", &both).await.status, 200);
}

#[tokio::test]
async fn a_condition_that_fails_is_412_and_comes_before_304() {
    let folder = Folder::new(&[("a.txt", "0123456789")]);
    let files = folder.serve().await;
    let tag = get(&files, "/a.txt", &[]).await.header("etag").to_owned();
    let long_ago = "Thu, 01 Jan 1970 00:00:00 GMT";
    for conditions in [
        &[("if-match", "\"x\"")][..],
        &[("if-match", "\"x\""), ("if-none-match", &tag)],
        &[("if-unmodified-since", long_ago)],
    ] {
        let answer = get(&files, "/a.txt", conditions).await;
        assert_eq!(answer.status, 412, "{conditions:?}");
        answer.problem();
    }
    let missing = get(&files, "/none.txt", &[("if-match", "*")]).await;
    assert_eq!(missing.status, 404);
}

/// Builds that set all times to one moment give two contents the same time and length.
#[tokio::test]
async fn a_replaced_file_with_the_same_time_and_length_has_another_tag() {
    let folder = Folder::new(&[("a.txt", "0123456789")]);
    let files = folder.serve().await;
    let set = || {
        let file = File::options()
            .append(true)
            .open(folder.path().join("a.txt"));
        let file = file.unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1))
            .unwrap();
    };
    set();
    let first = get(&files, "/a.txt", &[]).await;
    folder.write("new.txt", "9876543210");
    std::fs::rename(folder.path().join("new.txt"), folder.path().join("a.txt")).unwrap();
    set();
    let condition = ("if-none-match", first.header("etag"));
    let second = get(&files, "/a.txt", &[condition]).await;
    assert_eq!((second.status, &*second.body), (200, "9876543210"));
    assert_eq!(
        second.header("last-modified"),
        first.header("last-modified")
    );
}

#[tokio::test]
async fn portable_tags_are_the_same_on_every_replica_and_exact_ones_are_not() {
    let replicas = [0, 1].map(|_| Folder::new(&[("a.txt", "0123456789")]));
    for (written, same) in [("portable", true), ("exact", false)] {
        let mut tags = Vec::new();
        for folder in &replicas {
            let file = File::options()
                .append(true)
                .open(folder.path().join("a.txt"));
            let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
            file.unwrap().set_modified(then).unwrap();
            let written = serde_json::json!({ "entity-tags": written });
            let files = serve(settings(folder, written)).await.unwrap();
            tags.push(get(&files, "/a.txt", &[]).await.header("etag").to_owned());
        }
        assert_eq!(tags[0] == tags[1], same, "{tags:?}");
    }
}
