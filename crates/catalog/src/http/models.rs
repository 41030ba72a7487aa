//! `/models`: what is offered.

use std::num::NonZeroUsize;

use axum::extract::State;
use byname_components::http::bind::{NoParameters, Path, Query, Revised};
use byname_components::http::openapi::Operation;
use byname_components::{ErrorKind, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, answer};
use crate::catalog::Catalog;
use crate::model::{Offering, OfferingId, ProviderId};
use crate::query::{self, Cursor};

/// How many offerings a page has unless asked otherwise.
const LIMIT: NonZeroUsize = NonZeroUsize::new(100).unwrap();
/// How many it has at most.
const LARGEST_LIMIT: usize = 1000;

/// Offerings, ordered by provider and id.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OfferingPage")]
pub(super) struct Page<'a> {
    data: &'a [&'a Offering],
    /// Where the next page begins; null on the last one.
    #[schemars(with = "Option<Cursor>")]
    next_cursor: Option<String>,
}

/// What a list can be narrowed by.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Narrowed {
    /// Only this provider's.
    provider: Option<String>,
    /// Only those with this text in their id or name, whatever its case.
    q: Option<String>,
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

/// Which offering is asked for.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Named {
    /// The id of the provider.
    #[schemars(with = "ProviderId")]
    provider: String,
    /// The id that the provider gives the offering, slashes and all.
    #[schemars(with = "OfferingId")]
    id: String,
}

pub(super) fn describe_list(operation: &mut Operation) {
    operation
        .id("list_models")
        .summary("Lists what is offered, a page at a time")
        .tag("catalog");
}

pub(super) fn describe_show(operation: &mut Operation) {
    operation
        .id("get_model")
        .summary("Tells of one offering")
        .tag("catalog")
        .refuses(ErrorKind::NotFound);
}

pub(super) async fn list(
    State(catalog): State<Catalog>,
    Query(narrowed): Query<Narrowed>,
) -> Answered<Page<'static>> {
    answer(|| {
        let mut query = query::Query::all().limit(narrowed.limit);
        if let Some(provider) = narrowed.provider {
            query = query.provider(provider);
        }
        if let Some(text) = &narrowed.q {
            query = query.containing(text);
        }
        let offerings = catalog.offerings();
        let page = offerings.page(&query, narrowed.cursor.as_ref());
        let next_cursor = page.next.map(|next| next.to_string());
        let page = Page {
            data: &page.offerings,
            next_cursor,
        };
        Revised::of(offerings.revision(), &page)
    })
}

pub(super) async fn show(
    State(catalog): State<Catalog>,
    Path(Named { provider, id }): Path<Named>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered<Offering> {
    answer(|| {
        let offerings = catalog.offerings();
        let offering = offerings.get(&provider, &id).ok_or_else(|| {
            let message = format!("the provider `{provider}` offers no model `{id}`");
            ServiceError::new(ErrorKind::NotFound, message)
        })?;
        Revised::of(offerings.revision(), offering)
    })
}
