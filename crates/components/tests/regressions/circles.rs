//! Services that need each other.

use std::sync::Arc;
use std::time::Duration;

use byname_components::{App, BoxError, Lazy, Registrar, Running, lazy};
use tokio::sync::Barrier;

use crate::rig::Thing;

/// Two lazy services, each of which asks for the other in its factory.
async fn crosswise() -> Running {
    App::from_text(
        "
services:
  a: { type: asking, lazy: true, needs: { other: b } }
  b: { type: asking, lazy: true, needs: { other: a } }
",
    )
    .register(|registrar: &mut Registrar<'_>| {
        registrar.factory(
            "asking",
            (lazy::<Thing>("other"),),
            |(): (), other: Lazy<Thing>| async move {
                let other = other.get().await.map_err(|error| error.to_string())?;
                Ok::<_, BoxError>(Arc::new(Thing(other.0.clone())))
            },
        );
    })
    .start()
    .await
    .unwrap()
}

/// Lokstra looked for a circle in the stack of the one who asks: two threads that entered a declared
/// one at its two ends waited for each other for ever. Both are told here, the circle is named, and
/// nothing of it is kept: whoever asks again is told again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_concurrent_circle_entered_from_both_ends_is_told_to_both() {
    for _ in 0..100 {
        let running = crosswise().await;
        let meet = Arc::new(Barrier::new(2));
        let asking = ["a", "b"].map(|name| {
            let (running, meet) = (running.clone(), Arc::clone(&meet));
            tokio::spawn(async move {
                meet.wait().await;
                running.service::<Thing>(name).await
            })
        });
        for asker in asking {
            let error = asker.await.unwrap().unwrap_err().to_string();
            let named = [
                "services/a -> services/b -> services/a",
                "services/b -> services/a -> services/b",
            ];
            assert!(named.iter().any(|circle| error.contains(circle)), "{error}");
        }
        let again = running.service::<Thing>("a").await.unwrap_err().to_string();
        assert!(
            again.contains("services/a -> services/b -> services/a"),
            "{again}"
        );
        running.stop().await.unwrap();
    }
}

/// Modular lost what it knew of a caller in each new context. Who asks for whom is known through the
/// tasks in which factories run, but not through a task that a factory starts by itself: a circle
/// through one cannot be seen, and ends with the time that a build may take, told with its cause.
#[tokio::test(start_paused = true)]
async fn a_circle_through_a_task_of_its_own_ends_with_its_deadline() {
    let running = App::from_text(
        "
services:
  a: { type: asking, lazy: true, needs: { other: b }, within: { build: 20s } }
  b: { type: asking, lazy: true, needs: { other: a }, within: { build: 50s } }
",
    )
    .register(|registrar: &mut Registrar<'_>| {
        registrar.factory(
            "asking",
            (lazy::<Thing>("other"),),
            |(): (), other: Lazy<Thing>| async move {
                let asking = tokio::spawn(async move { other.get().await });
                let other = asking.await?.map_err(|error| error.to_string())?;
                Ok::<_, BoxError>(Arc::new(Thing(other.0.clone())))
            },
        );
    })
    .start()
    .await
    .unwrap();
    let began = tokio::time::Instant::now();
    let error = running.service::<Thing>("a").await.unwrap_err().to_string();
    assert!(
        error.contains("its build took longer than 20s, and was given up"),
        "{error}"
    );
    assert_eq!(began.elapsed(), Duration::from_secs(20));
    running.stop().await.unwrap();
}

/// Lokstra followed an indirection before it looked for circles: `x: "@x"` overflowed the stack and
/// killed the process. A need that is directed at the service itself, or round about, is told.
#[test]
fn directions_that_lead_back_are_told() {
    let app = |needs: &str| {
        App::from_text(needs).register(|registrar: &mut Registrar<'_>| {
            let needs = (byname_components::need::<Thing>("other"),);
            registrar.factory("needy", needs, |(): (), other: Arc<Thing>| async move {
                Ok::<_, BoxError>(other)
            });
        })
    };
    for (text, told) in [
        (
            "services: { a: { type: needy, needs: { other: a } } }",
            "services need each other to be built: a -> a",
        ),
        (
            "services: { other: { type: needy } }",
            "services need each other to be built: other -> other",
        ),
        (
            "services: { a: { type: needy, needs: { other: b } }, b: { type: needy, needs: { other: a } } }",
            "services need each other to be built: a -> b -> a",
        ),
    ] {
        let problems = app(text).check();
        let messages: Vec<&str> = problems
            .iter()
            .map(byname_components::Problem::message)
            .collect();
        assert_eq!(messages, [told]);
    }
}

/// A chain of needs as long as there are services is no circle, and neither its check nor its build
/// uses up a thread's stack: Lokstra resolved needs by calling itself.
#[tokio::test]
async fn a_chain_of_two_thousand_is_no_circle() {
    let chain: Vec<String> = (1..2_000)
        .map(|at| format!("s{at}: {{ type: next, needs: {{ before: s{} }} }}", at - 1))
        .collect();
    let running = App::from_text(&format!(
        "services: {{ s0: {{ type: first }}, {} }}",
        chain.join(", ")
    ))
    .register(|registrar: &mut Registrar<'_>| {
        registrar.factory("first", (), |(): ()| async {
            Ok::<_, BoxError>(Arc::new(0_u32))
        });
        let needs = (byname_components::need::<u32>("before"),);
        registrar.factory("next", needs, |(): (), before: Arc<u32>| async move {
            Ok::<_, BoxError>(Arc::new(*before + 1))
        });
    })
    .start()
    .await
    .unwrap();
    assert_eq!(*running.services().require::<u32>("s1999").unwrap(), 1_999);
    running.stop().await.unwrap();
}
