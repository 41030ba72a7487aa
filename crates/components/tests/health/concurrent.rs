//! Many askers, checks that block, checks that come and go.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use byname_components::{Check, Checks, HealthOptions, Look, Outcome, Probe, Report};
use byname_testkit::PATIENCE;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const OK: Result<(), fmt::Error> = Ok(());

fn unkept() -> HealthOptions {
    HealthOptions {
        keep: Duration::ZERO,
        ..HealthOptions::default()
    }
}

/// The predecessor ran every check once for each of a hundred askers that found nothing kept.
#[tokio::test(start_paused = true)]
async fn a_hundred_askers_at_once_run_each_check_once() {
    let checks = Checks::default();
    let runs: Vec<_> = (0..10).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    for (at, runs) in runs.iter().enumerate() {
        let runs = Arc::clone(runs);
        let check = Check::new("s", &at.to_string(), move || {
            runs.fetch_add(1, Ordering::Relaxed);
            async {
                sleep(Duration::from_secs(1)).await;
                OK
            }
        });
        checks.register(check).unwrap();
    }
    let mut askers = JoinSet::new();
    for _ in 0..100 {
        let checks = checks.clone();
        askers.spawn(async move { checks.ask(Probe::Readiness).await });
    }
    let reports = askers.join_all().await;
    assert_eq!(reports.len(), 100);
    for report in &reports {
        assert!(report.is_passing());
        assert_eq!(report.looks().len(), 10);
        for look in report.looks() {
            assert_eq!((look.is_cached(), look.took().as_secs()), (false, 1));
        }
    }
    let counts: Vec<_> = runs
        .iter()
        .map(|runs| runs.load(Ordering::Relaxed))
        .collect();
    assert_eq!(counts, [1; 10]);
}

/// The same on several threads: what is asked for while a run lasts is that run, to the instant.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_concurrent_askers_on_threads_share_one_run() {
    let checks = Checks::new(HealthOptions {
        keep: Duration::from_secs(3600),
        ..HealthOptions::default()
    });
    let (runs, door) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (counter, pass) = (Arc::clone(&runs), Arc::clone(&door));
    let check = Check::new("db", "ping", move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let pass = Arc::clone(&pass);
        async move { pass.acquire_owned().await.map(drop) }
    });
    checks.register(check).unwrap();
    let start = Arc::new(Barrier::new(101));
    let mut askers = JoinSet::new();
    for _ in 0..100 {
        let (checks, start) = (checks.clone(), Arc::clone(&start));
        askers.spawn(async move {
            start.wait().await;
            checks.ask(Probe::Readiness).await
        });
    }
    start.wait().await;
    door.add_permits(1);
    let reports = askers.join_all().await;
    let ended: Vec<_> = reports
        .iter()
        .map(|report| report.looks()[0].at())
        .collect();
    assert_eq!(ended, vec![ended[0]; 100]);
    assert!(reports.iter().all(Report::is_passing));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

/// The predecessor's answer was an error with nothing in it as soon as one check hung.
#[tokio::test(start_paused = true)]
async fn one_hanging_check_of_concurrent_ones_reports_itself_and_hides_no_other() {
    let checks = Checks::default();
    for name in ["a", "b", "c"] {
        checks
            .register(Check::new("s", name, || async { OK }))
            .unwrap();
    }
    let hangs = Check::new("s", "hangs", std::future::pending::<Result<(), fmt::Error>>);
    checks
        .register(hangs.within(Duration::from_secs(2)))
        .unwrap();
    let began = Instant::now();
    let report = checks.ask(Probe::Readiness).await;
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    assert_eq!(
        report.to_string(),
        "readiness: no\n  s/a: passing\n  s/b: passing\n  s/c: passing\n  \
         s/hangs: did not answer within 2s"
    );
}

/// Asker after asker leaves: the run goes on, and is not begun a second time.
#[tokio::test(start_paused = true)]
async fn concurrent_askers_that_leave_disturb_nobody() {
    let checks = Checks::new(unkept());
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let check = Check::new("s", "slow", move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async {
            sleep(Duration::from_secs(4)).await;
            OK
        }
    });
    checks.register(check).unwrap();
    for _ in 0..3 {
        let ask = checks.ask(Probe::Readiness);
        let left = timeout(Duration::from_secs(1), ask).await;
        assert!(left.is_err());
    }
    let began = Instant::now();
    let report = checks.ask(Probe::Readiness).await;
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    assert_eq!(report.looks()[0].took(), Duration::from_secs(4));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

/// A check that blocks its thread reports itself, is not begun again, and is asked anew once it is
/// through.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_blocking_check_beside_concurrent_ones() {
    let checks = Checks::new(HealthOptions {
        parallel: 1,
        ..unkept()
    });
    let within = Duration::from_millis(20);
    let (open, door) = mpsc::channel::<()>();
    let door = Arc::new(Mutex::new(door));
    let runs = Arc::new(AtomicUsize::new(0));
    let (counter, ended) = (Arc::clone(&runs), Arc::new(Semaphore::new(0)));
    let tell = Arc::clone(&ended);
    let blocks = Check::new("a", "blocks", move || {
        let (door, tell) = (Arc::clone(&door), Arc::clone(&tell));
        let first = counter.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                let _opened = door.lock().map(|door| door.recv());
                tell.add_permits(1);
            }
            OK
        }
    });
    checks.register(blocks.within(within)).unwrap();
    // The only permit is given back at the deadline, so the other one runs.
    let passes = Check::new("b", "passes", || async { OK }).within(Duration::from_secs(60));
    checks.register(passes).unwrap();

    let answer = timeout(PATIENCE, checks.ask(Probe::Readiness));
    let report = answer.await.unwrap();
    assert_eq!(
        report.looks()[0].outcome(),
        &Outcome::TimedOut { after: within }
    );
    assert_eq!(report.looks()[1].outcome(), &Outcome::Passing);
    for _ in 0..3 {
        let report = checks.ask_anew(Probe::Readiness).await;
        let outcome = report.looks()[0].outcome();
        assert!(matches!(outcome, Outcome::StillRunning { lasting } if *lasting >= within));
        assert_eq!(report.looks()[1].outcome(), &Outcome::Passing);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
    open.send(()).unwrap();
    ended.acquire().await.unwrap().forget();
    // It is free as soon as its task is seen to have ended.
    while runs.load(Ordering::SeqCst) == 1 {
        checks.ask(Probe::Readiness).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

/// Each answer is about the checks of one revision, whatever comes and goes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_while_it_is_asked() {
    let checks = Checks::new(unkept());
    checks
        .register(Check::new("a", "stays", || async { OK }))
        .unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let mut askers = JoinSet::new();
    for _ in 0..8 {
        let (checks, done) = (checks.clone(), Arc::clone(&done));
        askers.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let report = checks.ask(Probe::Readiness).await;
                let keys: Vec<_> = report.looks().iter().map(Look::key).collect();
                let pairs = [&["a/stays"][..], &["a/stays", "b/1", "b/2"][..]];
                assert!(
                    report.is_passing() && pairs.contains(&&keys[..]),
                    "{keys:?}"
                );
            }
        });
    }
    for _ in 0..200 {
        checks
            .registry()
            .transaction(|draft| {
                draft.register("b/1", Check::new("b", "1", || async { OK }))?;
                draft.register("b/2", Check::new("b", "2", || async { OK }))
            })
            .unwrap();
        tokio::task::yield_now().await;
        assert_eq!(checks.remove_service("b").unwrap(), 2);
    }
    done.store(true, Ordering::Relaxed);
    assert_eq!(askers.join_all().await.len(), 8);
    assert_eq!(checks.registry().revision(), 401);
}

/// Twenty askers and results that are kept for a millisecond.
#[tokio::test(start_paused = true)]
async fn twenty_concurrent_askers_and_a_short_memory() {
    let checks = Checks::new(HealthOptions {
        keep: Duration::from_millis(1),
        ..HealthOptions::default()
    });
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let check = Check::new("db", "ping", move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async { OK }
    });
    checks.register(check).unwrap();
    for round in 1..=50 {
        let mut askers = JoinSet::new();
        for _ in 0..20 {
            let checks = checks.clone();
            askers.spawn(async move { checks.ask(Probe::Readiness).await });
        }
        let reports = askers.join_all().await;
        assert_eq!(reports.len(), 20);
        assert!(
            reports
                .iter()
                .all(|report| report.is_passing() && report.looks().len() == 1)
        );
        assert_eq!(runs.load(Ordering::Relaxed), round);
        sleep(Duration::from_millis(1)).await;
    }
}
