//! What is told at the start.

use std::error::Error as _;

use byname_components::http::files::{FilesError, Settings, serve};

use crate::rig::{Folder, settings};

async fn told(settings: Settings) -> String {
    let error = serve(settings).await.unwrap_err();
    let cause = error.source().map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told() {
    let folder = Folder::new(&[("a.txt", "a")]);
    for (path, expected) in [
        (folder.path().join("none"), "No such file"),
        (folder.path().join("a.txt"), "Not a directory"),
    ] {
        let settings = Settings {
            folder: path.clone(),
            ..Settings::default()
        };
        let told = told(settings).await;
        assert!(told.contains(path.to_str().unwrap()), "{told}");
        assert!(told.contains(expected), "{told}");
    }
    let told = told(Settings::default()).await;
    assert_eq!(told, "`folder` is missing; expected the path of a folder");
}

#[tokio::test]
async fn a_fallback_must_be_a_file_that_may_be_answered() {
    let folder = Folder::new(&[("a.txt", "a"), ("deep/100%.html", "a"), (".env", "a")]);
    for (fallback, fits) in [
        ("a.txt", true),
        ("./a.txt", true),
        ("deep/100%.html", true),
        ("index.html", false),
        ("deep", false),
        ("a.txt/", false),
        (".env", false),
        ("../public/a.txt", false),
        ("", false),
    ] {
        let written = serde_json::json!({ "fallback": fallback });
        let served = serve(settings(&folder, written)).await;
        assert_eq!(served.is_ok(), fits, "{fallback}: {served:?}");
    }
    let missing = serde_json::json!({ "fallback": "index.html" });
    let error = serve(settings(&folder, missing)).await.unwrap_err();
    assert!(matches!(error, FilesError::Fallback { .. }));
    assert!(error.to_string().contains("`fallback: index.html`"));
}

#[tokio::test]
async fn a_value_that_cannot_be_is_told_with_its_setting() {
    let folder = Folder::new(&[]);
    for (written, setting) in [
        (serde_json::json!({ "index": "../a" }), "index"),
        (serde_json::json!({ "index": "" }), "index"),
        (serde_json::json!({ "index": ".env" }), "index"),
        (serde_json::json!({ "dotfiles": ["env"] }), "dotfiles"),
        (serde_json::json!({ "dotfiles": [".."] }), "dotfiles"),
        (serde_json::json!({ "dotfiles": [".a/b"] }), "dotfiles"),
        (serde_json::json!({ "chunk": "4095B" }), "chunk"),
        (serde_json::json!({ "chunk": "17MiB" }), "chunk"),
        (serde_json::json!({ "types": { "x": "a\nb" } }), "types"),
        (
            serde_json::json!({ "cache-control": { "pages": "a\nb" } }),
            "cache-control.pages",
        ),
        (
            serde_json::json!({ "cache-control": { "others": "a\u{0}" } }),
            "cache-control.others",
        ),
    ] {
        let told = match serve(settings(&folder, written.clone())).await {
            Err(FilesError::Setting { setting, .. }) => setting,
            Err(other) => panic!("{written}: {other}"),
            Ok(_) => "",
        };
        assert_eq!(told, setting, "{written}");
    }
}
