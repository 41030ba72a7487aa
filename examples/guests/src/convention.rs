//! A convention: a rule of one's own that turns methods into routes.

use byname::Registrar;
use byname::service::{Convention, Method, Resource, Route, Verb};

/// Asks with GET, and tells with POST: `GET /guests/ask/get_guest?id=1`.
struct AskAndTell;

impl Convention for AskAndTell {
    fn route(&self, resource: &Resource, method: &Method) -> Result<Route, String> {
        let (of, name) = (resource.plural(), method.name());
        let asks = name.starts_with("get_") || name.starts_with("list_");
        Ok(if asks {
            Route::new(Verb::GET, format!("/{of}/ask/{name}")).others_in_query(method)
        } else {
            Route::new(Verb::POST, format!("/{of}/tell/{name}")).others_in_body(method)
        })
    }
}

/// Registers the convention `ask-and-tell`.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    registrar.convention("ask-and-tell", AskAndTell);
}
