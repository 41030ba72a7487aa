//! What no graph can see ends in time.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    thread,
    time::Duration,
};

use super::{
    super::{BuildError, BuildStatus, Retry, Rules, Timer},
    rig::{Gate, ManualClock, Task, World, asynchronous, cause, root, sync},
};

/// A factory starts a thread that asks, without the context, for what is being built, and joins it.
#[test]
fn a_detached_thread_that_waits_for_its_own_build_gives_up() {
    let limit = Duration::from_millis(20);
    let rules = Arc::new(Rules {
        label: Arc::from("services"),
        deadline: limit,
        ..Rules::default()
    });
    let world = World::new();
    let inner = Arc::downgrade(&world);
    world.add(sync(&rules, "a", Retry::NextAsk, move |_| {
        let build = inner.upgrade().unwrap().get("services/a");
        thread::spawn(move || build.wait())
            .join()
            .unwrap()
            .map_err(cause)
    }));
    let error = world.get("services/a").wait().unwrap_err();
    let BuildError::Deadline { path, after } = root(&error) else {
        panic!("{error}")
    };
    assert_eq!((path.to_string().as_str(), *after), ("services/a", limit));
    assert_eq!(
        root(&error).to_string(),
        "`services/a` was not built within 20ms: its factory is slow, or waits for something that \
         waits for `services/a`"
    );
}

#[test]
fn only_the_waiter_whose_time_is_up_gives_up() {
    let (clock, gate) = (Arc::new(ManualClock::default()), Gate::new());
    let rules = Arc::new(Rules {
        clock: clock.clone(),
        deadline: Duration::from_secs(30),
        ..Rules::default()
    });
    let build = {
        let gate = Arc::clone(&gate);
        asynchronous(&rules, "a", Retry::NextAsk, move |_| {
            let passed = gate.passed();
            async move {
                passed.await;
                Ok(())
            }
        })
    };
    let (mut first, mut second) = (Task::of(&build), Task::of(&build));
    assert!(first.poll().is_pending());
    clock.advance(Duration::from_secs(29));
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    clock.advance(Duration::from_secs(1));
    let Poll::Ready(Err(BuildError::Deadline { after, .. })) = first.poll() else {
        panic!("must give up")
    };
    assert_eq!(after, Duration::from_secs(30));
    assert!(second.poll().is_pending());
    assert!(matches!(
        build.status(),
        BuildStatus::Building { waiters: 1 }
    ));
    gate.open();
    // The result comes before the deadline, whatever the clock says.
    clock.advance(Duration::from_secs(60));
    assert!(matches!(second.poll(), Poll::Ready(Ok(()))));
}

#[test]
fn the_last_waiter_whose_time_is_up_takes_the_build_with_it() {
    let clock = Arc::new(ManualClock::default());
    let rules = Arc::new(Rules {
        clock: clock.clone(),
        ..Rules::default()
    });
    let build = asynchronous(&rules, "a", Retry::NextAsk, |_| std::future::pending());
    let mut task = Task::of(&build);
    assert!(task.poll().is_pending());
    clock.advance(Duration::from_secs(30));
    assert!(matches!(
        task.poll(),
        Poll::Ready(Err(BuildError::Deadline { .. }))
    ));
    assert!(matches!(build.status(), BuildStatus::Unbuilt));
}

#[test]
fn a_thread_gives_up_on_an_asynchronous_build_that_never_ends() {
    let limit = Duration::from_millis(5);
    let rules = Arc::new(Rules {
        deadline: limit,
        ..Rules::default()
    });
    let build = asynchronous(&rules, "a", Retry::NextAsk, |_| std::future::pending());
    let error = build.wait_blocking(|| false).unwrap_err();
    assert!(matches!(error, BuildError::Deadline { after, .. } if after == limit));
    assert!(matches!(build.status(), BuildStatus::Unbuilt));
}

/// Sleeps until the test opens the gate.
struct Bell {
    gate: Arc<Gate>,
    asked: Mutex<Vec<Duration>>,
}

impl Timer for Bell {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.asked.lock().unwrap().push(duration);
        Box::pin(self.gate.passed())
    }
}

#[test]
fn a_timer_wakes_a_task_at_its_deadline() {
    let clock = Arc::new(ManualClock::default());
    let bell = Arc::new(Bell {
        gate: Gate::new(),
        asked: Mutex::default(),
    });
    let rules = Arc::new(Rules {
        clock: clock.clone(),
        timer: Some(bell.clone()),
        deadline: Duration::from_secs(7),
        ..Rules::default()
    });
    let build = asynchronous(&rules, "a", Retry::NextAsk, |_| std::future::pending());
    let mut task = Task::of(&build);
    assert!(task.poll().is_pending());
    assert!(task.poll().is_pending());
    assert_eq!(*bell.asked.lock().unwrap(), [Duration::from_secs(7)]);
    clock.advance(Duration::from_secs(7));
    bell.gate.open();
    assert_eq!(task.wakes(), 2);
    assert!(matches!(
        task.poll(),
        Poll::Ready(Err(BuildError::Deadline { .. }))
    ));
}
