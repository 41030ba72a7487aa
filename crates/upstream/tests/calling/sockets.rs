//! Backends at the files of sockets.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use byname_upstream::{Backend, Balance, Phase, Timeouts};
use bytes::Bytes;
use http::header::HOST;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::task::JoinSet;

use crate::rig::*;

/// A server at a socket's file, which stays when the server goes; answers with path and host.
struct AtFile {
    connections: Arc<AtomicUsize>,
    // Dropped, its connections are gone.
    _serving: JoinSet<()>,
}

fn serve(path: &Path) -> AtFile {
    let listener = UnixListener::bind(path).expect("a socket");
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut served = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let service = service_fn(|request: http::Request<Incoming>| async move {
                let host = request.headers()[HOST].to_str().expect("a text").to_owned();
                let said = format!("{} at {host}", request.uri());
                Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from(said))))
            });
            let builder = hyper::server::conn::http1::Builder::new();
            served.spawn(async move {
                let _ = builder
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    AtFile {
        connections,
        _serving: serving,
    }
}

fn at(path: &Path, base: &str) -> Backend {
    Backend::new(&format!("unix:{}{base}", path.display())).expect("a backend")
}

#[tokio::test]
async fn a_sockets_file_is_called_as_any_other_over_one_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.sock");
    let server = serve(&path);
    let upstream = upstream([at(&path, ":/v1/")], plain());
    for _ in 0..20 {
        let (status, body) = whole(get(&upstream).await).await.expect("an answer");
        assert_eq!((status, &*body), (200, &b"/v1/ at localhost"[..]));
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert_eq!(counts(&upstream, 0), [20, 20, 0, 0, 0]);
}

#[tokio::test]
async fn a_server_that_is_started_again_on_its_socket_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.sock");
    let upstream = upstream([at(&path, "")], plain());
    let error = status_of_get(&upstream).await.expect_err("nobody is there");
    assert_eq!(error.phase(), Phase::Connect);
    assert!(!error.may_have_reached());
    let first = serve(&path);
    assert_eq!(status_of_get(&upstream).await.expect("the first"), 200);
    drop(first);
    // The file is there, and nobody behind it.
    until_async(async || {
        let error = status_of_get(&upstream).await.expect_err("nobody is there");
        error.phase() == Phase::Connect
    })
    .await;
    std::fs::remove_file(&path).expect("removed");
    let _second = serve(&path);
    assert_eq!(status_of_get(&upstream).await.expect("the second"), 200);
}

async fn until_async(so: impl AsyncFn() -> bool) {
    within(async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn two_backends_may_be_sockets_of_one_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = ["a.sock", "b.sock"].map(|name| folder.path().join(name));
    let servers = [serve(&paths[0]), serve(&paths[1])];
    let in_turn = plain().balance(Balance::RoundRobin);
    let upstream = upstream([at(&paths[0], ""), at(&paths[1], "")], in_turn);
    for _ in 0..4 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 200);
    }
    let connections = servers.map(|one| one.connections.load(Ordering::SeqCst));
    assert_eq!(connections, [1, 1]);
}

/// A listener that takes nobody: the system connects as many as it keeps waiting, and no more.
#[tokio::test]
async fn connecting_to_a_full_socket_has_an_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let options = plain().timeouts(Timeouts {
        connect: Duration::from_millis(50),
        per_try: Duration::from_millis(200),
        ..Timeouts::default()
    });
    let upstream = upstream([at(&path, "")], options);
    let error = status_of_get(&upstream).await.expect_err("nobody answers");
    assert!(matches!(error.phase(), Phase::Connect | Phase::TryTimeout));
    drop(listener);
}
