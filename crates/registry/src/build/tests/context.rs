//! What a context adds: threads and tasks that a factory starts belong to its build.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread,
};

use super::{
    super::{Context, Retry},
    rig::{Gate, Task, World, asynchronous, cause, circle, rules, run, sync},
};

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
        vec![Box::pin(context.scope(async move {
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
