//! A trait whose methods call a service far away.

use std::fmt::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;

use axum::http::{self, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::arguments::Answer;
use super::caller::{Caller, Incoming, Outgoing};
use super::context::CallContext;
use super::convention::Location;
use super::endpoint::{is_json, is_problem, late, too_large};
use super::kind::{text, texts};
use super::plan::{Kind, Placed, Plan, Routed};
use super::shape::Outside;
use super::template::{encode, guard};
use crate::part::Part;
use crate::service_error::{ErrorKind, NO_ROUTE, NOT_LET_IN, ServiceError, TOO_LATE};

/// Returns the service itself, as its trait, each of whose methods calls it through `caller`.
pub(crate) fn client(plan: &Arc<Plan>, caller: Arc<dyn Caller>) -> Part {
    let remote = Remote {
        plan: Arc::clone(plan),
        caller,
    };
    plan.interface().client(remote)
}

/// A service far away: what the methods of a client call.
#[derive(Clone)]
pub struct Remote {
    plan: Arc<Plan>,
    caller: Arc<dyn Caller>,
}

impl Remote {
    /// Begins a call of the method at this place in the order of the trait.
    #[must_use]
    pub fn call(&self, method: usize) -> Call<'_> {
        let mut call = Call {
            remote: self,
            routed: self.plan.at(method).map(|routed| &**routed),
            next: 0,
            path: Vec::new(),
            query: String::new(),
            headers: HeaderMap::new(),
            content: Vec::new(),
            error: None,
        };
        if call.routed.is_none() {
            let name = self.plan.interface().methods().get(method);
            let name = name.map_or("", |method| method.name());
            let message = format!("method `{name}` is not published");
            call.error = Some(ServiceError::new(ErrorKind::Unimplemented, message));
        }
        call
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", self.plan.interface().name())
    }
}

/// How much room a content has to begin with, in bytes.
const ROOM: usize = 128;

/// A call that is being written.
pub struct Call<'a> {
    remote: &'a Remote,
    routed: Option<&'a Routed>,
    next: usize,
    path: Vec<(&'a str, String)>,
    query: String,
    headers: HeaderMap,
    content: Vec<u8>,
    error: Option<ServiceError>,
}

impl<'a> Call<'a> {
    /// Gives the next argument.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        let at = self.next;
        self.next += 1;
        let Some(routed) = self.routed.filter(|_| self.error.is_none()) else {
            return self;
        };
        let put = match routed.arguments.get(at) {
            Some(argument) => self.put(argument, value),
            None => Err("is one too many".to_owned()),
        };
        if let Err(message) = put {
            // The same as is told by whoever would have been called.
            let error = ServiceError::new(ErrorKind::Unprocessable, super::arguments::WRONG);
            self.error = Some(error.with_field(routed.refusal(at, "", message)));
        }
        self
    }

    fn put<T: Serialize + ?Sized>(&mut self, argument: &Placed, value: &T) -> Result<(), String> {
        let Some(routed) = self.routed else {
            return Ok(());
        };
        match Outside::of(value) {
            Outside::NotFinite => return Err("is a number that JSON has no text for".into()),
            // What is absent is left out, wherever it would be.
            Outside::Absent if argument.optional => return Ok(()),
            _ => {}
        }
        let none = || "cannot be told in a text".to_owned();
        match (&argument.location, &argument.kind) {
            (Location::Path(_), Kind::Segment(_, rivals)) => {
                let value = guard(&text(value).ok_or_else(none)?, rivals);
                let placed = routed
                    .arguments
                    .iter()
                    .find(|one| one.name == argument.name);
                if let Some(Location::Path(name)) = placed.map(|one| &one.location) {
                    self.path.push((name, value));
                }
            }
            (Location::Query(name), Kind::Texts(_)) => {
                for value in texts(value).ok_or_else(none)? {
                    self.pair(name, &value);
                }
            }
            (Location::Query(name), _) => {
                let value = text(value).ok_or_else(none)?;
                self.pair(name, &value);
            }
            (Location::Header(name), _) => {
                let value = header_text(&text(value).ok_or_else(none)?);
                let name = HeaderName::from_bytes(name.as_bytes());
                let value = HeaderValue::from_str(&value);
                if let (Ok(name), Ok(value)) = (name, value) {
                    self.headers.insert(name, value);
                }
            }
            (Location::Field(name), _) => {
                let before = if self.content.is_empty() { b'{' } else { b',' };
                self.content.push(before);
                self.json(name)?;
                self.content.push(b':');
                self.json(value)?;
            }
            (Location::Body | Location::Path(_), _) => self.json(value)?,
        }
        Ok(())
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), String> {
        if self.content.is_empty() {
            self.content.reserve(ROOM);
        }
        serde_json::to_writer(&mut self.content, value)
            .map_err(|error| format!("cannot be written: {error}"))
    }

    fn pair(&mut self, name: &str, value: &str) {
        let joint = if self.query.is_empty() { '?' } else { '&' };
        let (name, value) = (encode(name), encode(value));
        // A string takes whatever is written.
        let _ = write!(self.query, "{joint}{name}={value}");
    }

    /// Makes the call, and reads its answer.
    pub fn send<R: Outcome>(self) -> impl Future<Output = R> + Send + use<'a, R> {
        let begun = self.begin();
        async move {
            R::from_result(match begun {
                Ok(begun) => begun.answer().await,
                Err(error) => Err(error),
            })
        }
    }

    fn begin(mut self) -> Result<Begun<'a>, ServiceError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let around = CallContext::current();
        let outgoing = self.outgoing(&around)?;
        if around.is_over() {
            return Err(late());
        }
        Ok(Begun {
            deadline: outgoing.deadline,
            max_answer: outgoing.max_answer,
            answering: self.remote.caller.call(outgoing),
        })
    }

    fn outgoing(&mut self, context: &CallContext) -> Result<Outgoing, ServiceError> {
        let invalid = |message: &'static str| ServiceError::new(ErrorKind::Invalid, message);
        let Some(routed) = self.routed else {
            return Err(invalid("the method is not published"));
        };
        let values = |name: &str| {
            let value = self.path.iter().find(|(one, _)| *one == name);
            value.map(|(_, value)| &**value)
        };
        let path = routed.template.fill(values);
        let path = path.ok_or_else(|| invalid("an argument of the path is not given"))?;
        let uri = http::Uri::try_from(path + &self.query).map_err(|_| {
            ServiceError::new(
                ErrorKind::TooLarge,
                "the address of the request is too long",
            )
        })?;
        let field = |one: &Placed| matches!(one.location, Location::Field(_));
        if routed.arguments.iter().any(field) {
            let end: &[u8] = if self.content.is_empty() { b"{}" } else { b"}" };
            self.content.extend_from_slice(end);
        }
        if self.content.len() > self.remote.plan.max_request {
            return Err(too_large(self.remote.plan.max_request));
        }
        let mut headers = std::mem::take(&mut self.headers);
        if !self.content.is_empty() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        let accept = HeaderValue::from_static("application/json, application/problem+json");
        headers.insert(header::ACCEPT, accept);
        context.write(&mut headers);
        let mut request = http::Request::new(Bytes::from(std::mem::take(&mut self.content)));
        *request.method_mut() = routed.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(Outgoing {
            request,
            idempotent: routed.idempotent,
            max_answer: self.remote.plan.max_answer,
            deadline: context.deadline(),
        })
    }
}

/// A call that is on its way. What was needed to write it is gone: a future is as large as what it keeps.
struct Begun<'a> {
    answering: Pin<Box<dyn Future<Output = Result<Incoming, ServiceError>> + Send + 'a>>,
    deadline: Option<Instant>,
    max_answer: usize,
}

impl Begun<'_> {
    async fn answer<R: DeserializeOwned>(self) -> Result<R, ServiceError> {
        let (status, headers, content) = match self.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, self.answering)
                .await
                .map_err(|_| late())??,
            None => self.answering.await?,
        };
        if content.len() > self.max_answer {
            return Err(garbled("is longer than what is read of it"));
        }
        if !status.is_success() {
            return Err(refusal(status, &headers, &content));
        }
        let is_empty = content.is_empty();
        if !is_empty && !headers.get(header::CONTENT_TYPE).is_some_and(is_json) {
            return Err(garbled("is not JSON"));
        }
        Answer::read(&content)
            .map_err(|error| garbled("is not what the method answers").with_source(error))
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({:?})", self.routed)
    }
}

/// Encodes everything that is no visible ASCII, and the sign that encodes.
fn header_text(text: &str) -> String {
    const SET: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'%');
    percent_encoding::utf8_percent_encode(text, SET).to_string()
}

fn garbled(what: &str) -> ServiceError {
    ServiceError::new(
        ErrorKind::BadUpstream,
        format!("the answer of the service {what}"),
    )
}

/// What an answer says that is no success.
fn refusal(status: StatusCode, headers: &HeaderMap, content: &[u8]) -> ServiceError {
    let problem = headers.get(header::CONTENT_TYPE);
    let problem = problem.filter(|content_type| is_problem(content_type));
    let problem = problem.and_then(|_| ServiceError::read_problem(status.as_u16(), content));
    let Some(error) = problem else {
        // It was not the service that said so, but something on the way to it.
        return match status.as_u16() {
            408 | 413 | 429 | 431 | 503 | 504 => {
                retry(headers, ServiceError::from_problem(status.as_u16(), b""))
            }
            status => garbled(&format!("has the status {status}, and does not say why")),
        };
    };
    match error.code() {
        Some(NO_ROUTE) => garbled("is that there is no such route"),
        Some(NOT_LET_IN) => not_let_in(status, &error),
        // The time of this call, which was over there before it was here.
        Some(TOO_LATE) => late(),
        _ => retry(headers, error),
    }
}

/// Whoever asked has shown this server nothing that was wrong: it is this server that was not let in.
fn not_let_in(status: StatusCode, error: &ServiceError) -> ServiceError {
    let why = format!(
        "{status}, {error}; what a client shows is its `token` or its `key` under `clients`"
    );
    garbled("is that this server is not let in").with_source(why)
}

/// Adds when to ask again, where only the head says so.
fn retry(headers: &HeaderMap, error: ServiceError) -> ServiceError {
    let after = headers
        .get(header::RETRY_AFTER)
        .filter(|_| error.retry_after().is_none());
    let seconds = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match seconds {
        Some(seconds) => error.with_retry_after(std::time::Duration::from_secs(seconds)),
        None => error,
    }
}

/// What a method returns: a `Result` whose error is a [`ServiceError`], or made from one and into one.
#[diagnostic::on_unimplemented(
    message = "a method of a service cannot return `{Self}`",
    note = "it returns `Result<T, E>`, where `E` is `ServiceError`, or is made from one and into one"
)]
pub trait Outcome: Send {
    /// What is answered.
    type Answer: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static;

    /// Makes it of what came over a network.
    fn from_result(result: Result<Self::Answer, ServiceError>) -> Self;

    /// Makes of it what goes over a network.
    ///
    /// # Errors
    ///
    /// The error, if it is one.
    fn into_result(self) -> Result<Self::Answer, ServiceError>;
}

impl<T, E> Outcome for Result<T, E>
where
    T: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static,
    E: From<ServiceError> + Into<ServiceError> + Send,
{
    type Answer = T;

    fn from_result(result: Result<T, ServiceError>) -> Self {
        result.map_err(E::from)
    }

    fn into_result(self) -> Result<T, ServiceError> {
        self.map_err(E::into)
    }
}
