//! Paths of whoever wants more than is there for everybody.

use std::fs;

use axum::http::Uri;
use byname_components::http::files::{Files, serve};
use proptest::prelude::*;

use crate::rig::{Folder, ask_for, get, settings};

/// What every file begins with that may be answered.
const PUBLIC: &str = "PUBLIC";

struct Trap {
    folder: Folder,
    plain: Files,
    app: Files,
}

/// A folder of public files with secrets in it, beside it and above it.
fn trap(runtime: &tokio::runtime::Runtime) -> Trap {
    let folder = Folder::new(&[
        ("index.html", PUBLIC),
        ("a.txt", PUBLIC),
        ("docs/index.html", PUBLIC),
        ("docs/a.txt", PUBLIC),
        ("%2e%2e/a.txt", PUBLIC),
        (".well-known/a.txt", PUBLIC),
        (".well-known/.env", "SECRET"),
        (".env", "SECRET"),
        (".git/config", "SECRET"),
        ("docs/.env", "SECRET"),
        ("docs/.git/a.txt", "SECRET"),
        ("...", "SECRET"),
        ("docs./a.txt", "SECRET"),
        ("a.txt ", "SECRET"),
        ("docs\\..\\a.txt", "SECRET"),
        ("C:/a.txt", "SECRET"),
    ]);
    for name in ["a.txt", "secret", ".env"] {
        fs::write(folder.around().join(name), "SECRET").unwrap();
    }
    fs::create_dir(folder.around().join("public2")).unwrap();
    fs::write(folder.around().join("public2/a.txt"), "SECRET").unwrap();
    #[cfg(unix)]
    for (to, name) in [
        ("..", "up"),
        ("../secret", "secret.txt"),
        ("/", "root"),
        (".git", "git"),
        ("../public2", "beside"),
        ("docs/../.env", "env.txt"),
    ] {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    }
    let serve = |more| runtime.block_on(serve(settings(&folder, more))).unwrap();
    let plain = serve(serde_json::json!({
        "dotfiles": [".well-known"],
        "precompressed": ["br", "gzip"]
    }));
    let app = serve(serde_json::json!({
        "dotfiles": [".well-known"],
        "fallback": "index.html",
        "pages": "any"
    }));
    Trap { folder, plain, app }
}

fn piece() -> impl Strategy<Value = String> {
    let known = [
        "/",
        "/",
        "/",
        "/",
        "//",
        ".",
        "..",
        "...",
        "/..",
        "/../",
        "/./",
        "%2e",
        "%2E%2e",
        ".%2e",
        "%252e",
        "%252e%252e",
        "%2f",
        "%2F",
        "%5c",
        "\\",
        "..\\",
        "..%5c",
        "%00",
        "a.txt%00",
        "%0a",
        "%20",
        " ",
        "+",
        "%",
        "%2",
        "%zz",
        "%c0%ae",
        "%c0%af",
        "%e2%88%95",
        "%ef%bc%8f",
        "%ff",
        "a.txt",
        "a.txt.",
        "a.txt%20",
        "a.txt::$DATA",
        "docs",
        "docs.",
        ".env",
        "%2eenv",
        ".ENV",
        ".git",
        ".git/config",
        "config",
        ".well-known",
        ".well-known/",
        "index.html",
        "secret",
        "secret.txt",
        "up",
        "root",
        "git",
        "beside",
        "env.txt",
        "public",
        "public2",
        "C:",
        "c%3a",
        "C:\\",
        "//etc/passwd",
        "etc/passwd",
        "/tmp",
        "proc/self/environ",
        "file:",
        "~",
        "?",
        "?x=/../",
        ";",
        "*",
        "\u{202e}",
    ];
    prop_oneof![
        6 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "[a-z.%/]{1,4}",
        1 => any::<char>().prop_map(|c| c.to_string()),
        1 => any::<u8>().prop_map(|byte| format!("%{byte:02x}")),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(piece(), 1..9).prop_map(|pieces| pieces.concat());
    (any::<bool>(), pieces).prop_map(|(slash, rest)| if slash { format!("/{rest}") } else { rest })
}

/// Asks for a path, and checks the answer.
fn check(trap: &Trap, runtime: &tokio::runtime::Runtime, path: &str) -> Result<(), TestCaseError> {
    // What is no address never reaches a service.
    let Ok(uri) = Uri::builder().path_and_query(path).build() else {
        return Ok(());
    };
    for files in [&trap.plain, &trap.app] {
        let headers = [("accept", "text/html"), ("accept-encoding", "gzip, br")];
        let answer = runtime.block_on(ask_for(files, "GET", uri.clone(), &headers));
        match answer.status {
            200 => prop_assert_eq!(&*answer.body, PUBLIC),
            308 => {
                let to = answer.header("location");
                let name = to.strip_prefix("./").and_then(|to| to.split('?').next());
                let name = name.and_then(|to| to.strip_suffix('/'));
                let name = name.filter(|name| !name.contains('/') && *name != "..");
                prop_assert!(name.is_some(), "{}", to);
            }
            404 => {
                answer.problem();
                let around = trap.folder.around().to_str().unwrap();
                prop_assert!(!answer.body.contains(around), "{}", answer.body);
            }
            status => prop_assert!(false, "status {} for {:?}", status, path),
        }
    }
    Ok(())
}

/// A predecessor answered `.env`, and listed folders.
#[test]
fn nothing_outside_the_folder_and_no_dotfile_is_ever_answered() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let trap = trap(&runtime);
    let config = ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let found = runner.run(&path(), |path| check(&trap, &runtime, &path));
    found.unwrap();
}

#[test]
fn known_tricks_are_not_found() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let trap = trap(&runtime);
    let ask = |path: &str| runtime.block_on(get(&trap.app, path, &[("accept", "text/html")]));
    for path in [
        "/.env",
        "/docs/.env",
        "/.git/config",
        "/%2eenv",
        "/.well-known/.env",
        "/../a.txt",
        "/../secret",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "/%2e%2e%2fsecret",
        "/docs/../../secret",
        "/docs/..%5c..%5csecret",
        "/docs%5c..%5ca.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/C:/a.txt",
        "/c%3a/a.txt",
        "/.../",
        "/...",
        "/docs./a.txt",
        "/a.txt%20",
        "/a.txt.",
        "/a.txt%00",
        "/a.txt%00.html",
        "/a.txt::$DATA",
        "/%c0%ae%c0%ae/secret",
    ] {
        let answer = ask(path);
        assert_eq!(answer.status, 404, "{path}");
        answer.problem();
    }
    let long = format!("/{}", "a".repeat(10_000));
    assert_eq!(runtime.block_on(get(&trap.plain, &long, &[])).status, 404);
    for path in [
        "/a.txt",
        "/%61.txt",
        "/.well-known/a.txt",
        "/%252e%252e/a.txt",
    ] {
        assert_eq!(
            (ask(path).status, &*ask(path).body),
            (200, PUBLIC),
            "{path}"
        );
    }
}

#[test]
fn dotfiles_are_answered_by_the_setting_only() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let folder = Folder::new(&[(".well-known/a.txt", PUBLIC), (".env", PUBLIC)]);
    for (dotfiles, known, env) in [(&[][..], 404, 404), (&[".well-known"], 200, 404)] {
        let written = serde_json::json!({ "dotfiles": dotfiles });
        let files = runtime.block_on(serve(settings(&folder, written))).unwrap();
        let status = |path| runtime.block_on(get(&files, path, &[])).status;
        assert_eq!(
            (status("/.well-known/a.txt"), status("/.env")),
            (known, env)
        );
    }
}
