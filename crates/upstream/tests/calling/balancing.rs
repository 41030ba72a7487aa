use crate::rig::*;
use byname_upstream::{Balance, HealthOptions, HealthState, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn health(failures: u32, out: Duration) -> HealthOptions {
    HealthOptions {
        failures,
        least: u32::MAX,
        out,
        out_max: out,
        ..HealthOptions::default()
    }
}

fn in_turn() -> Options {
    plain().balance(Balance::RoundRobin)
}

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn each_backend_has_its_turn() {
    let servers = [answers(200).await, answers(200).await, answers(200).await];
    let upstream = upstream(servers.each_ref().map(|(it, _)| it.backend()), in_turn());
    for _ in 0..30 {
        status_of_get(&upstream).await.expect("an answer");
    }
    for (_, requests) in &servers {
        assert_eq!(requests.load(Ordering::SeqCst), 10);
    }
}

#[tokio::test]
async fn of_two_the_one_with_less_to_do_is_called() {
    let hanging = Server::scripted(&[Step::Hang]).await;
    let (idle, requests) = answers(200).await;
    let upstream = upstream([hanging.backend()], plain());
    let busy = tokio::spawn({
        let upstream = upstream.clone();
        async move { status_of_get(&upstream).await }
    });
    until(|| state(&upstream, 0).in_flight == 1).await;
    let both = [hanging.backend(), idle.backend()];
    upstream.set_backends(both).expect("two");
    for _ in 0..50 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 200);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 50);
    busy.abort();
}

/// A member that was known to be bad once got its share of the requests all the same.
#[tokio::test]
async fn who_is_left_out_is_not_asked_while_another_is_well() {
    let (bad, asked) = answers(500).await;
    let (good, requests) = answers(200).await;
    let options = in_turn().health(health(2, LONG));
    let upstream = upstream([bad.backend(), good.backend()], options);
    let mut errors = 0;
    for _ in 0..100 {
        errors += u32::from(status_of_get(&upstream).await.expect("an answer") == 500);
    }
    assert_eq!((errors, asked.load(Ordering::SeqCst)), (2, 2));
    assert_eq!(requests.load(Ordering::SeqCst), 98);
    assert!(matches!(
        state(&upstream, 0).health,
        HealthState::LeftOut { .. }
    ));
    assert_eq!(upstream.counters().unwell, 0);
}

#[tokio::test]
async fn where_all_are_left_out_they_are_asked_all_the_same_and_that_is_counted() {
    let servers = [answers(500).await, answers(500).await];
    let options = in_turn().health(health(1, LONG));
    let upstream = upstream(servers.each_ref().map(|(it, _)| it.backend()), options);
    for _ in 0..20 {
        assert_eq!(status_of_get(&upstream).await.expect("an answer"), 500);
    }
    for (_, requests) in &servers {
        assert_eq!(requests.load(Ordering::SeqCst), 10);
    }
    assert_eq!(upstream.counters().unwell, 18);
    assert_eq!(state(&upstream, 0).unwell + state(&upstream, 1).unwell, 18);
}

#[tokio::test]
async fn of_those_left_out_one_that_answers_well_is_taken_back_and_the_other_is_not_asked() {
    let bad = Arc::new(AtomicUsize::new(1));
    let fails = Arc::clone(&bad);
    let recovers = Server::http(move |_| {
        let fail = fails
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        async move { answer(if fail { 500 } else { 200 }, "") }
    })
    .await;
    let (stays_bad, asked) = answers(500).await;
    let options = in_turn().health(health(1, LONG));
    let upstream = upstream([recovers.backend(), stays_bad.backend()], options);
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(status_of_get(&upstream).await.expect("an answer"));
    }
    // Both fail once; then one of them is asked although it is left out, until that succeeds.
    assert_eq!(
        asked.load(Ordering::SeqCst) + 1,
        statuses.iter().filter(|it| **it == 500).count()
    );
    assert!(asked.load(Ordering::SeqCst) <= 2);
    assert_eq!(
        state(&upstream, 0).health,
        HealthState::Well { failures: 0 }
    );
    assert!(matches!(
        state(&upstream, 1).health,
        HealthState::LeftOut { .. }
    ));
}
