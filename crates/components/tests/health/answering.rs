//! What an answer is made of.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use byname_components::{Check, Checks, Decides, HealthOptions, Look, Outcome, Place, Probe};
use tokio::time::{Instant, advance, sleep};

const OK: Result<(), fmt::Error> = Ok(());

fn counted(service: &str, name: &str) -> (Check, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let check = Check::new(service, name, move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async { OK }
    });
    (check, runs)
}

fn options() -> HealthOptions {
    HealthOptions {
        within: Duration::from_secs(5),
        keep: Duration::ZERO,
        parallel: 32,
    }
}

#[tokio::test(start_paused = true)]
async fn with_no_checks_the_answer_is_yes() {
    let report = Checks::default().ask(Probe::Readiness).await;
    assert!(report.is_passing());
    assert_eq!(report.to_string(), "readiness: yes");
}

#[tokio::test(start_paused = true)]
async fn a_check_has_a_say_in_what_it_decides() {
    let checks = Checks::new(options());
    for (name, decides) in [
        ("alive", Decides::Liveness),
        ("ready", Decides::Readiness),
        ("both", Decides::Both),
    ] {
        let check = Check::new("db", name, || async { Err::<(), _>("no") });
        checks.register(check.decides(decides)).unwrap();
    }
    let keys = async |probe| -> Vec<String> {
        let report = checks.ask(probe).await;
        assert!(!report.is_passing());
        let looks = report.looks().iter();
        looks.map(|look| look.key().to_owned()).collect()
    };
    assert_eq!(keys(Probe::Liveness).await, ["db/alive", "db/both"]);
    assert_eq!(keys(Probe::Readiness).await, ["db/both", "db/ready"]);
}

#[derive(Debug)]
struct Refused(std::num::ParseIntError);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is empty")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn every_outcome_is_told_and_none_hides_another() {
    let checks = Checks::new(options());
    let all = [
        Check::new("a", "passes", || async { OK }),
        Check::new("b", "fails", || async {
            "x".parse::<u8>().map(drop).map_err(Refused)
        }),
        Check::new("c", "panics", || async {
            assert_eq!(OK, Err(fmt::Error), "on purpose");
            OK
        }),
        Check::new(
            "d",
            "panics at once",
            || -> std::future::Ready<Result<(), fmt::Error>> { panic!("before the future") },
        ),
        Check::new("e", "hangs", pending::<Result<(), fmt::Error>>),
        Check::new("f", "hangs shortly", pending::<Result<(), fmt::Error>>)
            .within(Duration::from_secs(1)),
    ];
    for check in all {
        checks.register(check).unwrap();
    }
    let began = Instant::now();
    let report = checks.ask(Probe::Readiness).await;
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    let outcomes: Vec<_> = report.looks().iter().map(Look::outcome).collect();
    assert_eq!(outcomes[0], &Outcome::Passing);
    assert_eq!(
        outcomes[1],
        &Outcome::Failing {
            error: "the pool is empty: invalid digit found in string".into()
        }
    );
    let Outcome::Panicked { message } = outcomes[2] else {
        panic!("{:?}", outcomes[2])
    };
    assert!(message.contains("on purpose"), "{message}");
    assert_eq!(
        outcomes[3],
        &Outcome::Panicked {
            message: "before the future".into()
        }
    );
    let after = Duration::from_secs;
    assert_eq!(outcomes[4], &Outcome::TimedOut { after: after(5) });
    assert_eq!(outcomes[5], &Outcome::TimedOut { after: after(1) });
    let ages: Vec<_> = report.looks().iter().map(Look::age).collect();
    assert_eq!(ages[5], after(4));
    assert_eq!(ages[4], after(0));
    assert_eq!(report.look("e/hangs").unwrap().took(), after(5));
    assert!(!report.is_passing());
}

/// A run that hangs without blocking its thread is dropped at its deadline: nothing of it is left
/// behind, and the next ask begins another.
#[tokio::test(start_paused = true)]
async fn a_hanging_run_is_dropped_and_begun_again() {
    struct Held(Arc<AtomicUsize>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (began, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, ended) = (Arc::clone(&began), Arc::clone(&dropped));
    let checks = Checks::new(options());
    let check = Check::new("db", "ping", move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let held = Held(Arc::clone(&ended));
        async move {
            pending::<()>().await;
            drop(held);
            OK
        }
    });
    checks.register(check).unwrap();
    for round in 1..=3 {
        let report = checks.ask(Probe::Readiness).await;
        let after = Duration::from_secs(5);
        assert_eq!(report.looks()[0].outcome(), &Outcome::TimedOut { after });
        assert_eq!(began.load(Ordering::Relaxed), round);
        assert_eq!(dropped.load(Ordering::Relaxed), round);
    }
}

#[tokio::test(start_paused = true)]
async fn optional_checks_are_reported_and_decide_nothing() {
    let checks = Checks::default();
    let mail = Check::new("mail", "smtp", || async { Err::<(), _>("refused") }).optional();
    checks.register(mail).unwrap();
    checks.register(counted("db", "ping").0).unwrap();
    let report = checks.ask(Probe::Readiness).await;
    assert!(report.is_passing());
    assert_eq!(
        report.to_string(),
        "readiness: yes\n  db/ping: passing\n  mail/smtp (optional): failing: refused"
    );
    assert!(report.look("mail/smtp").unwrap().is_optional());
}

#[tokio::test(start_paused = true)]
async fn what_came_out_is_kept_for_the_stated_time_and_no_longer() {
    let checks = Checks::default();
    let (check, runs) = counted("db", "ping");
    checks.register(check).unwrap();
    let mut seen = Vec::new();
    for wait in [0, 100, 149, 1] {
        advance(Duration::from_millis(wait)).await;
        let report = checks.ask(Probe::Readiness).await;
        let look = &report.looks()[0];
        seen.push((
            runs.load(Ordering::Relaxed),
            look.is_cached(),
            look.age().as_millis(),
        ));
    }
    assert_eq!(
        seen,
        [(1, false, 0), (1, true, 100), (1, true, 249), (2, false, 0)]
    );
}

#[tokio::test(start_paused = true)]
async fn asking_anew_uses_nothing_that_was_kept() {
    let checks = Checks::default();
    let (check, runs) = counted("db", "ping");
    checks.register(check.decides(Decides::Both)).unwrap();
    checks.ask(Probe::Readiness).await;
    let anew = checks.ask_anew(Probe::Readiness).await;
    assert!(!anew.looks()[0].is_cached());
    // What one probe brought is kept for the other.
    let other = checks.ask(Probe::Liveness).await;
    assert!(other.looks()[0].is_cached());
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn checks_run_concurrently_and_no_more_than_allowed() {
    for (parallel, lasts) in [(0, 6), (1, 6), (2, 3), (3, 2), (6, 1), (32, 1)] {
        let checks = Checks::new(HealthOptions {
            parallel,
            ..options()
        });
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for name in ["a", "b", "c", "d", "e", "f"] {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            let check = Check::new("s", name, move || {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                async move {
                    most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    sleep(Duration::from_secs(1)).await;
                    now.fetch_sub(1, Ordering::Relaxed);
                    OK
                }
            });
            checks.register(check).unwrap();
        }
        let began = Instant::now();
        assert!(checks.ask(Probe::Readiness).await.is_passing());
        assert_eq!(began.elapsed(), Duration::from_secs(lasts), "{parallel}");
        let allowed = parallel.clamp(1, 6);
        assert_eq!(most.load(Ordering::Relaxed), allowed, "{parallel}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken_once_and_can_be_given_up() {
    let checks = Checks::default();
    let at = |line: &str| Place::new(line);
    let (first, _) = counted("db", "ping");
    checks.register_at(first, at("app.yaml:3:5")).unwrap();
    let (second, _) = counted("db", "ping");
    let error = checks.register_at(second, at("app.yaml:9:5")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`db/ping` is already registered at app.yaml:3:5"),
        "{error}"
    );
    for (service, name) in [("db", "lag"), ("db-2", "ping"), ("cache", "ping")] {
        checks.register(counted(service, name).0).unwrap();
    }
    let before = checks.registry().revision();
    assert_eq!(checks.remove_service("db").unwrap(), 2);
    assert_eq!(checks.registry().revision(), before + 1);
    checks.remove("cache/ping").unwrap();
    let report = checks.ask(Probe::Readiness).await;
    let keys: Vec<_> = report.looks().iter().map(Look::key).collect();
    assert_eq!(keys, ["db-2/ping"]);
}
