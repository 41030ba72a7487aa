//! Parts of files.

use crate::rig::{Folder, ask, get};

#[tokio::test]
async fn one_part_is_206_and_none_that_is_there_is_416() {
    let folder = Folder::new(&[("a.txt", "0123456789"), ("none.txt", "")]);
    let files = folder.serve().await;
    for (range, part, body) in [
        ("bytes=0-3", "bytes 0-3/10", "0123"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=8-100", "bytes 8-9/10", "89"),
        ("bytes=0-", "bytes 0-9/10", "0123456789"),
    ] {
        let answer = get(&files, "/a.txt", &[("range", range)]).await;
        assert_eq!((answer.status, &*answer.body), (206, body), "{range}");
        assert_eq!(answer.header("content-range"), part);
        assert_eq!(answer.header("content-length"), body.len().to_string());
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_ne!(answer.header("etag"), "");
    }
    for (path, range, length) in [
        ("/a.txt", "bytes=10-", 10),
        ("/a.txt", "bytes=-0", 10),
        ("/none.txt", "bytes=0-", 0),
    ] {
        let answer = get(&files, path, &[("range", range)]).await;
        assert_eq!(answer.status, 416, "{path} {range}");
        assert_eq!(answer.header("content-range"), format!("bytes */{length}"));
        assert_eq!(answer.problem()["title"], "Range Not Satisfiable");
    }
}

#[tokio::test]
async fn what_is_no_single_range_is_the_whole_file() {
    let folder = Folder::new(&[("a.txt", "0123456789")]);
    let files = folder.serve().await;
    for range in ["bytes=0-1,4-5", "lines=0-1", "bytes=5-1", "nonsense"] {
        let answer = get(&files, "/a.txt", &[("range", range)]).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (200, "0123456789"),
            "{range}"
        );
        assert_eq!(answer.header("content-range"), "");
    }
    let head = ask(&files, "HEAD", "/a.txt", &[("range", "bytes=0-1")]).await;
    assert_eq!((head.status, head.header("content-length")), (200, "10"));
}

/// A weak tag says that two contents may be used for one another, not that their bytes fit together.
#[tokio::test]
async fn a_range_of_a_file_that_was_just_written_needs_more_than_a_weak_validator() {
    let folder = Folder::new(&[("a.txt", "0123456789")]);
    let files = folder.serve().await;
    let first = get(&files, "/a.txt", &[]).await;
    for condition in [first.header("etag"), first.header("last-modified")] {
        let headers = [("range", "bytes=0-1"), ("if-range", condition)];
        let answer = get(&files, "/a.txt", &headers).await;
        assert_eq!((answer.status, &*answer.body), (200, "0123456789"));
    }
}

#[tokio::test]
async fn conditions_come_before_ranges() {
    let folder = Folder::new(&[("a.txt", "0123456789")]);
    let files = folder.serve().await;
    let tag = get(&files, "/a.txt", &[]).await.header("etag").to_owned();
    let headers = [("range", "bytes=99-"), ("if-none-match", &*tag)];
    assert_eq!(get(&files, "/a.txt", &headers).await.status, 304);
}

#[tokio::test]
async fn a_part_of_a_large_file_is_exact() {
    let content: String = ('a'..='z').cycle().take(300_000).collect();
    let folder = Folder::new(&[("a.txt", &content)]);
    let files = folder.serve().await;
    for (first, last) in [
        (0, 299_999),
        (1, 299_998),
        (65_535, 131_072),
        (65_536, 131_071),
    ] {
        let range = format!("bytes={first}-{last}");
        let answer = get(&files, "/a.txt", &[("range", &range)]).await;
        assert_eq!(answer.status, 206);
        assert!(answer.body == content[first..=last], "{range}");
    }
}
