//! The catalog over HTTP.
//!
//! | path | what it answers |
//! |---|---|
//! | `GET /models` | offerings, a page at a time: `provider`, `q`, `limit`, `cursor` |
//! | `GET /models/{provider}/{id}` | one offering; an id may hold `/`, `:`, `@` |
//! | `GET /providers` | providers, with the number of offerings of each |
//!
//! Answers are JSON; an offering is written as [`model`](crate::model) says, with `provider` and
//! `id` and every known fact. The header `byname-revision` tells the revision that an answer was
//! taken from; every answer is taken from one.
//!
//! A list is `{"data": […], "next_cursor": …}`. The cursor names the next page and is `null` on
//! the last one. It holds a key and no revision: whoever pages through a catalog that changes
//! meanwhile gets every offering that is there throughout, and none twice.
//!
//! Refusals are `application/problem+json` (RFC 9457). A query parameter that a path does not know
//! is refused with 400, as is a value that cannot be read; both are named in `parameter`.

mod models;
mod parameters;
mod problem;
mod providers;

use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use byname_components::http::routes::Routes;
use serde::Serialize;

use self::problem::Problem;
use crate::catalog::Catalog;

/// The revision of the catalog that an answer was taken from.
const REVISION: HeaderName = HeaderName::from_static("byname-revision");

/// Returns the routes of a catalog: the paths above.
///
/// # Examples
///
/// ```
/// use byname_catalog::{Catalog, http};
/// use byname_components::http::routes::Routes;
///
/// let routes: Routes<Catalog> = http::routes().under("/api/v1");
/// # let _ = routes;
/// ```
pub fn routes() -> Routes<Catalog> {
    Routes::new()
        .raw(Method::GET, "/models", models::list)
        .describe(models::describe_list)
        .raw(Method::GET, "/models/{provider}/{*id}", models::show)
        .describe(models::describe_show)
        .raw(Method::GET, "/providers", providers::list)
        .describe(providers::describe)
}

/// Makes an answer, or the refusal that says why there is none; a panic is one as well.
fn answer(make: impl FnOnce() -> Result<Response, Problem>) -> Response {
    // A handler only reads snapshots: a panic in it leaves nothing half done.
    match catch_unwind(AssertUnwindSafe(make)) {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => {
            tracing::error!("a request was not answered because its handler panicked");
            Problem::internal().into_response()
        }
    }
}

/// Writes a value as JSON, taken from one revision of the catalog.
fn json<T: Serialize>(revision: u64, value: &T) -> Result<Response, Problem> {
    let mut body = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        Problem::internal()
    })?;
    // A terminal shows its prompt on the next line.
    body.push(b'\n');
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (REVISION, HeaderValue::from(revision)),
    ];
    Ok((StatusCode::OK, headers, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer_that_tells_nothing_of_the_inside() {
        let response = answer(|| panic!("secret"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let kind = response.headers().get(header::CONTENT_TYPE);
        assert_eq!(
            kind,
            Some(&HeaderValue::from_static("application/problem+json"))
        );
        assert!(!format!("{:?}", Problem::internal()).contains("secret"));
    }
}
