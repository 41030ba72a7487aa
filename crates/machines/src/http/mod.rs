//! The machines over HTTP.
//!
//! | path | what it answers |
//! |---|---|
//! | `GET /machines` | machines, ordered by name, a page at a time: `label`, `limit`, `cursor` |
//! | `GET /machines/{name}` | one machine |
//!
//! Answers are JSON; a machine is written as [`Machine`] says, without `key`: where an operator keeps
//! a key is nobody else's business. The header `byname-revision` tells the revision that an answer
//! was taken from; every answer is taken from one, and that shows every change that was acknowledged
//! in any process of this machine before the request came.
//!
//! A list is `{"data": […], "next_cursor": …}`. The cursor names the next page and is `null` on the
//! last one. `label` is a [`Selector`](crate::Selector), such as `gpu=a100,zone!=b`.
//!
//! Refusals are `application/problem+json` (RFC 9457). A query parameter that a path does not know is
//! refused with 400, as is a value that cannot be read; both are named in `parameter`. Where the
//! registry has no state to answer from, that is 503: it does not look empty.

mod cursor;
mod list;
mod parameters;
mod problem;

use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use byname_components::http::routes::Routes;
use byname_store::Problem as StoreProblem;
use serde::Serialize;

use self::problem::Problem;
use crate::fleet::Fleet;
use crate::machines::Machines;
use crate::model::Machine;

/// The revision of the registry that an answer was taken from.
const REVISION: HeaderName = HeaderName::from_static("byname-revision");

/// Returns the routes of machines: the paths above.
///
/// # Examples
///
/// ```
/// use byname_components::http::routes::Routes;
/// use byname_machines::{Machines, http};
///
/// let routes: Routes<Machines> = http::routes().under("/api/v1");
/// # let _ = routes;
/// ```
pub fn routes() -> Routes<Machines> {
    Routes::new()
        .raw(Method::GET, "/machines", list::list)
        .describe(list::describe_list)
        .raw(Method::GET, "/machines/{name}", list::show)
        .describe(list::describe_show)
}

/// Whether there is a state to answer from, be it an empty one. There is none when what is in the
/// place of the registry cannot be read and nothing is known of what was there.
#[must_use]
pub fn has_state(machines: &Machines) -> bool {
    let health = machines.health();
    let unreadable = health.problems.iter().any(|problem| {
        matches!(
            problem,
            StoreProblem::BrokenEdit { .. }
                | StoreProblem::EditWaits { .. }
                | StoreProblem::Damage { .. }
                | StoreProblem::Unreachable { .. }
        )
    });
    health.revision > 0 || !unreadable
}

/// All machines as they are now or, if that cannot be found out, as they were last.
async fn fleet(machines: &Machines) -> Result<Fleet, Problem> {
    let registry = match machines.durable().latest_async().await {
        Ok(registry) => registry,
        Err(error) => {
            tracing::warn!(%error, "the last known machines are served");
            machines.registry().clone()
        }
    };
    let fleet = Fleet::new(registry.snapshot());
    if fleet.revision() == 0 && !has_state(machines) {
        return Err(Problem::unavailable(
            "what machines there are cannot be told at present; the server's operator knows more",
        ));
    }
    Ok(fleet)
}

/// What a peer gets to see of a machine.
fn served(mut machine: Machine) -> Machine {
    machine.definition.key = None;
    machine
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

/// Writes a value as JSON, taken from one revision of the registry.
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
