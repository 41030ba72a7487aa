use crate::rig::*;
use byname_upstream::{Backend, Blame, Call, Phase, Protocol, Upstream};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use std::sync::atomic::Ordering;

/// A server that tells what it was asked.
async fn echo() -> Server {
    Server::http(|request: Request<hyper::body::Incoming>| async move {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let host = parts
            .headers
            .get("host")
            .map(|host| host.to_str().expect("text"));
        let told = format!(
            "{} {} host={} x={:?} {}",
            parts.method,
            parts.uri,
            host.unwrap_or("none"),
            parts.headers.get("x"),
            String::from_utf8_lossy(&body)
        );
        Response::new(Full::new(Bytes::from(told)))
    })
    .await
}

#[tokio::test]
async fn a_request_arrives_as_it_was_under_the_base_path() {
    let server = echo().await;
    let base = Backend::new(&format!("http://{}/v1/", server.addr)).expect("a backend");
    let upstream = upstream([base], plain());
    let mut request = request(&Method::PUT, "/users/7?a=b%2F");
    request
        .headers_mut()
        .insert("x", "y".parse().expect("a value"));
    let told = whole(within(upstream.call(request, Call::default())).await).await;
    let (status, told) = told.expect("an answer");
    let expected = format!(
        "PUT /v1/users/7?a=b%2F host={} x=Some(\"y\") sent",
        server.addr
    );
    assert_eq!((status, told), (200, Bytes::from(expected)));
    assert_eq!(counts(&upstream, 0), [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_the_callers_fault_and_reaches_nobody() {
    let (server, requests) = answers(200).await;
    let base = Backend::new(&format!("http://{}/v1", server.addr)).expect("a backend");
    let upstream = upstream([base], retrying());
    for (method, uri) in [
        (Method::GET, "http://elsewhere/"),
        (Method::OPTIONS, "*"),
        (Method::CONNECT, "/"),
        (Method::CONNECT, "a:80"),
        (Method::GET, "/../private"),
    ] {
        let call = upstream.call(request(&method, uri), Call::default());
        let error = within(call).await.map(|_| ()).expect_err(uri);
        assert_eq!(error.phase(), Phase::Request, "{method} {uri}");
        assert_eq!(error.blame(), Blame::Caller);
        assert!(!error.may_have_reached() && !error.retry_can_help());
    }
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn two_hundred_requests_use_one_connection() {
    let (server, requests) = answers(200).await;
    let upstream = upstream([server.backend()], plain());
    for _ in 0..200 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 200);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 200);
    assert_eq!(server.connections(), 1);
    assert_eq!(counts(&upstream, 0), [200, 200, 0, 0, 0]);
}

#[tokio::test]
async fn a_pool_of_none_keeps_no_connection() {
    let (server, _) = answers(200).await;
    let mut options = plain();
    options.pool.idle = 0;
    let upstream = upstream([server.backend()], options);
    for _ in 0..3 {
        status_of_get(&upstream).await.expect("an answer");
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn http_2_with_prior_knowledge_carries_many_calls_on_one_connection() {
    let server = Server::http2(|request| async move {
        assert_eq!(request.version(), http::Version::HTTP_2);
        answer(200, "two")
    })
    .await;
    let backend = server.backend().protocol(Protocol::Http2);
    let upstream = upstream([backend], plain());
    status_of_get(&upstream).await.expect("an answer");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let upstream = upstream.clone();
        calls.spawn(async move { whole(get(&upstream).await).await.expect("an answer") });
    }
    let answers = within(calls.join_all()).await;
    assert_eq!(answers, vec![(200, Bytes::from_static(b"two")); 50]);
    assert_eq!(server.connections(), 1);
    assert_eq!(counts(&upstream, 0), [51, 51, 0, 0, 0]);
}

#[tokio::test]
async fn a_list_without_backends_is_no_backend() {
    let upstream = upstream([], plain());
    let error = get(&upstream).await.map(|_| ()).expect_err("nobody");
    assert_eq!(error.phase(), Phase::NoBackend);
    assert_eq!(error.blame(), Blame::Configuration);
    assert_eq!(upstream.counters().without_backend, 1);
    assert_eq!(error.to_string(), "upstream `test`: there is no backend");
}

#[tokio::test]
async fn a_backend_named_twice_is_refused() {
    let one = || Backend::new("http://a").expect("a backend");
    let error = Upstream::new("test", [one(), one()], plain()).expect_err("twice");
    assert_eq!(error.phase(), Phase::Settings);
    let upstream = upstream([one()], plain());
    let two = one().protocol(Protocol::Http2);
    let error = upstream.set_backends([one(), two]).expect_err("twice");
    assert_eq!(error.phase(), Phase::Settings);
    assert_eq!(upstream.states().len(), 1);
}

#[tokio::test]
async fn backends_that_stay_keep_their_state_and_those_that_go_lose_their_connections() {
    let (staying, _) = answers(200).await;
    let (going, asked) = answers(200).await;
    let mut options = plain();
    options.balance = byname_upstream::Balance::RoundRobin;
    let upstream = upstream([staying.backend(), going.backend()], options);
    for _ in 0..4 {
        status_of_get(&upstream).await.expect("an answer");
    }
    let (coming, _) = answers(200).await;
    let next = [coming.backend(), staying.backend()];
    upstream.set_backends(next).expect("two");
    until(|| going.ended.load(Ordering::SeqCst) == 1).await;
    for _ in 0..4 {
        status_of_get(&upstream).await.expect("an answer");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(counts(&upstream, 0)[0], 2, "it begins");
    assert_eq!(counts(&upstream, 1)[0], 4, "it goes on");
    assert_eq!(staying.connections(), 1);
}

#[tokio::test]
async fn an_answer_without_a_body_has_ended_with_its_head() {
    let (server, _) = answers(200).await;
    let upstream = upstream([server.backend()], plain());
    let head = request(&Method::HEAD, "/");
    let answer = within(upstream.call(head, Call::default()))
        .await
        .expect("a head");
    assert_eq!(counts(&upstream, 0), [1, 1, 0, 0, 0]);
    assert!(http_body::Body::is_end_stream(answer.body()));
}

#[tokio::test]
async fn no_span_is_too_long_to_be_counted() {
    let mut options = plain();
    let longest = std::time::Duration::MAX;
    options.timeouts = byname_upstream::Timeouts {
        connect: longest,
        per_try: longest,
        total: longest,
        idle_body: longest,
    };
    options.retry.tries = 2;
    (options.retry.pause_max, options.retry.retry_after_max) = (longest, longest);
    (
        options.health.window,
        options.health.out,
        options.health.out_max,
    ) = (longest, longest, longest);
    (options.breaker.open, options.breaker.open_max) = (longest, longest);
    (options.health.failures, options.breaker.failures) = (1, 2);
    options.limits.wait = longest;
    let (server, _) = answers(503).await;
    let upstream = upstream([server.backend()], options);
    assert_eq!(status_of_get(&upstream).await.expect("an answer"), 503);
    let error = get(&upstream).await.map(|_| ()).expect_err("open");
    assert_eq!(error.phase(), Phase::Breaker);
    assert!(!format!("{upstream:?}").is_empty());
}
