use crate::rig::*;
use byname_upstream::{
    BreakerOptions, BreakerState, FailedAnswers, HealthOptions, HealthState, Phase,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

fn breaker(open: Duration, trials: u32) -> BreakerOptions {
    BreakerOptions {
        failures: 3,
        open,
        open_max: open,
        trials,
        successes: trials,
    }
}

const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(5);

#[tokio::test]
async fn a_backend_that_failed_so_often_is_not_called() {
    let (server, requests) = answers(500).await;
    let upstream = upstream([server.backend()], retrying().breaker(breaker(LONG, 1)));
    for _ in 0..3 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 500);
    }
    for refused in 1..=10 {
        let error = get(&upstream).await.map(|_| ()).expect_err("open");
        assert_eq!((error.phase(), error.tries()), (Phase::Breaker, 0));
        let after = error.retry_after().expect("known");
        assert!(after > LONG / 2 && after <= LONG);
        assert!(!error.may_have_reached());
        assert_eq!(state(&upstream, 0).refused, refused);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    assert_eq!(upstream.counters().refused, 10);
}

#[tokio::test]
async fn the_last_answer_is_returned_when_it_has_opened_the_last_breaker() {
    let (server, requests) = answers(503).await;
    let mut options = retrying().breaker(breaker(LONG, 1));
    options.retry.tries = 5;
    let upstream = upstream([server.backend()], options);
    assert_eq!(status_of_get(&upstream).await.expect("an answer"), 503);
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    assert_eq!(upstream.counters().refused, 0);
}

/// A half-open breaker once admitted everybody, and never opened again.
#[tokio::test]
async fn half_open_lets_exactly_its_trials_through_to_the_backend_of_a_hundred_concurrent_callers()
{
    let failing = Arc::new(AtomicUsize::new(3));
    let come = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let (fails, counts_come, waits) = (Arc::clone(&failing), Arc::clone(&come), Arc::clone(&gate));
    let server = Server::http(move |_| {
        let fail = fails
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        let (come, gate) = (Arc::clone(&counts_come), Arc::clone(&waits));
        async move {
            if fail {
                return answer(500, "");
            }
            come.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.expect("open").forget();
            answer(200, "")
        }
    })
    .await;
    let upstream = upstream([server.backend()], plain().breaker(breaker(SHORT, 4)));
    for _ in 0..3 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 500);
    }
    let half_open = |trials| {
        let state = state(&upstream, 0).breaker;
        state
            == BreakerState::HalfOpen {
                trials,
                successes: 0,
            }
    };
    until(|| half_open(0)).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let upstream = upstream.clone();
        calls.spawn(async move { status_of_get(&upstream).await });
    }
    let mut refused = 0;
    while refused < 96 {
        let ended = within(calls.join_next()).await.expect("one").expect("ran");
        assert_eq!(ended.expect_err("refused").phase(), Phase::Breaker);
        refused += 1;
    }
    until(|| come.load(Ordering::SeqCst) == 4).await;
    assert!(half_open(4));
    gate.add_permits(4);
    let ended = within(calls.join_all()).await;
    assert!(ended.iter().all(|status| matches!(status, Ok(200))));
    assert_eq!(come.load(Ordering::SeqCst), 4);
    assert_eq!(counts(&upstream, 0), [7, 4, 3, 0, 0]);
    let closed = BreakerState::Closed { failures: 0 };
    assert_eq!(state(&upstream, 0).breaker, closed);
}

#[tokio::test]
async fn a_failing_trial_opens_the_breaker_again() {
    let (server, requests) = answers(500).await;
    let upstream = upstream([server.backend()], plain().breaker(breaker(SHORT, 1)));
    for _ in 0..3 {
        status_of_get(&upstream).await.expect("an answer");
    }
    for trial in 4..=8 {
        until(|| matches!(state(&upstream, 0).breaker, BreakerState::HalfOpen { .. })).await;
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 500);
        assert_eq!(requests.load(Ordering::SeqCst), trial);
    }
}

#[tokio::test]
async fn a_backend_that_is_killed_is_left_and_taken_back_when_it_is_there_again() {
    let (steady, _) = answers(200).await;
    // Its port stays free while it is away.
    let own = byname_testkit::own_loopback();
    let (killed, _) = answers_at((own, 0).into(), 200).await;
    let addr = killed.addr;
    let options = retrying()
        .health(HealthOptions {
            failures: 2,
            out: Duration::from_millis(20),
            out_max: Duration::from_millis(20),
            ..HealthOptions::default()
        })
        .breaker(breaker(SHORT, 1))
        .balance(byname_upstream::Balance::RoundRobin);
    let upstream = upstream([steady.backend(), killed.backend()], options);
    for _ in 0..10 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 200);
    }
    let before = state(&upstream, 1).successes;
    assert_eq!(before, 5);
    let ended = Arc::clone(&killed.ended);
    drop(killed);
    // Whatever its connections were doing, no call fails: each is repeated with the other.
    for _ in 0..100 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 200);
    }
    assert_eq!(ended.load(Ordering::SeqCst), 0, "it was killed, not ended");
    assert_eq!(state(&upstream, 1).successes, before);
    assert!(state(&upstream, 1).failures >= 2);
    let (_again, requests) = answers_at(addr, 200).await;
    within(async {
        while requests.load(Ordering::SeqCst) < 5 {
            assert_eq!(status_of_get(&upstream).await.expect("an answer"), 200);
        }
    })
    .await;
    let state = state(&upstream, 1);
    assert_eq!(state.successes, before + 5);
    assert_eq!(state.health, HealthState::Well { failures: 0 });
}

/// One question that a backend cannot answer keeps nobody from asking it another.
#[tokio::test]
async fn which_answers_are_failures_is_an_option() {
    for (status, all, gateway) in [
        (500, 1, 0),
        (501, 1, 0),
        (502, 1, 1),
        (503, 1, 1),
        (504, 1, 1),
        (404, 0, 0),
    ] {
        for (failed, expected) in [
            (FailedAnswers::ServerErrors, all),
            (FailedAnswers::Gateway, gateway),
        ] {
            let (server, _) = answers(status).await;
            let upstream = upstream([server.backend()], plain().failed(failed));
            let answer = get(&upstream).await.expect("an answer");
            answer.into_body().read(1024).await.expect("a body");
            assert_eq!(
                state(&upstream, 0).failures,
                expected,
                "{status} {failed:?}"
            );
        }
    }
}
