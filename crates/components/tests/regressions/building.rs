//! Building: what fails, what panics, what registers others.

use std::sync::Arc;

use byname_components::{
    App, BoxError, Context, CreateError, Lazy, Registrar, Running, StartError, context, lazy,
};
use tokio::sync::Barrier;

use crate::rig::{Counts, Thing, nothing};

/// Modular initialised modules of one level in parallel and told of one panic; in sequence it had no
/// guard at all. Three that are inside their factories together (they meet there) and then fail, two of
/// them by a panic, are all told, each by its name and cause, and what was started before is stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_panics_and_failures_are_all_told() {
    for _ in 0..20 {
        let meet = Arc::new(Barrier::new(3));
        let base = Counts::default();
        let counted = base.factory();
        let error = App::from_text(
            "{ life: { parallel: 4 }, services: { base: {}, one: {}, two: {}, three: {} } }",
        )
        .register(move |registrar: &mut Registrar<'_>| {
            registrar.factory("base", (), counted);
            for name in ["one", "two", "three"] {
                let meet = Arc::clone(&meet);
                let needs = (byname_components::need::<Thing>("base"),);
                registrar.factory(name, needs, move |(): (), _: Arc<Thing>| {
                    let meet = Arc::clone(&meet);
                    async move {
                        meet.wait().await;
                        if name == "three" {
                            return Err(BoxError::from("no room"));
                        }
                        assert!(name.is_empty(), "{name} fell over");
                        Ok(Arc::new(Thing(name.into())))
                    }
                });
            }
        })
        .start()
        .await
        .unwrap_err();
        let StartError::Failed { services, stopping } = error else {
            panic!("{error}");
        };
        let mut told: Vec<(String, String)> = services
            .iter()
            .map(|service| {
                let name = service.chain.last().unwrap().to_string();
                (name, service.error.to_string())
            })
            .collect();
        told.sort_unstable();
        let causes = [
            "panicked: one fell over",
            "failed: no room",
            "panicked: two fell over",
        ];
        assert_eq!(told.len(), 3, "{told:?}");
        for ((name, error), (expected, cause)) in told
            .iter()
            .zip(["one", "three", "two"].into_iter().zip(causes))
        {
            assert_eq!(name, expected);
            assert!(error.ends_with(cause), "{error}");
        }
        assert!(stopping.is_empty());
        assert_eq!(base.all(), [1, 1, 1], "built, started, stopped");
    }
}

/// Makes a service of this name, whoever asks.
async fn create(app: &Running, name: &str) -> Result<Arc<Thing>, CreateError> {
    app.create::<Thing>(name, "counted", nothing()).await
}

/// In Modular a module that registered services while others did so raced on the map of all services;
/// in parallel the process died of it. Twenty factories run together here (they meet) and each makes
/// and registers five more: all hundred are there, and are stopped with the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_factories_that_register_others_lose_none() {
    let counts = Counts::default();
    let counted = counts.factory();
    let meet = Arc::new(Barrier::new(20));
    let parents: Vec<String> = (0..20)
        .map(|at| format!("p{at}: {{ type: parent }}"))
        .collect();
    let running = App::from_text(&format!(
        "{{ life: {{ parallel: 20 }}, services: {{ {} }} }}",
        parents.join(", ")
    ))
    .register(move |registrar: &mut Registrar<'_>| {
        registrar.factory("counted", (), counted);
        registrar.factory("parent", (context(),), move |(): (), context: Context| {
            let meet = Arc::clone(&meet);
            async move {
                meet.wait().await;
                let app = context.app().ok_or("it is being built by one")?;
                for at in 0..5 {
                    create(&app, &format!("{}-{at}", context.name())).await?;
                }
                Ok::<_, BoxError>(Arc::new(context.name().to_owned()))
            }
        });
    })
    .start()
    .await
    .unwrap();
    for parent in 0..20 {
        for at in 0..5 {
            let name = format!("p{parent}-{at}");
            assert_eq!(
                running.services().require::<Thing>(&name).unwrap().0,
                "counted"
            );
        }
    }
    assert_eq!(running.services().list().entries().count(), 120);
    assert_eq!(counts.all(), [100, 100, 0]);
    running.stop().await.unwrap();
    assert_eq!(counts.all(), [100, 100, 100]);
}

/// Lokstra looked whether a name was free and then stored: of several at once more than one succeeded,
/// and the losers' pools and sockets were never closed. Of a hundred that make a service of one name
/// exactly one has it, ninety-nine are told who has it, and what they had started is stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_concurrent_creations_of_one_name_exactly_one_is_kept() {
    let counts = Counts::default();
    let counted = counts.factory();
    let running = App::new()
        .register(move |registrar: &mut Registrar<'_>| registrar.factory("counted", (), counted))
        .start()
        .await
        .unwrap();
    let meet = Arc::new(Barrier::new(100));
    let creating: Vec<_> = (0..100)
        .map(|_| {
            let (running, meet) = (running.clone(), Arc::clone(&meet));
            tokio::spawn(async move {
                meet.wait().await;
                create(&running, "x").await
            })
        })
        .collect();
    let (mut made, mut taken) = (Vec::new(), 0);
    for one in creating {
        match one.await.unwrap() {
            Ok(service) => made.push(service),
            Err(CreateError::Taken(_)) => taken += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((made.len(), taken), (1, 99));
    let kept = running.services().require::<Thing>("x").unwrap();
    assert!(Arc::ptr_eq(&kept, &made[0]));
    assert_eq!(counts.all(), [100, 100, 99]);
    running.stop().await.unwrap();
    assert_eq!(counts.all(), [100, 100, 100]);
}

/// Modular kept its logger twice: what `SetLogger` had put there was gone after the next service was
/// registered, because one copy was made anew from the other. What was replaced stays, whatever is
/// registered after it, also for those who hold a key.
#[tokio::test]
async fn a_replacement_stays_when_others_come() {
    let counts = Counts::default();
    let counted = counts.factory();
    let running = App::new()
        .service("log", Arc::new(Thing("first".into())))
        .register(move |registrar: &mut Registrar<'_>| registrar.factory("counted", (), counted))
        .start()
        .await
        .unwrap();
    let key = running.services().key::<Thing>("log").unwrap();
    running
        .services()
        .replace("log", Arc::new(Thing("second".into())))
        .unwrap();
    for at in 0..10 {
        create(&running, &format!("other-{at}")).await.unwrap();
        assert_eq!(
            running.services().require::<Thing>("log").unwrap().0,
            "second"
        );
        assert_eq!(key.get().0, "second");
    }
    running.stop().await.unwrap();
}

/// A service that is asked for while the application starts is built once, whoever comes first: the
/// start, whom it is asked of, or a factory that asks in its body. Lokstra's lazily made services were
/// built by each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_askers_and_the_start_build_one() {
    for _ in 0..50 {
        let counts = Counts::default();
        let counted = counts.factory();
        let asking: Vec<String> = (0..8)
            .map(|at| format!("a{at}: {{ type: asking }}"))
            .collect();
        let running = App::from_text(&format!(
            "services: {{ z: {{ type: counted }}, {} }}",
            asking.join(", ")
        ))
        .register(move |registrar: &mut Registrar<'_>| {
            registrar.factory("counted", (), counted);
            registrar.factory(
                "asking",
                (lazy::<Thing>("z"),),
                |(): (), z: Lazy<Thing>| async move { Ok::<_, BoxError>(z.get().await?) },
            );
        })
        .start()
        .await
        .unwrap();
        let z = running.services().require::<Thing>("z").unwrap();
        for at in 0..8 {
            let asked = running
                .services()
                .require::<Thing>(&format!("a{at}"))
                .unwrap();
            assert!(Arc::ptr_eq(&asked, &z));
        }
        running.stop().await.unwrap();
        assert_eq!(counts.all(), [1, 1, 1]);
    }
}
