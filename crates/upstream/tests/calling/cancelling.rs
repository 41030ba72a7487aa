use crate::rig::*;
use byname_upstream::{BreakerOptions, BreakerState, Call, Limits};
use http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server that hangs, and how many requests have come to it.
async fn hangs() -> (Server, Arc<AtomicUsize>) {
    let come = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&come);
    let server = Server::raw(move |mut stream, _| {
        let counted = Arc::clone(&counted);
        async move {
            if head_read(&mut stream).await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut rest = [0; 64];
                while tokio::io::AsyncReadExt::read(&mut stream, &mut rest)
                    .await
                    .is_ok_and(|read| read > 0)
                {}
            }
        }
    });
    (server.await, come)
}

#[tokio::test]
async fn a_call_that_is_dropped_gives_its_place_back_and_closes_its_connection() {
    let (server, come) = hangs().await;
    let upstream = upstream([server.backend()], plain());
    for dropped in 1..=5 {
        let mut calling = Box::pin(upstream.call(request(&Method::GET, "/"), Call::default()));
        let reached = until(|| come.load(Ordering::SeqCst) == dropped);
        tokio::select! {
            _ = &mut calling => panic!("it hangs"),
            () = reached => {}
        }
        assert_eq!(state(&upstream, 0).in_flight, 1);
        drop(calling);
        assert_eq!(
            counts(&upstream, 0),
            [dropped as u64, 0, 0, dropped as u64, 0]
        );
        until(|| server.ended.load(Ordering::SeqCst) == dropped).await;
    }
}

#[tokio::test]
async fn a_trial_that_is_dropped_leaves_its_place_to_the_next() {
    let come = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&come);
    let server = Server::http(move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if number > 0 {
                std::future::pending::<()>().await;
            }
            answer(500, "")
        }
    })
    .await;
    let open = Duration::from_millis(1);
    let mut options = plain().breaker(BreakerOptions {
        failures: 1,
        open,
        open_max: open,
        trials: 1,
        successes: 1,
    });
    options.timeouts.per_try = Duration::from_secs(50);
    options.timeouts.total = Duration::from_secs(50);
    let upstream = upstream([server.backend()], options);
    assert_eq!(status_of_get(&upstream).await.expect("an answer"), 500);
    let half_open = |trials| {
        let state = state(&upstream, 0).breaker;
        state
            == BreakerState::HalfOpen {
                trials,
                successes: 0,
            }
    };
    until(|| half_open(0)).await;
    for dropped in 2..=4 {
        let mut calling = Box::pin(upstream.call(request(&Method::GET, "/"), Call::default()));
        tokio::select! {
            _ = &mut calling => panic!("it hangs"),
            () = until(|| come.load(Ordering::SeqCst) == dropped) => {}
        }
        assert!(half_open(1));
        drop(calling);
        assert!(half_open(0));
    }
    assert_eq!(counts(&upstream, 0), [4, 0, 1, 3, 0]);
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_leaves_its_place_in_the_queue() {
    let (server, come) = hangs().await;
    let options = plain().limits(Limits {
        in_flight: 1,
        waiting: 1,
        wait: Duration::from_secs(50),
        ..Limits::default()
    });
    let upstream = upstream([server.backend()], options);
    let spawn = || {
        let upstream = upstream.clone();
        tokio::spawn(async move { status_of_get(&upstream).await })
    };
    let first = spawn();
    until(|| come.load(Ordering::SeqCst) == 1).await;
    for waited in 1..=3 {
        let waiting = spawn();
        until(|| upstream.counters().waited == waited).await;
        waiting.abort();
        assert!(waiting.await.is_err(), "cancelled");
    }
    first.abort();
    assert!(first.await.is_err(), "cancelled");
    assert_eq!(counts(&upstream, 0), [1, 0, 0, 1, 0]);
    assert_eq!(upstream.counters().overloaded, 0);
}

#[tokio::test]
async fn a_body_that_is_dropped_before_its_end_closes_its_connection_and_is_no_failure() {
    let server = Server::scripted(&[
        Step::Write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
        Step::Hang,
    ]);
    let server = server.await;
    let upstream = upstream([server.backend()], plain());
    let answer = get(&upstream).await.expect("a head");
    assert_eq!(counts(&upstream, 0), [1, 0, 0, 0, 1]);
    drop(answer);
    assert_eq!(counts(&upstream, 0), [1, 1, 0, 0, 0]);
    until(|| server.ended.load(Ordering::SeqCst) == 1).await;
}
