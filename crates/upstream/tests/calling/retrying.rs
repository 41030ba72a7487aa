use crate::rig::*;
use byname_upstream::{Balance, BudgetOptions, Call, Phase, Upstream};
use http::{HeaderValue, Method};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server whose first answers are of `status` with `Retry-After`, and then 200.
async fn recovers(
    failures: usize,
    status: u16,
    after: Option<&'static str>,
) -> (Server, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = Server::http(move |_| {
        let earlier = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if earlier >= failures {
                return answer(200, "body");
            }
            let mut failed = answer(status, "failed");
            if let Some(after) = after {
                let after = HeaderValue::from_static(after);
                failed.headers_mut().insert("retry-after", after);
            }
            failed
        }
    });
    (server.await, requests)
}

#[tokio::test]
async fn of_errors_of_a_server_502_503_and_504_are_tried_again() {
    for (status, tries) in [
        (500, 1),
        (501, 1),
        (502, 2),
        (503, 2),
        (504, 2),
        (429, 1),
        (404, 1),
    ] {
        let (server, requests) = recovers(1, status, None).await;
        let upstream = upstream([server.backend()], retrying());
        let expected = if tries == 2 { 200 } else { status };
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), expected);
        assert_eq!(requests.load(Ordering::SeqCst), tries, "{status}");
        assert_eq!(state(&upstream, 0).retries, tries as u64 - 1);
        assert_eq!(upstream.counters().retries, tries as u64 - 1);
    }
}

#[tokio::test]
async fn after_the_last_try_the_answer_is_returned_as_it_came() {
    let (server, requests) = recovers(9, 503, None).await;
    let upstream = upstream([server.backend()], retrying());
    let (status, body) = whole(get(&upstream).await).await.expect("an answer");
    assert_eq!((status, body.as_ref()), (503, &b"failed"[..]));
    assert_eq!(requests.load(Ordering::SeqCst), 3);
    assert_eq!(counts(&upstream, 0), [3, 0, 3, 0, 0]);
}

#[tokio::test]
async fn what_is_not_idempotent_is_tried_once_unless_the_caller_says_otherwise() {
    for (method, says, tries) in [
        (Method::GET, None, 2),
        (Method::HEAD, None, 2),
        (Method::PUT, None, 2),
        (Method::DELETE, None, 2),
        (Method::OPTIONS, None, 2),
        (Method::POST, None, 1),
        (Method::PATCH, None, 1),
        (Method::POST, Some(true), 2),
        (Method::GET, Some(false), 1),
    ] {
        let (server, requests) = recovers(1, 503, None).await;
        let upstream = upstream([server.backend()], retrying());
        let call = Call {
            idempotent: says,
            ..Call::default()
        };
        let called = within(upstream.call(request(&method, "/"), call)).await;
        called.expect("an answer");
        let message = format!("{method} {says:?}");
        assert_eq!(requests.load(Ordering::SeqCst), tries, "{message}");
    }
}

#[tokio::test]
async fn what_broke_after_it_was_sent_is_repeated_only_where_that_does_no_harm() {
    let server = Server::scripted(&[Step::Reset]).await;
    let upstream = upstream([server.backend()], retrying());
    let error = post(&upstream).await.map(|_| ()).expect_err("reset");
    assert_eq!((error.phase(), error.tries()), (Phase::Protocol, 1));
    assert!(error.may_have_reached());
    let error = get(&upstream).await.map(|_| ()).expect_err("reset");
    assert_eq!((error.phase(), error.tries()), (Phase::Protocol, 3));
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn what_an_earlier_try_may_have_done_is_not_forgotten() {
    let resets = Server::scripted(&[Step::Reset]).await;
    let mut options = retrying();
    options.balance = Balance::RoundRobin;
    options.retry.tries = 2;
    let upstream = upstream([resets.backend(), backend(nobody())], options);
    let error = get(&upstream).await.map(|_| ()).expect_err("refused");
    assert_eq!((error.phase(), error.tries()), (Phase::Connect, 2));
    assert!(error.may_have_reached());
}

#[tokio::test]
async fn what_reached_nobody_is_repeated_whatever_it_is_and_elsewhere() {
    let (server, requests) = answers(200).await;
    let mut options = retrying();
    options.balance = Balance::RoundRobin;
    let upstream = upstream([backend(nobody()), server.backend()], options);
    for _ in 0..10 {
        let (status, _) = whole(post(&upstream).await).await.expect("an answer");
        assert_eq!(status, 200);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 10);
    // Repeated was each call whose turn it was with nobody, and each of these went to the other.
    let [refused, well] = [0, 1].map(|at| state(&upstream, at));
    assert_eq!(refused.tries, refused.failures);
    assert_eq!((refused.retries, well.retries), (0, refused.tries));
    assert_eq!((well.tries, well.successes), (10, 10));
}

#[tokio::test]
async fn a_retry_goes_to_a_backend_that_the_call_has_not_tried() {
    for balance in [Balance::RoundRobin, Balance::LeastLoadedOfTwo] {
        let servers = [answers(503).await, answers(503).await, answers(503).await];
        let mut options = retrying();
        options.balance = balance;
        let upstream = upstream(
            servers.each_ref().map(|(server, _)| server.backend()),
            options,
        );
        for calls in 1..=20 {
            assert_eq!(status_of_get(&upstream).await.expect("an answer"), 503);
            for (_, requests) in &servers {
                assert_eq!(requests.load(Ordering::SeqCst), calls);
            }
        }
    }
}

#[tokio::test]
async fn retries_end_with_the_budget() {
    let (server, requests) = answers(503).await;
    let mut options = retrying();
    options.retry.budget = BudgetOptions {
        share: 0.25,
        floor: 0,
        kept: 100,
    };
    let upstream = upstream([server.backend()], options);
    for _ in 0..100 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 503);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 125);
    assert_eq!(upstream.counters().retries, 25);
    // Every call asked for another try and was refused once in the end; none came to three tries.
    assert_eq!(upstream.counters().over_budget, 100);
}

/// Calls, and stops the clock when the first try has failed and the pause has begun.
async fn until_it_pauses(upstream: &Upstream) -> tokio::task::JoinHandle<u16> {
    let calling = tokio::spawn({
        let upstream = upstream.clone();
        async move {
            let calling = upstream.call(request(&Method::GET, "/"), Call::default());
            calling.await.expect("an answer").status().as_u16()
        }
    });
    until(|| counts(upstream, 0) == [1, 0, 1, 0, 0]).await;
    tokio::time::pause();
    calling
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let (server, requests) = recovers(1, 503, Some("1800")).await;
    let mut options = retrying();
    options.retry.retry_after_max = Duration::from_secs(1800);
    options.timeouts.total = Duration::from_secs(3600);
    let upstream = upstream([server.backend()], options);
    let calling = until_it_pauses(&upstream).await;
    // Less what has passed since the answer: a tenth is more than that.
    tokio::time::advance(Duration::from_secs(1620)).await;
    assert_eq!(state(&upstream, 0).tries, 1);
    tokio::time::advance(Duration::from_secs(180)).await;
    tokio::time::resume();
    assert_eq!(within(calling).await.expect("ran"), 200);
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn retry_after_beyond_its_bound_or_the_total_time_is_left_to_the_caller() {
    let (server, requests) = recovers(1, 503, Some("3")).await;
    let mut options = retrying();
    options.retry.retry_after_max = Duration::from_secs(2);
    let bounded = upstream([server.backend()], options);
    let answer = get(&bounded).await.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "3");
    assert_eq!(requests.load(Ordering::SeqCst), 1);

    let (server, requests) = recovers(1, 503, Some("100")).await;
    let mut options = retrying();
    options.retry.retry_after_max = Duration::from_secs(200);
    let hurried = upstream([server.backend()], options);
    assert_eq!(status_of_get(&hurried).await.expect("an answer"), 503);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_pause_is_made_before_another_try() {
    let (server, requests) = recovers(1, 503, None).await;
    let mut options = retrying();
    let longest = Duration::from_secs(86_400);
    (options.retry.pause, options.retry.pause_max) = (longest, longest);
    options.timeouts.total = 2 * longest;
    let upstream = upstream([server.backend()], options);
    let calling = until_it_pauses(&upstream).await;
    assert_eq!(state(&upstream, 0).tries, 1);
    tokio::time::advance(longest).await;
    tokio::time::resume();
    assert_eq!(within(calling).await.expect("ran"), 200);
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}
