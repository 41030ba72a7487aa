//! Readiness that is switched off from outside.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use byname_components::{Check, Checks, Decides, Probe};
use tokio::task::yield_now;
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn draining_answers_no_at_once_and_asks_nobody() {
    let checks = Checks::default();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let check = Check::new("db", "ping", move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Ok::<(), fmt::Error>(()) }
    });
    checks.register(check.decides(Decides::Both)).unwrap();
    assert!(checks.ask(Probe::Readiness).await.is_passing());
    advance(Duration::from_secs(1)).await;

    checks.drain();
    let report = checks.ask_anew(Probe::Readiness).await;
    assert!(!report.is_passing());
    assert_eq!(report.switched_off(), Some("the server is draining"));
    assert_eq!(
        report.to_string(),
        "readiness: no, the server is draining\n  db/ping: passing"
    );
    let look = &report.looks()[0];
    assert_eq!(
        (look.is_cached(), look.age()),
        (true, Duration::from_secs(1))
    );
    assert_eq!(runs.load(Ordering::Relaxed), 1);

    // A process that drains is alive.
    let alive = checks.ask(Probe::Liveness).await;
    assert!(alive.is_passing());
    assert_eq!(runs.load(Ordering::Relaxed), 2);

    checks.switch_on();
    assert!(checks.ask(Probe::Readiness).await.is_passing());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_hanging_check_hears_at_once_that_readiness_is_off() {
    let checks = Checks::default();
    let check = Check::new("db", "ping", pending::<Result<(), fmt::Error>>);
    checks.register(check).unwrap();
    let began = Instant::now();
    let waiting = tokio::spawn({
        let checks = checks.clone();
        async move { checks.ask(Probe::Readiness).await }
    });
    yield_now().await;
    checks.switch_off("`db` is being moved");
    let report = waiting.await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(report.switched_off(), Some("`db` is being moved"));
    assert_eq!(report.looks().len(), 0);
}
