use crate::rig::*;
use byname_upstream::{Balance, BreakerOptions, BudgetOptions, Call, HealthOptions, Limits, Phase};
use http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// Every try is in exactly one count, every call has exactly one end, nothing stays in flight.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_stress_every_try_is_accounted_for_and_no_place_is_lost() {
    const CALLERS: usize = 32;
    const CALLS: usize = 40;
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let mixed = Server::http(move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match number % 8 {
                0 => answer(503, "busy"),
                1 => answer(500, "broken"),
                2 => {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                    answer(200, "late")
                }
                _ => answer(200, "body"),
            }
        }
    })
    .await;
    let resets = Server::scripted(&[Step::Reset]).await;
    let halves = Server::scripted(&[Step::Write(
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
    )]);
    let halves = halves.await;
    let hangs = Server::scripted(&[Step::Hang]).await;
    let options = retrying()
        .balance(Balance::LeastLoadedOfTwo)
        .limits(Limits {
            in_flight: 3,
            waiting: 8,
            wait: Duration::from_millis(5),
            ..Limits::default()
        })
        .breaker(BreakerOptions {
            failures: 4,
            open: Duration::from_millis(2),
            open_max: Duration::from_millis(8),
            trials: 2,
            successes: 2,
        })
        .health(HealthOptions {
            failures: 3,
            out: Duration::from_millis(2),
            out_max: Duration::from_millis(16),
            ..HealthOptions::default()
        });
    let mut options = options;
    options.timeouts.per_try = Duration::from_millis(20);
    let refused = backend(nobody());
    let backends = [
        mixed.backend(),
        resets.backend(),
        halves.backend(),
        hangs.backend(),
        refused,
    ];
    let upstream = upstream(backends, options);
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let upstream = upstream.clone();
        callers.spawn(async move {
            let mut ends = [0_usize; 3];
            for call in 0..CALLS {
                let method = if call % 3 == 0 {
                    Method::POST
                } else {
                    Method::GET
                };
                let calling = async {
                    let called = upstream.call(request(&method, "/"), Call::default());
                    whole(called.await).await
                };
                if (caller + call) % 5 == 0 {
                    // Dropped at some point of its way, or ended before.
                    let dropped = tokio::time::timeout(Duration::from_millis(2), calling).await;
                    ends[usize::from(dropped.is_err())] += 1;
                } else {
                    let _ = within(calling).await;
                    ends[2] += 1;
                }
            }
            ends
        });
    }
    let ends: usize = within(callers.join_all()).await.iter().flatten().sum();
    assert_eq!(ends, CALLERS * CALLS);
    let counters = upstream.counters();
    assert_eq!(counters.calls, (CALLERS * CALLS) as u64);
    let mut retries = 0;
    for state in upstream.states() {
        assert_eq!(state.in_flight, 0, "{state:?}");
        let ended = state.successes + state.failures + state.abandoned;
        assert_eq!(state.tries, ended, "{state:?}");
        if let byname_upstream::BreakerState::HalfOpen { trials, .. } = state.breaker {
            assert_eq!(trials, 0, "{state:?}");
        }
        retries += state.retries;
    }
    assert_eq!(retries, counters.retries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_calls_never_exceed_the_bound_of_a_backend() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (at, seen) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::http(move |_| {
        let (at, seen) = (Arc::clone(&at), Arc::clone(&seen));
        async move {
            seen.fetch_max(at.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            at.fetch_sub(1, Ordering::SeqCst);
            answer(200, "body")
        }
    })
    .await;
    let options = plain().limits(Limits {
        in_flight: 5,
        waiting: 1000,
        wait: Duration::from_secs(50),
        ..Limits::default()
    });
    let mut options = options;
    options.timeouts.total = Duration::from_secs(55);
    let upstream = upstream([server.backend()], options);
    let mut calls = JoinSet::new();
    for _ in 0..500 {
        let upstream = upstream.clone();
        calls.spawn(async move { status_of_get(&upstream).await });
    }
    let ended = within(calls.join_all()).await;
    assert!(ended.iter().all(|status| matches!(status, Ok(200))));
    assert!((1..=5).contains(&most.load(Ordering::SeqCst)));
    assert_eq!(counts(&upstream, 0), [500, 500, 0, 0, 0]);
    // A connection may come back to the pool a moment after its call's place is free; yet some are
    // used again.
    assert!(server.connections() < 500, "{}", server.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_retries_never_exceed_the_budget() {
    let (server, requests) = answers(503).await;
    let mut options = retrying();
    options.retry.budget = BudgetOptions {
        share: 0.1,
        floor: 0,
        kept: 1000,
    };
    let upstream = upstream([server.backend()], options);
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let upstream = upstream.clone();
        calls.spawn(async move { status_of_get(&upstream).await });
    }
    let ended = within(calls.join_all()).await;
    assert!(ended.iter().all(|status| matches!(status, Ok(503))));
    let retries = requests.load(Ordering::SeqCst) - 200;
    assert_eq!(upstream.counters().retries, retries as u64);
    assert!(retries <= 20, "{retries}");
}

/// While backends come and go, a call is answered by one that was there, and none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_of_the_backends_lose_no_call() {
    let servers = [answers(200).await, answers(200).await, answers(200).await];
    let backends = servers.each_ref().map(|(server, _)| server.backend());
    let upstream = upstream(backends.clone(), plain());
    let changing = tokio::spawn({
        let (upstream, backends) = (upstream.clone(), backends.clone());
        async move {
            for change in 0..200 {
                let stay = (0..3).filter(|at| (change + at) % 3 != 0);
                let next = stay.map(|at| backends[at].clone());
                upstream.set_backends(next).expect("two");
                tokio::task::yield_now().await;
            }
            upstream.set_backends(backends).expect("three");
        }
    });
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let upstream = upstream.clone();
        calls.spawn(async move {
            for _ in 0..50 {
                match status_of_get(&upstream).await {
                    Ok(status) => assert_eq!(status, 200),
                    Err(error) => panic!("{error:?} in {:?}", Phase::NoBackend),
                }
            }
        });
    }
    within(calls.join_all()).await;
    within(changing).await.expect("changed");
    let asked = servers
        .iter()
        .map(|(_, requests)| requests.load(Ordering::SeqCst));
    assert_eq!(asked.sum::<usize>(), 400);
}
