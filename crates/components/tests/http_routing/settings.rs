//! What is wrong with the settings of kinds of routes, middleware and listeners is told by the check, each
//! at the line of its key.

use std::sync::Arc;

use byname_components::config::{CheckSettings, Checked, Faults};
use byname_components::http::Mounted;
use byname_components::http::routes::Routes;
use byname_components::{App, BoxError, Instances, Problems, Registrar, need};

use crate::rig::{app, only_error};

/// What is told, each as its line and what is said.
fn told(problems: &Problems) -> Vec<(String, String)> {
    let told = problems.iter().map(|problem| {
        let (place, _) = problem.places().next().unwrap();
        let place = place.to_string();
        let line = place.rsplit(':').nth(1).unwrap().to_owned();
        (line, problem.message().to_owned())
    });
    told.collect()
}

fn routed(item: &str) -> App {
    app(&format!(
        "servers: {{ main: {{ listeners: {{ one: {{ address: 127.0.0.1:0, routers: [api] }} }} }} }}
routers:
  api:
    routes:
      - {item}
"
    ))
}

#[track_caller]
fn tells(file: &App, expected: &[(&str, &str)]) {
    let told = told(&file.check());
    let told: Vec<_> = told.iter().map(|(line, it)| (&**line, &**it)).collect();
    assert_eq!(told, expected);
}

/// The check said that nothing was wrong, and the start failed, with the first of them only.
#[test]
fn settings_of_files_that_cannot_be_are_told_by_the_check_all_of_them() {
    tells(
        &routed(
            "files:
          folder: /nowhere
          index: a/b
          fallback: ../x
          dotfiles: [env]
          chunk: 1B
          types: { x: \"a\\nb\" }
          cache-control: { pages: \"a\\nb\" }",
        ),
        &[
            (
                "9",
                "`routers.api.routes[0].files.dotfiles` has `env`; expected names that begin with a dot",
            ),
            (
                "7",
                "`routers.api.routes[0].files.index` is `a/b`; expected the name of a file, as `index.html`",
            ),
            (
                "8",
                "`routers.api.routes[0].files.fallback` is `../x`; expected the path of a file in the folder",
            ),
            (
                "10",
                "`routers.api.routes[0].files.chunk` is 1B; expected 4KiB to 16MiB",
            ),
            (
                "11",
                "`routers.api.routes[0].files.types` has \"a\\nb\", which cannot be sent as the value of a header",
            ),
            (
                "12",
                "`routers.api.routes[0].files.cache-control.pages` has \"a\\nb\", which cannot be sent as the value of a header",
            ),
        ],
    );
    // Whether the folder is there is known where it runs.
    tells(&routed("files: { folder: /nowhere }"), &[]);
}

#[test]
fn the_folder_of_files_has_no_default() {
    let lacks = "`routers.api.routes[0].files` lacks the key `folder`";
    tells(&routed("files: {}"), &[("5", lacks)]);
    tells(
        &routed("files: { folder: '' }"),
        &[(
            "5",
            "`routers.api.routes[0].files.folder` is missing; expected the path of a folder",
        )],
    );
    let schema = App::new().schema();
    let required = &schema["$defs"]["Route"]["properties"]["files"];
    let name = required["$ref"].as_str().unwrap();
    let files = &schema.pointer(&name[1..]).unwrap();
    assert_eq!(files["required"], serde_json::json!(["folder"]));
    assert_eq!(files["properties"]["index"]["default"], "index.html");
    // That everything has a default is said of the others.
    let admin = &schema["$defs"]["Route"]["properties"]["admin"];
    assert!(admin["anyOf"].is_array(), "{admin}");
}

#[test]
fn settings_of_admin_pages_that_cannot_be_are_told_by_the_check_all_of_them() {
    tells(
        &routed(
            "admin:
          hosts: [a, a b]
          page: 0
          changes: 0
          changes-size: 1B
          followers: 70000
          keep-alive: 0s",
        ),
        &[
            (
                "6",
                "`routers.api.routes[0].admin.hosts` has `a b`; expected the name of a host, without a port",
            ),
            (
                "7",
                "`routers.api.routes[0].admin.page` is 0; expected 1 to 1000",
            ),
            (
                "8",
                "`routers.api.routes[0].admin.changes` is 0; expected 1 to 1048576",
            ),
            (
                "9",
                "`routers.api.routes[0].admin.changes-size` is 1B; expected at least 64KiB",
            ),
            (
                "10",
                "`routers.api.routes[0].admin.followers` is 70000; expected at most 65536",
            ),
            (
                "11",
                "`routers.api.routes[0].admin.keep-alive` is 0s; expected at least 1ms",
            ),
        ],
    );
}

/// What is wrong with a listener stood at the line of the listener, and only the first of it.
#[test]
fn settings_of_a_listener_that_cannot_be_are_told_at_their_own_lines() {
    tells(
        &app("
servers:
  main:
    listeners:
      one:
        address: 127.0.0.1:0
        routers: [shop]
        timeouts:
          body: 30s
          idle: 0s
        limits: { header: 1B }
"),
        &[
            (
                "10",
                "`servers.main.listeners.one.timeouts.idle` is 0s; expected more",
            ),
            (
                "11",
                "`servers.main.listeners.one.limits.header` is not between 1KiB and 16MiB",
            ),
        ],
    );
}

/// The permissions of a socket file were taken and did nothing where there is no file.
#[test]
fn what_holds_for_a_socket_file_is_refused_where_there_is_none() {
    let file = |address: &str| {
        app(&format!(
            "
servers:
  main:
    listeners:
      one:
        address: {address}
        routers: [shop]
        unix: {{ mode: \"0600\" }}
"
        ))
    };
    tells(
        &file("127.0.0.1:0"),
        &[(
            "8",
            "`servers.main.listeners.one.unix` is for a socket file, and the listener is at 127.0.0.1:0",
        )],
    );
    tells(&file("'unix:/run/one.sock'"), &[]);
}

/// The path and the middleware of a route that is hidden were taken, and did nothing.
#[test]
fn what_is_said_of_a_hidden_route_besides_is_refused() {
    let hidden = "router: shop
        change:
          GET /items:
            hide: true
            path: /all
            middleware: []";
    let of = "`routers.api.routes[0].change.\"GET /items\"` is hidden, and its";
    let (path, layers) = (
        format!("{of} `path` does nothing"),
        format!("{of} `middleware` does nothing"),
    );
    tells(&routed(hidden), &[("9", &path), ("10", &layers)]);
    tells(&routed(&hidden.replace("true", "false")), &[]);
}

/// A slow log of routes that are nowhere behind it said nothing, and told nothing.
#[test]
fn routes_of_a_slow_log_that_are_not_behind_it_are_told() {
    let file = |route: &str| {
        app(&format!(
            "
middleware:
  slow:
    type: slow-log
    settings:
      routes:
        {route}: 5s
routers:
  api: {{ prefix: /v1, routes: [{{ router: shop, middleware: [slow] }}, {{ prefix: /e, echo: {{ text: a }} }}] }}
  all: {{ middleware: [slow], routes: [{{ prefix: /all, echo: {{ text: a }} }}] }}
servers:
  main: {{ listeners: {{ one: {{ address: 127.0.0.1:0, routers: [api] }} }} }}
  side: {{ listeners: {{ one: {{ address: 127.0.0.1:1, routers: [all] }}, two: {{ address: 127.0.0.1:2, middleware: [slow] }} }} }}
"
        ))
        .server("main")
    };
    for right in ["/v1/items/{id}", "/v1/items", "/all", "/openapi.json"] {
        tells(&file(right), &[]);
    }
    let of = "`middleware.slow.settings.routes` names";
    let what = "and no such route is behind it";
    for (wrong, near) in [
        ("/v1/item", "; did you mean `/v1/items`?"),
        ("/v1/e", ""),
        ("/items/{id}", "; did you mean `/v1/items/{id}`?"),
    ] {
        let problems = file(wrong).check();
        let told = told(&problems);
        let message = format!("{of} `{wrong}`, {what}");
        assert!(
            told.len() == 1 && told[0].0 == "7" && told[0].1.starts_with(&message),
            "{near} {told:?}"
        );
    }
}

/// What a router needed and nobody provided was told with places of code, and without what to do.
#[test]
fn a_need_of_a_router_that_nothing_provides_is_told_where_it_is_routed_and_what_to_define() {
    struct Words;
    let words = |registrar: &mut Registrar<'_>| {
        let routes = Routes::<Arc<Words>>::new();
        let hello = || async { "hello" };
        let routes = routes.raw(axum::http::Method::GET, "/hello", hello);
        registrar.router("hello", (need::<Words>("words"),), |(words,)| words, routes);
    };
    let spoken = |registrar: &mut Registrar<'_>| {
        registrar.factory("spoken", (), |(): ()| async {
            Ok::<_, BoxError>(Arc::new(Words))
        });
    };
    let wanted = |registrar: &mut Registrar<'_>| {
        registrar.factory("words", (), |(): ()| async {
            Ok::<_, BoxError>(Arc::new(Words))
        });
    };
    let file = "
routers:
  api:
    routes:
      - router: hello
servers: { main: { listeners: { one: { address: 127.0.0.1:0, routers: [api] } } } }
";
    let app = || App::from_text(file).register(words);
    let told = only_error(&app().check());
    let message = "error: service `routers.hello` needs `words`, which nothing provides\n  \
        default of the application:5:9: it is routed here\n";
    assert!(told.starts_with(message), "{told}");
    assert!(!told.contains("help"), "{told}");
    let told = only_error(&app().register(spoken).check());
    assert!(
        told.ends_with("help: define it: `services: { words: { type: spoken } }`"),
        "{told}"
    );
    let told = only_error(&app().register(spoken).register(wanted).check());
    assert!(
        told.ends_with("help: define it: `services: { words: {} }`"),
        "{told}"
    );
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Span {
    least: u32,
    most: u32,
}

impl CheckSettings for Span {
    fn check(&self, faults: &mut Faults) {
        if self.least > self.most {
            faults.tell("least", format!("is more than `most`, {}", self.most));
        }
    }
}

/// A kind of route, a middleware and a service of a module.
fn module(registrar: &mut Registrar<'_>) {
    registrar.route_kind("span", (), |Checked(_): Checked<Span>| async {
        Ok::<_, BoxError>(Arc::new(Mounted::new(axum::Router::<()>::new())))
    });
    registrar.middleware(
        "spanned",
        Instances::Shared,
        |Checked(_): Checked<Span>| async {
            let layer = tower::layer::util::Identity::new();
            Ok::<_, BoxError>(Arc::new(byname_components::http::Middleware::new(layer)))
        },
    );
    registrar.factory("spanning", (), |Checked(span): Checked<Span>| async move {
        Ok::<_, BoxError>(Arc::new(span))
    });
}

#[test]
fn settings_of_a_module_that_contradict_each_other_are_told_by_the_check() {
    let file = |least: &str| {
        let span = format!("{{ least: {least}, most: 2 }}");
        App::from_text(&format!(
            "middleware: {{ spanned: {{ settings: {span} }} }}
services: {{ spanning: {{ settings: {span} }} }}
routers: {{ api: {{ middleware: [spanned], routes: [
  {{ span: {span} }} ] }} }}
servers: {{ main: {{ services: [spanning], listeners: {{ one: {{ address: 127.0.0.1:0, routers: [api] }} }} }} }}
"
        ))
        .register(module)
    };
    tells(&file("1"), &[]);
    let more = "is more than `most`, 2";
    let wrong = told(&file("3").check());
    assert_eq!(
        wrong,
        [
            ("1", format!("`middleware.spanned.settings.least` {more}")),
            ("4", format!("`routers.api.routes[0].span.least` {more}")),
            ("2", format!("`services.spanning.settings.least` {more}")),
        ]
        .map(|(line, message)| (line.to_owned(), message))
    );
    // What stands in for a value that cannot be read is not told of.
    let wrong = told(&file("x").check());
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(
        wrong
            .iter()
            .all(|(_, message)| message.contains("must be a whole number")),
        "{wrong:?}"
    );
}
