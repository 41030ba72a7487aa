//! Content: JSON and forms.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::http::Request;
use byname_components::http::bind::{Created, Form, Json};
use byname_components::http::routes::Routes;
use byname_components::{ErrorKind, ServiceError};
use http_body_util::{BodyExt as _, Full, Limited};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::rig::{ask, post, send};

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Item {
    #[schemars(length(min = 1, max = 8))]
    name: String,
    #[schemars(range(min = 1))]
    count: u16,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "by", rename_all = "lowercase")]
enum Payment {
    Card {
        #[schemars(length(equal = 4))]
        last: String,
    },
    Cash,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Cart {
    #[schemars(length(min = 1))]
    items: Vec<Item>,
    gift: Option<Item>,
    #[schemars(email)]
    mail: Option<String>,
    payment: Option<Payment>,
    #[serde(default)]
    notes: BTreeMap<String, Item>,
    peer: Option<SocketAddr>,
}

async fn cart(Json(cart): Json<Cart>) -> Json<Cart> {
    Json(cart)
}

fn carts() -> Routes {
    Routes::new().post("/carts", cart)
}

#[tokio::test]
async fn json_is_bound() {
    let sent = json!({
        "items": [{ "name": "été", "count": 65535 }], "gift": null, "mail": "a@b.example",
        "payment": { "by": "card", "last": "1234" }, "notes": {}, "peer": "127.0.0.1:80",
    });
    let answer = post(&carts(), "/carts", &sent).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json(), sent);
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[tokio::test]
async fn every_fault_of_json_is_told_at_once_by_its_pointer() {
    let sent = json!({
        "items": [
            { "name": "", "count": 0 },
            { "name": "123456789", "count": 65536 },
            { "name": 1 },
            "x",
        ],
        "gift": { "name": "a", "count": "b" },
        "mail": "nobody",
        "payment": { "by": "card", "last": "12345" },
        "notes": { "a/b~c": { "name": "a", "count": -1 } },
    });
    assert_eq!(
        post(&carts(), "/carts", &sent).await.wrong(),
        [
            "body /gift/count: is a text of 1 character; expected an integer",
            "body /items/0/count: is 0; expected at least 1",
            "body /items/0/name: is a text of 0 characters; expected at least 1 character",
            "body /items/1/count: is 65536; expected at most 65535",
            "body /items/1/name: is a text of 9 characters; expected at most 8 characters",
            "body /items/2/count: is missing",
            "body /items/2/name: is 1; expected a text",
            "body /items/3: is a text of 1 character; expected an object",
            "body /mail: is a text of 6 characters; expected a text of the format `email`",
            "body /notes/a~1b~0c/count: is -1; expected at least 1",
            "body /payment/last: is a text of 5 characters; expected at most 4 characters",
        ]
    );
}

#[tokio::test]
async fn what_the_type_alone_refuses_is_told_with_its_pointer() {
    let sent = json!({ "items": [{ "name": "a", "count": 1 }], "peer": "nowhere" });
    assert_eq!(
        post(&carts(), "/carts", &sent).await.wrong(),
        ["body /peer: invalid socket address syntax"]
    );
}

#[tokio::test]
async fn a_whole_number_is_an_integer_however_it_is_written() {
    let sent = r#"{"items":[{"name":"a","count":7.0}]}"#;
    let answer = send(&carts(), "/carts", "application/json", sent).await;
    assert_eq!(answer.json()["items"][0]["count"], json!(7));
}

#[tokio::test]
async fn what_is_no_json_is_told_with_line_and_column() {
    for (content, line, column) in [
        ("", 1, 0),
        ("{\n  \"items\": [,]\n}", 2, 13),
        ("{} x", 1, 4),
        ("{\"items\": \"\u{0}\"}", 1, 12),
        ("[1e999]", 1, 6),
    ] {
        let answer = send(&carts(), "/carts", "application/json", content).await;
        assert_eq!(answer.status, 400, "{content}");
        answer.is_problem();
        let problem = answer.json();
        assert_eq!(
            problem["details"],
            json!({ "line": line, "column": column }),
            "{content}"
        );
        assert!(
            problem["detail"]
                .as_str()
                .expect("a text")
                .starts_with("the content is no JSON: ")
        );
    }
    let answer = send(&carts(), "/carts", "application/json", b"\"\xff\"".to_vec()).await;
    assert_eq!(answer.status, 400);
    let deep = "[".repeat(100_000);
    let answer = send(&carts(), "/carts", "application/json", deep).await;
    assert_eq!(answer.status, 400);
}

/// What checks a request and what acts on it may each take another one (RFC 8259, section 4).
#[tokio::test]
async fn a_key_that_is_given_twice_is_refused() {
    let twice = "{\"items\": [{\"name\": \"a\", \"count\": 1, \"count\": 2}]}";
    let answer = send(&carts(), "/carts", "application/json", twice).await;
    assert_eq!(answer.status, 400);
    answer.is_problem();
    let told = answer.json()["detail"].to_string();
    assert!(
        told.contains("the key `count` is given twice at line 1"),
        "{told}"
    );
}

/// RFC 9110, section 8.4: what is encoded is not read as if it were not.
#[tokio::test]
async fn content_in_a_coding_is_refused() {
    for (coding, status) in [("gzip", 415), ("br, identity", 415), ("Identity", 422)] {
        let request = Request::post("/carts")
            .header("content-type", "application/json")
            .header("content-encoding", coding)
            .body(Body::from("{}"));
        let answer = ask(&carts(), request.expect("a request")).await;
        assert_eq!(answer.status, status, "{coding}");
        answer.is_problem();
    }
}

#[tokio::test]
async fn content_of_another_type_is_refused() {
    for kind in [
        "text/plain",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "",
    ] {
        let answer = send(&carts(), "/carts", kind, "{}").await;
        assert_eq!(answer.status, 415, "{kind}");
        answer.is_problem();
        assert_eq!(
            answer.json()["detail"],
            "the content has another type; expected `application/json`"
        );
    }
    let request = Request::post("/carts").body(Body::from("{}"));
    let answer = ask(&carts(), request.expect("a request")).await;
    assert_eq!(answer.status, 415);
    assert_eq!(
        answer.json()["detail"],
        "the content has no type; expected `application/json`"
    );
    for kind in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
    ] {
        let answer = send(&carts(), "/carts", kind, "{}").await;
        assert_eq!(answer.status, 422, "{kind}");
    }
}

#[tokio::test]
async fn content_beyond_the_limit_is_too_large() {
    async fn any(Json(value): Json<Value>) -> Json<Value> {
        Json(value)
    }
    let routes = Routes::new().post("/", any);
    let exact = format!("\"{}\"", "a".repeat(2 * 1024 * 1024 - 2));
    let answer = send(&routes, "/", "application/json", exact.clone()).await;
    assert_eq!(answer.status, 200);
    let answer = send(&routes, "/", "application/json", format!("{exact} ")).await;
    assert_eq!(answer.status, 413);
    answer.is_problem();
    assert_eq!(answer.json()["detail"], "the content is too large");
}

#[tokio::test]
async fn content_that_a_middleware_limits_is_too_large_and_what_else_it_says_comes_out() {
    let limited = || Limited::new(Full::new(Bytes::from("[1, 2, 3]")), 4);
    let with = |body| {
        let request = Request::post("/carts").header("content-type", "application/json");
        request.body(body).expect("a request")
    };
    let answer = ask(&carts(), with(Body::new(limited()))).await;
    assert_eq!(answer.status, 413);
    answer.is_problem();
    let late = |_| ServiceError::new(ErrorKind::RequestTimeout, "the content came too late");
    let answer = ask(&carts(), with(Body::new(limited().map_err(late)))).await;
    assert_eq!(answer.status, 408);
    assert_eq!(answer.json()["detail"], "the content came too late");
    let broken = |_| std::io::Error::other("postgres://user:secret@db");
    let answer = ask(&carts(), with(Body::new(limited().map_err(broken)))).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["detail"],
        "the content ended before it was whole"
    );
}

#[tokio::test]
async fn a_limit_that_was_set_is_kept() {
    async fn any(Json(value): Json<Value>) -> Json<Value> {
        Json(value)
    }
    let router = || {
        Routes::new()
            .post("/", any)
            .router(())
            .expect("right routes")
    };
    for (limit, status) in [
        (DefaultBodyLimit::max(8), 413),
        (DefaultBodyLimit::max(9), 200),
        (DefaultBodyLimit::disable(), 200),
    ] {
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.body(Body::from("[1, 2, 3]")).expect("a request");
        let answer = router()
            .layer(limit)
            .oneshot(request)
            .await
            .expect("an answer");
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn of_content_with_endless_faults_few_are_told() {
    let items = |count| json!({ "items": vec![json!({ "name": "a", "count": 0 }); count] });
    let answer = post(&carts(), "/carts", &items(1000)).await;
    assert_eq!(answer.wrong().len(), 50);
    assert_eq!(
        answer.json()["detail"],
        "1000 fields of the request are wrong; the first 50 are told"
    );
    assert_eq!(
        post(&carts(), "/carts", &items(2000)).await.wrong().len(),
        1
    );
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Login {
    #[schemars(length(min = 3))]
    name: String,
    age: Option<u8>,
    #[serde(default)]
    role: Vec<String>,
    #[serde(default)]
    stay: bool,
}

#[tokio::test]
async fn a_form_is_bound_and_checked() {
    const FORM: &str = "application/x-www-form-urlencoded";
    async fn login(Form(login): Form<Login>) -> Json<Login> {
        Json(login)
    }
    let routes = Routes::new().post("/", login);
    let answer = send(
        &routes,
        "/",
        FORM,
        "name=a+b%26c&age=7&role=x&role=y&stay=true&submit=Go",
    )
    .await;
    assert_eq!(
        answer.json(),
        json!({ "name": "a b&c", "age": 7, "role": ["x", "y"], "stay": true })
    );
    assert_eq!(
        send(&routes, "/", FORM, "name=ab&age=256&stay=maybe&age=1")
            .await
            .wrong(),
        [
            "body /age: is given several times; expected once",
            "body /age: is 256; expected at most 255",
            "body /name: is a text of 2 characters; expected at least 3 characters",
            "body /stay: is a text of 5 characters; expected true or false",
        ]
    );
    let answer = send(&routes, "/", FORM, "name=%ff").await;
    assert_eq!(answer.status, 400);
    let answer = send(&routes, "/", "application/json", "{}").await;
    assert_eq!(answer.status, 415);
}

#[tokio::test]
async fn content_that_may_be_absent_is_checked_if_it_is_there() {
    async fn maybe(value: Option<Json<u8>>) -> Json<Option<u8>> {
        Json(value.map(|Json(value)| value))
    }
    let routes = Routes::new().post("/", maybe);
    let request = Request::post("/").body(Body::empty()).expect("a request");
    assert_eq!(ask(&routes, request).await.json(), json!(null));
    assert_eq!(post(&routes, "/", &json!(7)).await.json(), json!(7));
    assert_eq!(
        post(&routes, "/", &json!(256)).await.wrong(),
        ["body : is 256; expected at most 255"]
    );
}

/// A word of a few.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
enum Colour {
    Red,
    Blue,
}

#[tokio::test]
async fn of_a_few_words_that_may_be_absent_all_are_told() {
    async fn colour(Json(colour): Json<Option<Colour>>) -> Json<Option<Colour>> {
        Json(colour)
    }
    let routes = Routes::new().post("/", colour);
    assert_eq!(post(&routes, "/", &json!("Red")).await.json(), json!("Red"));
    assert_eq!(post(&routes, "/", &json!(null)).await.json(), json!(null));
    assert_eq!(
        post(&routes, "/", &json!("red")).await.wrong(),
        ["body : is not allowed; expected `Red` or `Blue`"]
    );
}

#[tokio::test]
async fn what_was_made_is_told_with_its_place() {
    async fn make(Json(name): Json<String>) -> Created<String> {
        Created::at(format!("/names/{name}"), name)
    }
    async fn bare() -> Created<u8> {
        Created::new(1)
    }
    let routes = Routes::new().post("/", make).post("/bare", bare);
    let answer = post(&routes, "/", &json!("a b\r\nx-y: é")).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.headers["location"],
        "/names/a%20b%0D%0Ax-y:%20%C3%A9"
    );
    assert_eq!(answer.json(), json!("a b\r\nx-y: é"));
    let answer = post(&routes, "/bare", &json!(1)).await;
    assert_eq!(answer.status, 201);
    assert!(!answer.headers.contains_key("location"));
}
