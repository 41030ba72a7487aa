//! A method as what answers a request.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::Limited;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::arguments::{Answer, Arguments, WRONG};
use super::context::CallContext;
use super::convention::Location;
use super::kind::Scalar;
use super::plan::{Kind, Placed, Plan, Routed};
use super::template::unguard;
use crate::http::Endpoint;
pub(super) use crate::http::bind::is_json;
use crate::http::bind::{escaped, pairs, uncoded, whole as whole_content};
use crate::part::Part;
use crate::service_error::{ErrorKind, FieldError, FieldPlace, ServiceError};

/// Returns what answers each route of a plan, in the order of its descriptions, for this object.
pub(crate) fn endpoints(plan: &Arc<Plan>, object: &Part) -> Vec<Endpoint> {
    let endpoint = |routed: &Arc<Routed>| {
        let (plan, routed, object) = (Arc::clone(plan), Arc::clone(routed), object.clone());
        crate::http::endpoint(tower::service_fn(move |request: Request| {
            let (plan, routed) = (Arc::clone(&plan), Arc::clone(&routed));
            let object = object.clone();
            async move {
                let makes = routed.identity.as_ref();
                let target = makes.map(|_| request.uri().path().to_owned());
                let answered = answer(&plan, &routed, &object, request).await;
                Ok::<_, Infallible>(match answered {
                    Ok(answer) => written(answer, &routed, target.as_deref()),
                    Err(error) => error.into_response(),
                })
            }
        }))
    };
    plan.routed().map(endpoint).collect()
}

async fn answer(
    plan: &Plan,
    routed: &Arc<Routed>,
    object: &Part,
    request: Request,
) -> Result<Answer, ServiceError> {
    if CallContext::current().is_over() {
        return Err(late());
    }
    let (mut parts, body) = request.into_parts();
    let path = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .map_err(|_| ServiceError::new(ErrorKind::Invalid, "the path is no text in UTF-8"))?;
    let content = content(plan, routed, &parts.headers, body).await?;
    let mut query = BTreeMap::<_, Vec<_>>::new();
    let written = parts.uri.query().unwrap_or_default();
    for (name, text) in pairs(written.as_bytes(), "the query")? {
        query.entry(name).or_default().push(text);
    }
    let mut came = Came {
        path: path.iter().collect(),
        query,
        headers: &parts.headers,
        content,
    };
    let mut faults = Vec::new();
    let mut values = Map::new();
    for (at, argument) in routed.arguments.iter().enumerate() {
        match came.take(argument) {
            Ok(Some(value)) => {
                values.insert(argument.name.to_owned(), value);
            }
            Ok(None) if argument.optional => {}
            Ok(None) => faults.push(routed.refusal(at, "", "is not there, and is needed".into())),
            Err(message) => faults.push(routed.refusal(at, "", message)),
        }
    }
    faults.extend(came.unknown(routed));
    let values = Value::Object(values);
    faults.extend(routed.check.faults(&values, routed));
    if !faults.is_empty() {
        let error = ServiceError::new(ErrorKind::Unprocessable, WRONG);
        return Err(faults.into_iter().fold(error, ServiceError::with_field));
    }
    let Value::Object(mut values) = values else {
        return Err(ServiceError::internal("arguments are no object"));
    };
    let values = routed.arguments.iter().map(|one| values.remove(one.name));
    let arguments = Arguments::new(values.collect(), Arc::clone(routed));
    match plan.interface().methods().get(routed.at) {
        Some(method) => method.serve(object, arguments).await,
        None => Err(ServiceError::internal(
            "a plan has a method that is not there",
        )),
    }
}

/// What whoever asks too late is told.
pub(crate) fn late() -> ServiceError {
    ServiceError::new(ErrorKind::Timeout, "there was no time left for the answer")
}

/// What came in a request.
struct Came<'a> {
    path: BTreeMap<&'a str, &'a str>,
    query: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
    headers: &'a HeaderMap,
    content: Content,
}

/// How many names that are not known are told, of a query and of a content.
const MOST_UNKNOWN: usize = 8;

enum Content {
    None,
    Fields(Map<String, Value>),
    Whole(Value),
}

impl Came<'_> {
    /// Takes an argument from where it is.
    fn take(&mut self, argument: &Placed) -> Result<Option<Value>, String> {
        match (&argument.location, &argument.kind) {
            (Location::Path(name), Kind::Segment(scalar, rivals)) => {
                let text = self.path.get(&**name).copied();
                text.map(|text| scalar.read(unguard(text, rivals)))
                    .transpose()
            }
            (Location::Query(name), Kind::Texts(scalar)) => {
                let texts = self.query.remove(&**name).unwrap_or_default();
                let values: Result<Vec<Value>, String> =
                    texts.iter().map(|text| scalar.read(text)).collect();
                Ok(Some(values?.into()))
            }
            (Location::Query(name), Kind::Text(scalar)) => {
                let texts = self.query.remove(&**name).unwrap_or_default();
                once(*scalar, texts.iter())
            }
            (Location::Header(name), Kind::Text(scalar)) => {
                let mut texts = Vec::new();
                for value in self.headers.get_all(name) {
                    let text = value.to_str().map_err(|_| "is not ASCII".to_owned())?;
                    let text = percent_decode_str(text).decode_utf8();
                    texts.push(text.map_err(|_| "is no text in UTF-8".to_owned())?);
                }
                once(*scalar, texts.iter())
            }
            (Location::Field(name), _) => Ok(match &mut self.content {
                Content::Fields(fields) => fields.remove(name),
                Content::Whole(_) | Content::None => None,
            }),
            (Location::Body, _) => Ok(match std::mem::replace(&mut self.content, Content::None) {
                Content::Whole(value) => Some(value),
                Content::Fields(_) | Content::None => None,
            }),
            _ => Err("has no place in a request".into()),
        }
    }

    /// Parameters of the query and fields of the content that are no argument.
    fn unknown(&self, routed: &Routed) -> Vec<FieldError> {
        let locations = || routed.arguments.iter().map(|one| &one.location);
        let message = |name: &str, known: Vec<&str>| {
            let nearest = byname_registry::nearest(known.iter(), name);
            format!("is not known{}", byname_registry::suggestion(&nearest))
        };
        let parameter = |name: &Cow<'_, str>| {
            let known = locations().filter_map(|at| match at {
                Location::Query(name) => Some(&**name),
                _ => None,
            });
            FieldError {
                r#in: FieldPlace::Query,
                field: name.to_string(),
                message: message(name, known.collect()),
            }
        };
        let field = |name: &String| {
            let known = locations().filter_map(|at| match at {
                Location::Field(name) => Some(&**name),
                _ => None,
            });
            let message = message(name, known.collect());
            routed.refusal(usize::MAX, &format!("/{}", escaped(name)), message)
        };
        let fields = match &self.content {
            Content::Fields(fields) => Some(fields.keys()),
            Content::Whole(_) | Content::None => None,
        };
        let parameters = self.query.keys().take(MOST_UNKNOWN).map(parameter);
        let fields = fields.into_iter().flatten().take(MOST_UNKNOWN).map(field);
        parameters.chain(fields).collect()
    }
}

/// Reads a text that may be there once.
fn once(
    scalar: Scalar,
    mut texts: impl Iterator<Item = impl AsRef<str>>,
) -> Result<Option<Value>, String> {
    let Some(text) = texts.next() else {
        return Ok(None);
    };
    if texts.next().is_some() {
        return Err("is there more than once".into());
    }
    scalar.read(text.as_ref()).map(Some)
}

/// Reads the content of a request, if the method takes any.
async fn content(
    plan: &Plan,
    routed: &Routed,
    headers: &HeaderMap,
    body: Body,
) -> Result<Content, ServiceError> {
    let whole = |one: &Placed| one.location == Location::Body;
    let whole = routed.arguments.iter().any(whole);
    let field = |one: &Placed| matches!(one.location, Location::Field(_));
    if !whole && !routed.arguments.iter().any(field) {
        return Ok(Content::None);
    }
    uncoded(headers)?;
    let most = plan.max_request;
    let bytes = whole_content(Body::new(Limited::new(body, most)), || too_large(most)).await?;
    if bytes.is_empty() && !whole {
        return Ok(Content::Fields(Map::new()));
    }
    let content_type = headers.get(header::CONTENT_TYPE);
    if !content_type.is_some_and(is_json) {
        let message = "the content of the request is not `application/json`";
        return Err(ServiceError::new(ErrorKind::Unsupported, message));
    }
    let value = crate::http::json::read(&bytes).map_err(|error| {
        let message = format!("the content of the request is no JSON: {error}");
        ServiceError::new(ErrorKind::Invalid, message)
    })?;
    match value {
        value if whole => Ok(Content::Whole(value)),
        Value::Object(fields) => Ok(Content::Fields(fields)),
        _ => Err(
            ServiceError::new(ErrorKind::Unprocessable, WRONG).with_field(routed.refusal(
                usize::MAX,
                "",
                "is no object".into(),
            )),
        ),
    }
}

/// What whoever sends too much is told, and whoever would.
pub(super) fn too_large(most: usize) -> ServiceError {
    let message = format!("the content of the request is longer than {most} bytes");
    ServiceError::new(ErrorKind::TooLarge, message)
}

/// Whether this is the type of problem details (RFC 9457).
pub(super) fn is_problem(content_type: &HeaderValue) -> bool {
    let text = content_type.to_str().unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/problem+json")
}

/// The answer of a method; of one that makes something at this target, with where that is (RFC 9110,
/// section 15.3.2).
fn written(answer: Answer, routed: &Routed, target: Option<&str>) -> Response {
    match answer {
        Answer::Nothing => StatusCode::NO_CONTENT.into_response(),
        Answer::Content(json) => {
            let made = routed.identity.as_ref().zip(target);
            let location = made.and_then(|(made, target)| made.location(target, &json));
            let mut response = json.into_response();
            *response.status_mut() = routed.status;
            if let Some(location) = location {
                response.headers_mut().insert(header::LOCATION, location);
            }
            let kind = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
    }
}
