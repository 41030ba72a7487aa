//! The end: in order, whatever goes wrong.

use std::sync::Arc;
use std::time::Duration;

use byname_components::{App, BoxError, Made, Phase, Probe, Registrar, Stage, StepError, need};
use tokio::sync::Notify;

use crate::rig::{Log, Thing, noted, thing};

fn chain(log: &Log) -> App {
    let notes = log.clone();
    App::from_text("services: { a: {}, b: {}, c: {}, d: { lazy: true } }").register(
        move |registrar: &mut Registrar<'_>| {
            thing(registrar, "a", (need::<Thing>("b"),), &notes);
            thing(registrar, "b", (need::<Thing>("c"),), &notes);
            thing(registrar, "c", (), &notes);
            thing(registrar, "d", (need::<Thing>("a"),), &notes);
        },
    )
}

/// Lokstra stopped services in the order of a map: wrong in 100 of 100 runs.
#[tokio::test]
async fn each_drains_and_stops_after_what_needs_it() {
    for _ in 0..100 {
        let log = Log::default();
        let running = chain(&log).start().await.unwrap();
        running.stop().await.unwrap();
        let all = log.all();
        assert_eq!(
            all[9..],
            [
                "drain a", "drain b", "drain c", "stop a", "stop b", "stop c"
            ]
        );
        assert!(
            !all.iter().any(|noted| noted.ends_with(" d")),
            "nobody asked for it"
        );
        assert_eq!(running.states().get("d").unwrap().stage(), Stage::Waiting);
        assert_eq!(running.states().get("a").unwrap().stage(), Stage::Stopped);
    }
}

#[tokio::test]
async fn a_lazy_one_that_was_built_is_stopped_first() {
    let log = Log::default();
    let running = chain(&log).start().await.unwrap();
    running.service::<Thing>("d").await.unwrap();
    running.stop().await.unwrap();
    assert!(log.at("stop d") < log.at("stop a"));
    assert!(log.at("drain d") < log.at("drain a"));
    // Afterwards nothing is built any more, and a second stop does nothing.
    running.stop().await.unwrap();
    assert_eq!(log.count("stop a"), 1);
}

/// One panicking shutdown skipped all others in Lokstra, and only the last error was told in Modular.
#[tokio::test(start_paused = true)]
async fn what_goes_wrong_in_one_skips_no_other_and_all_is_told() {
    let log = Log::default();
    let notes = log.clone();
    let running = App::from_text(
        "
life: { within: { drain: 3s, stop: 5s } }
services: { failing: {}, hanging: {}, panicking: {}, base: {} }
",
    )
    .register(move |registrar: &mut Registrar<'_>| {
        thing(registrar, "base", (), &notes);
        for name in ["failing", "hanging", "panicking"] {
            let notes = notes.clone();
            registrar.factory(name, (need("base"),), move |(): (), _: Arc<Thing>| {
                let made = Made::new(Arc::new(Thing(name)));
                let made = noted(made, name, &notes).on_stop(move || async move {
                    match name {
                        "failing" => Err("disk full".into()),
                        "hanging" => std::future::pending().await,
                        _ => panic!("on the way out"),
                    }
                });
                let made = made.on_drain(move || async move {
                    if name == "hanging" {
                        std::future::pending::<()>().await;
                    }
                    Ok(())
                });
                async move { Ok::<_, BoxError>(made) }
            });
        }
    })
    .start()
    .await
    .unwrap();
    let error = running.stop().await.unwrap_err();
    let mut told: Vec<String> = error.failures().iter().map(ToString::to_string).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "the drain of `hanging` took longer than 3s, and was given up",
            "the stop of `failing` failed: disk full",
            "the stop of `hanging` took longer than 5s, and was given up",
            "the stop of `panicking` panicked: on the way out",
        ]
    );
    assert!(matches!(
        error.failures()[0].error(),
        StepError::TimedOut(_)
    ));
    assert_eq!(error.failures()[0].phase(), Phase::Drain);
    assert_eq!(log.count("stop base"), 1);
    assert_eq!(log.all().last().unwrap(), "stop base");
    assert_eq!(
        running.states().get("failing").unwrap().error(),
        Some("failed: disk full")
    );
}

#[tokio::test]
async fn while_one_hangs_in_its_stop_everything_can_be_read_and_changed() {
    let inside = Arc::new(Notify::new());
    let go_on = Arc::new(Notify::new());
    let (entered, let_go) = (Arc::clone(&inside), Arc::clone(&go_on));
    let running = App::from_text("services: { slow: {}, other: {} }")
        .register(move |registrar: &mut Registrar<'_>| {
            registrar.factory("slow", (), move |(): ()| {
                let (entered, let_go) = (Arc::clone(&entered), Arc::clone(&let_go));
                async move {
                    let made = Made::new(Arc::new(Thing("slow")));
                    Ok::<_, BoxError>(made.on_stop(move || async move {
                        entered.notify_one();
                        let_go.notified().await;
                        Ok(())
                    }))
                }
            });
            registrar.factory("other", (), |(): ()| async {
                Ok::<_, BoxError>(Arc::new(Thing("other")))
            });
        })
        .start()
        .await
        .unwrap();
    let stopping = tokio::spawn({
        let running = running.clone();
        async move { running.stop().await }
    });
    inside.notified().await;
    assert!(running.is_stopping());
    assert_eq!(
        running.states().get("slow").unwrap().stage(),
        Stage::In(Phase::Stop)
    );
    assert_eq!(
        running.services().require::<Thing>("other").unwrap().0,
        "other"
    );
    running
        .services()
        .replace("other", Arc::new(Thing("changed")))
        .unwrap();
    assert_eq!(
        running.services().require::<Thing>("other").unwrap().0,
        "changed"
    );
    let report = running.checks().ask(Probe::Readiness).await;
    assert!(!report.is_passing(), "readiness goes off first");
    go_on.notify_one();
    stopping.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_readiness_went_off_requests_are_taken_for_a_while() {
    let log = Log::default();
    let notes = log.clone();
    let running = App::from_text("{ life: { drain-delay: 7s }, services: { a: {} } }")
        .register(move |registrar: &mut Registrar<'_>| thing(registrar, "a", (), &notes))
        .start()
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    let stopping = tokio::spawn({
        let running = running.clone();
        async move { running.stop().await }
    });
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(!running.checks().ask(Probe::Readiness).await.is_passing());
    assert_eq!(log.count("drain a"), 0);
    stopping.await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 7);
    assert_eq!(log.count("drain a"), 1);
}

/// Starts and stops from everywhere at once: each application is started once and stopped once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stress_of_concurrent_starts_and_stops() {
    let mut applications = Vec::new();
    for _ in 0..50 {
        applications.push(tokio::spawn(async {
            let log = Log::default();
            let running = chain(&log).start().await.unwrap();
            let asking: Vec<_> = (0..4)
                .map(|_| {
                    let running = running.clone();
                    tokio::spawn(async move { running.service::<Thing>("d").await.is_ok() })
                })
                .collect();
            let stopping: Vec<_> = (0..4)
                .map(|_| {
                    let running = running.clone();
                    tokio::spawn(async move { running.stop().await })
                })
                .collect();
            for stop in stopping {
                stop.await.unwrap().unwrap();
            }
            let mut had = Vec::new();
            for asker in asking {
                had.push(asker.await.unwrap());
            }
            (log, running, had)
        }));
    }
    for application in applications {
        let (log, running, had) = application.await.unwrap();
        assert_eq!(running.states().get("c").unwrap().stage(), Stage::Stopped);
        for name in ["a", "b", "c"] {
            for what in ["build", "start", "drain", "stop"] {
                assert_eq!(log.count(&format!("{what} {name}")), 1, "{what} {name}");
            }
        }
        // The lazy one was built and stopped, or neither: never one of them alone.
        assert_eq!(log.count("start d"), log.count("stop d"), "{:?}", log.all());
        if had.contains(&true) {
            assert_eq!(log.count("start d"), 1);
        }
        if log.count("stop d") == 1 {
            assert!(log.at("stop d") < log.at("stop a"));
        }
    }
}
