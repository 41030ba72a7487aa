//! What is wrong with routers and listeners is told before anything is built, with its places.

use crate::rig::{app, only_error};

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
fn a_route_where_a_mount_has_everything_is_told() {
    api_tells(
        "{ routes: [{ prefix: /items, echo: { text: a } }, { router: shop, change: { POST /items: { hide: true } } }] }",
        &["`/items` is a route, and everything there is another's"],
    );
    api_tells(
        "{ routes: [{ prefix: /x, echo: { text: a } }, { prefix: /x, echo: { text: b } }] }",
        &["two routes answer everything under `/x`"],
    );
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
        &["a prefix begins with a slash"],
    );
    api_tells(
        "{ rutes: [] }",
        &["has no key `rutes`", "did you mean `routes`"],
    );
    api_tells("{ routes: [{ echo: { texd: a, text: b } }] }", &["texd"]);
    api_tells(
        "{ routes: [{ router: shop, change: { 'GET /items/{id}': { path: /one } } }] }",
        &["cannot be at `/one`", "has the same parameters as before"],
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
