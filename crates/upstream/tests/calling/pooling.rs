use crate::rig::*;
use byname_upstream::{Limits, Phase, Protocol};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_after_its_time() {
    let (server, _) = answers(200).await;
    let mut options = plain();
    options.pool.idle_time = Duration::from_millis(5);
    let upstream = upstream([server.backend()], options);
    status_of_get(&upstream).await.expect("an answer");
    until(|| server.ended.load(Ordering::SeqCst) == 1).await;
    status_of_get(&upstream).await.expect("an answer");
    assert_eq!(server.connections(), 2);
}

/// A peer that lost power says nothing: without a ping, its one connection would carry every call into
/// nowhere until the system gives it up, a quarter of an hour later.
#[tokio::test]
async fn a_connection_of_http_2_that_does_not_answer_a_ping_is_closed() {
    let server = Server::raw(|mut stream, _| async move {
        // Its settings (RFC 9113, 6.5), and not a word more.
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        stream.write_all(&settings).await.expect("written");
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    })
    .await;
    let mut options = plain();
    options.pool.ping = Duration::from_millis(20);
    options.timeouts.per_try = Duration::from_secs(50);
    options.timeouts.total = Duration::from_secs(50);
    let upstream = upstream([server.backend().protocol(Protocol::Http2)], options);
    let error = get(&upstream).await.map(|_| ()).expect_err("silence");
    assert_eq!(error.phase(), Phase::Protocol);
    assert!(error.may_have_reached());
    until(|| server.ended.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_head_of_http_2_has_its_bound_too() {
    let server = Server::http2(|_| async {
        let mut large = answer(200, "");
        let value = "x".repeat(10_000).parse().expect("a value");
        large.headers_mut().insert("large", value);
        large
    })
    .await;
    let backend = || server.backend().protocol(Protocol::Http2);
    let roomy = upstream([backend()], plain());
    assert_eq!(status_of_get(&roomy).await.expect("an answer"), 200);
    let limits = Limits {
        head: 8192,
        ..Limits::default()
    };
    let narrow = upstream([backend()], plain().limits(limits));
    let error = get(&narrow).await.map(|_| ()).expect_err("too large");
    assert_eq!(error.phase(), Phase::Protocol);
}

#[tokio::test]
async fn a_dropped_call_of_http_2_ends_its_stream_and_leaves_the_others() {
    let server = Server::http2(|request| async move {
        if request.uri().path() == "/hang" {
            std::future::pending::<()>().await;
        }
        answer(200, "body")
    })
    .await;
    let upstream = upstream([server.backend().protocol(Protocol::Http2)], plain());
    status_of_get(&upstream).await.expect("an answer");
    for abandoned in 1..=5 {
        let hang = request(&http::Method::GET, "/hang");
        let calling = upstream.call(hang, byname_upstream::Call::default());
        let dropped = tokio::time::timeout(Duration::from_millis(5), calling).await;
        assert!(dropped.is_err());
        status_of_get(&upstream).await.expect("an answer");
        assert_eq!(counts(&upstream, 0)[3..], [abandoned, 0]);
    }
    assert_eq!(server.connections(), 1);
}
