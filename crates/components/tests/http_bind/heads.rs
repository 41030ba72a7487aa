//! The path, the query and the headers.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Request;
use byname_components::http::bind::{Headers, Json, Path, Query};
use byname_components::http::routes::Routes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::rig::{ask, get};

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// The smallest first.
    Up,
    /// The largest first.
    Down,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Page {
    #[schemars(range(min = 1))]
    page: u32,
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u8>,
    #[serde(default)]
    tag: Vec<String>,
    #[serde(default)]
    #[schemars(length(max = 2))]
    number: Option<BTreeSet<i16>>,
    order: Option<Order>,
    exact: Option<bool>,
    share: Option<f64>,
    #[schemars(length(min = 1, max = 3))]
    word: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
}

async fn page(Query(page): Query<Page>) -> Json<Page> {
    Json(page)
}

fn pages() -> Routes {
    Routes::new().get("/pages", page)
}

#[tokio::test]
async fn texts_become_what_the_schema_says() {
    let target = "/pages?page=7&tag=a,b&tag=%26&tag=&number=-3&number=12&order=down&exact=true\
                  &share=0.5&word=%C3%A9t%C3%A9&since=2026-01-02T03:04:05Z&limit=100";
    let answer = get(&pages(), target).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.json(),
        json!({
            "page": 7, "limit": 100, "tag": ["a,b", "&", ""], "number": [-3, 12], "order": "down",
            "exact": true, "share": 0.5, "word": "été", "since": "2026-01-02T03:04:05Z",
        })
    );
}

#[tokio::test]
async fn what_is_optional_may_be_absent() {
    let answer = get(&pages(), "/pages?page=1").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["tag"], json!([]));
    assert_eq!(answer.json()["since"], json!(null));
}

#[tokio::test]
async fn every_fault_of_a_query_is_told_at_once() {
    let target = "/pages?limit=0&number=1&number=x&number=70000&order=left&exact=yes&share=much\
                  &word=four&since=tomorrow&pgae=1";
    assert_eq!(
        get(&pages(), target).await.wrong(),
        [
            "query pgae: is not known; did you mean `page`?",
            "query page: is missing",
            "query exact: is a text of 3 characters; expected true or false",
            "query limit: is 0; expected at least 1",
            "query number: is a list of 3 items; expected at most 2 items",
            "query number: value 2 is a text of 1 character; expected an integer",
            "query number: value 3 is 70000; expected at most 32767",
            "query order: is not allowed; expected `up` or `down`",
            "query share: is a text of 4 characters; expected a number",
            "query since: is a text of 8 characters; expected a text of the format `date-time`",
            "query word: is a text of 4 characters; expected at most 3 characters",
        ]
    );
}

#[tokio::test]
async fn what_is_given_once_is_not_given_twice() {
    let answer = get(&pages(), "/pages?page=1&page=2&page=3").await;
    assert_eq!(
        answer.wrong(),
        ["query page: is given several times; expected once"]
    );
}

#[tokio::test]
async fn numbers_are_written_as_json_writes_them() {
    for text in [
        "+1", "01", "1.0", "1e1", "0x1", "%201", "1_0", "NaN", "inf", "", "-",
    ] {
        let answer = get(&pages(), &format!("/pages?page={text}")).await;
        assert_eq!(answer.wrong().len(), 1, "{text}");
    }
    for text in ["NaN", "inf", "1e999", ".5", "5."] {
        let answer = get(&pages(), &format!("/pages?page=1&share={text}")).await;
        assert_eq!(answer.wrong().len(), 1, "{text}");
    }
    let answer = get(&pages(), "/pages?page=1&share=-1.5e3").await;
    assert_eq!(answer.json()["share"], json!(-1500.0));
}

#[tokio::test]
async fn a_number_too_large_for_any_type_is_refused_by_its_bound() {
    let answer = get(&pages(), "/pages?page=99999999999999999999999999").await;
    assert_eq!(
        answer.wrong(),
        ["query page: is 1e+26; expected at most 4294967295"]
    );
}

#[tokio::test]
async fn what_is_no_text_is_told_as_such() {
    for target in ["/pages?page=1&word=%ff", "/pages?%ff"] {
        let answer = get(&pages(), target).await;
        assert_eq!(answer.status, 400);
        answer.is_problem();
        assert_eq!(answer.json()["detail"], "the query is no text (UTF-8)");
    }
}

#[tokio::test]
async fn a_flattened_map_takes_what_no_field_takes() {
    #[derive(Deserialize, Serialize, JsonSchema)]
    struct Open {
        page: u32,
        #[serde(flatten)]
        others: BTreeMap<String, i32>,
    }
    async fn open(Query(open): Query<Open>) -> Json<Open> {
        Json(open)
    }
    let routes = Routes::new().get("/", open);
    let answer = get(&routes, "/?page=1&a=2&b=-3").await;
    assert_eq!(answer.json(), json!({ "page": 1, "a": 2, "b": -3 }));
    let answer = get(&routes, "/?page=1&a=x").await;
    assert_eq!(
        answer.wrong(),
        ["query a: is a text of 1 character; expected an integer"]
    );
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Line {
    order: u64,
    #[schemars(regex(pattern = "^[a-z]+$"))]
    line: String,
}

#[tokio::test]
async fn parameters_of_the_path_go_by_name_or_by_order_or_alone() {
    async fn named(Path(line): Path<Line>) -> Json<Line> {
        Json(line)
    }
    async fn ordered(Path((order, line)): Path<(u64, String)>) -> Json<Line> {
        Json(Line { order, line })
    }
    async fn alone(Path(order): Path<i8>) -> Json<i8> {
        Json(order)
    }
    async fn rest(Path(rest): Path<String>) -> String {
        rest
    }
    let routes = Routes::new()
        .get("/named/{order}/{line}", named)
        .get("/ordered/{order}/{line}", ordered)
        .get("/alone/{order}", alone)
        .get("/rest/{*rest}", rest);
    for target in ["/named/7/abc", "/ordered/7/abc"] {
        let answer = get(&routes, target).await;
        assert_eq!(
            answer.json(),
            json!({ "order": 7, "line": "abc" }),
            "{target}"
        );
    }
    assert_eq!(
        get(&routes, "/named/x/ABC").await.wrong(),
        [
            "path line: is a text of 3 characters; expected a match of `^[a-z]+$`",
            "path order: is a text of 1 character; expected an integer",
        ]
    );
    assert_eq!(
        get(&routes, "/ordered/-1/abc").await.wrong(),
        ["path order: is -1; expected at least 0"]
    );
    assert_eq!(
        get(&routes, "/alone/200").await.wrong(),
        ["path order: is 200; expected at most 127"]
    );
    assert_eq!(get(&routes, "/alone/-128").await.json(), json!(-128));
    assert_eq!(get(&routes, "/rest/a/b%2Fc/%41").await.text(), "a/b/c/A");
    let answer = get(&routes, "/rest/%ff").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["detail"], "the path is no text (UTF-8)");
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Heads {
    x_tenant: String,
    x_depth: Option<u8>,
    #[serde(default)]
    x_tags: Vec<u16>,
}

fn headed() -> Routes {
    async fn heads(Headers(heads): Headers<Heads>) -> Json<Heads> {
        Json(heads)
    }
    Routes::new().get("/", heads)
}

#[tokio::test]
async fn header_fields_are_bound_and_lists_of_them_are_split_at_commas() {
    let request = Request::get("/")
        .header("X-Tenant", "añil")
        .header("x-tags", "1, 2,,3")
        .header("x-tags", "4")
        .header("x-other", "5");
    let request = request.body(Body::empty()).expect("a request");
    let answer = ask(&headed(), request).await;
    assert_eq!(
        answer.json(),
        json!({ "x-tenant": "añil", "x-depth": null, "x-tags": [1, 2, 3, 4] })
    );
}

#[tokio::test]
async fn every_fault_of_the_headers_is_told_at_once() {
    let request = Request::get("/")
        .header("x-tenant", b"\xff".as_slice())
        .header("x-depth", "300")
        .header("x-depth", "1")
        .header("x-tags", "1, x");
    let request = request.body(Body::empty()).expect("a request");
    assert_eq!(
        ask(&headed(), request).await.wrong(),
        [
            "header x-tenant: is no text (UTF-8)",
            "header x-depth: is given several times; expected once",
            "header x-tenant: is missing",
            "header x-depth: is 300; expected at most 255",
            "header x-tags: value 2 is a text of 1 character; expected an integer",
        ]
    );
}

#[tokio::test]
async fn path_query_and_headers_are_told_together() {
    #[derive(Deserialize, JsonSchema)]
    struct Limit {
        #[allow(dead_code, reason = "it is never right")]
        limit: u8,
    }
    async fn all(
        Path(_): Path<u64>,
        Query(_): Query<Limit>,
        Headers(_): Headers<Heads>,
        Json(_): Json<u8>,
    ) {
    }
    let routes = Routes::new().post("/{id}", all);
    let request = Request::post("/x?limit=256").body(Body::from("neither JSON"));
    assert_eq!(
        ask(&routes, request.expect("a request")).await.wrong(),
        [
            "path id: is a text of 1 character; expected an integer",
            "query limit: is 256; expected at most 255",
            "header x-tenant: is missing",
        ]
    );
}
