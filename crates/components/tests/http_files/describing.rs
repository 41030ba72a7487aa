//! What the headers say of a file.

use byname_components::http::files::serve;

use crate::rig::{Folder, ask, get, settings};

#[tokio::test]
async fn the_type_is_known_by_the_extension_and_never_guessed() {
    let files = ["a.html", "a.CSS", "a.wasm", "a", "a.glb", "a.html.bak"];
    let folder = Folder::new(&files.map(|name| (name, "<script>")));
    let plain = folder.serve().await;
    let written =
        serde_json::json!({ "types": { "GLB": "model/gltf-binary", "html": "text/plain" } });
    let with_types = serve(settings(&folder, written)).await.unwrap();
    for (name, kind, given) in [
        ("a.html", "text/html; charset=utf-8", "text/plain"),
        (
            "a.CSS",
            "text/css; charset=utf-8",
            "text/css; charset=utf-8",
        ),
        ("a.wasm", "application/wasm", "application/wasm"),
        ("a", "application/octet-stream", "application/octet-stream"),
        ("a.glb", "application/octet-stream", "model/gltf-binary"),
        (
            "a.html.bak",
            "application/octet-stream",
            "application/octet-stream",
        ),
    ] {
        let path = format!("/{name}");
        let answer = get(&plain, &path, &[]).await;
        assert_eq!(answer.header("content-type"), kind, "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let answer = get(&with_types, &path, &[]).await;
        assert_eq!(answer.header("content-type"), given, "{name}");
    }
}

#[tokio::test]
async fn names_with_a_hash_are_kept_for_ever_and_pages_are_not() {
    let folder = Folder::new(&[
        ("assets/app-BbQ1x_7Z.js", "js"),
        ("assets/page-BbQ1x_7Z.html", "html"),
        ("assets/app.js", "js"),
        ("other/app-BbQ1x_7Z.js", "js"),
    ]);
    let plain = folder.serve().await;
    let written = serde_json::json!({ "cache-control": {
        "pages": "private, no-cache",
        "others": "max-age=60",
        "immutable": ["assets/*-????????.*"],
        "immutable-for": "1h"
    }});
    let chosen = serve(settings(&folder, written)).await.unwrap();
    let silent = serde_json::json!({ "cache-control": { "pages": "", "others": "" } });
    let silent = serve(settings(&folder, silent)).await.unwrap();
    for (path, by_default, given) in [
        (
            "/assets/app-BbQ1x_7Z.js",
            "no-cache",
            "public, max-age=3600, immutable",
        ),
        (
            "/assets/page-BbQ1x_7Z.html",
            "no-cache",
            "private, no-cache",
        ),
        ("/assets/app.js", "no-cache", "max-age=60"),
        ("/other/app-BbQ1x_7Z.js", "no-cache", "max-age=60"),
    ] {
        let header = "cache-control";
        assert_eq!(get(&plain, path, &[]).await.header(header), by_default);
        assert_eq!(
            get(&chosen, path, &[]).await.header(header),
            given,
            "{path}"
        );
        assert_eq!(get(&silent, path, &[]).await.header(header), "", "{path}");
    }
}

#[tokio::test]
async fn the_head_of_a_file_is_what_its_content_comes_with() {
    let large = "x".repeat(200_000);
    let folder = Folder::new(&[("a.txt", "0123456789"), ("none", ""), ("b.txt", &large)]);
    let files = folder.serve().await;
    for (path, length) in [("/a.txt", "10"), ("/none", "0"), ("/b.txt", "200000")] {
        let whole = get(&files, path, &[]).await;
        let head = ask(&files, "HEAD", path, &[]).await;
        assert_eq!((head.status, &*head.body), (200, ""), "{path}");
        assert_eq!(head.headers, whole.headers, "{path}");
        assert_eq!(head.header("content-length"), length);
    }
}
