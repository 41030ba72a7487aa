//! The start: in order, as much at once as may be, all or nothing.

use std::sync::Arc;

use byname_components::{
    App, BoxError, Check, Made, Phase, Probe, Registrar, Stage, StartError, need,
};
use tokio::sync::Barrier;

use crate::rig::{Log, Thing, noted, thing};

#[tokio::test]
async fn each_is_ready_before_what_needs_it_is_built() {
    let log = Log::default();
    let notes = log.clone();
    let running = App::from_text("services: { a: {}, b: {}, c: {} }")
        .register(move |registrar: &mut Registrar<'_>| {
            thing(registrar, "a", (need::<Thing>("b"),), &notes);
            thing(registrar, "b", (need::<Thing>("c"),), &notes);
            thing(registrar, "c", (), &notes);
        })
        .start()
        .await
        .unwrap();
    assert_eq!(
        log.all(),
        [
            "build c", "start c", "ready c", "build b", "start b", "ready b", "build a", "start a",
            "ready a"
        ]
    );
    let order: Vec<_> = running
        .graph()
        .services()
        .map(|service| service.name().to_owned())
        .collect();
    assert_eq!(order, ["c", "b", "a"]);
    for name in ["a", "b", "c"] {
        let state = running.states().get(name).unwrap().clone();
        assert_eq!(state.stage(), Stage::Running);
        assert!(state.took(Phase::Build).is_some() && state.took(Phase::Stop).is_none());
    }
    let report = running.report();
    let critical: Vec<&str> = report.critical.iter().map(|timing| &*timing.name).collect();
    assert_eq!(critical, ["c", "b", "a"]);
    assert!(report.to_string().ends_with(')'), "{report}");
    running.stop().await.unwrap();
}

/// Three that need nothing of each other are inside their factories at the same time: each waits there
/// for the others.
#[tokio::test]
async fn concurrent_builds_of_independent_services_are_really_at_once() {
    let barrier = Arc::new(Barrier::new(3));
    let running =
        App::from_text("services: { a: { type: meet }, b: { type: meet }, c: { type: meet } }")
            .register(move |registrar: &mut Registrar<'_>| {
                registrar.factory("meet", (), move |(): ()| {
                    let barrier = Arc::clone(&barrier);
                    async move {
                        barrier.wait().await;
                        Ok::<_, BoxError>(Arc::new(Thing("met")))
                    }
                });
            })
            .start()
            .await
            .unwrap();
    running.stop().await.unwrap();
}

#[tokio::test]
async fn no_more_are_built_at_once_than_may() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    async fn counted((): ()) -> Result<Arc<Thing>, BoxError> {
        MOST.fetch_max(INSIDE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        Ok(Arc::new(Thing("counted")))
    }
    let services: Vec<String> = (0..20)
        .map(|at| format!("s{at}: {{ type: counted }}"))
        .collect();
    let text = format!(
        "life: {{ parallel: 3 }}\nservices: {{ {} }}",
        services.join(", ")
    );
    let running = App::from_text(&text)
        .register(|registrar: &mut Registrar<'_>| registrar.factory("counted", (), counted))
        .start()
        .await
        .unwrap();
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
    running.stop().await.unwrap();
}

fn failing(log: &Log, how: &'static str) -> App {
    let notes = log.clone();
    App::from_text(
        "
life: { parallel: 1 }
services:
  base: {}
  broken: { within: { build: 20s, start: 20s, ready: 20s, stop: 20s } }
  top: {}
  zero: {}
",
    )
    .register(move |registrar: &mut Registrar<'_>| {
        thing(registrar, "base", (), &notes);
        thing(registrar, "top", (need::<Thing>("broken"),), &notes);
        thing(registrar, "zero", (need::<Thing>("base"),), &notes);
        let notes = notes.clone();
        registrar.factory(
            "broken",
            (need::<Thing>("base"),),
            move |(): (), _: Arc<Thing>| {
                let notes = notes.clone();
                async move {
                    match how {
                        "error" => return Err(BoxError::from("no route to host")),
                        "panic" => panic!("no luck"),
                        "hang" => std::future::pending().await,
                        _ => {}
                    }
                    let made = Made::new(Arc::new(Thing("broken")));
                    let made = match how {
                        "start" => made.on_start(|| async { Err("port taken".into()) }),
                        "ready" => made.on_ready(|| async { Err("no leader".into()) }),
                        _ => made,
                    };
                    Ok(noted(made, "broken", &notes))
                }
            },
        );
    })
}

/// Modular left what it had started running, and its phase stuck, when a start failed.
#[tokio::test(start_paused = true)]
async fn a_failure_stops_the_start_and_what_was_started() {
    for (how, message, stops) in [
        ("error", "its build failed: no route to host", false),
        ("panic", "its build panicked: no luck", false),
        (
            "hang",
            "its build took longer than 20s, and was given up",
            false,
        ),
        ("start", "its start failed: port taken", false),
        ("ready", "its ready failed: no leader", true),
    ] {
        let log = Log::default();
        let error = failing(&log, how).start().await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("error: service `broken` did not start"),
            "{text}"
        );
        assert!(text.contains(message), "{how}: {text}");
        assert!(text.contains("needed by: top -> broken"), "{text}");
        let StartError::Failed { services, stopping } = error else {
            panic!("{text}");
        };
        assert_eq!((services.len(), stopping.len()), (1, 0), "{how}");
        // What needs it was never built, what came before was stopped once, and the rest not begun.
        assert_eq!(
            (log.count("build top"), log.count("build zero")),
            (0, 0),
            "{how}"
        );
        assert_eq!(
            (log.count("ready base"), log.count("stop base")),
            (1, 1),
            "{how}"
        );
        assert_eq!(
            log.count("stop broken"),
            usize::from(stops),
            "{how}: it had started"
        );
        assert_eq!(log.count("drain base"), 0, "nothing had been under way");
    }
}

#[tokio::test]
async fn readiness_comes_after_everything_and_health_checks_live_as_long_as_their_service() {
    let running = App::from_text("services: { a: {} }")
        .register(|registrar: &mut Registrar<'_>| {
            registrar.factory("a", (), |(): ()| async {
                let ok = || async { Ok::<_, BoxError>(()) };
                Ok::<_, BoxError>(Made::new(Arc::new(Thing("a"))).check(Check::new("", "ping", ok)))
            });
        })
        .start()
        .await
        .unwrap();
    let report = running.checks().ask(Probe::Readiness).await;
    assert!(report.is_passing(), "{report}");
    assert!(report.look("a/ping").is_some());
    running.stop().await.unwrap();
    let report = running.checks().ask_anew(Probe::Readiness).await;
    assert!(
        !report.is_passing() && report.looks().is_empty(),
        "{report}"
    );
}

/// Whatever the order in which factories are registered and services are written, each is built after
/// what it needs.
#[tokio::test]
async fn the_order_of_registration_makes_no_difference() {
    let names = ["a", "b", "c", "d"];
    for seed in 0..24 {
        let mut left: Vec<&str> = names.to_vec();
        let (mut order, mut rest) = (Vec::new(), seed);
        while !left.is_empty() {
            order.push(left.remove(rest % left.len()));
            rest /= left.len() + 1;
        }
        let log = Log::default();
        let notes = log.clone();
        let services: Vec<String> = order.iter().map(|name| format!("{name}: {{}}")).collect();
        let registered = order.clone();
        let running = App::from_text(&format!("services: {{ {} }}", services.join(", ")))
            .register(move |registrar: &mut Registrar<'_>| {
                for name in registered {
                    match name {
                        "a" => thing(
                            registrar,
                            "a",
                            (need::<Thing>("c"), need::<Thing>("d")),
                            &notes,
                        ),
                        "b" => thing(registrar, "b", (need::<Thing>("a"),), &notes),
                        "c" => thing(registrar, "c", (need::<Thing>("d"),), &notes),
                        _ => thing(registrar, "d", (), &notes),
                    }
                }
            })
            .start()
            .await
            .unwrap();
        let at = |name: &str| log.at(&format!("build {name}"));
        assert!(
            at("d") < at("c") && at("c") < at("a") && at("a") < at("b"),
            "{order:?}"
        );
        running.stop().await.unwrap();
    }
}
