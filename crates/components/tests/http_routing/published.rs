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

struct Elsewhere(Remote);

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
        let all = Interface::new::<dyn Notes>("Notes", |remote| Arc::new(Elsewhere(remote)));
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
