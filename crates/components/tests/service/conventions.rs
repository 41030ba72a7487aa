//! What the conventions make of names.

use axum::http;
use byname_components::service::{
    Convention, Location, Method, Overrides, Resource, Rest, Route, Rpc,
};

use crate::methods::{Thing, method, planned, route, routes, with_id};

#[test]
fn rest_reads_the_words_of_a_name() {
    for (method, expected) in [
        (with_id("get_order"), "GET /orders/{id}"),
        (with_id("find_order"), "GET /orders/{id}"),
        (with_id("get_order_by_id"), "GET /orders/{id}"),
        (with_id("get"), "GET /orders/{id}"),
        (
            method("get_order")
                .argument::<u8>("x")
                .argument::<u64>("order_id"),
            "GET /orders/{id}",
        ),
        (
            method("get_order").argument::<String>("key"),
            "GET /orders/{id}",
        ),
        (
            method("get_order_by_code").argument::<String>("code"),
            "GET /orders/by-code/{code}",
        ),
        (method("list_orders"), "GET /orders"),
        (
            method("list").argument::<Option<u8>>("limit"),
            "GET /orders",
        ),
        (method("get_orders"), "GET /orders"),
        (
            method("find_orders").argument::<Vec<String>>("tags"),
            "GET /orders",
        ),
        (
            method("search_orders").argument::<String>("text"),
            "GET /orders/search",
        ),
        (
            method("create_order").argument::<Thing>("order"),
            "POST /orders",
        ),
        (
            method("add_order").argument::<String>("name"),
            "POST /orders",
        ),
        (
            with_id("update_order").argument::<Thing>("order"),
            "PUT /orders/{id}",
        ),
        (with_id("replace_order"), "PUT /orders/{id}"),
        (
            with_id("modify_order").argument::<Option<u8>>("count"),
            "PATCH /orders/{id}",
        ),
        (with_id("patch_order"), "PATCH /orders/{id}"),
        (with_id("delete_order"), "DELETE /orders/{id}"),
        (with_id("remove_order"), "DELETE /orders/{id}"),
    ] {
        let name = method.name();
        assert_eq!(route(method, &Rest).as_deref(), Ok(expected), "{name}");
    }
}

/// A predecessor looked for the beginnings of words: `postpone_order` was routed as `post` (fault 29).
/// Words are matched whole, and a method whose name says nothing has no route by itself.
#[test]
fn a_method_whose_words_say_nothing_is_an_error_and_never_left_out() {
    for (method, why) in [
        (
            with_id("postpone_order"),
            "does not begin with one of the words",
        ),
        (
            with_id("getaway_order"),
            "does not begin with one of the words",
        ),
        (with_id("order"), "does not begin with one of the words"),
        (with_id("get_invoice"), "is about `invoice`"),
        (with_id("get_order_lines"), "is about `order-lines`"),
        (
            method("get_order"),
            "has no argument that says which `order`",
        ),
        (
            method("get_order").argument::<Thing>("key"),
            "has no argument that says which `order`",
        ),
        (
            method("get_order").argument::<Option<u64>>("id"),
            "has no argument that says which",
        ),
        (
            method("delete_orders").argument::<Vec<u64>>("ids"),
            "is about several",
        ),
        (with_id("delete_order_by_code"), "has no argument `code`"),
        (
            method("delete_order_by_code").argument::<u8>("code"),
            "is no `get` or `find`",
        ),
        (with_id("get_order_by_code"), "has no argument `code`"),
    ] {
        let name = method.name();
        let told = route(method, &Rest).expect_err(name);
        assert!(told.contains(why), "{name}: {told}");
        assert!(
            told.contains(&format!("`{name}` of `Orders` has no route")),
            "{told}"
        );
        assert!(told.contains("methods.rs:"), "it says where: {told}");
    }
}

#[test]
fn rpc_routes_every_method() {
    for (name, expected) in [
        ("get_order", "POST /orders/get-order"),
        ("postpone_order", "POST /orders/postpone-order"),
        ("all", "POST /orders/all"),
    ] {
        assert_eq!(route(with_id(name), &Rpc).as_deref(), Ok(expected));
    }
}

/// Whatever a convention of somebody says is what counts.
#[test]
fn a_convention_of_ones_own_is_asked() {
    struct Own;
    impl Convention for Own {
        fn route(&self, resource: &Resource, method: &Method) -> Result<Route, String> {
            if method.name() == "secret" {
                return Err("is nobody's business".into());
            }
            let path = format!("/{}/{}/{{key}}", resource.singular(), method.name());
            Ok(Route::new(http::Method::PUT, path)
                .with("id", Location::Path("key".into()))
                .with("name", Location::Header("x-name".into()))
                .others_in_query(method))
        }
    }
    let method = with_id("do")
        .argument::<Option<String>>("name")
        .argument::<bool>("now");
    assert_eq!(route(method, &Own).as_deref(), Ok("PUT /order/do/{key}"));
    let told = route(with_id("secret"), &Own).expect_err("no route");
    assert!(
        told.contains("by the convention `given`: it is nobody's business"),
        "{told}"
    );
}

/// Routers of axum have one name for a parameter at one place.
#[test]
fn routes_of_one_path_have_the_same_names_of_parameters() {
    let methods = [
        with_id("get_order"),
        method("other")
            .argument::<u64>("key")
            .at(http::Method::PUT, "/orders/{key}"),
    ];
    let plan = planned(methods, &Rest, &Overrides::default()).expect("routes");
    let routes = routes(&plan);
    assert_eq!(routes["get_order"], "GET /orders/{id}");
    assert_eq!(routes["other"], "PUT /orders/{id}");
}
