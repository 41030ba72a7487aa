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
//! Refusals are `application/problem+json` (RFC 9457). What a path does not know of a query, and what
//! cannot be, is refused with 422; `errors` names each. Where the registry has no state to answer from,
//! that is 503: it does not look empty.

mod cursor;
mod list;

use std::panic::{AssertUnwindSafe, catch_unwind};

use byname_components::http::bind::Revised;
use byname_components::http::routes::Routes;
use byname_components::{ErrorKind, ServiceError};
use byname_store::Problem as StoreProblem;

use crate::fleet::Fleet;
use crate::machines::Machines;
use crate::model::Machine;

/// Of what is asked: an answer taken from one revision of the registry, or why there is none.
type Answered<T> = Result<Revised<T>, ServiceError>;

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
        .get("/machines", list::list)
        .describe(list::describe_list)
        .get("/machines/{name}", list::show)
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
async fn fleet(machines: &Machines) -> Result<Fleet, ServiceError> {
    let registry = match machines.durable().latest_async().await {
        Ok(registry) => registry,
        Err(error) => {
            tracing::warn!(%error, "the last known machines are served");
            machines.registry().clone()
        }
    };
    let fleet = Fleet::new(registry.snapshot());
    if fleet.revision() == 0 && !has_state(machines) {
        let message =
            "what machines there are cannot be told at present; the server's operator knows more";
        return Err(ServiceError::new(ErrorKind::Unavailable, message));
    }
    Ok(fleet)
}

/// What a peer gets to see of a machine.
fn served(mut machine: Machine) -> Machine {
    machine.definition.key = None;
    machine
}

/// Makes an answer, or the refusal that says why there is none; a panic is one as well.
fn answer<T>(make: impl FnOnce() -> Answered<T>) -> Answered<T> {
    // A handler only reads snapshots: a panic in it leaves nothing half done.
    let done = catch_unwind(AssertUnwindSafe(make));
    done.unwrap_or_else(|_| Err(ServiceError::internal("a handler panicked")))
}
