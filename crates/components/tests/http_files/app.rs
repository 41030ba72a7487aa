//! Applications of a single page.

use byname_components::http::files::{Files, serve};

use crate::rig::{Folder, ask, get, settings};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const PAGE: &str = "<!doctype html>the application";

async fn app(folder: &Folder, mut more: serde_json::Value) -> Files {
    more["fallback"] = "index.html".into();
    serve(settings(folder, more)).await.unwrap()
}

fn folder() -> Folder {
    Folder::new(&[
        ("index.html", PAGE),
        ("assets/app.js", "js"),
        ("docs/a.txt", "a"),
        ("README", "read"),
    ])
}

/// A predecessor answered every page of an application with a redirect to `./`, for ever, and with 404
/// below a prefix. A page is the file of the application at once, at any depth and under any prefix.
#[tokio::test]
async fn every_page_of_an_application_is_its_file_without_a_redirect() {
    let folder = folder();
    let files = app(&folder, serde_json::json!({})).await;
    let nested: axum::Router = axum::Router::new().nest_service("/deep/app", files.clone());
    for page in [
        "/about",
        "/users/1",
        "/users/1/",
        "/a/b/c?x=1",
        "/docs",
        "/docs/none",
    ] {
        let answer = get(&files, page, &[HTML]).await;
        assert_eq!((answer.status, &*answer.body), (200, PAGE), "{page}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert_eq!(answer.header("vary"), "accept");
        let answer = get(&nested, &format!("/deep/app{page}"), &[HTML]).await;
        assert_eq!((answer.status, &*answer.body), (200, PAGE), "nested {page}");
    }
    let head = ask(&files, "HEAD", "/about", &[HTML]).await;
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.header("content-length"), PAGE.len().to_string());
    let tag = head.header("etag");
    let answer = get(&files, "/contact", &[HTML, ("if-none-match", tag)]).await;
    assert_eq!(answer.status, 304);
    assert_eq!(answer.header("vary"), "accept");
}

#[tokio::test]
async fn what_is_missing_and_no_page_stays_missing() {
    let folder = folder();
    let files = app(&folder, serde_json::json!({})).await;
    for (path, accept) in [
        ("/assets/old.js", HTML),
        ("/users/jane.doe", HTML),
        ("/assets/app.js/", HTML),
        ("/.env", HTML),
        ("/.git/config", HTML),
        ("/a/../b", HTML),
        ("/a%2fb", HTML),
        ("/about", ("accept", "*/*")),
        ("/about", ("accept", "application/json")),
        ("/about", ("accept", "text/html;q=0")),
        ("/about", ("x-nothing", "")),
    ] {
        let answer = get(&files, path, &[accept]).await;
        assert_eq!(answer.status, 404, "{path} {accept:?}");
        assert_eq!(answer.problem()["title"], "Not Found");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let negotiated = get(&files, "/about", &[]).await;
    assert_eq!(negotiated.header("vary"), "accept");
}

#[tokio::test]
async fn files_come_before_pages() {
    let folder = folder();
    let files = app(&folder, serde_json::json!({})).await;
    assert_eq!(get(&files, "/assets/app.js", &[HTML]).await.body, "js");
    assert_eq!(get(&files, "/README", &[HTML]).await.body, "read");
    assert_eq!(get(&files, "/", &[]).await.body, PAGE);
}

#[tokio::test]
async fn no_other_method_is_a_page() {
    let folder = folder();
    let files = app(&folder, serde_json::json!({})).await;
    for path in ["/about", "/assets/app.js", "/.env"] {
        let answer = ask(&files, "OPTIONS", path, &[HTML]).await;
        assert_eq!((answer.status, &*answer.body), (204, ""), "{path}");
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "get"] {
            let answer = ask(&files, method, path, &[HTML]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
            answer.problem();
        }
    }
}

#[tokio::test]
async fn pages_may_have_dots_where_a_setting_says_so() {
    let folder = folder();
    let files = app(&folder, serde_json::json!({ "pages": "any" })).await;
    assert_eq!(get(&files, "/users/jane.doe", &[HTML]).await.body, PAGE);
    assert_eq!(get(&files, "/assets/old.js", &[]).await.status, 404);
    assert_eq!(get(&files, "/.env", &[HTML]).await.status, 404);
}

#[tokio::test]
async fn an_application_without_an_index_has_its_page_at_the_root_too() {
    let folder = folder();
    let files = app(&folder, serde_json::json!({ "index": null })).await;
    assert_eq!(get(&files, "/", &[HTML]).await.body, PAGE);
    assert_eq!(get(&files, "/", &[]).await.status, 404);
}

#[tokio::test]
async fn the_page_that_is_gone_is_an_error_that_tells_no_path() {
    let folder = folder();
    let files = app(&folder, serde_json::json!({})).await;
    std::fs::remove_file(folder.path().join("index.html")).unwrap();
    let answer = get(&files, "/about", &[HTML]).await;
    assert_eq!(answer.status, 500);
    assert!(!answer.body.contains(folder.path().to_str().unwrap()));
    assert!(!answer.body.contains("fallback"));
}
