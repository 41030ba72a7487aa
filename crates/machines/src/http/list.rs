//! `/machines`: which machines there are.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use byname_components::ErrorKind;
use byname_components::http::bind;
use byname_components::http::openapi::Operation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::Cursor;
use super::parameters::Parameters;
use super::problem::Problem;
use super::{answer, fleet, json, served};
use crate::machines::Machines;
use crate::model::Machine;
use crate::selector::Selector;

/// How many machines a page has unless asked otherwise.
const LIMIT: usize = 100;
/// How many it has at most.
const LARGEST_LIMIT: usize = 1000;

#[derive(Serialize)]
struct List {
    data: Vec<Machine>,
    next_cursor: Option<String>,
}

/// What a list can be narrowed by.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "it describes what `Parameters` reads")]
struct Narrowed {
    /// Only those that a selector matches, such as `gpu=a100,zone!=b`.
    label: Option<String>,
    /// How many a page has at most. Default: 100.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

pub(super) fn describe_list(operation: &mut Operation) {
    operation
        .id("list_machines")
        .summary("Lists machines, a page at a time")
        .tag("machines")
        .takes::<bind::Query<Narrowed>>()
        .answer_with::<serde_json::Value>(
            "200",
            "A page: `data`, ordered by name, and `next_cursor`",
            "application/json",
        )
        .refuses(ErrorKind::Invalid)
        .refuses(ErrorKind::Unavailable);
}

pub(super) fn describe_show(operation: &mut Operation) {
    operation
        .id("get_machine")
        .summary("Tells of one machine")
        .tag("machines")
        .answer_with::<serde_json::Value>("200", "The machine", "application/json")
        .refuses(ErrorKind::Invalid)
        .refuses(ErrorKind::NotFound)
        .refuses(ErrorKind::Unavailable);
}

pub(super) async fn list(State(machines): State<Machines>, RawQuery(query): RawQuery) -> Response {
    let fleet = fleet(&machines).await;
    answer(|| {
        let parameters = Parameters::read(query.as_deref(), &["label", "limit", "cursor"])?;
        let limit = limit(&parameters)?;
        let selector = parameters.get("label").map(selector).transpose()?;
        let after = parameters.get("cursor").map(cursor).transpose()?;
        let fleet = fleet?;
        let mut rest = fleet
            .iter()
            .skip_while(|machine| {
                after
                    .as_ref()
                    .is_some_and(|after| machine.name.as_str() <= after.name())
            })
            .filter(|machine| {
                selector
                    .as_ref()
                    .is_none_or(|selector| selector.matches(&machine.definition))
            });
        let data: Vec<Machine> = rest.by_ref().take(limit).map(served).collect();
        let more = rest.next().is_some();
        let next_cursor = data
            .last()
            .filter(|_| more)
            .map(|last| Cursor::after(&last.name).to_string());
        json(fleet.revision(), &List { data, next_cursor })
    })
}

pub(super) async fn show(
    State(machines): State<Machines>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let fleet = fleet(&machines).await;
    answer(|| {
        let Path(name) =
            path.map_err(|_| Problem::bad_request("the path is not UTF-8 once decoded"))?;
        Parameters::read(query.as_deref(), &[])?;
        let fleet = fleet?;
        let machine = fleet
            .get(&name)
            .map_err(|_| Problem::not_found(format!("there is no machine `{name}`")))?;
        json(fleet.revision(), &served(machine))
    })
}

fn selector(text: &str) -> Result<Selector, Problem> {
    text.parse().map_err(|error| {
        Problem::bad_parameter("label", format!("query parameter `label` is no {error}"))
    })
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    Cursor::parse(text).ok_or_else(|| {
        Problem::bad_parameter(
            "cursor",
            "query parameter `cursor` is not a cursor from an earlier answer; leave it out to \
             begin anew",
        )
    })
}

fn limit(parameters: &Parameters) -> Result<usize, Problem> {
    let asked = match parameters.get("limit") {
        None => Some(LIMIT),
        // Digits only: what `parse` takes besides, a leading `+`, is a space in a URL.
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Some(_) => None,
    };
    asked
        .filter(|limit| (1..=LARGEST_LIMIT).contains(limit))
        .ok_or_else(|| {
            Problem::bad_parameter(
                "limit",
                format!("query parameter `limit` must be a whole number from 1 to {LARGEST_LIMIT}"),
            )
        })
}
