//! Everything that is wrong is told before anything is built, all at once.

use std::sync::Arc;

use byname_components::{App, Format, Registrar, Severity, lazy, need, optional, value};

use crate::rig::{Log, Thing, thing};

struct Other;

fn app(text: &str) -> App {
    App::from_text(text).register(|registrar: &mut Registrar<'_>| {
        let log = Log::default();
        thing(registrar, "plain", (), &log);
        thing(registrar, "needy", (need::<Thing>("db"),), &log);
        thing(registrar, "polite", (optional::<Thing>("db"),), &log);
        thing(registrar, "later", (lazy::<Thing>("db"),), &log);
        thing(registrar, "picky", (need::<Other>("db"),), &log);
        thing(registrar, "reader", (value::<u32>("limits.max"),), &log);
        thing(
            registrar,
            "maybe",
            (value::<Option<u32>>("limits.max"),),
            &log,
        );
    })
}

/// The messages of all problems, errors first as they are told.
fn messages(app: &App) -> Vec<String> {
    app.check()
        .iter()
        .map(|problem| problem.message().to_owned())
        .collect()
}

#[test]
fn what_is_right_has_no_problem() {
    assert!(
        app("services: { db: { type: plain }, a: { type: needy }, b: { type: polite } }")
            .check()
            .is_empty()
    );
    assert!(
        app("services: { b: { type: polite }, c: { type: maybe } }")
            .check()
            .is_empty()
    );
    assert!(App::new().check().is_empty());
}

#[test]
fn all_problems_are_told_at_once() {
    let app = app("
services:
  db: { type: plain }
  lost: { type: plian }
  typo: { type: needy, needs: { db: bd } }
  wrong: { type: picky }
  directed: { type: needy, needs: { bd: db } }
  gone: { type: reader }
  off: { type: plain, enabled: false }
  to-off: { type: later, needs: { db: off } }
");
    let other = std::any::type_name::<Other>();
    let of_thing = std::any::type_name::<Thing>();
    let messages = messages(&app);
    let expected = [
        "service `lost` cannot be made: there is no factory `plian`; did you mean `plain`?"
            .to_owned(),
        "factory `needy` of service `directed` has no need `bd`; did you mean `db`?".into(),
        "service `gone` reads the configuration value `limits.max`, which is not there".into(),
        "service `to-off` asks later for `off`, which nothing provides".into(),
        "service `typo` needs `bd`, which nothing provides; did you mean `db`?".into(),
        format!("service `wrong` needs `db` as a `{other}`, but `db` is a `{of_thing}`"),
    ];
    assert_eq!(messages, expected);
    let text = app.check().to_string();
    assert!(
        text.contains("checking.rs:"),
        "places of code are told: {text}"
    );
    assert!(
        text.contains("it is defined here, with `enabled: false`"),
        "{text}"
    );
    assert!(app.graph().1.is_none());
}

#[test]
fn circles_are_told_with_their_way_and_kind() {
    let app = app("
services:
  a: { type: needy, needs: { db: b } }
  b: { type: polite, needs: { db: c } }
  c: { type: needy, needs: { db: a } }
  d: { type: needy, needs: { db: d } }
  e: { type: needy, needs: { db: a } }
");
    let problems = app.check();
    let told: Vec<&str> = problems
        .iter()
        .map(byname_components::Problem::message)
        .collect();
    assert_eq!(
        told,
        [
            "services need each other to be built: a -> b -> c -> a",
            "services need each other to be built: d -> d",
        ]
    );
    let text = problems.to_string();
    assert!(text.contains("`b` needs, if there is one, `c`"), "{text}");
    assert!(text.contains("asks later"), "the way out is told: {text}");
}

#[test]
fn a_lazy_need_may_close_a_circle() {
    let app = app(
        "services: { a: { type: needy, needs: { db: b } }, b: { type: later, needs: { db: a } } }",
    );
    assert!(app.check().is_empty());
}

#[test]
fn names_that_are_taken_are_told_with_both_places() {
    let app = app("services: { db: { type: plain } }")
        .register(|registrar: &mut Registrar<'_>| thing(registrar, "plain", (), &Log::default()))
        .service("x", Arc::new(Other))
        .service("x", Arc::new(Other))
        .service("db", Arc::new(Other));
    let problems = app.check();
    assert_eq!(problems.errors(), 3, "{problems}");
    let two_places = problems
        .iter()
        .filter(|problem| problem.places().count() == 2);
    assert_eq!(two_places.count(), 3, "{problems}");
}

#[test]
fn the_chosen_server_decides_what_is_there() {
    let text = "
services:
  db: { type: plain }
  api: { type: needy }
  jobs: { type: plain }
  idle: { type: plain }
deployments:
  shop:
    servers:
      main: { services: [api] }
      work: { services: [jobs, jbos] }
";
    let names = |app: &App| -> Vec<String> {
        let (problems, graph) = app.graph();
        let graph = graph.unwrap_or_else(|| panic!("{problems}"));
        graph
            .services()
            .map(|service| service.name().to_owned())
            .collect()
    };
    let chosen = app(text).server("shop.main");
    assert_eq!(names(&chosen), ["db", "api"]);
    assert_eq!(names(&app(text).server("main")), ["db", "api"]);
    let problems = chosen.check();
    assert_eq!(problems.errors(), 0);
    let warnings: Vec<_> = problems
        .iter()
        .filter(|problem| problem.severity() == Severity::Warning)
        .collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].message(), "service `idle` is used by no server");
    let told = messages(&app(text).server("work"));
    assert_eq!(
        told[0],
        "the server lists service `jbos`, which is not defined; did you mean `jobs`?"
    );
    // Without a choice of several, and with one that is not there, the candidates are told.
    let told = app(text).check().to_string();
    assert!(
        told.contains("shop.main") && told.contains("shop.work"),
        "{told}"
    );
    let told = app(text).server("mian").check().to_string();
    assert!(told.contains("did you mean `shop.main`"), "{told}");
}

#[test]
fn unknown_keys_are_told_with_the_nearest() {
    let told = messages(&app(
        "{ servces: {}, services: { db: { typ: plain, type: plain } }, life: { paralel: 3 } }",
    ));
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(
        told[0],
        "unknown key `servces`; did you mean `services` or `servers`?"
    );
}

#[tokio::test]
async fn nothing_is_built_when_anything_is_wrong() {
    let log = Log::default();
    let notes = log.clone();
    let error = App::from_text("services: { a: {}, b: { type: nothing } }")
        .register(move |registrar: &mut Registrar<'_>| thing(registrar, "a", (), &notes))
        .start()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("there is no factory `nothing`"));
    assert!(log.all().is_empty());
}

#[test]
fn the_graph_is_drawn() {
    let (_, graph) = app(
        "services: { db: { type: plain }, api: { type: needy }, job: { type: later, lazy: true } }",
    )
    .graph();
    let graph = graph.unwrap();
    let states = [("api".to_owned(), "running".to_owned())].into();
    assert_eq!(
        graph.write(Format::Text, &states),
        "db (plain)\napi (needy): running\n  needs db\njob (later), lazy\n  asks later for db\n"
    );
    assert_eq!(
        graph.write(Format::Dot, &states),
        "digraph services {\n  rankdir=LR;\n  node [shape=box];\n  \"db\" [label=\"db\\nplain\"];\n  \
         \"api\" [label=\"api\\nneedy\\nrunning\"];\n  \"job\" [label=\"job\\nlater\", style=dashed];\n  \
         \"api\" -> \"db\";\n  \"job\" -> \"db\" [style=dotted];\n}\n"
    );
    assert_eq!(
        graph.write(Format::Mermaid, &states),
        "flowchart LR\n  n0[\"db<br>plain\"]\n  n1[\"api<br>needy<br>running\"]\n  n2[\"job<br>later\"]\n  \
         n1 --> n0\n  n2 -.-> n0\n"
    );
    let json: serde_json::Value =
        serde_json::from_str(&graph.write(Format::Json, &states)).unwrap();
    assert_eq!(json["services"][1]["needs"][0]["service"], "db");
    assert_eq!(json["services"][1]["state"], "running");
}

/// Lokstra lost an override in 15 of 60 loads, and expanded references before it applied overrides.
#[tokio::test]
async fn values_of_a_server_lie_over_those_of_its_deployment_and_below_what_was_set() {
    let text = "
values: { a: file, b: file, c: file, d: file, copy: \"${cfg:values.b}\" }
deployments:
  shop:
    values: { b: deployment, c: deployment, d: deployment }
    servers: { main: { values: { c: server, d: server } }, other: { values: { a: other } } }
";
    let running = app(text)
        .server("main")
        .set("values.d=set")
        .start()
        .await
        .unwrap();
    let values = &running.registries().values;
    let all = ["a", "b", "c", "d", "copy"].map(|name| values.require::<String>(name).unwrap());
    assert_eq!(all, ["file", "deployment", "server", "set", "deployment"]);
    assert_eq!(
        running.registries().current.current().unwrap().to_string(),
        "shop.main"
    );
    running.stop().await.unwrap();
}

/// The keys that a schema has; what stands elsewhere is followed.
fn keys(schema: &serde_json::Value, of: &serde_json::Value) -> Vec<String> {
    if let Some(name) = of["$ref"]
        .as_str()
        .and_then(|name| name.strip_prefix("#/$defs/"))
    {
        return keys(schema, &schema["$defs"][name]);
    }
    let inner = ["anyOf", "allOf"]
        .iter()
        .filter_map(|key| of[*key].as_array());
    let inner = inner.flatten().flat_map(|one| keys(schema, one));
    let own = of["properties"].as_object().into_iter().flatten();
    own.map(|(key, _)| key.clone()).chain(inner).collect()
}

#[test]
fn every_key_of_servers_is_in_their_document() {
    let document = include_str!("../../../../docs/servers.md");
    let schema = app("").schema();
    let server = &schema["properties"]["servers"]["additionalProperties"];
    let listener = &server["properties"]["listeners"]["additionalProperties"];
    let mut told = 0;
    let mut tell = |key: &str| {
        assert!(
            document.contains(&format!("`{key}`")),
            "`{key}` is not told"
        );
        told += 1;
    };
    let publish = "/properties/services/allOf/0/additionalProperties/allOf/0/properties/publish";
    for key in keys(&schema, schema.pointer(publish).unwrap()) {
        tell(&key);
    }
    for key in keys(&schema, listener) {
        tell(&key);
        for inner in keys(&schema, &listener["properties"][&key]) {
            tell(&inner);
        }
    }
    assert!(told > 25, "{told}");
    for key in keys(&schema, &schema["$defs"]["Route"]) {
        assert!(
            document.contains(&format!("`{key}")) || document.contains(&format!("{key}: ")),
            "`{key}` is not told"
        );
    }
}

#[test]
fn every_key_of_the_file_is_in_its_document_and_its_schema() {
    let document = include_str!("../../../../docs/app.md");
    let schema = app("").schema();
    let keys = |of: &serde_json::Value| -> Vec<String> {
        let properties = of["properties"].as_object();
        properties
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect()
    };
    let told = |key: &str| assert!(document.contains(&format!("`{key}")), "`{key}` is not told");
    let top = keys(&schema);
    assert_eq!(top.len(), 11, "{top:?}");
    for key in &top {
        told(key);
    }
    for section in ["life", "health"] {
        let inner = keys(&schema["properties"][section]);
        assert!(!inner.is_empty());
        for key in &inner {
            told(&format!("{section}.{key}"));
        }
    }
    let service = &schema["properties"]["services"]["allOf"][0]["additionalProperties"]["allOf"];
    let inner = keys(&service[0]);
    assert_eq!(inner.len(), 7, "{inner:?}");
    for key in &inner {
        told(&format!("services.NAME.{key}"));
    }
    // Each factory's settings are in there, wherever the type is told.
    assert_eq!(service.as_array().map(Vec::len), Some(1 + 7));
}

#[test]
fn what_types_say_is_a_secret_is_not_shown_wherever_it_stands() {
    use byname_components::config::{PrintOptions, Secret};

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Settings {
        #[allow(dead_code, reason = "only read")]
        password: Secret<String>,
    }
    async fn made(
        _: Settings,
        _: Secret<String>,
    ) -> Result<Arc<Thing>, byname_components::BoxError> {
        Ok(Arc::new(Thing("made")))
    }
    let text = "
values: { tokens: { mail: hush-1, other: shown }, copy: \"${cfg:values.tokens.mail}\" }
services:
  a: { type: made, settings: { password: hush-2 } }
  wrong: { type: made, settings: { pasword: hush-3 } }
  unknown: { settings: { key: hush-4 } }
  off: { type: made, enabled: false, settings: { password: hush-5 } }
";
    let app = App::from_text(text).register(|registrar: &mut Registrar<'_>| {
        registrar.factory("made", (value("tokens.mail"),), made);
    });
    let config = app.config().unwrap();
    let printed = config.print(&PrintOptions { origins: true });
    assert!(!printed.contains("hush"), "{printed}");
    assert!(printed.contains("shown"), "{printed}");
    assert!(!app.check().to_string().contains("hush"), "{}", app.check());
}
