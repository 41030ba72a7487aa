//! The client of a trait beside the same request by hand.

use std::io;
use std::sync::Arc;

use byname::{App, BoxError, Registrar, Running, ServiceError, need};
use bytes::Bytes;
use hyper::{Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::bare::{self, by_hyper, by_reqwest};
use super::{BASE, Table, WINDOW, callers, rows};
use crate::turns::{self, closed};

/// Somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct User {
    id: String,
    name: String,
    email: String,
    age: u8,
    tags: Vec<String>,
}

/// Who there is.
#[byname::service]
trait Users {
    /// Finds a user.
    async fn get_user(&self, id: String) -> Result<User, ServiceError>;
    /// Adds a user.
    async fn create_user(&self, user: User) -> Result<User, ServiceError>;
}

/// Something that needs users, wherever they are.
struct Asking(Arc<dyn Users>);

fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Users>();
    // What the other server makes; nothing asks for it here.
    registrar.factory("users", (), |(): ()| async {
        Err::<Arc<dyn Users>, _>(BoxError::from("users are on another server"))
    });
    registrar.factory("asking", (need("users"),), |(): (), users| async {
        Ok::<_, BoxError>(Arc::new(Asking(users)))
    });
}

/// Starts an application that needs users of another server, at this address.
async fn started(url: &str) -> Result<(Running, Arc<dyn Users>), BoxError> {
    let file = format!(
        "
services: {{ users: {{}}, asking: {{}} }}
deployments:
  apart:
    servers:
      users:
        url: \"{url}\"
        publish: [users]
        listeners: {{ public: {{ address: \"127.0.0.1:0\" }} }}
      asking: {{ services: [asking] }}
"
    );
    let app = App::from_text(&file).register(module);
    let running = app.server("apart.asking").start().await?;
    let asking = running.service::<Asking>("asking").await?;
    let users = Arc::clone(&asking.0);
    Ok((running, users))
}

/// What is sent and answered, in the middle of its road.
fn ada() -> User {
    let user = serde_json::from_str(crate::tiny::USER);
    user.expect("what the tiny server answers is a user")
}

/// How many callers there are at once.
const CALLERS: [usize; 2] = [1, 64];

/// A request that everybody makes in a way of their own.
#[derive(Clone)]
struct Asked {
    method: Method,
    url: String,
    content: fn() -> Bytes,
}

pub(super) fn measure(runtime: &Runtime, quick: bool, url: &str) -> io::Result<Vec<Table>> {
    let (running, users) = runtime.block_on(started(url)).map_err(io::Error::other)?;
    let mut tables = Vec::new();
    let found = Asked {
        method: Method::GET,
        url: format!("{url}/users/{}", id()),
        content: Bytes::new,
    };
    for count in CALLERS {
        let users = Arc::clone(&users);
        let typed = move || {
            let users = Arc::clone(&users);
            async move { users.get_user(id()).await }
        };
        tables.push(compared((runtime, quick), count, &found, typed));
    }
    let added = Asked {
        method: Method::POST,
        url: format!("{url}/users"),
        content: || written(&ada()),
    };
    for count in CALLERS {
        let users = Arc::clone(&users);
        let typed = move || {
            let users = Arc::clone(&users);
            async move { users.create_user(ada()).await }
        };
        tables.push(compared((runtime, quick), count, &added, typed));
    }
    drop(users);
    runtime.block_on(running.stop()).map_err(io::Error::other)?;
    Ok(tables)
}

/// So many callers by each client.
fn compared<F>(
    (runtime, quick): (&Runtime, bool),
    count: usize,
    asked: &Asked,
    typed: impl Fn() -> F + Send + Sync + 'static,
) -> Table
where
    F: Future<Output = Result<User, ServiceError>> + Send + 'static,
{
    let (client, of) = (bare::hyper(), asked.clone());
    let hyper = move || {
        let (client, of) = (client.clone(), of.clone());
        async move {
            let uri: Uri = of.url.parse().expect("a URI");
            let request = bare::request(of.method, uri, (of.content)());
            read(&by_hyper(&client, request).await);
        }
    };
    let (client, of) = (bare::reqwest(), asked.clone());
    let reqwest = move || {
        let (client, of) = (client.clone(), of.clone());
        async move {
            read(&by_reqwest(&client, of.method, &of.url, (of.content)()).await);
        }
    };
    let typed = move || {
        let answered = typed();
        async move { same(&answered.await.expect("an answer of the tiny server")) }
    };
    let loops = rows(vec![
        (BASE, closed(runtime, count, None, hyper)),
        ("bare reqwest", closed(runtime, count, None, reqwest)),
        ("**trait**", closed(runtime, count, None, typed)),
    ]);
    let heading = format!("`{}`, {}", asked.method, callers(count));
    (heading, turns::run(quick, WINDOW, loops))
}

fn id() -> String {
    "7".to_owned()
}

fn written(user: &User) -> Bytes {
    serde_json::to_vec(user).expect("a user is JSON").into()
}

fn read(content: &Bytes) {
    same(&serde_json::from_slice(content).expect("a user"));
}

fn same(user: &User) {
    assert_eq!(user.age, 36);
}
