//! The catalog over HTTP.
//!
//! | path | what it answers |
//! |---|---|
//! | `GET /api/v1/models` | offerings, a page at a time: `provider`, `q`, `limit`, `cursor` |
//! | `GET /api/v1/models/{provider}/{id}` | one offering; an id may hold `/`, `:`, `@` |
//! | `GET /api/v1/providers` | providers, with the number of offerings of each |
//! | `GET /healthz` | that the server runs |
//! | `GET /readyz` | what is served, and how the files and registries are that it comes from |
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

mod beside;
mod health;
mod models;
mod parameters;
mod problem;
mod providers;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use self::health::Readiness;
use self::problem::Problem;
use crate::catalog::Catalog;

pub use self::beside::{Beside, RegistryState};

/// The revision of the catalog that an answer was taken from.
const REVISION: HeaderName = HeaderName::from_static("byname-revision");

/// The largest body that a request may announce. Nothing here reads one.
const LARGEST_BODY: u64 = 64 * 1024;

/// Serves a catalog: the paths above, and refusals for all others.
///
/// # Examples
///
/// ```
/// use byname_catalog::{Catalog, http};
///
/// let router: axum::Router = http::router(Catalog::new());
/// # let _ = router;
/// ```
pub fn router(catalog: Catalog) -> Router {
    router_beside(catalog, Vec::new())
}

/// Serves a catalog like [`router`], and what is beside it.
pub fn router_beside(catalog: Catalog, beside: Vec<Beside>) -> Router {
    let mut there =
        String::from("/api/v1/models, /api/v1/models/{provider}/{id}, /api/v1/providers");
    let mut further = Router::new();
    for one in &beside {
        for path in &one.paths {
            // Writing to a string does not fail.
            let _ = write!(there, ", {path}");
        }
        further = further.merge(one.routes.clone());
    }
    let unknown = format!("there is nothing at this path; there is {there}, /healthz and /readyz");
    let readiness = Readiness {
        catalog: catalog.clone(),
        beside: beside.into(),
    };
    Router::new()
        .route("/api/v1/models", get(models::list))
        .route("/api/v1/models/{provider}/{*id}", get(models::show))
        .route("/api/v1/providers", get(providers::list))
        .route("/healthz", get(health::live))
        .with_state(catalog)
        .merge(
            Router::new()
                .route("/readyz", get(health::ready))
                .with_state(readiness),
        )
        .merge(further)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found(unknown) })
        .layer(middleware::from_fn(refuse_large_bodies))
}

/// Refuses what announces a body that nobody will read.
async fn refuse_large_bodies(request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LARGEST_BODY) {
        let detail = format!("a request may have a body of at most {LARGEST_BODY} bytes");
        return Problem::too_large(detail).into_response();
    }
    next.run(request).await
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
