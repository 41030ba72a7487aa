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
//! Refusals are `application/problem+json` (RFC 9457). What a path does not know of a query, and what
//! cannot be, is refused with 422; `errors` names each.

mod models;
mod providers;

use std::panic::{AssertUnwindSafe, catch_unwind};

use byname_components::ServiceError;
use byname_components::http::bind::Revised;
use byname_components::http::routes::Routes;

use crate::catalog::Catalog;

/// Of what is asked: an answer taken from one revision of the catalog, or why there is none.
type Answered<T> = Result<Revised<T>, ServiceError>;

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
        .get("/models", models::list)
        .describe(models::describe_list)
        .get("/models/{provider}/{*id}", models::show)
        .describe(models::describe_show)
        .get("/providers", providers::list)
        .describe(providers::describe)
}

/// Makes an answer, or the refusal that says why there is none; a panic is one as well.
fn answer<T>(make: impl FnOnce() -> Answered<T>) -> Answered<T> {
    // A handler only reads snapshots: a panic in it leaves nothing half done.
    let done = catch_unwind(AssertUnwindSafe(make));
    done.unwrap_or_else(|_| Err(ServiceError::internal("a handler panicked")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer_that_tells_nothing_of_the_inside() {
        let refusal = answer::<()>(|| panic!("secret")).unwrap_err();
        assert_eq!(refusal.kind().status(), 500);
        assert!(!refusal.to_problem().to_string().contains("panicked"));
    }
}
