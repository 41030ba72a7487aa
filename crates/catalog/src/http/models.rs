//! `/models`: what is offered.

use std::num::NonZeroUsize;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use byname_components::ErrorKind;
use byname_components::http::bind;
use byname_components::http::openapi::Operation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use super::problem::Problem;
use super::{answer, json};
use crate::catalog::Catalog;
use crate::model::Offering;
use crate::query::{Cursor, Query};

/// How many offerings a page has unless asked otherwise.
const LIMIT: usize = 100;
/// How many it has at most.
const LARGEST_LIMIT: usize = 1000;

#[derive(Serialize)]
struct List<'a> {
    data: &'a [&'a Offering],
    next_cursor: Option<String>,
}

/// What a list can be narrowed by.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "it describes what `Parameters` reads")]
struct Narrowed {
    /// Only this provider's.
    provider: Option<String>,
    /// Only those with this text in their id or name, whatever its case.
    q: Option<String>,
    /// How many a page has at most. Default: 100.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

pub(super) fn describe_list(operation: &mut Operation) {
    operation
        .id("list_models")
        .summary("Lists what is offered, a page at a time")
        .tag("catalog")
        .takes::<bind::Query<Narrowed>>()
        .answer(
            "200",
            "A page: `data`, ordered by provider and id, and `next_cursor`",
        )
        .refuses(ErrorKind::Invalid);
}

pub(super) fn describe_show(operation: &mut Operation) {
    operation
        .id("get_model")
        .summary("Tells of one offering")
        .tag("catalog")
        .answer_with::<serde_json::Value>(
            "200",
            "The offering, with every known fact",
            "application/json",
        )
        .refuses(ErrorKind::Invalid)
        .refuses(ErrorKind::NotFound);
}

pub(super) async fn list(State(catalog): State<Catalog>, RawQuery(query): RawQuery) -> Response {
    answer(|| {
        let parameters = Parameters::read(query.as_deref(), &["provider", "q", "limit", "cursor"])?;
        let mut query = Query::all().limit(limit(&parameters)?);
        if let Some(provider) = parameters.get("provider") {
            query = query.provider(provider);
        }
        if let Some(text) = parameters.get("q") {
            query = query.containing(text);
        }
        let after = match parameters.get("cursor") {
            None => None,
            Some(text) => Some(Cursor::parse(text).map_err(|error| {
                Problem::bad_parameter("cursor", format!("query parameter `cursor` is {error}"))
            })?),
        };
        let offerings = catalog.offerings();
        let page = offerings.page(&query, after.as_ref());
        let next_cursor = page.next.map(|next| next.to_string());
        json(
            offerings.revision(),
            &List {
                data: &page.offerings,
                next_cursor,
            },
        )
    })
}

pub(super) async fn show(
    State(catalog): State<Catalog>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(|| {
        let Path((provider, id)) =
            path.map_err(|_| Problem::bad_request("the path is not UTF-8 once decoded"))?;
        Parameters::read(query.as_deref(), &[])?;
        let offerings = catalog.offerings();
        let offering = offerings.get(&provider, &id).ok_or_else(|| {
            Problem::not_found(format!("the provider `{provider}` offers no model `{id}`"))
        })?;
        json(offerings.revision(), offering)
    })
}

fn limit(parameters: &Parameters) -> Result<NonZeroUsize, Problem> {
    let asked = match parameters.get("limit") {
        None => Some(LIMIT),
        // Digits only: what `parse` takes besides, a leading `+`, is a space in a URL.
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Some(_) => None,
    };
    asked
        .filter(|limit| *limit <= LARGEST_LIMIT)
        .and_then(NonZeroUsize::new)
        .ok_or_else(|| {
            Problem::bad_parameter(
                "limit",
                format!("query parameter `limit` must be a whole number from 1 to {LARGEST_LIMIT}"),
            )
        })
}
