//! What is wrong with routers and listeners is told before anything is built, with its places.

use std::sync::Arc;

use byname_components::http::routes::Routes;
use byname_components::{BoxError, Instances, Registrar};

use crate::rig::{Mark, Site, app, only_error};

/// The only problem of a file says all of this.
#[track_caller]
fn tells(file: &str, words: &[&str]) {
    let told = only_error(&app(file).check());
    for word in words {
        assert!(told.contains(word), "`{word}` is not in:\n{told}");
    }
}

const SERVER: &str = "
servers:
  main:
    listeners:
      one: { address: 127.0.0.1:0, routers: [api] }
";

#[track_caller]
fn api_tells(router: &str, words: &[&str]) {
    tells(&format!("{SERVER}\nrouters: {{ api: {router} }}"), words);
}

#[test]
fn two_routes_on_one_method_and_path_are_told_with_both_places() {
    api_tells(
        "{ routes: [
  { router: shop, change: { 'GET /items/{id}': { hide: true }, POST /items: { hide: true } } },
  { router: shop, change: { 'GET /items/{id}': { path: '/one/{id}' }, POST /items: { hide: true } } } ] }",
        &["two routes answer GET `/items`", "rig.rs:", "default of the application:8:", "default of the application:9:"],
    );
}

#[test]
fn the_names_of_parameters_make_no_other_path() {
    let told = app(&format!(
        "{SERVER}
routers: {{ api: {{ routes: [
  {{ router: shop }},
  {{ router: shop, prefix: '/{{shop}}', change: {{ 'GET /items/{{id}}': {{ hide: true }}, POST /items: {{ hide: true }}, GET /items: {{ path: / }} }} }} ] }} }}"
    ))
    .check();
    assert!(told.is_empty(), "{told}");
}

#[test]
fn a_prefix_that_no_request_can_have_is_told_by_the_check() {
    for (prefix, told) in [
        (
            "/:id",
            "which has the segment `:id`; a parameter is written `{id}`",
        ),
        (
            "/*x",
            "which has the segment `*x`; a parameter is written `{*x}`",
        ),
        (
            "/{*x}",
            "which has the parameter `{*x}`, which leaves nothing to the paths under it",
        ),
        (
            "/{}",
            "which cannot be routed: a parameter is `{name}` or `{*name}`",
        ),
        ("/{", "which cannot be routed"),
        (
            "/x{id}y",
            "which cannot be routed: a segment has one parameter at most",
        ),
        ("x", "which does not begin with `/`"),
        (
            "/a?b",
            "which contains '?', which no path of a request contains",
        ),
        (
            "/a b",
            "which contains ' ', which no path of a request contains; write it `%20`",
        ),
        (
            "/..",
            "which has the segment `..`, which clients take out of a path",
        ),
    ] {
        let words = [
            &format!("prefix` is `{prefix}`, {told}"),
            "default of the application:7:",
        ];
        api_tells(
            &format!("{{ prefix: \"{prefix}\", routes: [{{ router: shop }}] }}"),
            &words,
        );
        api_tells(
            &format!("{{ routes: [{{ prefix: \"{prefix}\", router: shop }}] }}"),
            &words,
        );
        api_tells(
            &format!("{{ routes: [{{ prefix: \"{prefix}\", echo: {{ text: a }} }}] }}"),
            &words,
        );
    }
}

/// The check overlooked parameters with text before them, and the matcher refused them at the start.
#[test]
fn parameters_with_text_before_them_are_parameters() {
    let both = "change: { GET /items: { hide: true }, POST /items: { hide: true }";
    api_tells(
        &format!(
            "{{ routes: [{{ router: tagged }}, {{ router: shop, {both}, 'GET /items/{{id}}': {{ path: '/x-{{id}}' }} }} }}] }}"
        ),
        &["two routes answer GET `/x-{id}`"],
    );
    api_tells(
        "{ routes: [{ router: tagged, change: { 'GET /x-{tag}': { path: /x } } }] }",
        &["route `GET /x-{tag}` cannot be at `/x`, which has other parameters than the route has"],
    );
}

/// Which listeners and routes are warned of, where `keys` and `own` stand for who asks.
fn unguarded(listener: &str, item: &str) -> Option<String> {
    let file = format!(
        "
middleware:
  keys: {{ type: api-key, settings: {{ keys: {{ given: ['me:0123456789abcdef0123456789abcdef'] }} }} }}
  own: {{ type: badge, settings: {{ text: a }} }}
  mine: {{ type: mark, settings: {{ text: a }} }}
routers: {{ pages: {{ routes: [{{ {item} }}] }} }}
servers: {{ main: {{ listeners: {{ one: {{ {listener}, routers: [pages] }} }} }} }}
"
    );
    let own = |registrar: &mut Registrar<'_>| {
        registrar.auth_middleware("badge", Instances::Shared, |_: Mark| async {
            let layer = tower::layer::util::Identity::new();
            Ok::<_, BoxError>(Arc::new(byname_components::http::Middleware::new(layer)))
        });
        registrar.guarded_route_kind("vault", (), |_: Mark| async {
            let router = axum::Router::<()>::new();
            Ok::<_, BoxError>(Arc::new(byname_components::http::Mounted::new(router)))
        });
    };
    let problems = app(&file).register(own).check();
    assert_eq!(problems.errors(), 0, "{problems}");
    let problems = problems.to_string();
    let told = problems
        .lines()
        .find(|line| line.contains("which is not for everybody"));
    let told = told.map(str::to_owned);
    assert!(
        told.is_none() || problems.contains("`api-key` or `badge` or `bearer-auth`"),
        "{problems}"
    );
    told
}

#[test]
fn admin_pages_that_anybody_can_read_are_a_warning() {
    let told = |listener: &str, item: &str| unguarded(listener, item).is_some();
    assert!(told("address: 0.0.0.0:0", "admin: {}"));
    assert!(!told("address: '127.0.0.1:0'", "admin: {}"));
    assert!(!told("address: 'unix:/nowhere/a.sock'", "admin: {}"));
    assert!(!told("address: 0.0.0.0:0", "admin: {}, middleware: [keys]"));
    assert!(!told("address: 0.0.0.0:0, middleware: [keys]", "admin: {}"));
    assert!(!told("address: 0.0.0.0:0", "echo: { text: a }"));
    assert!(told("address: 0.0.0.0:0", "metrics: {}"));
    assert!(!told(
        "address: 0.0.0.0:0, middleware: [keys]",
        "metrics: {}"
    ));
    // Whether a program is well is for every probe.
    assert!(!told("address: 0.0.0.0:0", "health: {}"));
}

/// Who asks, and what is not for everybody, was known by the names of types: whoever brought a middleware
/// of their own was warned for nothing, and a kind of their own was never warned of.
#[test]
fn a_middleware_of_ones_own_that_authenticates_guards_a_kind_of_ones_own() {
    for item in ["admin: {}", "vault: { text: a }"] {
        let kind = item.split(':').next().unwrap();
        let all = "address: 0.0.0.0:0";
        let told = unguarded(all, item).unwrap();
        assert!(told.contains(&format!("is answered by `{kind}`")), "{told}");
        assert_eq!(unguarded("address: '[::1]:0'", item), None);
        // Whatever else stands before it does not ask.
        assert!(unguarded(all, &format!("{item}, middleware: [mine]")).is_some());
        assert_eq!(
            unguarded(all, &format!("{item}, middleware: [mine, own]")),
            None
        );
        assert_eq!(unguarded(&format!("{all}, middleware: [own]"), item), None);
    }
}

#[test]
fn of_a_router_that_is_not_there_its_changes_are_not_told() {
    api_tells(
        "{ routes: [{ router: shpo, change: { GET /items: { hide: true } } }] }",
        &["there is no router `shpo`; did you mean `shop`?"],
    );
}

#[test]
fn the_path_of_the_description_is_one_path() {
    let listener =
        |path: &str| format!("{{ address: 127.0.0.1:0, routers: [shop], openapi: \"{path}\" }}");
    let file = |path: &str| {
        format!(
            "servers:\n  main:\n    listeners:\n      one: {}\n",
            listener(path)
        )
    };
    tells(
        &file("/{x}"),
        &["openapi` is `/{x}`, which has the parameter `x`"],
    );
    tells(
        &file("api"),
        &["openapi` is `api`, which does not begin with `/`"],
    );
    assert!(app(&file("/api/openapi.json")).check().is_empty());
}

#[test]
fn a_prefix_with_the_parameter_of_a_path_under_it_is_told() {
    let hide = "GET /items: { hide: true }, POST /items: { hide: true }";
    api_tells(
        &format!("{{ prefix: '/{{id}}', routes: [{{ router: shop, change: {{ {hide} }} }}] }}"),
        &[
            "the path `/{id}/items/{id}` has two parameters `id`",
            "rig.rs:",
        ],
    );
}

#[test]
fn a_route_where_a_mount_has_everything_is_told() {
    api_tells(
        "{ routes: [{ prefix: /items, echo: { text: a } }, { router: shop, change: { POST /items: { hide: true }, 'GET /items/{id}': { hide: true } } }] }",
        &["`/items` is a route, and everything there is another's"],
    );
    // No matcher prefers one of these, and the start failed.
    api_tells(
        "{ routes: [{ prefix: /items, echo: { text: a } }, { router: shop, change: { POST /items: { hide: true }, GET /items: { hide: true } } }] }",
        &["`/items/{id}` is a route, and everything there is another's"],
    );
    api_tells(
        "{ routes: [{ prefix: /x, echo: { text: a } }, { prefix: /x, echo: { text: b } }] }",
        &["two routes answer everything under `/x`"],
    );
}

/// The check had a rule of its own, to which two mounts at the root were two paths: the last one had
/// everything, by the order in the file.
#[test]
fn two_mounts_at_the_root_are_told_with_both_places_whoever_puts_them_there() {
    let code = "{ router: bare }";
    let kind = "{ echo: { text: a } }";
    let slash = "{ prefix: /, echo: { text: b } }";
    for (one, other) in [
        (code, kind),
        (kind, code),
        (kind, slash),
        (code, slash),
        (code, code),
    ] {
        let routes = format!("{{ routes: [\n {one},\n {other} ] }}");
        let file = format!("{SERVER}\nrouters: {{ api: {routes} }}");
        let told = only_error(&app(&file).register(bare).check());
        let expected = "two routes answer everything under `/`";
        assert!(told.contains(expected), "{told}");
        for place in [
            "default of the application:8:",
            "default of the application:9:",
        ] {
            assert!(told.contains(place), "{told}");
        }
    }
    // Two of code on one listener, too.
    let file =
        "servers: { main: { listeners: { one: { address: 127.0.0.1:0, routers: [bare, site] } } } }
routers: { site: { routes: [{ echo: { text: a } }] } }";
    let told = only_error(&app(file).register(bare).check());
    assert!(
        told.contains("two routes answer everything under `/`"),
        "{told}"
    );
    // Under prefixes of their own they are two.
    let file = format!(
        "{SERVER}\nrouters: {{ api: {{ routes: [{{ prefix: /a, router: bare }}, {kind}] }} }}"
    );
    let told = app(&file).register(bare).check();
    assert!(told.is_empty(), "{told}");
}

/// A router of axum that is mounted at the root.
fn bare(registrar: &mut Registrar<'_>) {
    let all = axum::Router::new().fallback(|| async { "bare" });
    registrar.router("bare", (), |()| (), Routes::<()>::new().mount("/", all));
}

/// The check refused what the documentation of `mount` allows.
#[tokio::test(flavor = "multi_thread")]
async fn a_route_beside_a_mount_at_the_root_is_preferred() {
    let file = format!(
        "{SERVER}
routers: {{ api: {{ routes: [
  {{ echo: {{ text: rest }} }},
  {{ router: shop, change: {{ GET /items: {{ path: / }}, POST /items: {{ hide: true }} }} }} ] }} }}"
    );
    let site = Site::of(&file).await;
    assert_eq!(site.get("/").text(), "all of toys");
    assert_eq!(site.get("/items/1").text(), "1 of toys");
    assert_eq!(site.get("/items").text(), "rest /items");
    assert_eq!(site.ask("POST", "/", &[], "").status, 405);
    site.app.stop().await.unwrap();
}

#[test]
fn names_that_nobody_has_are_told_with_the_nearest() {
    api_tells(
        "{ routes: [{ router: shops }] }",
        &["there is no router `shops`", "did you mean `shop`"],
    );
    api_tells(
        "{ routes: [{ ecco: { text: a } }] }",
        &["there is no kind of route `ecco`", "did you mean `echo`"],
    );
    api_tells(
        "{ routes: [{ router: shop, change: { GET /item: { hide: true } } }] }",
        &[
            "router `shop` has no route `GET /item`",
            "it has `GET /items`",
        ],
    );
    api_tells(
        "{ middleware: [mark], routes: [{ router: shop }] }",
        &[
            "there is no middleware `mark`",
            "define it: `middleware: { mark: {} }`",
        ],
    );
    tells(
        "servers: { main: { listeners: { one: { address: 127.0.0.1:0, routers: [sop] } } } }",
        &["there is no router `sop`", "did you mean `shop`"],
    );
}

#[test]
fn routers_that_go_in_a_circle_are_told() {
    let file = format!(
        "{SERVER}
routers:
  api: {{ routes: [{{ router: b }}] }}
  b: {{ routes: [{{ prefix: /b, router: api }}] }}"
    );
    let told = app(&file).check();
    assert!(
        told.to_string()
            .contains("routers go in a circle: api -> b -> api"),
        "{told}"
    );
}

#[test]
fn an_item_says_one_thing_and_with_known_keys() {
    api_tells(
        "{ routes: [{ prefix: /x }] }",
        &["`routers.api.routes[0]` does not say what is routed to"],
    );
    api_tells(
        "{ routes: [{ router: shop, echo: { text: a } }] }",
        &["routes to several things: `router`, `echo`"],
    );
    api_tells(
        "{ routes: [{ prefix: x, router: shop }] }",
        &["which does not begin with `/`"],
    );
    api_tells(
        "{ rutes: [] }",
        &["has no key `rutes`", "did you mean `routes`"],
    );
    api_tells("{ routes: [{ echo: { texd: a, text: b } }] }", &["texd"]);
    api_tells(
        "{ routes: [{ router: shop, change: { 'GET /items/{id}': { path: /one } } }] }",
        &[
            "cannot be at `/one`",
            "has other parameters than the route has",
        ],
    );
    api_tells(
        "{ routes: [{ change: {}, echo: { text: a } }] }",
        &["`change` is for routers"],
    );
}

#[test]
fn the_settings_of_a_kind_that_no_server_has_are_looked_at_too() {
    tells(
        "
routers: { other: { routes: [{ echo: {} }] } }
servers: { main: { listeners: { one: { address: 127.0.0.1:0 } } } }
",
        &["text"],
    );
}

#[test]
fn two_listeners_on_one_address_are_told_with_both_places() {
    tells(
        "
servers:
  main:
    listeners:
      one: { address: 127.0.0.1:8080, routers: [shop] }
      two: { address: 0.0.0.0:8080, routers: [opaque] }
",
        &[
            "two listeners are at 0.0.0.0:8080",
            "default of the application:5:",
            "default of the application:6:",
        ],
    );
}

#[test]
fn what_is_used_by_nothing_is_a_warning() {
    let told = app(&format!(
        "{SERVER}
routers: {{ api: {{ routes: [{{ router: shop }}] }}, spare: {{ routes: [{{ router: opaque }}] }} }}
middleware: {{ m: {{ type: mark, settings: {{ text: x }} }} }}"
    ))
    .check();
    assert_eq!((told.errors(), told.warnings()), (0, 2), "{told}");
    let told = told.to_string();
    assert!(
        told.contains("router `spare` is used by no server"),
        "{told}"
    );
    assert!(told.contains("middleware `m` is used by nothing"), "{told}");
}
