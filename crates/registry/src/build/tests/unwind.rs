//! A panic, wherever it comes from, wedges nothing.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Poll, Wake, Waker},
    time::Duration,
};

use super::{
    super::{Build, BuildError, BuildStatus, Clock, Kind, Retry, Rules, context},
    rig::{Gate, Outcome, Task, asynchronous, boom, rules, sync},
};

fn message(result: Result<(), BuildError>) -> Arc<str> {
    match result {
        Err(BuildError::Panicked { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_panic_while_the_future_is_made() {
    let build = Build::new(
        Arc::from("a"),
        Kind::Sync,
        Retry::NextAsk,
        &rules(""),
        |_| panic!("no {}", "future"),
    );
    assert_eq!(&*message(build.wait()), "no future");
    assert!(context::current().is_none());
}

#[test]
fn a_panic_at_a_later_poll_reaches_all() {
    let gate = Gate::new();
    let build = {
        let gate = Arc::clone(&gate);
        asynchronous(&rules(""), "a", Retry::NextAsk, move |_| {
            let passed = gate.passed();
            async move {
                passed.await;
                panic!("half-way")
            }
        })
    };
    let (mut first, mut second) = (Task::of(&build), Task::of(&build));
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    gate.open();
    for task in [&mut second, &mut first] {
        let Poll::Ready(result) = task.poll() else {
            panic!("hangs")
        };
        assert_eq!(&*message(result), "half-way");
    }
    assert!(context::current().is_none());
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_panic_with_a_payload_that_panics() {
    let build = sync(&rules(""), "a", Retry::NextAsk, |_| {
        panic_any(PanicsWhenDropped)
    });
    assert_eq!(&*message(build.wait()), "a value that is no text");
    assert_eq!(&*message(build.wait()), "a value that is no text");
}

#[test]
fn a_future_that_panics_when_it_is_dropped_unfinished() {
    let runs = AtomicUsize::new(0);
    let build = asynchronous(&rules(""), "a", Retry::NextAsk, move |_| {
        let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
        let guard = if first { Some(PanicsWhenDropped) } else { None };
        async move {
            if guard.is_some() {
                std::future::pending::<()>().await;
            }
            drop(guard);
            Ok(())
        }
    });
    let mut task = Task::of(&build);
    assert!(task.poll().is_pending());
    drop(task);
    assert!(matches!(build.status(), BuildStatus::Unbuilt));
    build.wait_blocking(|| false).unwrap();
}

/// Ready at once, with a destructor that panics.
struct Fragile(Option<Outcome>);

impl Future for Fragile {
    type Output = Outcome;

    fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Outcome> {
        self.0.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_future_that_panics_when_it_is_dropped_finished() {
    let runs = AtomicUsize::new(0);
    let build = asynchronous(&rules(""), "a", Retry::NextAsk, move |_| {
        let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
        Fragile(Some(if first { Err(boom(0)) } else { Ok(()) }))
    });
    let failed = build.wait_blocking(|| false).unwrap_err();
    assert!(matches!(failed, BuildError::Failed { .. }));
    build.wait_blocking(|| false).unwrap();
}

#[test]
fn a_factory_that_panics_when_it_is_dropped() {
    let guard = PanicsWhenDropped;
    let build = sync(&rules(""), "a", Retry::NextAsk, move |_| {
        let _captured = &guard;
        Ok(())
    });
    build.wait().unwrap();
    assert!(matches!(build.status(), BuildStatus::Built));
}

struct PanickingWaker;

impl Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic!("woken");
    }
}

#[test]
fn a_waker_that_panics_keeps_the_wake_from_nobody() {
    let gate = Gate::new();
    let build = {
        let gate = Arc::clone(&gate);
        asynchronous(&rules(""), "a", Retry::NextAsk, move |_| {
            let passed = gate.passed();
            async move {
                passed.await;
                Ok(())
            }
        })
    };
    let (mut first, mut second) = (Task::of(&build), Task::of(&build));
    assert!(
        first
            .poll_with(&Waker::from(Arc::new(PanickingWaker)))
            .is_pending()
    );
    assert!(second.poll().is_pending());
    gate.open();
    assert_eq!(second.wakes(), 1);
    assert!(matches!(second.poll(), Poll::Ready(Ok(()))));
    assert!(matches!(first.poll(), Poll::Ready(Ok(()))));
}

/// Panics as long as it is told to.
struct BrokenClock(Arc<AtomicBool>);

impl Clock for BrokenClock {
    fn now(&self) -> Duration {
        assert!(!self.0.load(Ordering::SeqCst), "no time");
        Duration::ZERO
    }
}

#[test]
fn a_clock_that_panics_does_not_lose_the_future() {
    let broken = Arc::new(AtomicBool::new(false));
    let rules = Arc::new(Rules {
        clock: Arc::new(BrokenClock(Arc::clone(&broken))),
        ..Rules::default()
    });
    let breaks = Arc::clone(&broken);
    let build = sync(
        &rules,
        "a",
        Retry::After(Duration::from_secs(1)),
        move |_| {
            breaks.store(true, Ordering::SeqCst);
            Err(boom(0))
        },
    );
    assert!(matches!(build.wait(), Err(BuildError::Failed { .. })));
    assert!(catch_unwind(AssertUnwindSafe(|| build.wait())).is_err());
    broken.store(false, Ordering::SeqCst);
    assert!(matches!(build.wait(), Err(BuildError::Failed { .. })));
}

#[test]
fn a_waiter_that_unwinds_leaves_its_seat() {
    let build = asynchronous(&rules(""), "a", Retry::NextAsk, |_| {
        Box::pin(poll_fn(|_| Poll::<Outcome>::Pending))
    });
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut task = Task::of(&build);
        assert!(task.poll().is_pending());
        panic!("the task, not the build");
    }));
    assert!(unwound.is_err());
    assert!(matches!(build.status(), BuildStatus::Unbuilt));
}
