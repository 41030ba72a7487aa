use crate::rig::*;
use byname_upstream::{Blame, Limits, Options, Phase};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// A server that answers as many requests as `gate` allows, and counts those that have come.
async fn gated() -> (Server, Arc<Semaphore>, Arc<AtomicUsize>) {
    let gate = Arc::new(Semaphore::new(0));
    let come = Arc::new(AtomicUsize::new(0));
    let (waits, counts) = (Arc::clone(&gate), Arc::clone(&come));
    let server = Server::http(move |_| {
        counts.fetch_add(1, Ordering::SeqCst);
        let gate = Arc::clone(&waits);
        async move {
            gate.acquire().await.expect("open").forget();
            answer(200, "body")
        }
    });
    (server.await, gate, come)
}

fn limits(in_flight: usize, waiting: usize, wait: Duration) -> Options {
    plain().limits(Limits {
        in_flight,
        waiting,
        wait,
        ..Limits::default()
    })
}

const LONG: Duration = Duration::from_secs(50);

#[tokio::test]
async fn a_backend_has_so_many_calls_at_once_the_next_wait_and_the_one_after_is_refused() {
    let (server, gate, come) = gated().await;
    let mut options = limits(2, 3, LONG);
    options.timeouts.per_try = LONG;
    options.timeouts.total = LONG;
    let upstream = upstream([server.backend()], options);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let upstream = upstream.clone();
        calls.spawn(async move { status_of_get(&upstream).await });
    }
    until(|| come.load(Ordering::SeqCst) == 2 && upstream.counters().waited == 3).await;
    let error = get(&upstream).await.map(|_| ()).expect_err("the sixth");
    assert_eq!(error.phase(), Phase::Overloaded);
    assert_eq!(error.blame(), Blame::Environment);
    assert!(!error.may_have_reached() && error.retry_can_help());
    assert_eq!(come.load(Ordering::SeqCst), 2);
    assert_eq!(state(&upstream, 0).in_flight, 2);
    for _ in 0..5 {
        gate.add_permits(1);
        within(calls.join_next())
            .await
            .expect("one")
            .expect("ran")
            .expect("an answer");
    }
    assert_eq!(counts(&upstream, 0), [5, 5, 0, 0, 0]);
    assert_eq!(upstream.counters().overloaded, 1);
}

#[tokio::test]
async fn nobody_waits_longer_than_may_be_waited() {
    let (server, gate, come) = gated().await;
    let upstream = upstream([server.backend()], limits(1, 9, Duration::from_millis(20)));
    let first = tokio::spawn({
        let upstream = upstream.clone();
        async move { status_of_get(&upstream).await }
    });
    until(|| come.load(Ordering::SeqCst) == 1).await;
    let error = get(&upstream).await.map(|_| ()).expect_err("full");
    assert_eq!(error.phase(), Phase::Overloaded);
    assert_eq!(upstream.counters().overloaded, 1);
    gate.add_permits(1);
    within(first).await.expect("ran").expect("an answer");
}

#[tokio::test]
async fn the_total_time_bounds_the_wait() {
    let (server, _gate, come) = gated().await;
    let mut options = limits(1, 9, LONG);
    options.timeouts.per_try = LONG;
    options.timeouts.total = LONG;
    let upstream = upstream([server.backend()], options);
    let first = tokio::spawn({
        let upstream = upstream.clone();
        async move { status_of_get(&upstream).await }
    });
    until(|| come.load(Ordering::SeqCst) == 1).await;
    let call = byname_upstream::Call {
        total: Some(Duration::from_millis(20)),
        ..byname_upstream::Call::default()
    };
    let calling = upstream.call(request(&http::Method::GET, "/"), call);
    let error = within(calling).await.map(|_| ()).expect_err("full");
    assert_eq!((error.phase(), error.tries()), (Phase::TotalTimeout, 0));
    assert!(!error.may_have_reached());
    first.abort();
    let _ = first.await;
    assert_eq!(counts(&upstream, 0), [1, 0, 0, 1, 0]);
}

#[tokio::test]
async fn a_place_is_taken_until_the_answer_has_ended() {
    let (server, gate, _) = gated().await;
    gate.add_permits(9);
    let upstream = upstream([server.backend()], limits(1, 0, LONG));
    let answer = get(&upstream).await.expect("a head");
    let error = get(&upstream).await.map(|_| ()).expect_err("full");
    assert_eq!(error.phase(), Phase::Overloaded);
    drop(answer);
    status_of_get(&upstream).await.expect("an answer");
    assert_eq!(counts(&upstream, 0), [2, 2, 0, 0, 0]);
    assert_eq!(state(&upstream, 0).full, 1);
}

#[tokio::test]
async fn whoever_waits_is_served_by_a_backend_that_comes() {
    let (server, _gate, come) = gated().await;
    let mut options = limits(1, 1, LONG);
    options.timeouts.per_try = LONG;
    options.timeouts.total = LONG;
    let upstream = upstream([server.backend()], options);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let upstream = upstream.clone();
        calls.spawn(async move { status_of_get(&upstream).await });
    }
    until(|| come.load(Ordering::SeqCst) == 1 && upstream.counters().waited == 1).await;
    let (other, requests) = answers(200).await;
    let both = [server.backend(), other.backend()];
    upstream.set_backends(both).expect("two");
    let first = within(calls.join_next()).await.expect("one").expect("ran");
    assert_eq!(first.expect("an answer"), 200);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_retry_does_not_wait_for_the_place_of_the_try_before() {
    let (server, requests) = answers(503).await;
    let options = limits(1, 0, LONG).retry(retries());
    let upstream = upstream([server.backend()], options);
    assert_eq!(status_of_get(&upstream).await.expect("an answer"), 503);
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}
