//! Names: of services, of factories, and what stands in their place.

use std::sync::Arc;

use byname_components::{App, BoxError, LookupError, Registrar, need};

use crate::rig::{Counts, Thing};

fn app(text: &str, counts: &Counts) -> App {
    let counted = counts.factory();
    App::from_text(text).register(move |registrar: &mut Registrar<'_>| {
        registrar.factory("smtp", (), counted);
        let needs = (need::<Thing>("smtp"),);
        registrar.factory("mailer", needs, |(): (), smtp: Arc<Thing>| async move {
            Ok::<_, BoxError>(Arc::new(smtp.0.len()))
        });
    })
}

/// In Lokstra a name that nobody had defined, but that was the name of a factory, was made with default
/// settings without a word: a mailer that talked to localhost. Only what is defined is there: the need
/// is told as missing before anything is built, and at run time there is no such service.
#[tokio::test]
async fn the_name_of_a_factory_is_no_service() {
    let counts = Counts::default();
    let problems = app("services: { mailer: {} }", &counts).check();
    let messages: Vec<&str> = problems
        .iter()
        .map(byname_components::Problem::message)
        .collect();
    assert_eq!(
        messages,
        ["service `mailer` needs `smtp`, which nothing provides"]
    );

    let running = app("services: {}", &counts).start().await.unwrap();
    let error = running.service::<Thing>("smtp").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no service `smtp`");
    assert!(running.services().get::<Thing>("smtp").unwrap().is_none());
    running.stop().await.unwrap();
    assert_eq!(counts.all(), [0, 0, 0]);
}

/// Lokstra answered "not found" for a wrong type too, and its later versions a zero value; a service
/// made with the wrong type stayed registered. The two are told apart, nothing is lost by asking
/// wrongly, and the same name answers the right question before and after.
#[tokio::test]
async fn a_wrong_type_is_not_an_unknown_name_and_harms_nothing() {
    let counts = Counts::default();
    let running = app("services: { smtp: { lazy: true } }", &counts)
        .start()
        .await
        .unwrap();
    for _ in 0..2 {
        let error = running
            .service::<u32>("smtp")
            .await
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("service `smtp` is a `"), "{error}");
        assert!(error.contains("not a `u32`"), "{error}");
        assert_eq!(running.service::<Thing>("smtp").await.unwrap().0, "counted");
    }
    assert!(matches!(
        running.services().require::<u32>("stmp"),
        Err(LookupError::Unknown { .. })
    ));
    running.stop().await.unwrap();
    assert_eq!(counts.all(), [1, 1, 1]);
}

/// Lokstra read `param:svc` in a list of needs as a service named "param:svc", and dropped the needs of
/// a factory that was named by a string. What a need is directed at is what the factory is given, and a
/// direction that the factory has no need for is told.
#[tokio::test]
async fn a_directed_need_is_given_and_one_that_is_not_there_is_told() {
    let counts = Counts::default();
    let running = app(
        "services: { other: { type: smtp }, mailer: { needs: { smtp: other } } }",
        &counts,
    )
    .start()
    .await
    .unwrap();
    assert_eq!(
        *running.services().require::<usize>("mailer").unwrap(),
        "counted".len()
    );
    running.stop().await.unwrap();
    assert_eq!(counts.all(), [1, 1, 1]);

    let problems = app(
        "services: { smtp: {}, mailer: { needs: { \"smtp:other\": smtp } } }",
        &counts,
    )
    .check();
    let messages: Vec<&str> = problems
        .iter()
        .map(byname_components::Problem::message)
        .collect();
    assert_eq!(messages.len(), 1, "{problems}");
    assert!(
        messages[0].starts_with("factory `mailer` of service `mailer` has no need `smtp:other`"),
        "{problems}"
    );
}

/// Modular gave a second service of one name another name without a word (`db.2`), which an explicit
/// `db.2` then overwrote; a second module of one name took the first one's place. Each is told with both
/// places, and nothing is built.
#[tokio::test]
async fn a_second_of_one_name_is_told_and_renamed_by_nobody() {
    let counts = Counts::default();
    let again = counts.factory();
    let app = app("services: { smtp: {}, smtp.2: { type: smtp } }", &counts)
        .register(move |registrar: &mut Registrar<'_>| registrar.factory("smtp", (), again))
        .service("smtp", Arc::new(Thing("given".into())));
    let problems = app.check();
    let messages: Vec<&str> = problems
        .iter()
        .map(byname_components::Problem::message)
        .collect();
    assert_eq!(
        messages,
        [
            "factory `smtp` is registered twice",
            "service `smtp` is both given and defined",
        ]
    );
    assert!(problems.iter().all(|problem| problem.places().count() == 2));
    assert!(app.start().await.is_err());
    assert_eq!(counts.all(), [0, 0, 0]);
}
