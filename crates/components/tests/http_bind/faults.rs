//! What others got wrong, and what must hold now.

use axum::body::Body;
use axum::http::Request;
use byname_components::ServiceError;
use byname_components::http::bind::{Json, Path, Query};
use byname_components::http::routes::Routes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::rig::{ask, get, post};

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Small {
    page: Option<i8>,
    share: Option<f32>,
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
    address: Option<std::net::IpAddr>,
}

fn small() -> Routes {
    async fn small(Query(small): Query<Small>) -> Json<Small> {
        Json(small)
    }
    Routes::new().get("/", small)
}

/// Lokstra converted texts to integers by cutting off what did not fit: 300 in an `int8` was 44. A number
/// that its type cannot hold must be refused, and so must a float that would become infinite.
#[tokio::test]
async fn a_number_that_its_type_cannot_hold_is_refused_and_not_cut_off() {
    assert_eq!(
        get(&small(), "/?page=300").await.wrong(),
        ["query page: is 300; expected at most 127"]
    );
    assert_eq!(get(&small(), "/?page=-129").await.wrong().len(), 1);
    assert_eq!(
        get(&small(), "/?page=-128").await.json()["page"],
        json!(-128)
    );
    for share in ["1e300", "3.403e38", "-3.403e38"] {
        assert_eq!(
            get(&small(), &format!("/?share={share}"))
                .await
                .wrong()
                .len(),
            1,
            "{share}"
        );
    }
    for share in [f32::MAX, f32::MIN, f32::MIN_POSITIVE] {
        let answer = get(&small(), &format!("/?share={share:e}")).await;
        let read: Small = serde_json::from_slice(&answer.content).expect("JSON");
        assert_eq!(read.share.map(f32::to_bits), Some(share.to_bits()));
    }
    async fn exact(Json(number): Json<u32>) -> Json<u32> {
        Json(number)
    }
    let routes = Routes::new().post("/", exact);
    assert_eq!(
        post(&routes, "/", &json!(4_294_967_295_u32)).await.status,
        200
    );
    assert_eq!(
        post(&routes, "/", &json!(4_294_967_296_u64))
            .await
            .wrong()
            .len(),
        1
    );
    async fn widest(Json(number): Json<u64>) -> Json<u64> {
        Json(number)
    }
    let routes = Routes::new().post("/", widest);
    assert_eq!(
        post(&routes, "/", &json!(u64::MAX)).await.json(),
        json!(u64::MAX)
    );
    let beyond: serde_json::Value = serde_json::from_str("18446744073709551616").expect("JSON");
    assert_eq!(post(&routes, "/", &beyond).await.wrong().len(), 1);
}

/// Lokstra answered `?page=abc` with 500 and the text of its inner error. What whoever asks got wrong is
/// told as theirs, with the field.
#[tokio::test]
async fn a_text_where_a_number_is_wanted_is_the_callers_fault() {
    assert_eq!(
        get(&small(), "/?page=abc").await.wrong(),
        ["query page: is a text of 3 characters; expected an integer"]
    );
}

/// Lokstra answered 500 when an optional time was left out of the query, and when it was none. Absent is
/// absent, and what is no time is told.
#[tokio::test]
async fn an_optional_time_may_be_left_out_and_a_wrong_one_is_told() {
    let answer = get(&small(), "/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["since"], json!(null));
    assert_eq!(get(&small(), "/?since=").await.wrong().len(), 1);
    assert_eq!(
        get(&small(), "/?since=2026-02-30T00:00:00Z")
            .await
            .wrong()
            .len(),
        1
    );
    let answer = get(&small(), "/?since=2026-02-28T00:00:00Z").await;
    assert_eq!(answer.status, 200);
}

/// Lokstra's errors went to the network as they were, with whatever was in them. An inner error says
/// nothing of itself.
#[tokio::test]
async fn an_inner_error_is_not_told() {
    async fn fails() -> Result<Json<u8>, ServiceError> {
        Err(ServiceError::internal(
            "pq: password authentication failed for user secret",
        ))
    }
    let answer = get(&Routes::new().get("/", fails), "/").await;
    assert_eq!(answer.status, 500);
    answer.is_problem();
    assert!(!answer.text().contains("secret"), "{}", answer.text());
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Leaf {
    #[schemars(range(min = 1, max = 9))]
    depth: u8,
    #[schemars(length(max = 2))]
    words: Vec<Word>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
struct Word(#[schemars(length(min = 2, max = 4))] String);

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Tree {
    leaf: Leaf,
    leaves: Vec<Leaf>,
    #[serde(default)]
    tree: Option<Box<Tree>>,
}

/// Lokstra's rules were looked at on the first level alone: nothing in a nested struct or a list was
/// checked, nor unsigned numbers, nor times. Rules hold at any depth.
#[tokio::test]
async fn rules_hold_at_any_depth() {
    async fn tree(Json(tree): Json<Tree>) -> Json<Tree> {
        Json(tree)
    }
    let routes = Routes::new().post("/", tree);
    let right = json!({ "depth": 1, "words": ["ab"] });
    let wrong = json!({ "depth": 10, "words": ["a", "ab", "abcde"] });
    let sent = json!({
        "leaf": wrong, "leaves": [right, wrong],
        "tree": { "leaf": right, "leaves": [], "tree": { "leaf": wrong, "leaves": [] } },
    });
    let at = |pointer: &str| {
        [
            format!("body {pointer}/depth: is 10; expected at most 9"),
            format!("body {pointer}/words: is a list of 3 items; expected at most 2 items"),
            format!(
                "body {pointer}/words/0: is a text of 1 character; expected at least 2 characters"
            ),
            format!(
                "body {pointer}/words/2: is a text of 5 characters; expected at most 4 characters"
            ),
        ]
    };
    let mut expected: Vec<String> = ["/leaf", "/leaves/1", "/tree/tree/leaf"]
        .into_iter()
        .flat_map(at)
        .collect();
    let mut found = post(&routes, "/", &sent).await.wrong();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

/// Lokstra counted bytes: a name of four letters with accents was eight long. A length is that of the
/// characters.
#[tokio::test]
async fn lengths_are_counted_in_characters() {
    async fn word(Json(word): Json<Word>) -> Json<Word> {
        Json(word)
    }
    let routes = Routes::new().post("/", word);
    for text in ["éééé", "日本語", "🦀🦀"] {
        assert_eq!(post(&routes, "/", &json!(text)).await.status, 200, "{text}");
    }
    for text in ["é", "🦀", "ééééé"] {
        assert_eq!(
            post(&routes, "/", &json!(text)).await.wrong().len(),
            1,
            "{text}"
        );
    }
}

/// Lokstra passed over rules that it did not know, so that a misspelt one checked nothing. A format or
/// pattern that nobody can check is an error before anything is served.
#[test]
fn a_rule_that_nobody_knows_is_an_error_before_anything_is_served() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "it is never read")]
    struct Misspelt {
        #[schemars(extend("format" = "date-tiem"))]
        since: String,
    }
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "it is never read")]
    struct Unclosed {
        #[schemars(regex(pattern = "^[a-z$"))]
        word: String,
    }
    async fn misspelt(Json(_): Json<Misspelt>) {}
    async fn unclosed(Query(_): Query<Unclosed>) {}
    let routes = Routes::new().post("/a", misspelt).get("/b", unclosed);
    let problems = routes
        .router(())
        .expect_err("two wrong schemas")
        .to_string();
    assert_eq!(problems.matches("error: ").count(), 2, "{problems}");
    assert!(
        problems.contains("route `POST /a`: its schema is wrong: "),
        "{problems}"
    );
    assert!(problems.contains("date-tiem"), "{problems}");
    assert!(
        problems.contains("route `GET /b`: its schema is wrong: "),
        "{problems}"
    );
    assert_eq!(
        problems.matches("tests/http_bind/faults.rs:").count(),
        2,
        "{problems}"
    );
}

/// A pattern is matched in linear time, whatever is sent; one that cannot be is an error before anything
/// is served.
#[tokio::test]
async fn no_pattern_runs_for_ever() {
    #[derive(Deserialize, Serialize, JsonSchema)]
    struct Slow(#[schemars(regex(pattern = "^(a+)+$"))] String);
    #[derive(Deserialize, Serialize, JsonSchema)]
    struct Slowest(#[schemars(regex(pattern = r"^(a+)+\1$"))] String);
    async fn slow(Json(slow): Json<Slow>) -> Json<Slow> {
        Json(slow)
    }
    async fn slowest(Json(slow): Json<Slowest>) -> Json<Slowest> {
        Json(slow)
    }
    let routes = Routes::new().post("/", slow);
    let text = format!("{}b", "a".repeat(100_000));
    assert_eq!(post(&routes, "/", &json!(text)).await.wrong().len(), 1);
    let problems = Routes::new()
        .post("/", slowest)
        .router(())
        .expect_err("no such pattern");
    assert_eq!(problems.errors(), 1, "{problems}");
}

/// Lokstra read a slice or struct in a query as nothing at all. What a query or a path cannot carry is an
/// error before anything is served.
#[test]
fn what_texts_cannot_carry_is_an_error_before_anything_is_served() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "it is never read")]
    struct Nested {
        leaf: Leaf,
    }
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "it is never read")]
    struct Table {
        rows: Vec<Vec<u8>>,
    }
    async fn nested(Query(_): Query<Nested>) {}
    async fn table(Query(_): Query<Table>) {}
    async fn number(Query(_): Query<u8>) {}
    async fn list(Path(_): Path<Vec<u8>>) {}
    let routes = Routes::new()
        .get("/t", table)
        .get("/a", nested)
        .get("/b", number)
        .get("/{c}", list);
    let problems = routes.router(()).expect_err("four wrong types").to_string();
    for expected in [
        "route `GET /t`: the field `rows` of the query is neither a text, a number nor a truth value",
        "route `GET /a`: the field `leaf` of the query is neither a text, a number nor a truth value",
        "route `GET /b`: the type of the query is no struct with named fields",
        "route `GET /{c}`: the type of the path is no struct with named fields",
    ] {
        assert!(problems.contains(expected), "{problems}");
    }
}

/// Lokstra's container of a request began with an empty context: nothing that was read before was there.
/// What stands before a handler may read the content, and put it back.
#[tokio::test]
async fn content_that_was_read_before_is_bound() {
    async fn read_before(
        request: Request<Body>,
        next: axum::middleware::Next,
    ) -> axum::response::Response {
        let (parts, body) = request.into_parts();
        let content = axum::body::to_bytes(body, 100).await.expect("content");
        next.run(Request::from_parts(parts, Body::from(content)))
            .await
    }
    async fn double(Json(number): Json<u8>) -> Json<u16> {
        Json(u16::from(number) * 2)
    }
    let router = Routes::new()
        .post("/", double)
        .router(())
        .expect("right routes");
    let router = router.layer(axum::middleware::from_fn(read_before));
    let routes = Routes::new().mount("/", router);
    assert_eq!(post(&routes, "/", &json!(21)).await.json(), json!(42));
    let request = Request::get("/").body(Body::empty()).expect("a request");
    assert_eq!(ask(&routes, request).await.status, 405);
}
