//! A router: routes, and what their handlers need.

use std::sync::Arc;

use axum::extract::State;
use byname::http::bind::{Json, Path};
use byname::http::routes::Routes;
use byname::{BoxError, Registrar, need};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is said: a service like any other.
struct Words {
    hello: String,
}

/// The settings of a service of the type `words`.
#[derive(Deserialize, JsonSchema)]
struct WordsSettings {
    /// How a greeting begins.
    hello: String,
}

async fn words(settings: WordsSettings) -> Result<Arc<Words>, BoxError> {
    let hello = settings.hello;
    Ok(Arc::new(Words { hello }))
}

/// What the path says.
#[derive(Deserialize, JsonSchema)]
struct Whom {
    /// Who is greeted.
    #[schemars(length(max = 20))]
    name: String,
}

/// What is answered.
#[derive(Serialize, JsonSchema)]
struct Greeting {
    text: String,
}

/// Greets somebody.
async fn greet(State(words): State<Arc<Words>>, Path(whom): Path<Whom>) -> Json<Greeting> {
    let text = format!("{}, {}!", words.hello, whom.name);
    Json(Greeting { text })
}

/// Registers the service's factory and the router `greetings`.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    registrar.factory("words", (), words);
    let routes = Routes::new()
        .get("/greetings/{name}", greet)
        .describe(|operation| {
            operation.summary("Greets somebody");
        });
    let needs = (need::<Words>("words"),);
    registrar.router("greetings", needs, |(words,)| words, routes);
}
