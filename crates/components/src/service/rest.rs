//! The convention `rest`: what the name of a method says, as HTTP says it.

use axum::http::{self, StatusCode};

use super::convention::{Convention, Location, Route};
use super::method::{Argument, Method};
use super::resource::{Resource, words};

/// Routes methods by the first word of their names, of a service that is about users:
///
/// | method | route |
/// |---|---|
/// | `get_user(id)`, `find_user(id)`, `get(id)`, `get_user_by_id(id)` | `GET /users/{id}` |
/// | `get_user_by_email(email)` | `GET /users/by-email/{email}` |
/// | `list_users(…)`, `list(…)`, `get_users(…)` | `GET /users`, arguments in the query |
/// | `search_users(…)` | `GET /users/search`, arguments in the query |
/// | `create_user(…)`, `add_user(…)` | `POST /users`, 201 |
/// | `update_user(id, …)`, `replace_user(id, …)` | `PUT /users/{id}` |
/// | `modify_user(id, …)`, `patch_user(id, …)` | `PATCH /users/{id}` |
/// | `delete_user(id)`, `remove_user(id)` | `DELETE /users/{id}` |
///
/// What is created is told with where it is (`location`), if there is a `GET` one segment below: by what the
/// answer of the method says under the name of that method's argument.
///
/// The identity is the argument `id` or `user_id`, or else the first one. A single further argument
/// that is a structure is the content; otherwise they are the fields of an object. Words are matched
/// whole, and all of them: a method of another name has no route until it is given one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rest;

#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Get,
    List,
    Search,
    Create,
    Change(&'static str),
}

impl Convention for Rest {
    fn route(&self, resource: &Resource, method: &Method) -> Result<Route, String> {
        let words = words(method.name());
        let verb = match words.first().map_or("", String::as_str) {
            "get" | "find" => Verb::Get,
            "list" => Verb::List,
            "search" => Verb::Search,
            "create" | "add" => Verb::Create,
            "update" | "replace" => Verb::Change("PUT"),
            "modify" | "patch" => Verb::Change("PATCH"),
            "delete" | "remove" => Verb::Change("DELETE"),
            _ => return Err(format!("does not begin with one of the words {VERBS}")),
        };
        let by = words.iter().skip(1).position(|word| word == "by");
        let (about, by) = match by {
            Some(at) => (&words[1..=at], Some(words[at + 2..].join("-"))),
            None => (&words[1..], None),
        };
        let (about, by) = (&*about.join("-"), by.as_deref());
        let (singular, plural) = (resource.singular(), resource.plural());
        if !["", singular, plural].contains(&about) {
            return Err(format!(
                "is about `{about}`, and the service is about `{singular}` (several: `{plural}`)"
            ));
        }
        let all = format!("/{plural}");
        let of_several = about == plural && (singular != plural || method.arguments().is_empty());
        if let Some(by) = by.filter(|by| *by != "id") {
            return by_other(verb, by, &all, method);
        }
        match verb {
            Verb::List | Verb::Get if verb == Verb::List || (of_several && by.is_none()) => {
                Ok(Route::new(http::Method::GET, all).others_in_query(method))
            }
            Verb::Search => {
                Ok(Route::new(http::Method::GET, format!("{all}/search")).others_in_query(method))
            }
            Verb::Create => Ok(Route::new(http::Method::POST, all)
                .answering(StatusCode::CREATED)
                .others_as_usual(method)),
            _ if of_several => Err(format!(
                "is about several; one that is about one `{singular}` has a route"
            )),
            Verb::Change(http) => {
                let http = http::Method::from_bytes(http.as_bytes());
                one(http.unwrap_or(http::Method::PUT), &all, resource, method)
            }
            Verb::Get | Verb::List => one(http::Method::GET, &all, resource, method),
        }
    }
}

const VERBS: &str = "`get`, `find`, `list`, `search`, `create`, `add`, `update`, `replace`, `modify`, \
                     `patch`, `delete`, `remove`";

/// A route of one, by its identity.
fn one(
    http: http::Method,
    all: &str,
    resource: &Resource,
    method: &Method,
) -> Result<Route, String> {
    let own = format!("{}_id", resource.singular().replace('-', "_"));
    let arguments = method.arguments();
    let named = |name: &str| arguments.iter().find(|one| one.name() == name);
    let can_be = |one: &&Argument| one.is_scalar() && !one.is_optional();
    let id = named("id").or_else(|| named(&own)).or(arguments.first());
    let id = id.filter(can_be).ok_or_else(|| {
        format!(
            "has no argument that says which `{}`: a text, a number",
            resource.singular()
        )
    })?;
    Ok(Route::new(http, format!("{all}/{{id}}"))
        .with(id.name(), Location::Path("id".to_owned()))
        .others_as_usual(method))
}

/// A route of one, by something other than its identity.
fn by_other(verb: Verb, by: &str, all: &str, method: &Method) -> Result<Route, String> {
    let name = by.replace('-', "_");
    let key = method.arguments().iter().find(|one| one.name() == name);
    let Some(key) = key.filter(|one| one.is_scalar() && !one.is_optional()) else {
        return Err(format!(
            "has no argument `{name}` that is a text or a number"
        ));
    };
    if verb != Verb::Get {
        return Err("is not found by its identity, and is no `get` or `find`".to_owned());
    }
    Ok(
        Route::new(http::Method::GET, format!("{all}/by-{by}/{{{name}}}"))
            .with(key.name(), Location::Path(name.clone()))
            .others_in_query(method),
    )
}
