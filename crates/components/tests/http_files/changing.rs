//! Files on their way: in pieces, and changed meanwhile.

use std::fs::File;
use std::io::Write as _;
use std::time::SystemTime;

use axum::body::Body;
use axum::http::Request;
use byname_components::config::units::Bytes;
use byname_components::http::files::serve;
use byname_testkit::PATIENCE;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::rig::Folder;

const LENGTH: usize = 1 << 20;

async fn body(folder: &Folder, chunk: u64, range: &str) -> Body {
    let mut settings = folder.settings();
    settings.chunk = Bytes::new(chunk);
    let files = serve(settings).await.unwrap();
    let request = Request::get("/a.bin").header("range", range);
    let request = request.body(Body::empty()).unwrap();
    files.oneshot(request).await.unwrap().into_body()
}

#[tokio::test]
async fn a_large_file_is_sent_in_pieces_of_the_size_that_the_setting_says() {
    let folder = Folder::new(&[("a.bin", &"x".repeat(LENGTH + 1))]);
    for chunk in [4096, 65536, LENGTH] {
        let mut body = body(&folder, chunk as u64, "").await;
        let mut sizes = Vec::new();
        while let Some(frame) = body.frame().await {
            sizes.push(frame.unwrap().into_data().unwrap().len());
        }
        let mut expected = vec![chunk; LENGTH / chunk];
        expected.push(1);
        assert_eq!(sizes, expected);
    }
}

#[tokio::test]
async fn the_body_says_how_much_is_left() {
    let folder = Folder::new(&[("a.bin", &"x".repeat(10_000))]);
    let mut body = body(&folder, 4096, "bytes=1-9999").await;
    let mut left = 9999;
    loop {
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(left));
        assert_eq!(http_body::Body::is_end_stream(&body), left == 0);
        let Some(frame) = body.frame().await else {
            break;
        };
        left -= frame.unwrap().into_data().unwrap().len() as u64;
    }
    assert_eq!(left, 0);
}

/// What was begun under one length and tag must not end as if it had been whole.
#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_ends_in_an_error() {
    type Change = fn(&File);
    let changes: [(&str, Change); 3] = [
        ("shorter", |file| file.set_len(LENGTH as u64 / 2).unwrap()),
        ("longer", |mut file| file.write_all(b"more").unwrap()),
        ("other bytes", |file| {
            file.set_len(0).unwrap();
            file.set_len(LENGTH as u64).unwrap();
        }),
    ];
    for (change, apply) in changes {
        let folder = Folder::new(&[("a.bin", &"x".repeat(LENGTH))]);
        let file = File::options()
            .append(true)
            .open(folder.path().join("a.bin"));
        let file = file.unwrap();
        // Otherwise the change could have the same time as the file.
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let mut body = body(&folder, 4096, "").await;
        let mut sent = 0;
        let first = body.frame().await.unwrap().unwrap();
        sent += first.into_data().unwrap().len();
        apply(&file);
        let error = loop {
            match body.frame().await {
                Some(Ok(frame)) => sent += frame.into_data().unwrap().len(),
                Some(Err(error)) => break error,
                None => panic!("{change}: ended with {sent} bytes as if all were well"),
            }
        };
        assert!(sent < LENGTH, "{change}: {sent} bytes");
        assert!(body.frame().await.is_none());
        let told = error.to_string();
        assert!(!told.contains(folder.path().to_str().unwrap()), "{told}");
    }
}

/// A release that is switched by renaming leaves what is being sent as it was.
#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_sent_is_sent_to_its_end() {
    let folder = Folder::new(&[("a.bin", &"x".repeat(LENGTH)), ("new", "new")]);
    let mut body = body(&folder, 4096, "").await;
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    std::fs::rename(folder.path().join("new"), folder.path().join("a.bin")).unwrap();
    let rest = body.collect().await.unwrap().to_bytes();
    assert_eq!(first.len() + rest.len(), LENGTH);
    assert!(rest.iter().all(|byte| *byte == b'x'));
}

/// What a client sees of it: fewer bytes than the length that it was told, and the end of the connection.
#[tokio::test]
async fn a_client_sees_that_a_file_was_cut_while_it_was_sent() {
    // More than all buffers on the way hold.
    const LONG: usize = 32 << 20;
    let folder = Folder::new(&[("a.bin", "")]);
    let file = File::options()
        .append(true)
        .open(folder.path().join("a.bin"));
    let file = file.unwrap();
    file.set_len(LONG as u64).unwrap();
    let router: axum::Router = axum::Router::new().fallback_service(folder.serve().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET /a.bin HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(
        head.contains(&format!("content-length: {LONG}\r\n")),
        "{head}"
    );
    file.set_len(1).unwrap();
    let mut rest = Vec::new();
    // A reset is as good an end as a close.
    let read = timeout(PATIENCE, client.read_to_end(&mut rest)).await;
    let _ = read.expect("the end of the connection");
    assert!(rest.len() < LONG, "{}", rest.len());
    server.abort();
}
