//! What is wrong with routes, all of it at once.

use std::collections::BTreeMap;

use axum::http;
use byname_components::service::{
    Convention, Location, Method, Overrides, Resource, Rest, Route, Rpc,
};

use crate::methods::{Thing, messages, method, planned, with_id};

/// A predecessor found two methods on one route when the server started, and panicked (fault 29).
#[test]
fn two_methods_on_one_route_are_told_with_both_names_and_places() {
    let methods = [
        with_id("get_order"),
        with_id("update_order"),
        with_id("find_order"),
    ];
    let problems = planned(methods, &Rest, &Overrides::default()).expect_err("two on one route");
    let problem = problems.iter().next().expect("a problem");
    assert_eq!(
        problem.message(),
        "methods `get_order` and `find_order` are both `GET /orders/{id}`"
    );
    assert_eq!(problem.places().count(), 2);
    let methods = [
        with_id("get_order"),
        method("other")
            .argument::<u8>("key")
            .at(http::Method::GET, "/orders/{key}"),
    ];
    let told = messages(planned(methods, &Rest, &Overrides::default()));
    assert_eq!(
        told,
        ["methods `get_order` and `other` are both `GET /orders/{id}`"]
    );
}

#[test]
fn everything_is_told_at_once() {
    let methods = [
        with_id("postpone_order"),
        with_id("get_order"),
        with_id("find_order"),
        method("list_orders").argument::<Thing>("like"),
    ];
    let told = messages(planned(methods, &Rest, &Overrides::default()));
    assert_eq!(told.len(), 3, "{told:#?}");
}

/// One method whose argument is to be there.
fn placed<T>(location: Location) -> String
where
    T: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema + Send + 'static,
{
    struct There(Location);
    impl Convention for There {
        fn route(&self, _: &Resource, _: &Method) -> Result<Route, String> {
            let path = match &self.0 {
                Location::Path(_) => "/{it}",
                _ => "/",
            };
            Ok(Route::new(http::Method::POST, path).with("it", self.0.clone()))
        }
    }
    let plan = planned(
        [method("m").argument::<T>("it")],
        &There(location),
        &Overrides::default(),
    );
    plan.map_or_else(|problems| problems.to_string(), |_| String::new())
}

#[test]
fn an_argument_that_cannot_stand_where_it_is_to_be_is_told() {
    let path = || Location::Path("it".into());
    let query = || Location::Query("it".into());
    let header = || Location::Header("x-it".into());
    let field = || Location::Field("it".into());
    for good in [
        placed::<String>(path()),
        placed::<u64>(query()),
        placed::<Option<bool>>(query()),
        placed::<Vec<f64>>(query()),
        placed::<Option<String>>(header()),
        placed::<Thing>(field()),
        placed::<Option<Option<Thing>>>(field()),
        placed::<Vec<Thing>>(Location::Body),
        placed::<serde_json::Value>(Location::Body),
    ] {
        assert_eq!(good, "");
    }
    for (told, why) in [
        (
            placed::<Thing>(path()),
            "where only a text, a number or a truth value can be",
        ),
        (
            placed::<Option<u8>>(path()),
            "where only a text, a number or a truth value can be",
        ),
        (
            placed::<Vec<u8>>(path()),
            "where only a text, a number or a truth value can be",
        ),
        (
            placed::<()>(path()),
            "where only a text, a number or a truth value can be",
        ),
        (placed::<Thing>(query()), "it can be in a body"),
        (
            placed::<BTreeMap<String, u8>>(query()),
            "it can be in a body",
        ),
        (placed::<Vec<Thing>>(query()), "it can be in a body"),
        (placed::<Option<Vec<u8>>>(query()), "it can be in a body"),
        (placed::<Vec<Option<u8>>>(query()), "it can be in a body"),
        (placed::<serde_json::Value>(query()), "it can be in a body"),
        (
            placed::<Option<Option<u8>>>(query()),
            "an option of an option",
        ),
        (
            placed::<Option<Option<Option<u8>>>>(field()),
            "an option of an option of an option",
        ),
        (
            placed::<Vec<u8>>(header()),
            "where only a text, a number or a truth value can be",
        ),
        (
            placed::<u8>(Location::Header("Host".into())),
            "about the message itself",
        ),
        (
            placed::<u8>(Location::Header("x y".into())),
            "no name of one",
        ),
        (
            placed::<Option<Thing>>(Location::Body),
            "cannot be the whole content",
        ),
    ] {
        assert!(
            told.contains("argument `it` of method `m`"),
            "{told:?}: {why}"
        );
        assert!(told.contains(why), "{told}: {why}");
    }
}

#[test]
fn a_convention_that_is_wrong_is_told() {
    struct Wrong(Route);
    impl Convention for Wrong {
        fn route(&self, _: &Resource, _: &Method) -> Result<Route, String> {
            Ok(self.0.clone())
        }
    }
    let route = |path| Route::new(http::Method::POST, path);
    let both = || method("m").argument::<u8>("a").argument::<u8>("b");
    for (route, why) in [
        (
            route("/x"),
            "argument `a` of method `m` has no place in a request",
        ),
        (route("x"), "does not begin with `/`"),
        (route("/{a}/{a}"), "has two parameters `a`"),
        (route("/{*a}"), "is no name"),
        (route("/x//y"), "has an empty segment"),
        (
            route("/{c}").others_in_body(&both()),
            "not one argument `c`",
        ),
        (
            route("/x")
                .with("a", Location::Body)
                .with("b", Location::Field("b".into())),
            "is a field of what is another argument",
        ),
        (
            route("/x")
                .with("a", Location::Query("q".into()))
                .with("b", Location::Query("q".into())),
            "argument `b` of method `m` is where `a` is",
        ),
        (
            Route::new(http::Method::HEAD, "/x").others_in_query(&both()),
            "has the verb `HEAD`",
        ),
    ] {
        let told = messages(planned([both()], &Wrong(route), &Overrides::default()));
        assert!(
            told.iter().any(|told| told.contains(why)),
            "{told:?}: {why}"
        );
    }
}

#[test]
fn a_method_of_another_trait_is_told() {
    use byname_components::service::{Answering, Arguments};
    let call = |_: std::sync::Arc<str>, _: Arguments| -> Answering<_> {
        Box::pin(async { Ok::<(), byname_components::ServiceError>(()) })
    };
    let stray = Method::new::<str, ()>("stray", call);
    let told = messages(planned([stray], &Rpc, &Overrides::default()));
    assert_eq!(told, ["method `stray` is of another trait"]);
}
