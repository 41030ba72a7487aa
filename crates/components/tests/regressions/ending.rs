//! The end: whatever happens, what was started is stopped once, and nothing else is.

use std::sync::{Arc, Mutex, mpsc};

use byname_components::{
    App, BoxError, Context, Made, Registrar, Running, Stage, StepError, context, need,
};
use tokio::sync::{Barrier, oneshot};

use crate::rig::{Counts, Log, Thing};

/// Modular called `Stop` on modules that it had never started. A service whose start fails, one that
/// was not reached, and one that nobody asked for have nothing to stop; those that were started before
/// have.
#[tokio::test]
async fn what_was_not_started_is_not_stopped() {
    let log = Log::default();
    let notes = log.clone();
    let error = App::from_text(
        "{ life: { parallel: 1 }, services: { a: {}, b: {}, c: {}, d: { lazy: true, type: a } } }",
    )
    .register(move |registrar: &mut Registrar<'_>| {
        let made = move |name: &'static str| {
            let [start, drain, stop] = [notes.clone(), notes.clone(), notes.clone()];
            Made::new(Arc::new(Thing(name.into())))
                .on_start(move || async move {
                    start.note(format!("start {name}"));
                    if name == "b" {
                        return Err("port taken".into());
                    }
                    Ok(())
                })
                .on_drain(move || async move {
                    drain.note(format!("drain {name}"));
                    Ok(())
                })
                .on_stop(move || async move {
                    stop.note(format!("stop {name}"));
                    Ok(())
                })
        };
        let [a, b, c] = [made.clone(), made.clone(), made];
        registrar.factory("a", (), move |(): ()| {
            let made = a("a");
            async move { Ok::<_, BoxError>(made) }
        });
        registrar.factory("b", (need("a"),), move |(): (), _: Arc<Thing>| {
            let made = b("b");
            async move { Ok::<_, BoxError>(made) }
        });
        registrar.factory("c", (need("b"),), move |(): (), _: Arc<Thing>| {
            let made = c("c");
            async move { Ok::<_, BoxError>(made) }
        });
    })
    .start()
    .await
    .unwrap_err();
    assert!(
        error.to_string().contains("its start failed: port taken"),
        "{error}"
    );
    assert_eq!(log.all(), ["start a", "start b", "stop a"]);
}

/// Lokstra's shutdown had no deadline, and Modular's waited for ever for a `Stop` that did not look at
/// its context. A stop that blocks its very thread is given up after its time; the others are stopped,
/// and the one that hangs is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_that_blocks_its_thread_is_given_up() {
    let (let_go, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let counts = Counts::default();
    let counted = counts.factory();
    let running = App::from_text("services: { base: {}, stuck: { within: { stop: 20ms } } }")
        .register(move |registrar: &mut Registrar<'_>| {
            registrar.factory("base", (), counted);
            registrar.factory("stuck", (need("base"),), move |(): (), base: Arc<Thing>| {
                let blocked = Arc::clone(&blocked);
                let made = Made::new(base).on_stop(move || async move {
                    // Until the test lets it go.
                    let _ = blocked.lock().unwrap().recv();
                    Ok(())
                });
                async move { Ok::<_, BoxError>(made) }
            });
        })
        .start()
        .await
        .unwrap();
    let error = running.stop().await.unwrap_err();
    let [failure] = error.failures() else {
        panic!("{error}");
    };
    assert_eq!(failure.service(), "stuck");
    assert!(
        matches!(failure.error(), StepError::TimedOut(_)),
        "{failure}"
    );
    assert_eq!(counts.all(), [1, 1, 1]);
    drop(let_go);
}

/// In Modular's scheduler a second `Stop` did the work of the first one again, or waited behind it with a
/// lock held that everybody needed. Who comes second while the first one's hook hangs waits for the same
/// end, holds nothing meanwhile, and nothing is stopped twice.
#[tokio::test]
async fn a_second_stop_beside_one_that_hangs_waits_for_the_same_end() {
    let (inside, entered) = oneshot::channel();
    let (let_go, blocked) = oneshot::channel::<()>();
    let ends = Arc::new(Mutex::new(Some((inside, blocked))));
    let log = Log::default();
    let notes = log.clone();
    let running = App::from_text("services: { slow: {} }")
        .register(move |registrar: &mut Registrar<'_>| {
            registrar.factory("slow", (), move |(): ()| {
                let (ends, notes) = (Arc::clone(&ends), notes.clone());
                let made = Made::new(Arc::new(Thing("slow".into()))).on_stop(move || async move {
                    notes.note("stop");
                    let (inside, blocked) = ends.lock().unwrap().take().ok_or("a second time")?;
                    let _ = inside.send(());
                    let _ = blocked.await;
                    Ok(())
                });
                async move { Ok::<_, BoxError>(made) }
            });
        })
        .start()
        .await
        .unwrap();
    let [first, second] = [running.clone(), running.clone()]
        .map(|running| tokio::spawn(async move { running.stop().await }));
    entered.await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!first.is_finished() && !second.is_finished());
    running
        .services()
        .register("late", Arc::new(Thing("late".into())))
        .unwrap();
    let_go.send(()).unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(log.all(), ["stop"]);
}

/// Modular's event logger was started and stopped a hundred times at once under the race detector,
/// after it had leaked goroutines and written to closed channels. Applications that are stopped while
/// they start, by a service of their own: whatever the start has reached, each service that was started
/// is stopped once, and none is started after the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stress_of_a_hundred_concurrent_applications_stopped_while_they_start() {
    let starting: Vec<_> = (0..100)
        .map(|round| {
            tokio::spawn(async move {
                let counts = Counts::default();
                let outcome = stopped_while_starting(&counts, round).await;
                (counts, outcome)
            })
        })
        .collect();
    for one in starting {
        let (counts, (started, stopping)) = one.await.unwrap();
        stopping.await.unwrap();
        if let Ok(running) = &started {
            assert!(running.is_stopping());
            // The end may be waited for by nobody but the task that began it.
            assert_eq!(running.states().get("z").unwrap().stage(), Stage::Stopped);
        }
        let [built, begun, stopped] = counts.all();
        assert_eq!(begun, stopped, "{started:?}");
        assert!(built >= begun && built <= 9, "{built} of 9 were built");
    }
}

type Outcome = (Result<Running, String>, oneshot::Receiver<()>);

/// Starts nine services and one that stops the application; after how many steps depends on the round.
async fn stopped_while_starting(counts: &Counts, round: usize) -> Outcome {
    let counted = counts.factory();
    let (ended, stopping) = oneshot::channel();
    let ended = Arc::new(Mutex::new(Some(ended)));
    let services: Vec<String> = (0..8)
        .map(|at| match at {
            0 => "s0: { type: counted }".to_owned(),
            at => format!("s{at}: {{ type: later, needs: {{ before: s{} }} }}", at - 1),
        })
        .collect();
    let app = App::from_text(&format!(
        "services: {{ killer: {{}}, z: {{ type: counted }}, {} }}",
        services.join(", ")
    ))
    .register({
        let counts = counts.clone();
        move |registrar: &mut Registrar<'_>| {
            registrar.factory("counted", (), counted);
            registrar.factory("later", (need::<Thing>("before"),), {
                move |(): (), _: Arc<Thing>| {
                    let made = counts.made("later");
                    async move {
                        tokio::task::yield_now().await;
                        Ok::<_, BoxError>(made)
                    }
                }
            });
            registrar.factory("killer", (context(),), move |(): (), context: Context| {
                let ended = ended.lock().unwrap().take();
                async move {
                    let app = context.app().ok_or("it is being built by one")?;
                    tokio::spawn(async move {
                        for _ in 0..round % 20 {
                            tokio::task::yield_now().await;
                        }
                        app.stop().await.unwrap();
                        let _ = ended.map(|ended| ended.send(()));
                    });
                    Ok::<_, BoxError>(Arc::new(()))
                }
            });
        }
    });
    let started = app.start().await.map_err(|error| error.to_string());
    (started, stopping)
}

/// A hundred applications at once, each with a hundred services that meet nobody: each is started and
/// stopped to the end, none sees another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stress_of_a_hundred_concurrent_applications() {
    let meet = Arc::new(Barrier::new(100));
    let services: Vec<String> = (0..10)
        .map(|at| format!("s{at}: {{ type: counted }}"))
        .collect();
    let text = format!("services: {{ {} }}", services.join(", "));
    let running: Vec<_> = (0..100)
        .map(|_| {
            let (meet, text) = (Arc::clone(&meet), text.clone());
            tokio::spawn(async move {
                let counts = Counts::default();
                let counted = counts.factory();
                let app = App::from_text(&text).register(move |registrar: &mut Registrar<'_>| {
                    registrar.factory("counted", (), counted);
                });
                meet.wait().await;
                let running = app.start().await.unwrap();
                assert_eq!(counts.all(), [10, 10, 0]);
                running.stop().await.unwrap();
                assert_eq!(counts.all(), [10, 10, 10]);
            })
        })
        .collect();
    for one in running {
        one.await.unwrap();
    }
}
