//! However many ask at once, one build runs, and all get its result.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
};

use super::{
    super::{Build, BuildError, BuildStatus, Context, Retry, Wait},
    rig::{
        Boom, Gate, Outcome, Task, asynchronous, boom, cause, root, rules, run, sync,
        until_waited_for_by,
    },
};

/// Has 100 threads ask at once for a build whose factory waits until all of them do.
fn ask_from_100_threads(
    end: impl Fn(usize) -> Outcome + Send + Sync + 'static,
) -> (usize, Vec<Result<(), BuildError>>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let this = Arc::new(Mutex::new(None::<Arc<Build>>));
    let build = {
        let (runs, this) = (Arc::clone(&runs), Arc::clone(&this));
        sync(&rules("services"), "pool", Retry::NextAsk, move |_| {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            let build = this.lock().unwrap().clone().unwrap();
            until_waited_for_by(&build, 100);
            end(run)
        })
    };
    *this.lock().unwrap() = Some(Arc::clone(&build));
    let results = thread::scope(|scope| {
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(|| build.wait())).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    this.lock().unwrap().take();
    (runs.load(Ordering::SeqCst), results)
}

#[test]
fn a_hundred_threads_get_one_build() {
    let (runs, results) = ask_from_100_threads(|_| Ok(()));
    assert_eq!(runs, 1);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 100);
}

#[test]
fn a_hundred_threads_get_one_failure() {
    let (runs, results) = ask_from_100_threads(|run| Err(boom(run)));
    assert_eq!(runs, 1);
    let causes: Vec<_> = results
        .into_iter()
        .map(|result| match result {
            Err(BuildError::Failed { cause, .. }) => cause,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(causes.len(), 100);
    assert!(causes.iter().all(|cause| Arc::ptr_eq(cause, &causes[0])));
    assert_eq!(causes[0].downcast_ref(), Some(&Boom(0)));
}

#[test]
fn a_hundred_threads_get_one_panic() {
    let (runs, results) = ask_from_100_threads(|_| panic!("no route to pool"));
    assert_eq!(runs, 1);
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the factory of `services/pool` panicked: no route to pool"
        );
    }
}

#[test]
fn a_hundred_tasks_get_one_build() {
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Gate::new());
    let build = {
        let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
        asynchronous(&rules("services"), "pool", Retry::NextAsk, move |_| {
            runs.fetch_add(1, Ordering::SeqCst);
            gate.passed_then_ok()
        })
    };
    let succeeded = Arc::new(AtomicUsize::new(0));
    let mut tasks: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    for _ in 0..100 {
        let (build, succeeded) = (Arc::clone(&build), Arc::clone(&succeeded));
        tasks.push(Box::pin(async move {
            if build.wait_async().await.is_ok() {
                succeeded.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            until_waited_for_by(&build, 100);
            // The one that drives the build is counted before it comes to the gate.
            while gate.held() == 0 {
                thread::yield_now();
            }
            gate.open();
        });
        run(4, tasks);
    });
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(succeeded.load(Ordering::SeqCst), 100);
    assert!(matches!(build.status(), BuildStatus::Built));
    // Polled when the first waiter came, and once after the wake: not once by each waiter.
    assert_eq!(gate.polls(), 2);
}

#[test]
fn threads_and_tasks_share_a_build() {
    let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Gate::new());
    let build = {
        let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
        asynchronous(&rules("services"), "pool", Retry::NextAsk, move |_| {
            runs.fetch_add(1, Ordering::SeqCst);
            gate.passed_then_ok()
        })
    };
    let mut task = Task::of(&build);
    assert!(task.poll().is_pending());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| build.wait_blocking(|| false)))
            .collect();
        until_waited_for_by(&build, 9);
        gate.open();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
    assert!(matches!(task.poll(), Poll::Ready(Ok(()))));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[test]
fn a_sync_ask_for_an_unbuilt_asynchronous_entry_is_an_error() {
    let build = asynchronous(&rules("services"), "db", Retry::NextAsk, |_| async {
        Ok(())
    });
    let error = build.wait().unwrap_err();
    assert!(matches!(&error, BuildError::NeedsAsync { .. }));
    assert_eq!(error.name().to_string(), "services/db");
    assert!(matches!(build.status(), BuildStatus::Unbuilt));

    build.wait_blocking(|| false).unwrap();
    build.wait().unwrap();
}

#[test]
fn blocking_is_refused_inside_a_runtime() {
    let build = asynchronous(&rules("services"), "db", Retry::NextAsk, |_| async {
        Ok(())
    });
    let refused = build.wait_blocking(|| true).unwrap_err();
    assert!(matches!(refused, BuildError::InsideRuntime { .. }));

    // A factory that a task drives is inside the task's runtime, whatever the caller's check says.
    let outer = {
        let build = Arc::clone(&build);
        sync(&rules("services"), "api", Retry::NextAsk, move |_| {
            build.wait_blocking(|| false).map_err(cause)
        })
    };
    let Poll::Ready(Err(error)) = Task::of(&outer).poll() else {
        panic!("must fail")
    };
    assert!(matches!(root(&error), BuildError::InsideRuntime { .. }));
    assert_eq!(
        root(&error).path().to_string(),
        "services/api -> services/db"
    );
    outer.wait().unwrap();

    // What is built needs no wait.
    build.wait_blocking(|| true).unwrap();
}

#[test]
fn the_factory_and_what_it_captured_are_dropped_once_built() {
    let captured = Arc::new(());
    let build = {
        let captured = Arc::clone(&captured);
        sync(&rules(""), "a", Retry::NextAsk, move |_| {
            if Arc::strong_count(&captured) == 0 {
                Err(boom(0))
            } else {
                Ok(())
            }
        })
    };
    assert_eq!(Arc::strong_count(&captured), 2);
    build.wait().unwrap();
    assert_eq!(Arc::strong_count(&captured), 1);
}

impl Gate {
    fn passed_then_ok(self: &Arc<Self>) -> impl Future<Output = Outcome> + Send + use<> {
        let passed = self.passed();
        async move {
            passed.await;
            Ok(())
        }
    }
}

#[test]
fn what_leaves_a_thread_may_leave_it() {
    fn crosses<T: Send + 'static>() {}
    fn is_shared<T: Send + Sync + 'static>() {}
    crosses::<Wait>();
    is_shared::<Build>();
    is_shared::<Context>();
    is_shared::<BuildError>();
    is_shared::<BuildStatus>();
}
