//! The document of what is routed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;

use axum::extract::Path as AxumPath;
use axum::http::{Method, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use byname_components::ServiceError;
use byname_components::http::bind::{
    Created, Form, Headers, Json, NoContent, Path, Query, WebSocketUpgrade,
};
use byname_components::http::openapi::{Describe, Info, Operation, Security, document};
use byname_components::http::routes::Routes;
use futures_util::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod here {
    /// A user, as it is made.
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    pub(super) struct User {
        /// Its name.
        #[schemars(length(min = 1, max = 20))]
        pub(super) name: String,
    }
}

/// A user, as it is.
#[derive(Serialize, Deserialize, JsonSchema)]
struct User {
    id: u64,
    name: String,
    role: Role,
    /// Whom it reports to.
    chief: Option<Box<User>>,
}

/// What a user may do.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Role {
    Reader,
    ChiefEditor,
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Search {
    /// How many to list.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    #[serde(default)]
    role: BTreeSet<Role>,
    chief: Option<Role>,
    #[schemars(extend("format" = "date"))]
    since: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Heads {
    x_tenant: String,
    authorization: Option<String>,
    #[serde(default)]
    x_tags: Vec<u8>,
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Login {
    name: String,
    stay: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct PageOf<T> {
    items: Vec<T>,
}

struct Caller;

impl Describe for Caller {
    fn describe(operation: &mut Operation) {
        operation
            .security(Security::Bearer)
            .security(Security::Key("X-Key".into()));
    }
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Caller {
    type Rejection = ServiceError;

    async fn from_request_parts(
        _: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, ServiceError> {
        Ok(Self)
    }
}

async fn list(_: Query<Search>, _: Headers<Heads>) -> Json<PageOf<User>> {
    Json(PageOf { items: Vec::new() })
}

async fn make(_: Caller, _: Json<here::User>) -> Result<Created<User>, ServiceError> {
    Err(ServiceError::internal("none"))
}

async fn one(Path(_): Path<u64>) -> Result<Json<User>, ServiceError> {
    Err(ServiceError::internal("none"))
}

async fn gone(Path((_, _)): Path<(u64, Role)>) -> NoContent {
    NoContent
}

async fn file(Path(rest): Path<String>) -> String {
    rest
}

async fn login(_: Form<Login>) -> (StatusCode, Json<bool>) {
    (StatusCode::ACCEPTED, Json(true))
}

async fn socket(_: WebSocketUpgrade) -> Response {
    StatusCode::OK.into_response()
}

async fn maybe(_: Option<Json<Role>>) -> &'static str {
    ""
}

async fn raw(AxumPath(_): AxumPath<u64>) {}

fn routes() -> Routes {
    Routes::new()
        .get("/users", list)
        .describe(|operation| {
            operation
                .id("list-users")
                .summary("Lists users")
                .description("A page of them, the newest first.")
                .tag("users");
        })
        .post("/users", make)
        .get("/users/{id}", one)
        .delete("/users/{id}/roles/{role}", gone)
        .describe(|operation| {
            operation.deprecated();
        })
        .get("/files/{*rest}", file)
        .post("/login", login)
        .get("/socket", socket)
        .post("/maybe", maybe)
        .raw(Method::GET, "/raw/{id}", raw)
        .raw(Method::PUT, "/raw/{id}", raw)
        .describe(|operation| {
            operation.takes::<Path<u64>>().gives::<NoContent>();
        })
        .get("/hidden", maybe)
        .describe(|operation| {
            operation.hidden();
        })
        .mount("/mounted", axum::Router::new())
}

fn described(routes: &Routes) -> Value {
    let info = Info {
        title: "Users".into(),
        version: "1.2.3".into(),
        description: Some("Who may do what.".into()),
    };
    document(info, routes.described())
}

#[test]
fn the_document_is_as_it_is_kept() {
    let written = serde_json::to_string_pretty(&described(&routes())).expect("JSON") + "\n";
    let kept = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/http_bind/openapi.json");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&kept, &written).expect("a file");
    }
    let kept = std::fs::read_to_string(&kept).expect("a file");
    assert_eq!(written, kept, "UPDATE_EXPECT=1 writes it anew");
}

#[test]
fn the_order_of_routes_does_not_matter() {
    let mut described_routes: Vec<_> = routes().described().collect();
    described_routes.reverse();
    let info = Info {
        title: "Users".into(),
        version: "1.2.3".into(),
        description: Some("Who may do what.".into()),
    };
    assert_eq!(document(info, described_routes), described(&routes()));
}

#[test]
fn names_of_operations_are_unique() {
    let routes = Routes::new()
        .get("/a/{b}", file)
        .get("/a/b", maybe_not)
        .get("/a-b", maybe_not)
        .get("/c", maybe_not)
        .describe(|operation| {
            operation.id("get-a-b");
        });
    let document = described(&routes);
    let mut ids: Vec<&str> = Vec::new();
    for item in document["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            ids.push(operation["operationId"].as_str().expect("an id"));
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, ["get-a-b", "get-a-b-2", "get-a-b-3", "get-a-b-4"]);
}

/// A router that stood at two places had each of its names twice, which no generator of clients takes.
#[test]
fn an_operation_that_stands_twice_has_two_names() {
    let named = |routes: Routes, path: &str, id: &str| {
        let id = id.to_owned();
        routes.get(path, maybe_not).describe(move |operation| {
            operation.id(id.clone());
        })
    };
    let mut routes = Routes::new();
    for (path, id) in [
        ("/v2/a/{b}", "one"),
        ("/v1/a/{b}", "one"),
        ("/v3/a/{b}", "one"),
        // What would be its name at the third place is another's.
        ("/other", "one-v3-a-b"),
    ] {
        routes = named(routes, path, id);
    }
    let id = |document: &Value, path: &str| document["paths"][path]["get"]["operationId"].clone();
    let document = described(&routes);
    for (path, name) in [
        ("/v1/a/{b}", "one"),
        ("/v2/a/{b}", "one-v2-a-b"),
        ("/v3/a/{b}", "one-v3-a-b-2"),
        ("/other", "one-v3-a-b"),
    ] {
        assert_eq!(id(&document, path), name, "{path}");
    }
    // One place more, and the others are called as they were.
    let document = described(&named(routes, "/v4/a/{b}", "one"));
    assert_eq!(id(&document, "/v2/a/{b}"), "one-v2-a-b");
}

/// A parameter may stand in one list once, in whatever letters its header is written.
#[test]
fn a_parameter_that_two_take_is_described_once() {
    async fn both(_: Query<Search>, _: Query<Search>, _: Headers<Heads>, _: Headers<Heads>) {}
    let document = described(&Routes::new().get("/", both));
    let parameters = document["paths"]["/"]["get"]["parameters"].as_array();
    let mut names = BTreeSet::new();
    for parameter in parameters.expect("parameters") {
        let name = (parameter["in"].to_string(), parameter["name"].to_string());
        assert!(names.insert(name), "{parameter} twice");
    }
    assert_eq!(names.len(), 6);
}

#[test]
fn what_guards_a_route_is_asked_for_besides_what_it_asks_for_itself() {
    let guarded = |operation: &mut Operation| {
        let key = Security::Key("X-Key!".into());
        operation.guarded_by(key.clone()).guarded_by(key);
    };
    let routes = Routes::new()
        .get("/", maybe_not)
        .describe(guarded)
        .get("/own", maybe_not)
        .describe(move |operation| {
            operation
                .security(Security::Bearer)
                .security(Security::Basic);
            guarded(operation);
        });
    let document = described(&routes);
    assert_eq!(
        document["paths"]["/"]["get"]["security"],
        json!([{ "key-x-key_": [] }])
    );
    assert_eq!(
        document["paths"]["/own"]["get"]["security"],
        json!([{ "basic": [], "key-x-key_": [] }, { "bearer": [], "key-x-key_": [] }])
    );
    assert_eq!(
        document["components"]["securitySchemes"]["key-x-key_"],
        json!({ "type": "apiKey", "in": "header", "name": "X-Key!" })
    );
}

async fn maybe_not() {}

/// Two types of one name are two schemas; what is documented of each is what is enforced of it.
#[test]
fn types_of_one_name_are_told_apart() {
    let document = described(&routes());
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let at = |pointer: &str| document.pointer(pointer).expect(pointer).clone();
    let made = at("/paths/~1users/post/requestBody/content/application~1json/schema/$ref");
    let is = at("/paths/~1users~1{id}/get/responses/200/content/application~1json/schema/$ref");
    assert_ne!(made, is);
    for (reference, field) in [(made, "name"), (is, "chief")] {
        let name = reference
            .as_str()
            .expect("a text")
            .rsplit('/')
            .next()
            .expect("a name");
        assert!(schemas[name]["properties"].get(field).is_some(), "{name}");
    }
}

#[test]
fn what_is_not_described_is_not_promised() {
    let document = described(&routes());
    let raw = &document["paths"]["/raw/{id}"]["get"];
    assert_eq!(
        raw["responses"],
        json!({ "default": { "description": "An answer that is not described" } })
    );
    assert_eq!(
        raw["parameters"],
        json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }])
    );
    assert!(document["paths"].get("/hidden").is_none());
    assert!(document["paths"].get("/mounted").is_none());
}

/// An event stream is a handler that describes itself.
#[test]
fn a_stream_of_events_says_so() {
    async fn events() -> Result<Sse<stream::Empty<Result<Event, Infallible>>>, ServiceError> {
        Ok(Sse::new(stream::empty()))
    }
    let document = described(&Routes::new().get("/events", events));
    let content = &document["paths"]["/events"]["get"]["responses"]["200"]["content"];
    assert_eq!(
        *content,
        json!({ "text/event-stream": { "schema": { "type": "string" } } })
    );
}
