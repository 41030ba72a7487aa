//! `/providers`: who offers something.

use axum::extract::State;
use byname_components::http::bind::{NoParameters, Query, Revised};
use byname_components::http::openapi::Operation;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answered, answer};
use crate::catalog::Catalog;
use crate::model::{Fact, ProviderId};

/// All providers, ordered by id.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProviderList")]
pub(super) struct List<'a> {
    data: Vec<Row<'a>>,
}

/// Who sells offerings, and how to reach them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Provider")]
struct Row<'a> {
    /// The first part of the key of its offerings.
    #[schemars(with = "ProviderId")]
    id: &'a str,
    /// The name for people.
    #[serde(skip_serializing_if = "Fact::is_unknown")]
    name: Fact<&'a String>,
    /// The URL of the documentation.
    #[serde(skip_serializing_if = "Fact::is_unknown")]
    doc: Fact<&'a String>,
    /// The base URL of the API.
    #[serde(skip_serializing_if = "Fact::is_unknown")]
    api: Fact<&'a String>,
    /// The names of the environment variables that hold its keys, in the source's order.
    #[serde(skip_serializing_if = "Fact::is_unknown")]
    env: Fact<&'a Vec<String>>,
    /// How many offerings it has.
    offerings: usize,
}

pub(super) fn describe(operation: &mut Operation) {
    operation
        .id("list_providers")
        .summary("Lists who offers something, with the number of offerings of each")
        .tag("catalog");
}

pub(super) async fn list(
    State(catalog): State<Catalog>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Answered<List<'static>> {
    answer(|| {
        // Who is listed, and with how many, is of one revision; the facts beside it may be one
        // change ahead.
        let offerings = catalog.offerings();
        let facts = catalog.providers();
        let data = offerings
            .providers()
            .into_iter()
            .map(|(id, count)| {
                let provider = facts.get(id);
                Row {
                    id,
                    name: provider.map_or(Fact::Unknown, |provider| provider.name.as_ref()),
                    doc: provider.map_or(Fact::Unknown, |provider| provider.doc.as_ref()),
                    api: provider.map_or(Fact::Unknown, |provider| provider.api.as_ref()),
                    env: provider.map_or(Fact::Unknown, |provider| provider.env.as_ref()),
                    offerings: count,
                }
            })
            .collect();
        Revised::of(offerings.revision(), &List { data })
    })
}
