//! Sockets that are files.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use axum::routing::get;
use axum::{Extension, Router};
use byname_components::http::listen::{
    Address, ListenError, Listener, Occupant, Peer as Who, Settings, Unix,
};
use tokio::net::UnixStream;

use crate::rig::{Calls, PATIENCE, Peer, endpoint, router, serve, settings};

fn at(path: &Path) -> Settings {
    Settings {
        address: Address::Unix(path.to_path_buf()),
        ..settings()
    }
}

async fn connect(path: &Path) -> Peer<UnixStream> {
    Peer(UnixStream::connect(path).await.unwrap())
}

#[tokio::test]
async fn requests_are_answered_and_the_file_goes_with_the_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let tell =
        Router::new().route(
            "/",
            get(|Extension(who): Extension<Who>| async move {
                format!("{} {}", who.address, who.local)
            }),
        );
    let serving = serve(at(&path), tell).await;
    let answer = connect(&path).await.get("/").await;
    assert_eq!(answer.body, format!("unix unix:{}", path.display()));
    assert_eq!(serving.drain(PATIENCE).await, 0);
    assert!(!path.exists());
}

#[tokio::test]
async fn the_file_has_the_permissions_that_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for mode in ["0600", "0660", "0666"] {
        let path = folder.path().join(mode);
        let mut settings = at(&path);
        settings.unix.mode = mode.parse().unwrap();
        let _listener = Listener::bind(settings).await.unwrap();
        let bits = fs::metadata(&path).unwrap().mode() & 0o7777;
        assert_eq!(format!("{bits:04o}"), mode);
    }
}

#[tokio::test]
async fn only_an_orphan_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let occupied = |error: ListenError| match error {
        ListenError::Occupied { by, .. } => by,
        error => panic!("{error}"),
    };
    let first = Listener::bind(at(&path)).await.unwrap();
    let error = Listener::bind(at(&path)).await.unwrap_err();
    assert_eq!(occupied(error), Occupant::Listener);
    // Looking did no harm.
    let serving = first.serve(endpoint(router(&Calls::default())));
    assert_eq!(connect(&path).await.get("/").await.body, "hello");
    drop(serving);

    let orphan = folder.path().join("orphan.sock");
    drop(std::os::unix::net::UnixListener::bind(&orphan).unwrap());
    let mut careful = at(&orphan);
    careful.unix = Unix {
        replace: false,
        ..Unix::default()
    };
    let error = Listener::bind(careful).await.unwrap_err();
    assert!(
        error.to_string().contains("`unix.replace: true`"),
        "{error}"
    );
    assert_eq!(occupied(error), Occupant::Orphan);
    let serving = serve(at(&orphan), router(&Calls::default())).await;
    assert_eq!(connect(&orphan).await.get("/").await.body, "hello");
    drop(serving);

    let file = folder.path().join("file");
    fs::write(&file, "precious").unwrap();
    let error = Listener::bind(at(&file)).await.unwrap_err();
    assert_eq!(occupied(error), Occupant::Other);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn a_file_that_is_somebody_elses_by_now_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let first = Listener::bind(at(&path)).await.unwrap();
    fs::remove_file(&path).unwrap();
    let second = serve(at(&path), router(&Calls::default())).await;
    drop(first);
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    assert_eq!(connect(&path).await.get("/").await.body, "hello");
    drop(second);
}

#[tokio::test]
async fn a_path_that_cannot_be_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (path, why) in [
        (
            folder.path().join("none/app.sock"),
            "there is no such folder",
        ),
        (folder.path().join("x".repeat(200)), "choose a shorter one"),
    ] {
        let error = Listener::bind(at(&path)).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
