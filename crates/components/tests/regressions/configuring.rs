//! Configuration on its way to the services.

use std::sync::Arc;

use byname_components::{App, BoxError, Registrar, value};
use serde::Deserialize;

/// What a service was given.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    host: String,
    port: u16,
    origins: Vec<String>,
    size: u64,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(default)]
struct Settings {
    origins: Vec<String>,
    size: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            origins: vec!["*".into()],
            size: 1,
        }
    }
}

fn module(registrar: &mut Registrar<'_>) {
    registrar.factory(
        "seeing",
        (value("db.host"), value("db.port")),
        |settings: Settings, host: String, port: u16| async move {
            Ok::<_, BoxError>(Arc::new(Seen {
                host,
                port,
                origins: settings.origins,
                size: settings.size,
            }))
        },
    );
}

/// In Lokstra what a deployment overrode was lost in 15 of 60 loads, when a nested key and a dotted one
/// met in a map's order; it was applied after references had been followed, and only where the file
/// also had another key. The values of the chosen server lie over those of its deployment, and these
/// over the common ones, in every start, down to what a factory is given.
#[tokio::test]
async fn what_a_deployment_overrides_counts_in_every_start() {
    let text = "
values: { db: { host: common, port: 1 }, other: { host: x } }
services: { api: { type: seeing } }
deployments:
  Shop:
    values: { db: { host: deployed } }
    servers:
      main: { services: [api], values: { db: { port: 3 } } }
      spare: { services: [api] }
";
    for (server, port) in [("Shop.main", 3), ("Shop.spare", 1)] {
        for _ in 0..30 {
            let running = App::from_text(text)
                .register(module)
                .server(server)
                .start()
                .await
                .unwrap();
            let seen = running.services().require::<Seen>("api").unwrap();
            assert_eq!((&*seen.host, seen.port), ("deployed", port), "{server}");
            running.stop().await.unwrap();
        }
    }
}

/// Lokstra compared the type that a setting had been parsed to with the one that was asked for, and took
/// the default without a word where they differed: an `int` for an `int64`, a list of anything for a
/// list of texts (every origin was refused then). A setting of the right kind is read, whatever it was
/// parsed to; one of the wrong kind, and one that nobody knows, is told and nothing is built.
#[tokio::test]
async fn a_setting_of_the_wrong_type_is_told_and_never_the_default() {
    let app = |settings: &str| {
        App::from_text(&format!(
            "{{ values: {{ db: {{ host: h, port: 1 }} }}, services: {{ api: {{ type: seeing, settings: {settings} }} }} }}"
        ))
        .register(module)
    };
    let running = app("{ origins: [a.example, 127], size: 10 }")
        .start()
        .await
        .unwrap();
    let seen = running.services().require::<Seen>("api").unwrap();
    assert_eq!(
        (seen.size, &seen.origins),
        (10, &vec!["a.example".to_owned(), "127".into()])
    );
    running.stop().await.unwrap();

    for (settings, path) in [
        ("{ size: ten }", "services.api.settings.size"),
        ("{ size: \"10\" }", "services.api.settings.size"),
        ("{ size: -1 }", "services.api.settings.size"),
        ("{ origins: a.example }", "services.api.settings.origins"),
        ("{ sise: 10 }", "sise"),
    ] {
        let problems = app(settings).check();
        assert_eq!(problems.errors(), 1, "{settings}: {problems}");
        assert!(
            problems.to_string().contains(path),
            "{settings}: {problems}"
        );
        assert!(app(settings).start().await.is_err());
    }
}
