//! What carries calls to another server.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::{HeaderMap, Request, StatusCode};
use byname_upstream::{Backend, Call, Error, FailedAnswers, Options, Phase, Upstream};
use bytes::Bytes;
use tokio::time::Instant;

use crate::made::BoxError;
use crate::service_error::{ErrorKind, ServiceError};

/// A call on its way out.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The request; its address is a path and a query.
    pub request: Request<Bytes>,
    /// Whether it may be sent again if nobody knows whether it arrived.
    pub idempotent: bool,
    /// How many bytes of the answer's content are read; what is longer is an error.
    pub max_answer: usize,
    /// Until when an answer is wanted.
    pub deadline: Option<Instant>,
}

/// An answer: its status, its head, its content.
pub type Incoming = (StatusCode, HeaderMap, Bytes);

/// What carries calls to another server.
pub trait Caller: fmt::Debug + Send + Sync + 'static {
    /// Sends a request, and returns the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// If there is no answer: [`Unavailable`](crate::ErrorKind::Unavailable) if the request was not sent,
    /// [`BadUpstream`](crate::ErrorKind::BadUpstream) if nobody knows whether it arrived,
    /// [`Timeout`](crate::ErrorKind::Timeout) if it took too long.
    fn call(
        &self,
        outgoing: Outgoing,
    ) -> Pin<Box<dyn Future<Output = Result<Incoming, ServiceError>> + Send + '_>>;
}

/// Carries calls over HTTP, to one server or several that do the same.
///
/// Calls that may be repeated are, within a budget; what is not well is left out for a while: see
/// [`Upstream`].
pub struct HttpCaller {
    service: Arc<str>,
    upstream: Upstream,
}

impl HttpCaller {
    /// Calls the service of this name at `http://host:port`, with a path or without, under which all
    /// its routes are.
    ///
    /// # Errors
    ///
    /// The address is none.
    pub fn new(service: &str, url: &str) -> Result<Self, BoxError> {
        let upstream = Upstream::new(service, [Backend::new(url)?], options())?;
        Ok(Self::over(service, upstream))
    }

    /// Calls the service of this name through an upstream.
    #[must_use]
    pub fn over(service: &str, upstream: Upstream) -> Self {
        Self {
            service: service.into(),
            upstream,
        }
    }

    /// Returns the upstream, whose backends can be changed and watched.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Says what is to be said of a call that has no answer. Where it went is for the log.
    fn told(&self, error: Error) -> ServiceError {
        let service = &self.service;
        let (kind, message) = match error.phase() {
            Phase::TryTimeout | Phase::TotalTimeout => (
                ErrorKind::Timeout,
                format!("service `{service}` did not answer in time"),
            ),
            Phase::Protocol | Phase::Body => (
                ErrorKind::BadUpstream,
                format!("the answer of service `{service}` was cut off"),
            ),
            Phase::TooLarge => (
                ErrorKind::BadUpstream,
                format!("the answer of service `{service}` is longer than what is read of it"),
            ),
            Phase::Request => (
                ErrorKind::Invalid,
                format!("the request cannot be sent to service `{service}`"),
            ),
            _ => (
                ErrorKind::Unavailable,
                format!("service `{service}` cannot be reached"),
            ),
        };
        let after = error.retry_after();
        let told = ServiceError::new(kind, message).with_source(error);
        match after {
            Some(after) => told.with_retry_after(after),
            None => told,
        }
    }
}

/// How a service is called: an error that it answers is about what was asked, as it would be here, and
/// keeps nobody from asking something else.
fn options() -> Options {
    Options::default().failed(FailedAnswers::Gateway)
}

impl Caller for HttpCaller {
    fn call(
        &self,
        outgoing: Outgoing,
    ) -> Pin<Box<dyn Future<Output = Result<Incoming, ServiceError>> + Send + '_>> {
        let call = Call {
            idempotent: Some(outgoing.idempotent),
            deadline: outgoing.deadline.map(Instant::into_std),
            ..Call::default()
        };
        let most = outgoing.max_answer;
        Box::pin(async move {
            let answer = self.upstream.call(outgoing.request, call).await;
            let (head, body) = answer.map_err(|error| self.told(error))?.into_parts();
            let content = body.read(most).await.map_err(|error| self.told(error))?;
            Ok((head.status, head.headers, content))
        })
    }
}

impl fmt::Debug for HttpCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCaller")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
