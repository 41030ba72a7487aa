//! What waits for itself is told so, and how.

use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    task::Poll,
};
use std::{
    sync::{Barrier, Mutex},
    thread,
};

use super::{
    super::{Build, BuildError, Context, Retry, Rules},
    rig::{Gate, Task, World, asynchronous, cause, root, rules, run, sync},
};

/// Returns the path of the circle that made `result` an error.
fn circle(result: Result<(), BuildError>) -> String {
    match root(&result.unwrap_err()) {
        BuildError::Cycle { path } => path.to_string(),
        other => panic!("{other}"),
    }
}

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
        let (of_a, of_b) = thread::scope(|scope| {
            let a = scope.spawn(|| a.wait());
            let b = scope.spawn(|| b.wait());
            (a.join().unwrap(), b.join().unwrap())
        });
        let refused = refused.lock().unwrap();
        assert_eq!(refused.len(), 1);
        assert!(
            refused[0] == "services/a -> services/b -> services/a"
                || refused[0] == "services/b -> services/a -> services/b"
        );
        assert_eq!(circle(of_a), refused[0]);
        assert_eq!(circle(of_b), refused[0]);
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
        let mut tasks: Vec<core::pin::Pin<alloc::boxed::Box<dyn Future<Output = ()> + Send>>> =
            Vec::new();
        for name in ["s/a", "s/b", "s/c", "s/d"] {
            for _ in 0..4 {
                let (build, ended) = (world.get(name), Arc::clone(&ended));
                tasks.push(alloc::boxed::Box::pin(async move {
                    circle(build.wait_async().await);
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
    let (ask_b, go_on) = (Gate::opened(), Gate::new());
    {
        let inner = Arc::downgrade(&world);
        let (ask_b, go_on) = (Arc::clone(&ask_b), Arc::clone(&go_on));
        world.add(asynchronous(&rules("s"), "a", Retry::NextAsk, move |_| {
            let world = inner.upgrade().unwrap();
            let (asked, go_on) = (ask_b.passed(), go_on.passed());
            async move {
                asked.await;
                let mut attempt = alloc::boxed::Box::pin(world.get("s/b").wait_async());
                core::future::poll_fn(|cx| {
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

/// Makes a build whose factory has another thread ask for it, through its context, and waits there.
fn through_a_thread() -> Arc<World> {
    let world = World::new();
    let inner = Arc::downgrade(&world);
    world.add(sync(
        &rules("services"),
        "a",
        Retry::NextAsk,
        move |context| {
            let world = inner.upgrade().unwrap();
            let asked = thread::spawn(move || context.enter(|| world.get("services/a").wait()));
            asked.join().unwrap().map_err(cause)
        },
    ));
    world
}

#[test]
fn a_circle_through_a_thread_that_entered_the_context() {
    let world = through_a_thread();
    assert_eq!(
        circle(world.get("services/a").wait()),
        "services/a -> services/a"
    );
}

#[test]
fn a_circle_through_a_task_in_the_scope_of_the_context() {
    let (world, gate) = (World::new(), Gate::new());
    let handed = Arc::new(Mutex::new(None::<Context>));
    {
        let (gate, handed) = (Arc::clone(&gate), Arc::clone(&handed));
        world.add(asynchronous(
            &rules("services"),
            "a",
            Retry::NextAsk,
            move |context| {
                *handed.lock().unwrap() = Some(context);
                let passed = gate.passed();
                async move {
                    passed.await;
                    Ok(())
                }
            },
        ));
    }
    world.sync("services/b", &[]);
    let mut a = Task::of(&world.get("services/a"));
    assert!(a.poll().is_pending());

    let context = handed.lock().unwrap().take().unwrap();
    let (asks_a, asks_b) = (world.get("services/a"), world.get("services/b"));
    let refused = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&refused);
    run(
        1,
        alloc::vec![alloc::boxed::Box::pin(context.scope(async move {
            assert_eq!(
                circle(asks_a.wait_async().await),
                "services/a -> services/a"
            );
            asks_b.wait_async().await.unwrap();
            seen.store(true, Ordering::SeqCst);
        }))],
    );
    assert!(refused.load(Ordering::SeqCst));
    gate.open();
    assert!(matches!(a.poll(), Poll::Ready(Ok(()))));
}

/// A thread that a given-up build left behind is no part of the build that came after it.
#[test]
fn a_context_of_a_build_that_was_given_up_closes_no_circle() {
    let (gate, handed) = (Gate::new(), Arc::new(Mutex::new(None::<Context>)));
    let build = {
        let (gate, handed) = (Arc::clone(&gate), Arc::clone(&handed));
        asynchronous(&rules(""), "a", Retry::NextAsk, move |context| {
            handed.lock().unwrap().get_or_insert(context);
            let passed = gate.passed();
            async move {
                passed.await;
                Ok(())
            }
        })
    };
    let mut given_up = Task::of(&build);
    assert!(given_up.poll().is_pending());
    drop(given_up);
    let mut task = Task::of(&build);
    assert!(task.poll().is_pending());

    let old = handed.lock().unwrap().take().unwrap();
    let mut late = Task::of(&build);
    assert!(old.enter(|| late.poll()).is_pending());
    gate.open();
    assert!(matches!(old.enter(|| late.poll()), Poll::Ready(Ok(()))));
    assert!(matches!(task.poll(), Poll::Ready(Ok(()))));
}

#[test]
fn a_context_names_its_way_and_keeps_nothing_alive() {
    let handed = Arc::new(Mutex::new(None::<Context>));
    let world = World::new();
    world.sync("services/api", &["stores/db"]);
    let keep = Arc::clone(&handed);
    world.add(sync(
        &rules("stores"),
        "db",
        Retry::NextAsk,
        move |context| {
            *keep.lock().unwrap() = Some(context);
            Ok(())
        },
    ));
    world.get("services/api").wait().unwrap();
    let context = handed.lock().unwrap().take().unwrap();
    let build = Arc::downgrade(&world.get("stores/db"));
    drop(world);
    assert!(build.upgrade().is_none());
    assert_eq!(context.name().to_string(), "stores/db");
    assert_eq!(context.path().to_string(), "services/api -> stores/db");
    assert_eq!(context.enter(|| 7), 7);
}

/// A factory that asks for an entry of a new name, whose factory does the same, and so on.
fn ever_deeper(rules: &Arc<Rules>, number: usize) -> Arc<Build> {
    let inner = Arc::clone(rules);
    sync(rules, &number.to_string(), Retry::NextAsk, move |_| {
        ever_deeper(&inner, number + 1).wait().map_err(cause)
    })
}

fn ever_deeper_in_a_task(rules: &Arc<Rules>, number: usize) -> Arc<Build> {
    let inner = Arc::clone(rules);
    asynchronous(rules, &number.to_string(), Retry::NextAsk, move |_| {
        let wait = ever_deeper_in_a_task(&inner, number + 1).wait_async();
        async move { wait.await.map_err(cause) }
    })
}

#[test]
fn a_chain_of_ever_new_names_ends_at_the_limit() {
    let rules = Arc::new(Rules {
        depth: 3,
        label: Arc::from("s"),
        ..Rules::default()
    });
    let error = ever_deeper(&rules, 0).wait().unwrap_err();
    let BuildError::TooDeep { path, limit } = root(&error) else {
        panic!("{error}")
    };
    assert_eq!(
        (path.to_string().as_str(), *limit),
        ("s/0 -> s/1 -> s/2 -> s/3", 3)
    );
    assert_eq!(
        root(&error).to_string(),
        "more than 3 builds are nested in one another: s/0 -> s/1 -> s/2 -> s/3; if this is no \
         factory that registers ever new names, raise the registry's limit"
    );
}

#[test]
fn the_limit_comes_before_the_end_of_a_thread_s_stack() {
    let rules = Arc::new(Rules::default());
    let error = ever_deeper(&rules, 0).wait().unwrap_err();
    let BuildError::TooDeep { path, limit } = root(&error) else {
        panic!("{error}")
    };
    assert_eq!((path.names().len(), *limit), (65, 64));

    let mut task = Task::of(&ever_deeper_in_a_task(&rules, 0));
    let Poll::Ready(Err(error)) = task.poll() else {
        panic!("hangs")
    };
    let BuildError::TooDeep { path, limit } = root(&error) else {
        panic!("{error}")
    };
    assert_eq!((path.names().len(), *limit), (65, 64));
}
