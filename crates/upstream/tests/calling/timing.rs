use crate::rig::*;
use byname_upstream::{Call, Phase, Timeouts};
use http::Method;
use http_body_util::BodyExt;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(30);

#[tokio::test]
async fn a_try_that_hangs_ends_in_time_and_may_have_reached() {
    let server = Server::scripted(&[Step::Hang]).await;
    let mut options = plain();
    options.timeouts.per_try = SOON;
    let upstream = upstream([server.backend()], options);
    let error = get(&upstream).await.map(|_| ()).expect_err("hangs");
    assert_eq!(error.phase(), Phase::TryTimeout);
    assert!(error.may_have_reached());
    assert_eq!(counts(&upstream, 0), [1, 0, 1, 0, 0]);
    until(|| server.ended.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
}

/// The accept queue of the listener is full, so that no connection comes about.
#[tokio::test]
async fn a_connection_that_does_not_come_about_has_reached_nobody() {
    let listener = tokio::net::TcpSocket::new_v4().expect("a socket");
    let any = "127.0.0.1:0".parse().expect("an address");
    listener.bind(any).expect("a port");
    let listener = listener.listen(0).expect("listening");
    let addr = listener.local_addr().expect("bound");
    let mut waiting = Vec::new();
    // What connects fills the queue; the first that does not within a while found it full.
    while let Ok(Ok(stream)) = tokio::time::timeout(
        Duration::from_millis(200),
        tokio::net::TcpStream::connect(addr),
    )
    .await
    {
        waiting.push(stream);
    }

    for (connect, per_try, phase) in [
        (Duration::from_secs(50), SOON, Phase::TryTimeout),
        (SOON, Duration::from_secs(50), Phase::Connect),
    ] {
        let options = plain().timeouts(Timeouts {
            connect,
            per_try,
            total: Duration::from_secs(55),
            ..Timeouts::default()
        });
        let upstream = upstream([backend(addr)], options);
        let calling = upstream.call(request(&Method::POST, "/"), Call::default());
        let error = within(calling)
            .await
            .map(|_| ())
            .expect_err("no connection");
        assert_eq!(error.phase(), phase);
        assert!(!error.may_have_reached());
        assert_eq!(counts(&upstream, 0), [1, 0, 1, 0, 0]);
    }
}

#[tokio::test]
async fn the_total_time_bounds_the_tries() {
    let server = Server::scripted(&[Step::Hang]).await;
    let mut options = retrying();
    options.timeouts.per_try = Duration::from_secs(50);
    options.timeouts.total = SOON;
    let upstream = upstream([server.backend()], options);
    let error = get(&upstream).await.map(|_| ()).expect_err("hangs");
    assert_eq!((error.phase(), error.tries()), (Phase::TotalTimeout, 1));
    assert!(error.may_have_reached());
    assert_eq!(counts(&upstream, 0), [1, 0, 1, 0, 0]);
}

/// On a clock that jumps from one timeout to the next.
#[tokio::test(start_paused = true)]
async fn the_total_time_bounds_tries_that_are_repeated() {
    let server = Server::scripted(&[Step::Hang]).await;
    let mut options = retrying();
    options.retry.tries = u32::MAX;
    options.timeouts.per_try = Duration::from_millis(4);
    options.timeouts.total = Duration::from_millis(50);
    let upstream = upstream([server.backend()], options);
    let error = get(&upstream).await.map(|_| ()).expect_err("hangs");
    assert_eq!((error.phase(), error.tries()), (Phase::TotalTimeout, 13));
}

#[tokio::test]
async fn a_call_says_itself_how_long_it_and_its_tries_may_take() {
    let server = Server::scripted(&[Step::Hang]).await;
    let upstream = upstream([server.backend()], plain());
    let per_try = Call {
        per_try: Some(SOON),
        ..Call::default()
    };
    let total = Call {
        total: Some(SOON),
        ..Call::default()
    };
    let deadline = Call {
        total: Some(Duration::MAX),
        ..Call::default()
    };
    for (mut call, phase) in [
        (per_try, Phase::TryTimeout),
        (total, Phase::TotalTimeout),
        (deadline, Phase::TotalTimeout),
    ] {
        call.deadline = (call == deadline).then(|| Instant::now() + Duration::from_millis(500));
        let calling = upstream.call(request(&Method::GET, "/"), call);
        let error = within(calling).await.map(|_| ()).expect_err("hangs");
        assert_eq!(error.phase(), phase);
    }
    // A deadline of next to nothing is not the backend's fault.
    assert_eq!(counts(&upstream, 0), [3, 0, 1, 2, 0]);
}

#[tokio::test]
async fn a_call_whose_time_is_over_is_not_begun() {
    let (server, requests) = answers(200).await;
    let upstream = upstream([server.backend()], plain());
    let over = Call {
        deadline: Some(Instant::now()),
        ..Call::default()
    };
    let calling = upstream.call(request(&Method::GET, "/"), over);
    let error = within(calling).await.map(|_| ()).expect_err("no time");
    assert_eq!((error.phase(), error.tries()), (Phase::TotalTimeout, 0));
    assert!(!error.may_have_reached());
    assert_eq!(counts(&upstream, 0), [0; 5]);
    assert_eq!(requests.load(std::sync::atomic::Ordering::SeqCst), 0);
}

const HALF: &[Step] = &[
    Step::Write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
    Step::Hang,
];

#[tokio::test]
async fn a_body_that_gives_nothing_for_too_long_is_an_error_and_a_failure() {
    let server = Server::scripted(HALF).await;
    let mut options = plain();
    options.timeouts.idle_body = SOON;
    let upstream = upstream([server.backend()], options);
    let mut body = get(&upstream).await.expect("a head").into_body();
    let frame = within(body.frame()).await.expect("a frame").expect("good");
    assert_eq!(frame.into_data().expect("data"), "half");
    assert_eq!(counts(&upstream, 0), [1, 0, 0, 0, 1]);
    let error = within(body.frame())
        .await
        .expect("an end")
        .expect_err("idle");
    assert_eq!(error.phase(), Phase::Body);
    assert!(within(body.frame()).await.is_none());
    assert_eq!(counts(&upstream, 0), [1, 0, 1, 0, 0]);
}

#[tokio::test]
async fn reading_a_whole_body_is_bounded_by_the_total_time() {
    let server = Server::scripted(HALF).await;
    let upstream = upstream([server.backend()], plain());
    let call = Call {
        total: Some(Duration::from_secs(40)),
        ..Call::default()
    };
    let calling = upstream.call(request(&Method::GET, "/"), call);
    let body = within(calling).await.expect("a head").into_body();
    // The clock goes on to the end of the call: whoever answers says nothing more.
    tokio::time::pause();
    let error = body.read(100).await.expect_err("half");
    assert_eq!(error.phase(), Phase::TotalTimeout);
    assert_eq!(state(&upstream, 0).in_flight, 0);
}
