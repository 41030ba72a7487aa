//! What a service answers when it cannot do what it was asked, the same here and over a network.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The code of an error that says that a server has no such route, and not what a service says.
#[cfg(feature = "http")]
pub(crate) const NO_ROUTE: &str = "byname.no-route";

/// The code of an error that says that a server does not let somebody in by what was shown, and not what a
/// service says.
#[cfg(feature = "http")]
pub(crate) const NOT_LET_IN: &str = "byname.not-let-in";

/// The code of an error that says that the time was over that whoever asked gave.
#[cfg(feature = "http")]
pub(crate) const TOO_LATE: &str = "byname.too-late";

/// Why a service did not do what it was asked.
///
/// What is said here is written for whoever asked: it goes over the network as it is, and comes out
/// there equal. The [source](Self::with_source) is for the log of this process; it never leaves it, and
/// two errors that differ only in their source are equal.
///
/// # Examples
///
/// ```
/// use byname_components::{ErrorKind, ServiceError};
///
/// let error = ServiceError::new(ErrorKind::NotFound, "there is no user 7").with_code("no-user");
/// assert_eq!(error.kind().status(), 404);
/// assert_eq!(error.to_string(), "there is no user 7");
/// ```
#[derive(Clone)]
pub struct ServiceError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    code: Option<Cow<'static, str>>,
    fields: Vec<FieldError>,
    details: Map<String, Value>,
    retry_after: Option<Duration>,
    challenge: Option<Cow<'static, str>>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What kind of error it is: whose fault, and whether a retry can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be understood, or breaks a rule of its own (400).
    Invalid,
    /// Nobody is known to have asked (401). The answer says [how to show who
    /// asks](ServiceError::with_challenge).
    Unauthenticated,
    /// Whoever asked may not (403).
    Denied,
    /// There is no such thing (404).
    NotFound,
    /// The thing is there, and cannot be asked this way (405). Of a route, the answer says in `allow` how its
    /// path can be.
    MethodNotAllowed,
    /// There is no answer in a form that was asked for (406).
    NotAcceptable,
    /// The request took too long to arrive, or the time that it gave is over (408).
    RequestTimeout,
    /// It contradicts what is there (409).
    Conflict,
    /// It was there once, and will not be again (410).
    Gone,
    /// A condition of the request does not hold (412).
    Precondition,
    /// The request is too large (413).
    TooLarge,
    /// The request has a form that nobody reads (415).
    Unsupported,
    /// The request is understood, and its content breaks a rule (422).
    Unprocessable,
    /// Too much was asked in too short a time (429).
    Exhausted,
    /// The heads of the request are too large (431).
    HeadersTooLarge,
    /// Something went wrong inside (500).
    Internal,
    /// It is not done yet (501).
    Unimplemented,
    /// Another server, which is needed for this, gave no usable answer (502).
    BadUpstream,
    /// It cannot be done now (503).
    Unavailable,
    /// It was not done in time (504).
    Timeout,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// Whoever asked.
    Caller,
    /// Another server, or the network.
    Peer,
    /// What surrounds this process: it is overloaded, or stopping.
    Environment,
    /// This program.
    Bug,
}

impl ErrorKind {
    /// Every kind, by status.
    pub const ALL: [Self; 20] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::Denied,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::Conflict,
        Self::Gone,
        Self::Precondition,
        Self::TooLarge,
        Self::Unsupported,
        Self::Unprocessable,
        Self::Exhausted,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Unimplemented,
        Self::BadUpstream,
        Self::Unavailable,
        Self::Timeout,
    ];

    /// The status of HTTP that says it (RFC 9110; 429 and 431: RFC 6585).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::Precondition => 412,
            Self::TooLarge => 413,
            Self::Unsupported => 415,
            Self::Unprocessable => 422,
            Self::Exhausted => 429,
            Self::HeadersTooLarge => 431,
            Self::Internal => 500,
            Self::Unimplemented => 501,
            Self::BadUpstream => 502,
            Self::Unavailable => 503,
            Self::Timeout => 504,
        }
    }

    /// The kind that a status says; of a status that no kind has, the first of its class.
    #[must_use]
    pub fn from_status(status: u16) -> Self {
        let known = Self::ALL.into_iter().find(|kind| kind.status() == status);
        known.unwrap_or(match status {
            400..=499 => Self::Invalid,
            500..=599 => Self::Internal,
            _ => Self::BadUpstream,
        })
    }

    /// A few words for people, the same for every error of the kind.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Invalid => "Bad Request",
            Self::Unauthenticated => "Unauthorized",
            Self::Denied => "Forbidden",
            Self::NotFound => "Not Found",
            Self::MethodNotAllowed => "Method Not Allowed",
            Self::NotAcceptable => "Not Acceptable",
            Self::RequestTimeout => "Request Timeout",
            Self::Conflict => "Conflict",
            Self::Gone => "Gone",
            Self::Precondition => "Precondition Failed",
            Self::TooLarge => "Content Too Large",
            Self::Unsupported => "Unsupported Media Type",
            Self::Unprocessable => "Unprocessable Content",
            Self::Exhausted => "Too Many Requests",
            Self::HeadersTooLarge => "Request Header Fields Too Large",
            Self::Internal => "Internal Server Error",
            Self::Unimplemented => "Not Implemented",
            Self::BadUpstream => "Bad Gateway",
            Self::Unavailable => "Service Unavailable",
            Self::Timeout => "Gateway Timeout",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Internal | Self::Unimplemented => Blame::Bug,
            Self::BadUpstream | Self::Timeout => Blame::Peer,
            Self::Unavailable | Self::Exhausted => Blame::Environment,
            _ => Blame::Caller,
        }
    }

    /// Whether the same request may succeed later, with nothing else changed.
    #[must_use]
    pub const fn retry_can_help(self) -> bool {
        matches!(
            self,
            Self::RequestTimeout
                | Self::Exhausted
                | Self::BadUpstream
                | Self::Unavailable
                | Self::Timeout
        )
    }
}

/// Where in a request a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FieldPlace {
    /// A segment of the path.
    Path,
    /// A parameter of the query.
    Query,
    /// A header field.
    Header,
    /// The content, JSON or a form.
    Body,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldError {
    /// Where the field is.
    pub r#in: FieldPlace,
    /// Which: the name of a parameter or header, or a JSON pointer into the body (RFC 6901).
    pub field: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl ServiceError {
    /// Tells what went wrong, to whoever asked.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            code: None,
            fields: Vec::new(),
            details: Map::new(),
            retry_after: None,
            challenge: None,
            source: None,
        }))
    }

    /// Something went wrong inside. Whoever asked is told no more than that.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, INTERNAL).with_source(source)
    }

    /// Names the error for programs: a word that stays the same when the message is reworded. Words
    /// that begin with `byname.` are those of this library.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Adds what is wrong with a field.
    #[must_use]
    pub fn with_field(mut self, field: FieldError) -> Self {
        self.0.fields.push(field);
        self
    }

    /// Adds a fact for programs. A key that is there already has the new value.
    #[must_use]
    pub fn with_detail(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.details.insert(key.into(), value.into());
        self
    }

    /// Says when to ask again; told in whole milliseconds, and in the header in whole seconds, rounded
    /// up.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.0.retry_after = Some(Duration::from_millis(millis));
        self
    }

    /// Says how to show who asks, to somebody who is [not known](ErrorKind::Unauthenticated): a challenge as
    /// the header `www-authenticate` has it, such as `Basic realm="shop"` (RFC 9110, section 11.6.1). Of an
    /// error of that kind that says none, or one that no header can say, it is `Bearer`.
    #[must_use]
    pub fn with_challenge(mut self, challenge: impl Into<Cow<'static, str>>) -> Self {
        self.0.challenge = Some(challenge.into());
        self
    }

    /// Keeps the cause, for the log of this process and for nobody else.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// The same as the fault of whoever asked, who gave too little time.
    #[cfg(feature = "http")]
    pub(crate) fn given_up(mut self) -> Self {
        self.0.kind = ErrorKind::RequestTimeout;
        self.0.code = Some(TOO_LATE.into());
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What whoever asked is told.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The error's name for programs.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What is wrong with fields of the request.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// Facts for programs.
    #[must_use]
    pub fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    /// When to ask again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How to show who asks.
    #[must_use]
    pub fn challenge(&self) -> Option<&str> {
        self.0.challenge.as_deref()
    }

    /// Writes it as problem details (RFC 9457): `type`, `title`, `status`, `detail`, and where there are
    /// such, `code`, `errors` (the fields), `details`, `retry_after_ms` and `challenge`.
    #[must_use]
    pub fn to_problem(&self) -> Value {
        let kind = self.0.kind;
        let mut problem = Map::new();
        problem.insert("type".into(), "about:blank".into());
        problem.insert("title".into(), kind.title().into());
        problem.insert("status".into(), kind.status().into());
        problem.insert("detail".into(), (*self.0.message).into());
        if let Some(code) = self.code() {
            problem.insert("code".into(), code.into());
        }
        if !self.0.fields.is_empty() {
            // A list of structures of strings always serialises.
            let fields = serde_json::to_value(&self.0.fields).unwrap_or_default();
            problem.insert("errors".into(), fields);
        }
        if !self.0.details.is_empty() {
            problem.insert("details".into(), self.0.details.clone().into());
        }
        if let Some(after) = self.0.retry_after {
            let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            problem.insert("retry_after_ms".into(), millis.into());
        }
        if let Some(challenge) = self.challenge() {
            problem.insert("challenge".into(), challenge.into());
        }
        problem.into()
    }

    /// Reads what [`to_problem`](Self::to_problem) wrote, or what another program wrote in its place: of
    /// problem details that it does not know, it takes what it does; of anything else, the status.
    #[must_use]
    pub fn from_problem(status: u16, body: &[u8]) -> Self {
        Self::read_problem(status, body).unwrap_or_else(|| {
            let kind = ErrorKind::from_status(status);
            Self::new(kind, kind.title())
        })
    }

    /// Reads problem details: an object, whose `status`, where it has one, is that of the answer. A member
    /// that has another type than it should is passed over (RFC 9457, section 3.1).
    pub(crate) fn read_problem(status: u16, body: &[u8]) -> Option<Self> {
        let mut problem: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let said = problem.get("status").and_then(Value::as_u64);
        if said.is_some_and(|said| said != u64::from(status)) {
            return None;
        }
        let mut text = |name: &str| match problem.remove(name) {
            Some(Value::String(text)) => Some(Cow::from(text)),
            _ => None,
        };
        let kind = ErrorKind::from_status(status);
        let title = text("title");
        let message = text("detail").or(title);
        let mut error = Self::new(kind, message.unwrap_or_else(|| kind.title().into()));
        error.0.code = text("code");
        error.0.challenge = text("challenge");
        let fields = problem.remove("errors").unwrap_or_default();
        error.0.fields = serde_json::from_value(fields).unwrap_or_default();
        if let Some(Value::Object(details)) = problem.remove("details") {
            error.0.details = details;
        }
        let after = problem.get("retry_after_ms").and_then(Value::as_u64);
        error.0.retry_after = after.map(Duration::from_millis);
        Some(error)
    }
}

/// What whoever asked is told of an error inside.
const INTERNAL: &str = "the server failed to answer; its log says why";

impl PartialEq for ServiceError {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (&*self.0, &*other.0);
        one.kind == other.kind
            && one.message == other.message
            && one.code == other.code
            && one.fields == other.fields
            && one.details == other.details
            && one.retry_after == other.retry_after
            && one.challenge == other.challenge
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ServiceError");
        debug
            .field("kind", &self.0.kind)
            .field("message", &self.0.message);
        if let Some(code) = &self.0.code {
            debug.field("code", code);
        }
        if !self.0.fields.is_empty() {
            debug.field("fields", &self.0.fields);
        }
        if !self.0.details.is_empty() {
            debug.field("details", &self.0.details);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish_non_exhaustive()
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_survives_the_network_and_the_source_stays() {
        let error = ServiceError::new(ErrorKind::Unprocessable, "two fields are wrong")
            .with_code("bad-order")
            .with_field(FieldError {
                r#in: FieldPlace::Body,
                field: "/lines/0/count".into(),
                message: "is 0; expected at least 1".into(),
            })
            .with_detail("limit", 7)
            .with_retry_after(Duration::from_millis(1500))
            .with_challenge("Basic realm=\"shop\"");
        let inside = error.clone().with_source("postgres://user:secret@db");
        let sent = serde_json::to_vec(&inside.to_problem()).expect("JSON");
        assert!(!String::from_utf8_lossy(&sent).contains("secret"));
        assert_eq!(ServiceError::from_problem(422, &sent), error);
        assert_eq!(inside, error);
    }

    #[test]
    fn every_kind_has_a_status_of_its_own() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_status(kind.status()), kind);
        }
        assert_eq!(ErrorKind::from_status(418), ErrorKind::Invalid);
        assert_eq!(ErrorKind::from_status(599), ErrorKind::Internal);
        assert_eq!(ErrorKind::from_status(302), ErrorKind::BadUpstream);
    }

    #[test]
    fn what_is_no_problem_is_known_by_its_status() {
        let error = ServiceError::from_problem(503, b"<html>");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.message(), "Service Unavailable");
    }
}
