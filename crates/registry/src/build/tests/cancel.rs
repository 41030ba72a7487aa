//! Waiters come and go; the build stays.

use std::{
    future::poll_fn,
    sync::{
        Arc, Barrier, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
};

use super::{
    super::{Build, BuildError, BuildStatus, Retry},
    rig::{Gate, Outcome, Task, asynchronous, rules},
};

struct Counted {
    build: Arc<Build>,
    gate: Arc<Gate>,
    runs: Arc<AtomicUsize>,
    drops: Arc<AtomicUsize>,
}

struct CountDrop(Arc<AtomicUsize>, Arc<Mutex<Weak<Build>>>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        // Hangs if the future is dropped under the lock of its build.
        if let Some(build) = self.1.lock().unwrap().upgrade() {
            let _status = build.status();
        }
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn gated() -> Counted {
    let (gate, runs, drops) = (Gate::new(), Arc::default(), Arc::default());
    let this = Arc::new(Mutex::new(Weak::new()));
    let build = {
        let (gate, runs, drops) = (Arc::clone(&gate), Arc::clone(&runs), Arc::clone(&drops));
        let this = Arc::clone(&this);
        asynchronous(&rules("services"), "db", Retry::NextAsk, move |_| {
            let run = AtomicUsize::fetch_add(&runs, 1, Ordering::SeqCst);
            let dropped = AtomicUsize::load(&drops, Ordering::SeqCst);
            assert_eq!(run, dropped, "one attempt at a time");
            let (passed, alive) = (
                gate.passed(),
                CountDrop(Arc::clone(&drops), Arc::clone(&this)),
            );
            async move {
                passed.await;
                drop(alive);
                Ok(())
            }
        })
    };
    *this.lock().unwrap() = Arc::downgrade(&build);
    Counted {
        build,
        gate,
        runs,
        drops,
    }
}

impl Counted {
    fn counts(&self) -> (usize, usize) {
        (
            self.runs.load(Ordering::SeqCst),
            self.drops.load(Ordering::SeqCst),
        )
    }
}

#[test]
fn a_wait_that_is_never_polled_builds_nothing() {
    let it = gated();
    drop(Task::of(&it.build));
    assert_eq!(it.counts(), (0, 0));
}

#[test]
fn any_waiter_may_leave() {
    for leaver in 0..3 {
        let it = gated();
        let mut tasks: Vec<_> = (0..3).map(|_| Task::of(&it.build)).collect();
        for task in &mut tasks {
            assert!(task.poll().is_pending());
        }
        drop(tasks.remove(leaver));
        assert!(matches!(
            it.build.status(),
            BuildStatus::Building { waiters: 2 }
        ));
        assert_eq!(it.counts(), (1, 0));
        it.gate.open();
        for task in &mut tasks {
            assert_eq!(task.wakes(), 1);
            assert!(matches!(task.poll(), Poll::Ready(Ok(()))));
        }
        assert_eq!(it.counts(), (1, 1));
    }
}

#[test]
fn the_last_waiter_takes_the_build_with_it() {
    let it = gated();
    let (mut first, mut second) = (Task::of(&it.build), Task::of(&it.build));
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    drop(first);
    assert_eq!(it.counts(), (1, 0));
    drop(second);
    assert_eq!(it.counts(), (1, 1));
    assert!(matches!(it.build.status(), BuildStatus::Unbuilt));

    let mut again = Task::of(&it.build);
    assert!(again.poll().is_pending());
    assert_eq!(it.counts(), (2, 1));
    it.gate.open();
    assert!(matches!(again.poll(), Poll::Ready(Ok(()))));
    assert_eq!(it.counts(), (2, 2));
}

#[test]
fn a_waiter_that_is_woken_and_dropped_leaves_the_wake_to_the_others() {
    let it = gated();
    let (mut first, mut second) = (Task::of(&it.build), Task::of(&it.build));
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    it.gate.open();
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    drop(first);
    assert!(matches!(second.poll(), Poll::Ready(Ok(()))));
    assert_eq!(it.counts(), (1, 1));
}

#[test]
fn a_waiter_that_is_woken_and_never_polled_holds_up_nobody() {
    let it = gated();
    let (mut idle, mut second) = (Task::of(&it.build), Task::of(&it.build));
    assert!(idle.poll().is_pending());
    assert!(second.poll().is_pending());
    it.gate.open();
    assert!(matches!(second.poll(), Poll::Ready(Ok(()))));
    assert!(matches!(idle.poll(), Poll::Ready(Ok(()))));
}

/// The future is woken while one waiter polls it; another waiter, polled in that moment, finds nothing
/// to poll. If the first then leaves, the second must have been told.
#[test]
fn a_wake_during_a_poll_reaches_those_who_came_in_vain() {
    let other = Arc::new(Mutex::new(None::<Task>));
    let build = {
        let other = Arc::clone(&other);
        asynchronous(&rules(""), "db", Retry::NextAsk, move |_| {
            in_vain(Arc::clone(&other))
        })
    };
    *other.lock().unwrap() = Some(Task::of(&build));
    let mut first = Task::of(&build);
    assert!(first.poll().is_pending());
    assert_eq!(first.wakes(), 1);
    drop(first);
    let mut second = other.lock().unwrap().take().unwrap();
    assert_eq!(second.wakes(), 1);
    assert!(matches!(second.poll(), Poll::Ready(Ok(()))));
}

fn in_vain(other: Arc<Mutex<Option<Task>>>) -> impl Future<Output = Outcome> + Send {
    let mut polled = false;
    poll_fn(move |cx| {
        if polled {
            return Poll::Ready(Ok(()));
        }
        polled = true;
        cx.waker().wake_by_ref();
        thread::scope(|scope| {
            let other = &other;
            scope.spawn(move || {
                let mut other = other.lock().unwrap();
                assert!(other.as_mut().unwrap().poll().is_pending());
            });
        });
        Poll::Pending
    })
}

#[test]
fn a_thread_drives_the_build_after_the_task_that_began_it_left() {
    let it = gated();
    let mut first = Task::of(&it.build);
    assert!(first.poll().is_pending());
    thread::scope(|scope| {
        let thread = scope.spawn(|| it.build.wait_blocking(|| false));
        while !matches!(it.build.status(), BuildStatus::Building { waiters: 2 }) {
            thread::yield_now();
        }
        drop(first);
        it.gate.open();
        thread.join().unwrap().unwrap();
    });
    assert_eq!(it.counts(), (1, 1));
}

/// Says when it is being dropped, and stays until it may go.
struct Slow(Arc<Barrier>);

impl Drop for Slow {
    fn drop(&mut self) {
        self.0.wait();
        self.0.wait();
    }
}

/// What a build holds (a port, a lock file) is released before the next build begins.
#[test]
fn no_build_begins_while_one_that_was_given_up_is_being_dropped() {
    let (barrier, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
    let build = {
        let (barrier, runs) = (Arc::clone(&barrier), Arc::clone(&runs));
        asynchronous(&rules(""), "port", Retry::NextAsk, move |_| {
            let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
            let held = first.then(|| Slow(Arc::clone(&barrier)));
            async move {
                if held.is_some() {
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
        })
    };
    let mut first = Task::of(&build);
    assert!(first.poll().is_pending());
    thread::scope(|scope| {
        scope.spawn(|| drop(first));
        barrier.wait();
        let (mut second, mut third) = (Task::of(&build), Task::of(&build));
        assert!(second.poll().is_pending());
        assert!(third.poll().is_pending());
        drop(third);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        barrier.wait();
        while second.wakes() == 0 {
            thread::yield_now();
        }
        assert!(matches!(second.poll(), Poll::Ready(Ok(()))));
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    });
}

/// A destructor of a build that was given up asks for the same entry.
#[test]
fn a_destructor_that_asks_for_its_own_entry_is_told() {
    struct Asks(Arc<Mutex<Weak<Build>>>, Arc<Mutex<Option<BuildError>>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let build = self.0.lock().unwrap().upgrade().unwrap();
            *self.1.lock().unwrap() = build.wait_blocking(|| false).err();
            let Poll::Ready(Err(error)) = Task::of(&build).poll() else {
                return;
            };
            *self.1.lock().unwrap() = Some(error);
        }
    }
    let (this, told) = (
        Arc::new(Mutex::new(Weak::new())),
        Arc::new(Mutex::new(None)),
    );
    let build = {
        let (this, told) = (Arc::clone(&this), Arc::clone(&told));
        asynchronous(&rules(""), "a", Retry::NextAsk, move |_| {
            let asks = Asks(Arc::clone(&this), Arc::clone(&told));
            async move {
                std::future::pending::<()>().await;
                drop(asks);
                Ok(())
            }
        })
    };
    *this.lock().unwrap() = Arc::downgrade(&build);
    let mut task = Task::of(&build);
    assert!(task.poll().is_pending());
    drop(task);
    let told = told.lock().unwrap().take();
    assert!(matches!(told, Some(BuildError::Cycle { .. })));
    assert!(matches!(build.status(), BuildStatus::Unbuilt));
}

#[test]
fn a_waker_of_a_build_that_was_given_up_wakes_nobody() {
    let gate = Gate::new();
    let build = {
        let gate = Arc::clone(&gate);
        let runs = AtomicUsize::new(0);
        asynchronous(&rules(""), "db", Retry::NextAsk, move |_| {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            let (passed, never) = (gate.passed(), Gate::new());
            async move {
                if run == 0 {
                    passed.await;
                } else {
                    never.passed().await;
                }
                Ok(())
            }
        })
    };
    let mut first = Task::of(&build);
    assert!(first.poll().is_pending());
    drop(first);
    let mut second = Task::of(&build);
    assert!(second.poll().is_pending());
    gate.open();
    assert_eq!(second.wakes(), 0);
    assert!(second.poll().is_pending());
}

/// Half the threads leave after one poll, half stay; the gate opens somewhere in between.
#[test]
fn waiters_that_come_and_go_in_many_threads() {
    for _ in 0..200 {
        let it = gated();
        let barrier = Barrier::new(7);
        thread::scope(|scope| {
            for at in 0..6 {
                let (it, barrier) = (&it, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    if at % 2 == 0 {
                        let _polled = Task::of(&it.build).poll();
                    } else {
                        it.build.wait_blocking(|| false).unwrap();
                    }
                });
            }
            barrier.wait();
            it.gate.open();
        });
        assert!(matches!(it.build.status(), BuildStatus::Built));
        let (runs, drops) = it.counts();
        assert_eq!(runs, drops);
    }
}
