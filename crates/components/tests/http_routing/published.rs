//! What a published service answers, asked as anybody asks.

use std::sync::Arc;

use byname_components::service::{Answering, Arguments, Interface, Method, Remote, Service};
use byname_components::{App, ErrorKind, Registrar, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::rig::{Site, app};

/// What is kept.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Note {
    id: String,
    text: String,
}

trait Notes: Send + Sync {}

struct Kept;

impl Notes for Kept {}

/// What a server that does not publish it would have.
struct Elsewhere {
    _remote: Remote,
}

impl Notes for Elsewhere {}

fn create(_: Arc<dyn Notes>, mut arguments: Arguments) -> Answering<Result<Note, ServiceError>> {
    Box::pin(async move {
        let text: String = arguments.take(0)?;
        let id = text.clone();
        Ok(Note { id, text })
    })
}

fn get(_: Arc<dyn Notes>, mut arguments: Arguments) -> Answering<Result<Note, ServiceError>> {
    Box::pin(async move {
        let id: String = arguments.take(0)?;
        match &*id {
            "closed" => Err(ServiceError::new(
                ErrorKind::MethodNotAllowed,
                "it is closed",
            )),
            "secret" => Err(ServiceError::new(
                ErrorKind::Unauthenticated,
                "who are you?",
            )),
            _ => Ok(Note {
                text: id.clone(),
                id,
            }),
        }
    })
}

fn list(
    _: Arc<dyn Notes>,
    mut arguments: Arguments,
) -> Answering<Result<Vec<String>, ServiceError>> {
    Box::pin(async move {
        let name: Option<String> = arguments.take(0)?;
        Ok(name.into_iter().collect())
    })
}

fn search(_: Arc<dyn Notes>, _: Arguments) -> Answering<Result<Vec<String>, ServiceError>> {
    Box::pin(async { Ok(Vec::new()) })
}

impl Service for dyn Notes {
    fn interface() -> Interface {
        let all =
            Interface::new::<dyn Notes>("Notes", |remote| Arc::new(Elsewhere { _remote: remote }));
        let create = Method::new::<dyn Notes, Note>("create_note", create);
        let get = Method::new::<dyn Notes, Note>("get_note", get);
        let list = Method::new::<dyn Notes, Vec<String>>("list_notes", list);
        let search = Method::new::<dyn Notes, Vec<String>>("search_notes", search);
        all.method(create.argument::<String>("text"))
            .method(get.argument::<String>("id"))
            .method(list.argument::<Option<String>>("name"))
            .method(search)
    }
}

const FILE: &str = "
servers:
  main:
    publish: [notes]
    listeners:
      one: { address: 127.0.0.1:0 }
";

fn notes() -> App {
    let kept: Arc<dyn Notes> = Arc::new(Kept);
    app(FILE)
        .service("notes", kept)
        .register(|registrar: &mut Registrar<'_>| registrar.interface::<dyn Notes>())
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// 201 without a location says that what was made is the target, `/notes` itself (RFC 9110, 15.3.2).
#[tokio::test(flavor = "multi_thread")]
async fn what_a_method_made_is_where_its_answer_says() {
    let site = Site::run(notes()).await;
    for (text, location) in [
        ("7", "/notes/7"),
        ("a/b \u{e9}", "/notes/a%2Fb%20%C3%A9"),
        ("..", "/notes/~.."),
        // That is another route.
        ("search", "/notes/~search"),
    ] {
        let said = json!({ "text": text }).to_string();
        let answer = site.ask("POST", "/notes", JSON, &said);
        assert_eq!(
            (answer.status, answer.header("location")),
            (201, Some(location))
        );
        let made: Note = serde_json::from_slice(&site.get(location).body).unwrap();
        assert_eq!(made.id, text);
    }
    let document: Value = serde_json::from_slice(&site.get("/openapi.json").body).unwrap();
    let header = &document["paths"]["/notes"]["post"]["responses"]["201"]["headers"]["location"];
    assert_eq!(header["required"], json!(true));
    site.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_method_refuses_says_what_its_status_must() {
    let site = Site::run(notes()).await;
    let closed = site.get("/notes/closed");
    assert_eq!(
        (closed.status, closed.header("allow")),
        (405, Some("GET, HEAD, OPTIONS"))
    );
    let secret = site.get("/notes/secret");
    assert_eq!(
        (secret.status, secret.header("www-authenticate")),
        (401, Some("Bearer"))
    );
    assert_eq!(site.get("/notes/other").header("allow"), None);
    site.app.stop().await.unwrap();
}

/// A published service passed over what it did not know: `GET /notes?nmae=a` listed everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_of_the_query_that_a_method_does_not_take_is_refused() {
    let site = Site::run(notes()).await;
    for (path, field, message) in [
        (
            "/notes?nmae=a",
            "nmae",
            "is not known; did you mean `name`?",
        ),
        ("/notes?name=a&x=", "x", "is not known"),
        ("/notes/search?q=a", "q", "is not known"),
        ("/notes/7?%C3%A9", "\u{e9}", "is not known"),
    ] {
        let answer = site.get(path);
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        let error = json!([{ "in": "query", "field": field, "message": message }]);
        assert_eq!((answer.status, &told["errors"]), (422, &error), "{path}");
    }
    assert_eq!(site.get("/notes?name=a+b&").text(), "[\"a b\"]");
    assert_eq!(site.get("/notes?name=%ff").status, 400);
    let unknown = site.ask("POST", "/notes?text=a", JSON, "{\"text\":\"a\",\"txet\":1}");
    let told: Value = serde_json::from_slice(&unknown.body).unwrap();
    assert_eq!(
        (unknown.status, told["errors"].as_array().unwrap().len()),
        (422, 2)
    );
    let document: Value = serde_json::from_slice(&site.get("/openapi.json").body).unwrap();
    let answers = &document["paths"]["/notes/search"]["get"]["responses"];
    assert!(answers.get("422").is_some(), "{answers}");
    site.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_json_to_a_router_is_json_to_a_published_service() {
    let site = Site::run(notes()).await;
    for (kind, status) in [
        ("application/json", 201),
        ("Application/JSON ; charset=utf-8", 201),
        ("model/gltf+json", 201),
        ("text/json", 415),
        ("application/xjson", 415),
        ("+json", 415),
    ] {
        let answer = site.ask(
            "POST",
            "/notes",
            &[("content-type", kind)],
            "{\"text\":\"a\"}",
        );
        assert_eq!(answer.status, status, "{kind}");
    }
    site.app.stop().await.unwrap();
}
