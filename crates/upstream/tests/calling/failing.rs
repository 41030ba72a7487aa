use crate::rig::*;
use byname_upstream::{BackendState, Blame, Body, Error, Limits, Phase, Protocol};
use http::Response;
use std::error::Error as _;

fn failed(answer: Result<Response<Body>, Error>) -> Error {
    answer.map(|_| ()).expect_err("no answer")
}

#[tokio::test]
async fn a_refused_connection_has_reached_nobody() {
    let upstream = upstream([backend(nobody())], plain());
    let error = failed(get(&upstream).await);
    assert_eq!(
        (error.phase(), error.blame()),
        (Phase::Connect, Blame::Peer)
    );
    assert!(!error.may_have_reached());
    assert!(error.retry_can_help() && error.source().is_some());
    assert_eq!(error.backend(), Some(state(&upstream, 0).uri.as_ref()));
    assert_eq!((error.tries(), counts(&upstream, 0)), (1, [1, 0, 1, 0, 0]));
    let BackendState { last_error, .. } = state(&upstream, 0);
    let message = last_error.expect("an error").message;
    assert!(message.contains("could not be connected to"), "{message}");
}

#[tokio::test]
async fn a_host_that_has_no_address_has_reached_nobody() {
    // A label has 63 letters at most (RFC 1035, section 2.3.4): nobody is asked for this one.
    let nowhere = format!("http://{}.invalid", "a".repeat(64));
    let nowhere = byname_upstream::Backend::new(&nowhere).expect("a backend");
    let error = failed(get(&upstream([nowhere], plain())).await);
    assert_eq!(error.phase(), Phase::Connect);
    assert!(!error.may_have_reached());
}

#[tokio::test]
async fn a_reset_before_the_head_may_have_reached() {
    for script in [
        &[Step::Reset][..],
        &[Step::Write("HTTP/1.1 200 OK\r\ncontent-le"), Step::Reset],
        &[Step::Write("HTTP/1.1 200 OK\r\ncontent-le")],
        &[Step::Write("no HTTP at all\r\n\r\n"), Step::Hang],
    ] {
        let server = Server::scripted(script).await;
        let upstream = upstream([server.backend()], plain());
        let error = failed(get(&upstream).await);
        assert_eq!(error.phase(), Phase::Protocol);
        assert!(error.may_have_reached());
        assert_eq!(counts(&upstream, 0), [1, 0, 1, 0, 0]);
    }
}

#[tokio::test]
async fn what_a_peer_speaks_is_not_guessed() {
    let (server, _) = answers(200).await;
    let upstream = upstream([server.backend().protocol(Protocol::Http2)], plain());
    let error = failed(get(&upstream).await);
    assert!(matches!(error.phase(), Phase::Protocol | Phase::Connect));
    assert_eq!(counts(&upstream, 0), [1, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_no_answer() {
    let server = Server::http(|_| async {
        let mut large = answer(200, "");
        let value = "x".repeat(10_000).parse().expect("a value");
        large.headers_mut().insert("large", value);
        large
    })
    .await;
    let roomy = upstream([server.backend()], plain());
    assert_eq!(status_of_get(&roomy).await.expect("an answer"), 200);
    let head = 8192;
    let limits = Limits {
        head,
        ..Limits::default()
    };
    let narrow = upstream([server.backend()], plain().limits(limits));
    let error = failed(get(&narrow).await);
    assert_eq!(error.phase(), Phase::Protocol);
}

/// A backend that dies in mid-body was once answered as a clean, short 200, and its breaker counted no
/// failure.
#[tokio::test]
async fn half_a_body_is_an_error_and_a_failure_and_never_a_clean_end() {
    for script in [
        &[Step::Write(
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        )][..],
        &[
            Step::Write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
            Step::Reset,
        ],
        &[Step::Write(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        )],
    ] {
        let server = Server::scripted(script).await;
        let upstream = upstream([server.backend()], plain());
        let error = whole(get(&upstream).await).await.expect_err("half");
        assert_eq!(error.phase(), Phase::Body);
        assert!(error.may_have_reached());
        assert_eq!(counts(&upstream, 0), [1, 0, 1, 0, 0]);
    }
}

#[tokio::test]
async fn a_body_larger_than_its_reader_allows_is_not_read() {
    for script in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlarge",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nla\r\n3\r\nrge\r\n0\r\n\r\n",
    ] {
        let server = Server::scripted(Box::leak(Box::new([Step::Write(script), Step::Hang]))).await;
        let upstream = upstream([server.backend()], plain());
        let body = get(&upstream).await.expect("a head").into_body();
        let error = within(body.read(4)).await.expect_err("five bytes");
        assert_eq!(error.phase(), Phase::TooLarge);
        assert!(!error.retry_can_help());
        let body = get(&upstream).await.expect("a head").into_body();
        assert_eq!(within(body.read(5)).await.expect("five bytes"), "large");
        assert_eq!(state(&upstream, 0).in_flight, 0);
    }
}

#[tokio::test]
async fn errors_of_a_server_are_failures_and_errors_of_a_caller_are_not() {
    for (status, failures) in [
        (200, 0),
        (404, 0),
        (429, 0),
        (500, 1),
        (501, 1),
        (503, 1),
        (599, 1),
    ] {
        let (server, _) = answers(status).await;
        let upstream = upstream([server.backend()], plain());
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), status);
        let expected = [1, 1 - failures, failures, 0, 0];
        assert_eq!(counts(&upstream, 0), expected, "{status}");
    }
}
