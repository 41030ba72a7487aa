//! The head of a request, bound and checked.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::{Check, Checked, Shape};
use super::checks::Checks;
use super::fields::Fields;
use super::pairs::{Pair, pairs};
use super::tell::Telling;
use crate::service_error::{ErrorKind, FieldPlace, ServiceError};

/// Binds what an extractor takes of the head of a request.
///
/// If that is wrong, what other extractors take of it is looked at too: all that is wrong is told at once.
pub(super) async fn bind<E, T>(parts: &mut Parts) -> Result<T, ServiceError>
where
    E: Checked,
    T: DeserializeOwned,
{
    let checks = checks(parts);
    let check = compiled::<E>(&checks)?;
    let mut telling = Telling::new(check.place);
    let value = value(check, parts, &mut telling).await?;
    if telling.is_empty() {
        match check.read(value) {
            Ok(read) => return Ok(read),
            Err(fault) => telling.push_fault(fault),
        }
    }
    for other in checks.iter() {
        if other.place != FieldPlace::Body && !std::ptr::eq(Arc::as_ptr(other), check) {
            self::value(other, parts, telling.at(other.place)).await?;
        }
    }
    Err(telling.into_error())
}

/// What is compiled for the route; outside of routes there is nothing yet.
pub(super) fn checks(parts: &Parts) -> Arc<Checks> {
    parts.extensions.get().cloned().unwrap_or_default()
}

/// What is compiled for an extractor. That it cannot be compiled is told when routes are checked.
pub(super) fn compiled<E: Checked>(checks: &Checks) -> Result<&Check, ServiceError> {
    match checks.of::<E>() {
        Ok(check) => Ok(check),
        Err(fault) => Err(ServiceError::internal(fault.to_string())),
    }
}

/// Reads what stands in the place of a check, and tells what is wrong with it.
async fn value(
    check: &Check,
    parts: &mut Parts,
    telling: &mut Telling,
) -> Result<Value, ServiceError> {
    let value = match (check.place, &check.shape) {
        (FieldPlace::Query, Shape::Named(fields)) => {
            let query = parts.uri.query().unwrap_or_default();
            fields.read(pairs(query.as_bytes(), "the query")?, false, telling)
        }
        (FieldPlace::Header, Shape::Named(fields)) => {
            let texts = header_texts(&parts.headers, fields, telling);
            fields.read(texts, false, telling)
        }
        (_, shape) => of_path(shape, parts, telling).await?,
    };
    check.judge(&value, telling);
    Ok(value)
}

/// The texts of header fields, which are UTF-8. A list is written with commas, in one line or in
/// several (RFC 9110, 5.3 and 5.6.1).
fn header_texts<'t>(
    headers: &'t HeaderMap,
    fields: &Fields,
    telling: &mut Telling,
) -> Vec<Pair<'t>> {
    let mut texts = Vec::new();
    for (name, value) in headers {
        let name = name.as_str();
        if !fields.takes(name) {
            continue;
        }
        let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
            telling.name(name, "is no text (UTF-8)".into());
            continue;
        };
        if fields.is_list(name) {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            texts.extend(items.map(|item| (name.into(), item.into())));
        } else {
            texts.push((name.into(), text.into()));
        }
    }
    texts
}

/// Reads the parameters of the path.
async fn of_path(
    shape: &Shape,
    parts: &mut Parts,
    telling: &mut Telling,
) -> Result<Value, ServiceError> {
    let parameters = match RawPathParams::from_request_parts(parts, &()).await {
        Ok(parameters) => parameters,
        Err(error) if error.status().is_server_error() => {
            return Err(ServiceError::internal(error.body_text()));
        }
        Err(_) => {
            let message = "the path is no text (UTF-8)";
            return Err(ServiceError::new(ErrorKind::Invalid, message));
        }
    };
    let all: Vec<(&str, &str)> = parameters.iter().collect();
    let kinds = match shape {
        Shape::Whole => return Ok(Value::Null),
        Shape::Named(fields) => {
            let taken = all.into_iter().filter(|(name, _)| fields.takes(name));
            let texts = taken.map(|(name, text)| (name.into(), text.into()));
            return Ok(fields.read(texts, false, telling));
        }
        Shape::Single(kinds) => std::slice::from_ref(kinds),
        Shape::Ordered(kinds) => kinds,
    };
    if kinds.len() != all.len() {
        let message = "an extractor takes another number of parameters than the path has";
        return Err(ServiceError::internal(message));
    }
    telling.positions(all.iter().map(|(name, _)| (*name).to_owned()).collect());
    let mut values = kinds.iter().zip(all);
    let mut read = values
        .by_ref()
        .map(|(kinds, (_, text))| kinds.read(text.into()));
    match shape {
        Shape::Single(_) => Ok(read.next().unwrap_or_default()),
        _ => Ok(read.collect()),
    }
}
