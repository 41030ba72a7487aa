//! Routes, before and after they are built.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::{MatchedPath, OriginalUri, Path as AxumPath, State};
use axum::http::{Method, Request, Uri, header};
use axum::response::IntoResponse;
use byname_components::Problem;
use byname_components::http::bind::{Json, NoContent, Path, Query};
use byname_components::http::routes::Routes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::json;
use tower::ServiceExt as _;

use crate::rig::{ask, get, post};

async fn done() -> NoContent {
    NoContent
}

fn problems(routes: &Routes) -> Vec<String> {
    match routes.router(()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|it| it.message().to_owned()).collect(),
    }
}

#[test]
fn a_path_that_cannot_be_routed_is_told_with_its_place() {
    let long = format!("/{}", "a".repeat(1024));
    let routes = Routes::new()
        .get("users", done)
        .get("", done)
        .get("/{id}/{id}", done)
        .get("/{id", done)
        .get("/{}", done)
        .get("/{a}{b}", done)
        .get("/{*rest}/more", done)
        .get("/:id", done)
        .get("/*rest", done)
        .get("/a?b", done)
        .get(&long, done);
    let problems = routes.router(()).expect_err("wrong paths");
    let told: Vec<&str> = problems.iter().map(Problem::message).collect();
    assert_eq!(
        told,
        [
            "the path of route `GET users` does not begin with `/`",
            "the path of route `GET ` does not begin with `/`",
            "the path of route `GET /{id}/{id}` has two parameters `id`",
            "the path of route `GET /{id` cannot be routed: a parameter is `{name}` or `{*name}`",
            "the path of route `GET /{}` cannot be routed: a parameter is `{name}` or `{*name}`",
            "the path of route `GET /{a}{b}` cannot be routed: a segment has one parameter at most, \
             with nothing behind it",
            "the path of route `GET /{*rest}/more` cannot be routed: a parameter that takes the rest \
             stands at the end",
            "the path of route `GET /:id` has the segment `:id`; a parameter is written `{id}`",
            "the path of route `GET /*rest` has the segment `*rest`; a parameter is written `{*rest}`",
            "the path of route `GET /a?b` contains '?', which no path of a request contains",
            &format!("the path of route `GET {long}` is longer than 1024 bytes"),
        ]
    );
    let place = problems.iter().next().and_then(|it| it.places().next());
    let place = place.expect("a place").0.to_string();
    assert!(place.contains("tests/http_bind/routing.rs:"), "{place}");
}

#[test]
fn two_routes_of_the_same_requests_are_told_with_both_places() {
    let routes = Routes::new()
        .get("/users/{id}", done)
        .get("/users/me", done)
        .post("/users/{id}", done)
        .get("/users/{name}", done);
    assert_eq!(
        problems(&routes),
        [
            "route `GET /users/{name}` answers what route `GET /users/{id}` answers",
            "route `GET /users/{name}` cannot be beside route `POST /users/{id}`, whose parameters are \
             others at the same places",
        ]
    );
    let routes = Routes::new()
        .get("/{a}", done)
        .delete("/{*b}", done)
        .get("/{*c}", done);
    assert_eq!(problems(&routes).len(), 3);
    let routes = Routes::new()
        .mount("/", axum::Router::new())
        .get("/{a}", done)
        .mount("/", axum::Router::new());
    assert_eq!(
        problems(&routes),
        ["the router mounted at `/` answers what the router mounted at `/` answers"]
    );
    let routes = Routes::new()
        .mount("/files", axum::Router::new())
        .get("/files/{*any}", done)
        .get("/files/read-me", done)
        .get("/files", done)
        .mount("/files/", axum::Router::new());
    assert_eq!(
        problems(&routes),
        [
            "route `GET /files/{*any}` answers what the router mounted at `/files` answers",
            "route `GET /files` answers what the router mounted at `/files` answers",
            "the router mounted at `/files/` answers what the router mounted at `/files` answers",
            "the router mounted at `/files/` answers what route `GET /files/{*any}` answers",
            "the router mounted at `/files/` answers what route `GET /files` answers",
        ]
    );
}

#[test]
fn a_handler_that_takes_what_the_path_lacks_is_told() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "it is never read")]
    struct User {
        user_id: u64,
    }
    async fn user(Path(_): Path<User>) {}
    async fn pair(Path(_): Path<(u64, u64)>) {}
    async fn one(Path(_): Path<u64>) {}
    let routes = Routes::new()
        .get("/a/{userid}", user)
        .get("/b/{x}", pair)
        .get("/c", one);
    assert_eq!(
        problems(&routes),
        [
            "route `GET /a/{userid}`: its handler takes the parameter `user_id`, which the path does \
             not have; did you mean `userid`?",
            "route `GET /b/{x}`: its handler takes 2 of the path's 1 parameters by their order; it \
             takes all or names them",
            "route `GET /c`: its handler takes 1 of the path's 0 parameters by their order; it takes \
             all or names them",
        ]
    );
}

#[tokio::test]
async fn routes_are_merged_and_laid_under_prefixes() {
    async fn tenant(Path((tenant, id)): Path<(String, u64)>) -> String {
        format!("{tenant} {id}")
    }
    let users = Routes::new()
        .get("/", done)
        .get("/{id}", tenant)
        .under("/users");
    let routes = Routes::new()
        .merge(users)
        .under("/{tenant}/")
        .get("/", done);
    assert_eq!(get(&routes, "/acme/users/7").await.text(), "acme 7");
    assert_eq!(get(&routes, "/acme/users").await.status, 204);
    assert_eq!(get(&routes, "/").await.status, 204);
    assert_eq!(get(&routes, "/acme").await.status, 404);
    let described: Vec<_> = routes
        .described()
        .map(|(method, path, _)| (method, path))
        .collect();
    assert_eq!(
        described,
        [
            (Method::GET, "/{tenant}/users".to_owned()),
            (Method::GET, "/{tenant}/users/{id}".to_owned()),
            (Method::GET, "/".to_owned()),
        ]
    );
}

#[tokio::test]
async fn what_axum_knows_of_a_route_is_there_in_raw_handlers() {
    async fn raw(
        AxumPath(id): AxumPath<u64>,
        State(state): State<&'static str>,
        matched: MatchedPath,
    ) -> impl IntoResponse {
        format!("{id} {state} {}", matched.as_str())
    }
    let routes: Routes<&'static str> = Routes::new().raw(Method::GET, "/raw/{id}", raw);
    let router = routes.router("state").expect("right routes");
    let request = Request::get("/raw/7")
        .body(Body::empty())
        .expect("a request");
    let answer = router.oneshot(request).await.expect("an answer");
    let content = axum::body::to_bytes(answer.into_body(), 100)
        .await
        .expect("content");
    assert_eq!(content, "7 state /raw/{id}");
}

#[tokio::test]
async fn a_mounted_router_has_everything_under_its_prefix() {
    async fn seen(uri: Uri, OriginalUri(original): OriginalUri) -> String {
        format!("{uri} {original}")
    }
    let inner = axum::Router::new().fallback(seen);
    let routes = Routes::new()
        .mount("/files", inner.clone())
        .get("/files/read-me", done)
        .under("/v1");
    assert_eq!(
        get(&routes, "/v1/files/a/b").await.text(),
        "/a/b /v1/files/a/b"
    );
    assert_eq!(get(&routes, "/v1/files").await.text(), "/ /v1/files");
    assert_eq!(get(&routes, "/v1/files/read-me").await.status, 204);
    let request = Request::delete("/v1/files/a")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(ask(&routes, request).await.status, 200);
    assert_eq!(get(&routes, "/v1/filesystem").await.status, 404);
    let routes = Routes::new().mount("/", inner).get("/a", done);
    assert_eq!(get(&routes, "/b/c").await.text(), "/b/c /b/c");
    assert_eq!(get(&routes, "/a").await.status, 204);
}

#[tokio::test]
async fn what_is_not_routed_is_told_as_a_problem() {
    let routes = Routes::new().get("/a", done).put("/a", done);
    let answer = get(&routes, "/b").await;
    assert_eq!(answer.status, 404);
    answer.is_problem();
    let answer = post(&routes, "/a", &json!(1)).await;
    assert_eq!(answer.status, 405);
    answer.is_problem();
    let mut allowed: Vec<&str> = answer.headers[header::ALLOW]
        .to_str()
        .expect("a text")
        .split(',')
        .collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "PUT"]);
}

/// How often a schema was asked for.
static MADE: AtomicUsize = AtomicUsize::new(0);

#[derive(Deserialize)]
struct Counted {
    #[allow(dead_code, reason = "it is only checked")]
    number: Option<u8>,
}

impl JsonSchema for Counted {
    fn schema_name() -> Cow<'static, str> {
        "Counted".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        MADE.fetch_add(1, Ordering::Relaxed);
        schemars::json_schema!({
            "type": "object",
            "properties": { "number": generator.subschema_for::<Option<u8>>() },
        })
    }
}

#[tokio::test]
async fn a_schema_is_compiled_once_a_route_and_never_a_request() {
    async fn counted(Query(_): Query<Counted>, Json(_): Json<Counted>) {}
    async fn raw(Query(_): Query<Counted>) {}
    let routes = Routes::new().post("/described", counted);
    assert_eq!(MADE.load(Ordering::Relaxed), 2, "one for each extractor");
    let routes = routes.raw(Method::GET, "/raw", raw).mount(
        "/mounted",
        axum::Router::new().route("/", axum::routing::get(raw)),
    );
    let router = routes.router(()).expect("right routes");
    for _ in 0..5 {
        for (method, target) in [("POST", "/described"), ("GET", "/raw"), ("GET", "/mounted")] {
            let target = format!("{target}?number=1");
            let request = Request::builder().method(method).uri(target);
            let request = request.header(header::CONTENT_TYPE, "application/json");
            let request = request.body(Body::from("{}")).expect("a request");
            let answer = router.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), 200);
        }
    }
    assert_eq!(
        MADE.load(Ordering::Relaxed),
        4,
        "one more for each that is not described"
    );
}

#[tokio::test]
async fn extractors_work_in_a_router_that_knows_nothing_of_them() {
    async fn sum(Path(a): Path<i8>, Json(b): Json<i8>) -> Json<i16> {
        Json(i16::from(a) + i16::from(b))
    }
    let router = axum::Router::new().route("/{a}", axum::routing::post(sum));
    let routes = Routes::new().mount("/", router.clone());
    assert_eq!(post(&routes, "/100", &json!(100)).await.json(), json!(200));
    for (target, content, status) in [("/100", "100", 200), ("/200", "1", 422), ("/1", "200", 422)]
    {
        let request = Request::post(target).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(content)).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), status, "{target} {content}");
    }
}
