//! `/machines`: which machines there are.

use std::num::NonZeroUsize;

use axum::extract::State;
use byname_components::http::bind::{NoParameters, Path, Query, Revised};
use byname_components::http::openapi::Operation;
use byname_components::{ErrorKind, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::Cursor;
use super::{Answered, answer, fleet, served};
use crate::machines::Machines;
use crate::model::{Machine, MachineName};
use crate::selector::Selector;

/// How many machines a page has unless asked otherwise.
const LIMIT: NonZeroUsize = NonZeroUsize::new(100).unwrap();
/// How many it has at most.
const LARGEST_LIMIT: usize = 1000;

/// Machines, ordered by name.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MachinePage")]
pub(super) struct Page {
    data: Vec<Machine>,
    /// Where the next page begins; null on the last one.
    #[schemars(with = "Option<Cursor>")]
    next_cursor: Option<String>,
}

/// What a list can be narrowed by.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Narrowed {
    /// Only those that a selector matches, such as `gpu=a100,zone!=b`.
    label: Option<Selector>,
    /// How many a page has at most.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = LARGEST_LIMIT))]
    limit: NonZeroUsize,
    /// The `next_cursor` of the page before.
    cursor: Option<Cursor>,
}

fn limit() -> NonZeroUsize {
    LIMIT
}

/// Which machine is asked for.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Named {
    /// The name of the machine.
    #[schemars(with = "MachineName")]
    name: String,
}

pub(super) fn describe_list(operation: &mut Operation) {
    operation
        .id("list_machines")
        .summary("Lists machines, a page at a time")
        .tag("machines")
        .refuses(ErrorKind::Unavailable);
}

pub(super) fn describe_show(operation: &mut Operation) {
    operation
        .id("get_machine")
        .summary("Tells of one machine")
        .tag("machines")
        .refuses(ErrorKind::NotFound)
        .refuses(ErrorKind::Unavailable);
}

pub(super) async fn list(
    State(machines): State<Machines>,
    Query(narrowed): Query<Narrowed>,
) -> Answered<Page> {
    let fleet = fleet(&machines).await?;
    answer(|| {
        let Narrowed {
            label,
            limit,
            cursor,
        } = narrowed;
        let mut rest = fleet
            .iter()
            .skip_while(|machine| {
                cursor
                    .as_ref()
                    .is_some_and(|after| machine.name.as_str() <= after.name())
            })
            .filter(|machine| {
                label
                    .as_ref()
                    .is_none_or(|selector| selector.matches(&machine.definition))
            });
        let data: Vec<Machine> = rest.by_ref().take(limit.get()).map(served).collect();
        let more = rest.next().is_some();
        let next_cursor = data
            .last()
            .filter(|_| more)
            .map(|last| Cursor::after(&last.name).to_string());
        Revised::of(fleet.revision(), &Page { data, next_cursor })
    })
}

pub(super) async fn show(
    State(machines): State<Machines>,
    Path(Named { name }): Path<Named>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered<Machine> {
    let fleet = fleet(&machines).await?;
    answer(|| {
        let machine = fleet.get(&name).map_err(|_| {
            let message = format!("there is no machine `{name}`");
            ServiceError::new(ErrorKind::NotFound, message)
        })?;
        Revised::of(fleet.revision(), &served(machine))
    })
}
