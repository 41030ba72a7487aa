//! What waits for itself is told so, and how.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
};

use super::{
    super::{BuildError, Retry},
    rig::{Gate, Task, World, asynchronous, cause, circle, root, rules, run, sync},
};

#[test]
fn an_entry_that_needs_itself() {
    let world = World::new();
    world.sync("services/a", &["services/a"]);
    assert_eq!(
        circle(world.get("services/a").wait()),
        "services/a -> services/a"
    );
}

#[test]
fn three_that_need_each_other_in_a_circle() {
    let world = World::new();
    world.sync("services/a", &["services/b"]);
    world.sync("services/b", &["services/c"]);
    world.sync("services/c", &["services/a"]);
    let error = world.get("services/a").wait().unwrap_err();
    assert_eq!(
        root(&error).to_string(),
        "`services/a` needs itself to be built: \
         services/a -> services/b -> services/c -> services/a; \
         let one of these factories keep a handle and ask later, when its value is used"
    );
    // Each of the three failed because of the next.
    assert_eq!(error.to_string(), "the factory of `services/a` failed");
    let BuildError::Failed { cause, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        cause.to_string(),
        "the factory of `services/b` failed (asked for by services/a -> services/b)"
    );
}

#[test]
fn a_circle_that_does_not_lead_through_the_entry_that_was_asked_for() {
    let world = World::new();
    world.sync("services/api", &["services/b"]);
    world.sync("services/b", &["services/c"]);
    world.sync("services/c", &["services/b"]);
    let path = circle(world.get("services/api").wait());
    assert_eq!(path, "services/b -> services/c -> services/b");
}

#[test]
fn a_circle_through_two_registries() {
    let world = World::new();
    world.sync("services/api", &["routers/main"]);
    world.sync("routers/main", &["services/api"]);
    let path = circle(world.get("services/api").wait());
    assert_eq!(path, "services/api -> routers/main -> services/api");
}

#[test]
fn a_circle_in_one_task() {
    let (world, gate, built) = (World::new(), Gate::opened(), Arc::default());
    world.joining("services/a", &gate, &["services/b"], &built);
    world.joining("services/b", &gate, &["services/a"], &built);
    let Poll::Ready(result) = Task::of(&world.get("services/a")).poll() else {
        panic!("hangs")
    };
    assert_eq!(circle(result), "services/a -> services/b -> services/a");
}

/// Both threads are inside their factories before either asks for the other's entry.
#[test]
fn crosswise_in_two_threads_exactly_one_ask_is_refused() {
    for _ in 0..200 {
        let (world, barrier) = (World::new(), Arc::new(Barrier::new(2)));
        let refused = Arc::new(Mutex::new(Vec::new()));
        for (name, need) in [("a", "services/b"), ("b", "services/a")] {
            let (inner, barrier) = (Arc::downgrade(&world), Arc::clone(&barrier));
            let refused = Arc::clone(&refused);
            world.add(sync(&rules("services"), name, Retry::Never, move |_| {
                barrier.wait();
                let result = inner.upgrade().unwrap().get(need).wait();
                if let Err(BuildError::Cycle { path }) = &result {
                    refused.lock().unwrap().push(path.to_string());
                }
                result.map_err(cause)
            }));
        }
        let (a, b) = (world.get("services/a"), world.get("services/b"));
        let results = thread::scope(|scope| {
            let threads = [scope.spawn(|| a.wait()), scope.spawn(|| b.wait())];
            threads.map(|thread| thread.join().unwrap())
        });
        let refused = refused.lock().unwrap();
        assert_eq!(refused.len(), 1);
        assert!(
            refused[0] == "services/a -> services/b -> services/a"
                || refused[0] == "services/b -> services/a -> services/b"
        );
        for result in results {
            assert_eq!(circle(result), refused[0]);
        }
    }
}

#[test]
fn crosswise_in_two_tasks_of_one_thread() {
    let (world, gate, built) = (World::new(), Gate::new(), Arc::default());
    world.joining("services/a", &gate, &["services/b"], &built);
    world.joining("services/b", &gate, &["services/a"], &built);
    let mut a = Task::of(&world.get("services/a"));
    let mut b = Task::of(&world.get("services/b"));
    assert!(a.poll().is_pending());
    assert!(b.poll().is_pending());
    gate.open();
    // The first to go on polls the other's build itself, which closes the circle.
    let Poll::Ready(of_a) = a.poll() else {
        panic!("hangs")
    };
    let Poll::Ready(of_b) = b.poll() else {
        panic!("hangs")
    };
    assert_eq!(circle(of_a), "services/a -> services/b -> services/a");
    assert_eq!(circle(of_b), "services/a -> services/b -> services/a");
}

#[test]
fn crosswise_in_many_tasks_of_two_threads_nobody_hangs() {
    for _ in 0..50 {
        let (world, gate, built) = (World::new(), Gate::opened(), Arc::default());
        world.joining("s/a", &gate, &["s/b", "s/c"], &built);
        world.joining("s/b", &gate, &["s/c", "s/d"], &built);
        world.joining("s/c", &gate, &["s/d"], &built);
        world.joining("s/d", &gate, &["s/a", "s/b"], &built);
        let ended = Arc::new(AtomicUsize::new(0));
        let mut tasks: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
        for name in ["s/a", "s/b", "s/c", "s/d"] {
            for _ in 0..4 {
                let (asked, ended) = (world.get(name), Arc::clone(&ended));
                tasks.push(Box::pin(async move {
                    circle(asked.wait_async().await);
                    ended.fetch_add(1, Ordering::SeqCst);
                }));
            }
        }
        run(2, tasks);
        assert_eq!(ended.load(Ordering::SeqCst), 16);
        assert_eq!(AtomicUsize::load(&built, Ordering::SeqCst), 0);
    }
}

#[test]
fn a_diamond_is_no_circle() {
    let world = World::new();
    world.sync("services/a", &["services/b", "services/c"]);
    world.sync("services/b", &["services/d"]);
    world.sync("services/c", &["services/d"]);
    world.sync("services/d", &[]);
    world.get("services/a").wait().unwrap();
}

#[test]
fn a_joined_diamond_is_no_circle_and_builds_each_once() {
    let (world, gate, built) = (World::new(), Gate::new(), Arc::new(AtomicUsize::new(0)));
    let open = Gate::opened();
    world.joining("services/a", &open, &["services/b", "services/c"], &built);
    world.joining("services/b", &open, &["services/d"], &built);
    world.joining("services/c", &open, &["services/d"], &built);
    world.joining("services/d", &gate, &[], &built);
    let mut task = Task::of(&world.get("services/a"));
    assert!(task.poll().is_pending());
    gate.open();
    assert_eq!(task.wakes(), 1);
    assert!(matches!(task.poll(), Poll::Ready(Ok(()))));
    assert_eq!(built.load(Ordering::SeqCst), 4);
}

#[test]
fn an_edge_ends_with_its_wait() {
    // `a` tries `b`, gives up waiting for it, and goes on; `b` may then wait for `a`.
    let (world, gate) = (World::new(), Gate::new());
    let go_on = Gate::new();
    {
        let (inner, go_on) = (Arc::downgrade(&world), Arc::clone(&go_on));
        world.add(asynchronous(&rules("s"), "a", Retry::NextAsk, move |_| {
            let world = inner.upgrade().unwrap();
            let go_on = go_on.passed();
            async move {
                let mut attempt = Box::pin(world.get("s/b").wait_async());
                poll_fn(|cx| {
                    assert!(attempt.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                drop(attempt);
                go_on.await;
                Ok(())
            }
        }));
    }
    world.joining("s/b", &gate, &["s/a"], &Arc::default());
    let mut b = Task::of(&world.get("s/b"));
    assert!(b.poll().is_pending());
    let mut a = Task::of(&world.get("s/a"));
    assert!(a.poll().is_pending());
    gate.open();
    assert!(b.poll().is_pending());
    go_on.open();
    assert!(matches!(b.poll(), Poll::Ready(Ok(()))));
    assert!(matches!(a.poll(), Poll::Ready(Ok(()))));
}
