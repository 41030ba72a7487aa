//! `/providers`: who offers something.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use byname_components::ErrorKind;
use byname_components::http::openapi::Operation;
use serde::Serialize;

use super::parameters::Parameters;
use super::{answer, json};
use crate::catalog::Catalog;
use crate::model::Fact;

#[derive(Serialize)]
struct List<'a> {
    data: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Fact::is_unknown")]
    name: Fact<&'a String>,
    #[serde(skip_serializing_if = "Fact::is_unknown")]
    doc: Fact<&'a String>,
    #[serde(skip_serializing_if = "Fact::is_unknown")]
    api: Fact<&'a String>,
    #[serde(skip_serializing_if = "Fact::is_unknown")]
    env: Fact<&'a Vec<String>>,
    offerings: usize,
}

pub(super) fn describe(operation: &mut Operation) {
    operation
        .id("list_providers")
        .summary("Lists who offers something, with the number of offerings of each")
        .tag("catalog")
        .answer_with::<serde_json::Value>(
            "200",
            "All providers: `data`, ordered by id",
            "application/json",
        )
        .refuses(ErrorKind::Invalid);
}

pub(super) async fn list(State(catalog): State<Catalog>, RawQuery(query): RawQuery) -> Response {
    answer(|| {
        Parameters::read(query.as_deref(), &[])?;
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
        json(offerings.revision(), &List { data })
    })
}
