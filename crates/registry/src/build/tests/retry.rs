//! What becomes of a failure.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use super::{
    super::{BuildError, BuildStatus, Retry, Rules},
    rig::{Boom, Gate, ManualClock, Task, asynchronous, boom, rules, sync},
};

/// Returns the number of the failure, which is that of the run that failed.
fn number(error: &BuildError) -> usize {
    error
        .source()
        .and_then(|cause| cause.downcast_ref::<Boom>())
        .unwrap()
        .0
}

#[test]
fn the_next_ask_builds_again() {
    let runs = AtomicUsize::new(0);
    let build = sync(
        &rules("services"),
        "db",
        Retry::NextAsk,
        move |_| match runs.fetch_add(1, Ordering::SeqCst) {
            run @ (0 | 1) => Err(boom(run)),
            _ => Ok(()),
        },
    );
    assert_eq!(number(&build.wait().unwrap_err()), 0);
    let BuildStatus::Failed(error) = build.status() else {
        panic!("must have failed")
    };
    assert_eq!(error.to_string(), "the factory of `services/db` failed");
    assert_eq!(number(&build.wait().unwrap_err()), 1);
    build.wait().unwrap();
    build.wait().unwrap();
    assert!(matches!(build.status(), BuildStatus::Built));
}

#[test]
fn a_kept_failure_is_never_built_again() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let build = sync(&rules("services"), "db", Retry::Never, move |_| {
        Err(boom(counted.fetch_add(1, Ordering::SeqCst)))
    });
    for _ in 0..3 {
        assert_eq!(number(&build.wait().unwrap_err()), 0);
        assert_eq!(number(&build.wait_blocking(|| true).unwrap_err()), 0);
        let Poll::Ready(Err(error)) = Task::of(&build).poll() else {
            panic!("must have failed")
        };
        assert_eq!(number(&error), 0);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[test]
fn a_failure_is_kept_for_its_time() {
    let clock = Arc::new(ManualClock::default());
    let rules = Arc::new(Rules {
        clock: clock.clone(),
        ..Rules::default()
    });
    let runs = AtomicUsize::new(0);
    let building = Arc::clone(&clock);
    let build = sync(
        &rules,
        "db",
        Retry::After(Duration::from_secs(5)),
        move |_| {
            // The time counts from the failure, not from the ask.
            building.advance(Duration::from_secs(10));
            Err(boom(runs.fetch_add(1, Ordering::SeqCst)))
        },
    );
    assert_eq!(number(&build.wait().unwrap_err()), 0);
    clock.advance(Duration::from_millis(4_999));
    assert_eq!(number(&build.wait().unwrap_err()), 0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(number(&build.wait().unwrap_err()), 1);
    assert_eq!(number(&build.wait().unwrap_err()), 1);
}

#[test]
fn a_panic_is_retried_like_a_failure() {
    let runs = AtomicUsize::new(0);
    let build = sync(&rules(""), "db", Retry::NextAsk, move |_| {
        assert!(
            runs.fetch_add(1, Ordering::SeqCst) > 0,
            "not at the first time"
        );
        Ok(())
    });
    let BuildError::Panicked { message, .. } = build.wait().unwrap_err() else {
        panic!("must have panicked")
    };
    assert_eq!(&*message, "not at the first time");
    build.wait().unwrap();
}

#[test]
fn a_waiter_gets_the_failure_it_waited_for_though_another_build_succeeded_since() {
    let (runs, gate) = (AtomicUsize::new(0), Gate::new());
    let build = {
        let gate = Arc::clone(&gate);
        asynchronous(&rules(""), "db", Retry::NextAsk, move |_| {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            let passed = gate.passed();
            async move {
                passed.await;
                if run == 0 { Err(boom(run)) } else { Ok(()) }
            }
        })
    };
    let (mut first, mut late) = (Task::of(&build), Task::of(&build));
    assert!(first.poll().is_pending());
    assert!(late.poll().is_pending());
    gate.open();
    let Poll::Ready(Err(error)) = first.poll() else {
        panic!("must fail")
    };
    assert_eq!(number(&error), 0);
    assert!(matches!(Task::of(&build).poll(), Poll::Ready(Ok(()))));
    let Poll::Ready(Err(error)) = late.poll() else {
        panic!("must fail")
    };
    assert_eq!(number(&error), 0);
}
