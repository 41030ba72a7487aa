//! What a file says besides the convention: each key by its effect.

use axum::http;
use byname_components::service::{Overrides, Rest};

use crate::methods::{messages, method, planned, routes, with_id};

fn read(json: serde_json::Value) -> Overrides {
    serde_json::from_value(json).expect("overrides")
}

#[test]
fn a_prefix_stands_before_every_path_once() {
    for prefix in ["/api/v2", "/api/v2/"] {
        let overrides = read(serde_json::json!({ "prefix": prefix }));
        let methods = [
            with_id("get_order"),
            method("all").at(http::Method::GET, "/"),
        ];
        let plan = planned(methods, &Rest, &overrides).expect("routes");
        assert_eq!(routes(&plan)["get_order"], "GET /api/v2/orders/{id}");
        assert_eq!(routes(&plan)["all"], "GET /api/v2");
    }
    let overrides = read(serde_json::json!({ "prefix": "api" }));
    let told = messages(planned([with_id("get_order")], &Rest, &overrides));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("the prefix `api` does not begin with `/`"),
        "{told:?}"
    );
}

/// Once, and not for each method.
#[test]
fn an_empty_resource_or_plural_is_told() {
    for key in ["resource", "plural"] {
        let overrides = read(serde_json::json!({ key: "" }));
        let told = messages(planned([with_id("get_order")], &Rest, &overrides));
        assert_eq!(told, [format!("the {key} of the service is empty")]);
    }
}

#[test]
fn a_resource_and_a_plural_are_what_a_file_says() {
    let overrides = read(serde_json::json!({ "resource": "purchase" }));
    let plan = planned([with_id("get_purchase")], &Rest, &overrides).expect("routes");
    assert_eq!(routes(&plan)["get_purchase"], "GET /purchases/{id}");
    let overrides = read(serde_json::json!({ "plural": "ordering" }));
    let plan = planned([with_id("get_order")], &Rest, &overrides).expect("routes");
    assert_eq!(routes(&plan)["get_order"], "GET /ordering/{id}");
}

/// A predecessor read `hidden`, and exposed the method all the same (fault 16).
#[test]
fn a_hidden_method_has_no_route() {
    let overrides =
        read(serde_json::json!({ "methods": { "postpone_order": { "hidden": true } } }));
    let methods = [with_id("postpone_order"), with_id("get_order")];
    let plan = planned(methods, &Rest, &overrides).expect("routes");
    assert_eq!(plan.methods().collect::<Vec<_>>(), ["get_order".into()]);
    assert_eq!(routes(&plan).len(), 1);
}

#[test]
fn a_verb_and_a_path_are_what_a_file_says() {
    let overrides = |verb: Option<&str>, path: Option<&str>| {
        let said = serde_json::json!({ "verb": verb, "path": path });
        read(serde_json::json!({ "prefix": "/v1", "methods": { "get_order": said } }))
    };
    for (verb, path, expected) in [
        (None, Some("/one/{id}"), "GET /v1/one/{id}"),
        (Some("PUT"), None, "PUT /v1/orders/{id}"),
        (Some("POST"), Some("/find"), "POST /v1/find"),
    ] {
        let plan = planned([with_id("get_order")], &Rest, &overrides(verb, path));
        assert_eq!(routes(&plan.expect("routes"))["get_order"], expected);
    }
    for (verb, path, why) in [
        (
            Some("get"),
            None,
            "has the verb `get`; expected one of `GET`",
        ),
        (Some("HEAD"), Some("/x"), "has the verb `HEAD`"),
        (None, Some("x/{id}"), "does not begin with `/`"),
        (None, Some("/x/{ident}"), "not one argument `ident`"),
    ] {
        let told = messages(planned(
            [with_id("get_order")],
            &Rest,
            &overrides(verb, path),
        ));
        assert!(told[0].contains(why), "{told:?}: {why}");
    }
}

#[test]
fn what_a_file_says_counts_before_what_the_code_says() {
    let in_code = || with_id("do").at(http::Method::POST, "/do/{id}");
    let plan = planned([in_code()], &Rest, &Overrides::default()).expect("routes");
    assert_eq!(routes(&plan)["do"], "POST /do/{id}");
    let overrides = read(serde_json::json!({ "methods": { "do": { "path": "/{id}/done" } } }));
    let plan = planned([in_code()], &Rest, &overrides).expect("routes");
    assert_eq!(routes(&plan)["do"], "POST /{id}/done");
}

#[test]
fn a_method_that_does_not_exist_is_told_with_the_nearest() {
    let overrides = read(serde_json::json!({ "methods": { "get_oder": { "hidden": true } } }));
    let told = messages(planned([with_id("get_order")], &Rest, &overrides));
    assert_eq!(
        told,
        ["`Orders` has no method `get_oder`; did you mean `get_order`?"]
    );
}
