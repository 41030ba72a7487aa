//! Symbolic links, and what is no file.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use byname_components::http::files::{Symlinks, serve};

use crate::rig::{Folder, get};

fn folder() -> Folder {
    let folder = Folder::new(&[
        ("a.txt", "public"),
        ("deep/a.txt", "public"),
        (".env", "SECRET"),
        (".hidden/a.txt", "SECRET"),
    ]);
    let around = folder.around().to_owned();
    fs::write(around.join("outside.txt"), "OUTSIDE").unwrap();
    fs::write(around.join(".outside"), "SECRET").unwrap();
    fs::create_dir(around.join("outside")).unwrap();
    fs::write(around.join("outside/a.txt"), "OUTSIDE").unwrap();
    let link = |to: &std::path::Path, name: &str| symlink(to, folder.path().join(name)).unwrap();
    link("a.txt".as_ref(), "inside.txt");
    link(&folder.path().join("a.txt"), "inside-whole.txt");
    link("deep".as_ref(), "inside");
    link("../public/a.txt".as_ref(), "round.txt");
    link(".env".as_ref(), "env.txt");
    link(".hidden".as_ref(), "hidden");
    link("../outside.txt".as_ref(), "outside.txt");
    link("../.outside".as_ref(), "dot-outside.txt");
    link("../outside".as_ref(), "outside");
    link("loop".as_ref(), "loop");
    link("nowhere".as_ref(), "nowhere.txt");
    folder
}

#[tokio::test]
async fn links_lead_as_far_as_the_setting_says_and_never_to_a_dotfile() {
    let folder = folder();
    for (path, refused, inside, anywhere) in [
        ("/inside.txt", 404, 200, 200),
        ("/inside-whole.txt", 404, 200, 200),
        ("/inside/a.txt", 404, 200, 200),
        ("/round.txt", 404, 200, 200),
        ("/outside.txt", 404, 404, 200),
        ("/outside/a.txt", 404, 404, 200),
        ("/env.txt", 404, 404, 404),
        ("/hidden/a.txt", 404, 404, 404),
        ("/dot-outside.txt", 404, 404, 404),
        ("/loop", 404, 404, 404),
        ("/loop/a.txt", 404, 404, 404),
        ("/nowhere.txt", 404, 404, 404),
        ("/a.txt", 200, 200, 200),
        ("/a.txt/a.txt", 404, 404, 404),
    ] {
        for (symlinks, status) in [
            (Symlinks::Refuse, refused),
            (Symlinks::Inside, inside),
            (Symlinks::Anywhere, anywhere),
        ] {
            let mut settings = folder.settings();
            settings.symlinks = symlinks;
            let files = serve(settings).await.unwrap();
            let answer = get(&files, path, &[]).await;
            assert_eq!(answer.status, status, "{path} {symlinks:?}");
            assert!(!answer.body.contains("SECRET"), "{path} {symlinks:?}");
        }
    }
}

#[tokio::test]
async fn a_folder_that_is_a_link_to_a_release_serves_the_next_one_once_it_is_switched() {
    let around = tempfile::tempdir().unwrap();
    for release in ["1", "2"] {
        fs::create_dir(around.path().join(release)).unwrap();
        fs::write(around.path().join(release).join("a.txt"), release).unwrap();
    }
    let current = around.path().join("current");
    symlink("1", &current).unwrap();
    let files = serve(byname_components::http::files::Settings {
        folder: current.clone(),
        symlinks: Symlinks::Refuse,
        ..Default::default()
    });
    let files = files.await.unwrap();
    assert_eq!(get(&files, "/a.txt", &[]).await.body, "1");
    symlink("2", around.path().join("next")).unwrap();
    fs::rename(around.path().join("next"), &current).unwrap();
    assert_eq!(get(&files, "/a.txt", &[]).await.body, "2");
}

/// Opening a pipe waits for whoever writes to it, and would hold a thread for ever.
#[tokio::test]
async fn what_is_no_regular_file_is_not_found_and_holds_nobody_up() {
    let folder = Folder::new(&[]);
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let files = folder.serve().await;
    for path in ["/pipe", "/socket"] {
        assert_eq!(get(&files, path, &[]).await.status, 404, "{path}");
    }
}
