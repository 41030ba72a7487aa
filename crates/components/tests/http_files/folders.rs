//! Folders: their index, and the slash behind them.

use byname_components::http::files::serve;

use crate::rig::{Folder, ask, get, settings};

fn folder() -> Folder {
    Folder::new(&[
        ("index.html", "root"),
        ("docs/index.html", "docs"),
        ("docs/über uns/index.html", "deep"),
        ("empty/a.txt", "a"),
        ("odd/index.html/a.txt", "a"),
    ])
}

#[tokio::test]
async fn a_folder_is_its_index_and_never_a_listing() {
    let folder = folder();
    let files = folder.serve().await;
    for (path, status, body) in [
        ("/", 200, "root"),
        ("/docs/", 200, "docs"),
        ("/docs/index.html", 200, "docs"),
        ("/docs/%C3%BCber%20uns/", 200, "deep"),
    ] {
        let answer = get(&files, path, &[]).await;
        assert_eq!((answer.status, &*answer.body), (status, body), "{path}");
    }
    for path in [
        "/empty",
        "/empty/",
        "/odd",
        "/odd/",
        "/docs/index.html/",
        "/none/",
    ] {
        let answer = get(&files, path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("a.txt"));
    }
}

#[tokio::test]
async fn without_an_index_no_folder_is_found() {
    let folder = folder();
    let files = serve(settings(&folder, serde_json::json!({ "index": null }))).await;
    let files = files.unwrap();
    for path in ["/", "/docs", "/docs/"] {
        assert_eq!(get(&files, path, &[]).await.status, 404, "{path}");
    }
    let other = serde_json::json!({ "index": "a.txt" });
    let other = serve(settings(&folder, other)).await.unwrap();
    assert_eq!(get(&other, "/empty/", &[]).await.body, "a");
}

/// A predecessor redirected to `./` and to itself. What a client makes of the redirect, by the rules of
/// RFC 3986, is the same address with a slash, and that is answered.
#[tokio::test]
async fn a_redirect_leads_to_the_folder_under_any_prefix_and_ends_there() {
    let folder = folder();
    let files = folder.serve().await;
    let nested: axum::Router = axum::Router::new().nest_service("/x/static", files.clone());
    let plain: axum::Router = axum::Router::new().fallback_service(files);
    for (router, path, to) in [
        (&plain, "/docs", "/docs/"),
        (&plain, "/docs?a=1&b=%2F", "/docs/?a=1&b=%2F"),
        (&plain, "/docs/%C3%BCber%20uns", "/docs/%C3%BCber%20uns/"),
        (
            &plain,
            "/docs/über%20uns?ü",
            "/docs/%C3%BCber%20uns/?%C3%BC",
        ),
        (&nested, "/x/static", "/x/static/"),
        (&nested, "/x/static?q", "/x/static/?q"),
        (&nested, "/x/static/docs", "/x/static/docs/"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(router, method, path, &[]).await;
            assert_eq!(answer.status, 308, "{path}");
            assert_eq!(answer.header("cache-control"), "no-cache");
            assert_eq!(resolved(path, answer.header("location")), to);
            assert_eq!(ask(router, method, to, &[]).await.status, 200, "{to}");
        }
    }
    let root = get(&nested, "/x/static/", &[]).await;
    assert_eq!((root.status, &*root.body), (200, "root"));
}

/// What a reference of the form `./name/` is, relative to a path (RFC 3986, 5.2).
fn resolved(path: &str, reference: &str) -> String {
    let path = path.split('?').next().unwrap();
    let parent = &path[..=path.rfind('/').unwrap()];
    format!("{parent}{}", reference.strip_prefix("./").unwrap())
}

#[tokio::test]
async fn a_redirect_never_leads_to_another_host() {
    let folder = Folder::new(&[("evil.example/index.html", "here")]);
    let files = folder.serve().await;
    for path in [
        "//evil.example",
        "/%2Fevil.example",
        "/\\evil.example",
        "///evil.example",
    ] {
        let Ok(uri) = path.parse::<axum::http::Uri>() else {
            continue;
        };
        let answer = get(&files, &uri.to_string(), &[]).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = get(&files, "/evil.example", &[]).await;
    assert_eq!(answer.header("location"), "./evil.example/");
}
