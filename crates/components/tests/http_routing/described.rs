//! The description of a listener tells each route as it is behind all that stands before it.

use byname_components::http::openapi::{Operation, Security};
use byname_components::http::routes::Routes;
use byname_components::{App, BoxError, ErrorKind, Instances, Registrar};
use serde_json::{Value, json};

use crate::rig::{Mark, Site, app};

/// Routes with names of their own.
fn module(registrar: &mut Registrar<'_>) {
    let routes = Routes::<()>::new()
        .get("/notes", || async { "all" })
        .describe(|operation| {
            operation.id("list-notes");
        })
        .get("/notes/{id}", || async { "one" })
        .describe(|operation| {
            operation.id("get-note");
        });
    registrar.router("notes", (), |()| (), routes);
    registrar.auth_middleware("tickets", Instances::Shared, |_: Mark| async move {
        let layer = tower::layer::util::Identity::new();
        Ok::<_, BoxError>(std::sync::Arc::new(
            byname_components::http::Middleware::new(layer),
        ))
    });
    registrar.describe_middleware("tickets", |mark: &Mark, operation: &mut Operation| {
        let key = Security::Key(mark.text.clone());
        operation.guarded_by(key).refuses(ErrorKind::Gone);
    });
}

const FILE: &str = "
middleware:
  bearer-auth: { settings: { keys: { given: ['ann:hush-1'] } } }
  keys: { type: api-key, settings: { header: x-key, allow: [ben], keys: { given: ['ben:hush-2'] } } }
  rate-limit: {}
  slow: { type: timeout, settings: { within: 5s, header: X-Wait } }
  small: { type: body-limit }
  smaller: { type: compression }
  ticket: { type: tickets, settings: { text: x-ticket } }
routers:
  api:
    routes:
      - { prefix: /v1, router: notes, middleware: [bearer-auth, slow] }
      - prefix: /v2
        router: notes
        middleware: [keys, ticket, small, smaller]
        change: { 'GET /notes/{id}': { middleware: [bearer-auth] } }
      - { prefix: /open, router: notes }
      - { prefix: /files, files: { folder: . } }
servers:
  main:
    listeners:
      one:
        address: 127.0.0.1:0
        routers: [api]
        middleware: [rate-limit]
        openapi: { path: /described, title: Notes, version: 2.1.0, description: What was noted. }
";

fn notes(file: &str) -> App {
    app(file).register(module)
}

async fn described() -> Value {
    let problems = notes(FILE).check();
    assert!(problems.is_empty(), "{problems}");
    let site = Site::run(notes(FILE)).await;
    let answer = site.get("/described");
    site.app.stop().await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

/// It told nothing of what stands before a route: clients that were made from it sent no token.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_before_a_route_is_in_its_description() {
    let document = described().await;
    let get = |path: &str| &document["paths"][path]["get"];
    let statuses = |path: &str| {
        let answers = get(path)["responses"].as_object().unwrap().keys();
        answers.map(String::as_str).collect::<Vec<_>>()
    };
    assert_eq!(statuses("/open/notes"), ["200", "429", "default"]);
    assert_eq!(get("/open/notes")["security"], Value::Null);

    assert_eq!(
        statuses("/v1/notes"),
        ["200", "400", "401", "429", "504", "default"]
    );
    assert_eq!(get("/v1/notes")["security"], json!([{ "bearer": [] }]));
    let parameter = &get("/v1/notes")["parameters"][0];
    assert_eq!(
        (&parameter["name"], &parameter["required"]),
        (&json!("x-wait"), &json!(false))
    );

    let both = json!([{ "key-x-key": [], "key-x-ticket": [] }]);
    assert_eq!(get("/v2/notes")["security"], both);
    assert_eq!(
        statuses("/v2/notes"),
        ["200", "401", "403", "406", "410", "413", "429", "default"]
    );
    let all = json!([{ "bearer": [], "key-x-key": [], "key-x-ticket": [] }]);
    assert_eq!(get("/v2/notes/{id}")["security"], all);

    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(
        schemes["bearer"],
        json!({ "type": "http", "scheme": "bearer" })
    );
    let key = json!({ "type": "apiKey", "in": "header", "name": "x-key" });
    assert_eq!(schemes["key-x-key"], key);
    let of = |status: &str, header: &str| &get("/v1/notes")["responses"][status]["headers"][header];
    assert_eq!(of("401", "www-authenticate")["required"], json!(true));
    assert_eq!(of("429", "retry-after")["schema"]["type"], json!("integer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_stands_twice_has_each_name_once() {
    let document = described().await;
    let items = document["paths"].as_object().unwrap().values();
    let mut ids: Vec<_> = items
        .map(|item| item["get"]["operationId"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let each = [
        "get-note",
        "get-note-v1-notes-id",
        "get-note-v2-notes-id",
        "list-notes",
        "list-notes-v1-notes",
        "list-notes-v2-notes",
    ];
    assert_eq!(ids, each);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_says_what_its_description_is_called_and_where_it_is() {
    let document = described().await;
    let info = json!({ "title": "Notes", "version": "2.1.0", "description": "What was noted." });
    assert_eq!(document["info"], info);
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn a_description_that_cannot_be_is_told_by_the_check() {
    for (openapi, told) in [
        (
            "{ path: '/{x}' }",
            "openapi.path` is `/{x}`, which has the parameter `x`",
        ),
        ("{ titel: Notes }", "did you mean `title`?"),
        ("{ version: [] }", "version"),
        (
            "{ path: /open/notes }",
            "is a route, and where the routes are described",
        ),
    ] {
        let file = FILE
            .lines()
            .map(|line| match line.trim_start().strip_prefix("openapi:") {
                Some(_) => format!("        openapi: {openapi}\n"),
                None => format!("{line}\n"),
            });
        let problems = notes(&file.collect::<String>()).check();
        assert_eq!(problems.errors(), 1, "{problems}");
        assert!(problems.to_string().contains(told), "{problems}");
    }
}

#[test]
fn a_description_of_middleware_that_nothing_makes_is_told() {
    let app = app("").register(|registrar: &mut Registrar<'_>| {
        registrar.describe_middleware("marc", |_: &Mark, _: &mut Operation| {});
    });
    let told = app.check().to_string();
    for words in [
        "`marc` is described, and no factory makes it",
        "did you mean `mark`?",
        "described.rs:",
    ] {
        assert!(told.contains(words), "{told}");
    }
}
