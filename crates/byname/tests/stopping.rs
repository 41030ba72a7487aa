//! How a server ends: it finishes what was begun, and never waits for ever.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod server;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use server::{PATIENCE, Response, Server};

/// A drain so long that only a server that does not wait for it ends within a test's patience.
const LONG: [&str; 2] = ["--drain", "100000"];

/// Waits until the server refuses connections: then it has heard the signal.
fn refuses(server: &Server) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(server.address).is_ok() {
        assert!(Instant::now() < deadline, "it still accepts connections");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_request_in_flight_is_finished() {
    for signal in ["TERM", "INT"] {
        let server = Server::with(&LONG);
        let expected = server.get("/api/v1/models?limit=1000").body;
        let mut stream = server.connect();
        stream
            .write_all(b"GET /api/v1/models?limit=1000 HTTP/1.1\r\nhost: te")
            .unwrap();
        // An answer on another connection: by then the server has read the half request, or its
        // bytes lie in the socket and will be read before anything else happens to it.
        server.get("/healthz");
        server.signal(signal);
        refuses(&server);
        stream.write_all(b"st\r\n\r\n").unwrap();
        let response = Response::read(stream);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("connection"), Some("close"));
        assert_eq!(response.body, expected, "{signal}: the answer is whole");
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[test]
fn a_reader_that_is_slow_gets_its_whole_answer() {
    let server = Server::with(&LONG);
    let expected = server.get("/api/v1/models?limit=1000").body;
    // So many answers on one connection that they fit in no buffer between the two.
    let requests = 64;
    let mut stream = server.connect();
    let request = b"GET /api/v1/models?limit=1000 HTTP/1.1\r\nhost: test\r\n\r\n";
    stream.write_all(&request.repeat(requests)).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    server.signal("TERM");
    refuses(&server);
    // The rest of the first answer, at least, comes whole.
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    assert_eq!(String::from_utf8(body).unwrap(), expected);
    let mut rest = Vec::new();
    // What was not answered is cut off cleanly or by a reset; both end the connection.
    let _ = reader.read_to_end(&mut rest);
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn idle_connections_are_closed_at_once() {
    let server = Server::with(&LONG);
    let mut silent = server.connect();
    let mut used = server.connect();
    used.write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n")
        .unwrap();
    let mut head = [0; 15];
    used.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("WARN"), "{log}");
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    used.read_to_end(&mut rest).unwrap();
}

#[test]
fn a_half_sent_request_does_not_hold_the_end_up_for_ever() {
    let server = Server::with(&["--drain", "0.2"]);
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    server.get("/healthz");
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        log.contains("stopped before these had finished their requests"),
        "{log}"
    );
    drop(stream);
}

#[test]
fn without_a_drain_nothing_is_waited_for() {
    let server = Server::with(&["--drain", "0"]);
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    server.get("/healthz");
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn a_second_signal_ends_at_once() {
    for (first, second) in [("TERM", "TERM"), ("INT", "INT"), ("TERM", "INT")] {
        let mut server = Server::with(&LONG);
        let mut stream = server.connect();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
        server.get("/healthz");
        server.signal(first);
        refuses(&server);
        assert!(!server.has_ended(), "the half request is waited for");
        server.signal(second);
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(1), "{log}");
        let last = log.lines().last().unwrap();
        assert_eq!(
            last,
            format!("error: stopped at once by a second signal (SIG{second})")
        );
        drop(stream);
    }
}

#[test]
fn it_ends_while_it_follows_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    std::fs::write(&file, r#"{"p":{"models":{"m":{}}}}"#).unwrap();
    let server = Server::serving(&[&file]);
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn heads_that_come_slowly_keep_nobody_from_being_answered() {
    let server = Server::start();
    let mut halves: Vec<TcpStream> = (0..200).map(|_| server.connect()).collect();
    for half in &mut halves {
        half.write_all(b"GET / HTTP/1.1\r\nx-slow: ").unwrap();
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn more_connections_than_allowed_wait_for_their_turn() {
    let server = Server::with(&["--max-connections", "2"]);
    let first = server.connect();
    let second = server.connect();
    let waiting = {
        let mut stream = server.connect();
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n")
            .unwrap();
        stream
    };
    // Both places are taken by connections that say nothing: no answer comes.
    waiting
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let silent = waiting.peek(&mut [0]).unwrap_err();
    assert!(matches!(
        silent.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
    ));
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    drop(first);
    assert_eq!(Response::read(waiting).status, 200);
    drop(second);
}
