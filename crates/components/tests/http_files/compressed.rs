//! Files that were compressed beforehand.

use std::fs::File;
use std::time::{Duration, SystemTime};

use byname_components::http::files::{Files, serve};

use crate::rig::{Folder, ask, get, settings};

async fn files(folder: &Folder) -> Files {
    let written = serde_json::json!({ "precompressed": ["br", "gzip", "zstd"] });
    serve(settings(folder, written)).await.unwrap()
}

fn folder() -> Folder {
    Folder::new(&[
        ("app.js", "plain"),
        ("app.js.gz", "gzipped"),
        ("app.js.br", "brotli"),
        ("app.js.zst", "zstandard"),
        ("index.html", "plain page"),
        ("index.html.gz", "gzipped page"),
        ("lonely.css", "plain"),
        ("only.css.gz", "gzipped"),
    ])
}

#[tokio::test]
async fn the_sibling_that_the_client_likes_best_is_sent() {
    let folder = folder();
    let files = files(&folder).await;
    let mut tags = Vec::new();
    for (accept, coding, body) in [
        ("gzip, br, zstd", "br", "brotli"),
        ("gzip;q=1.0, br;q=0.9", "gzip", "gzipped"),
        ("zstd", "zstd", "zstandard"),
        ("identity, gzip;q=0.5", "", "plain"),
        ("gzip;q=0", "", "plain"),
        ("", "", "plain"),
    ] {
        let headers = [("accept-encoding", accept)];
        let answer = get(&files, "/app.js", &headers).await;
        assert_eq!((answer.status, &*answer.body), (200, body), "{accept}");
        assert_eq!(answer.header("content-encoding"), coding);
        assert_eq!(answer.header("content-length"), body.len().to_string());
        assert_eq!(
            answer.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(answer.header("vary"), "accept-encoding");
        tags.push(answer.header("etag").to_owned());
        let head = ask(&files, "HEAD", "/app.js", &headers).await;
        assert_eq!(head.headers, answer.headers);
        let again = [headers[0], ("if-none-match", tags.last().unwrap())];
        let again = get(&files, "/app.js", &again).await;
        assert_eq!(
            (again.status, again.header("vary")),
            (304, "accept-encoding")
        );
    }
    let distinct: std::collections::BTreeSet<_> = tags.iter().collect();
    assert_eq!(distinct.len(), 4);
    let other = [("accept-encoding", "gzip"), ("if-none-match", &*tags[0])];
    assert_eq!(get(&files, "/app.js", &other).await.status, 200);
}

#[tokio::test]
async fn a_file_without_siblings_is_sent_as_it_is_and_a_sibling_alone_is_no_file() {
    let folder = folder();
    let files = files(&folder).await;
    let gzip = [("accept-encoding", "gzip")];
    let lonely = get(&files, "/lonely.css", &gzip).await;
    assert_eq!((lonely.status, &*lonely.body), (200, "plain"));
    assert_eq!(lonely.header("vary"), "accept-encoding");
    assert_eq!(get(&files, "/only.css", &gzip).await.status, 404);
    let itself = get(&files, "/only.css.gz", &gzip).await;
    assert_eq!(itself.header("content-type"), "application/gzip");
    assert_eq!(itself.header("content-encoding"), "");
    let page = get(&files, "/", &gzip).await;
    assert_eq!(page.body, "gzipped page");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
}

/// A sibling that was left over from the last release holds the last release.
#[tokio::test]
async fn a_sibling_that_is_older_than_its_file_is_not_sent() {
    let folder = folder();
    let files = files(&folder).await;
    let gzip = [("accept-encoding", "gzip")];
    let old = SystemTime::now() - Duration::from_secs(60);
    let sibling = File::options()
        .append(true)
        .open(folder.path().join("app.js.gz"));
    sibling.unwrap().set_modified(old).unwrap();
    assert_eq!(get(&files, "/app.js", &gzip).await.body, "plain");
}

#[tokio::test]
async fn without_the_setting_siblings_are_files_like_any_other() {
    let folder = folder();
    let files = folder.serve().await;
    let answer = get(&files, "/app.js", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!((answer.header("vary"), &*answer.body), ("", "plain"));
}
