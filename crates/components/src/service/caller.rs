//! What carries calls to another server.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::{HeaderMap, Request, StatusCode};
use byname_upstream::{Backend, Call, Error, Phase, Trust, Upstream};
use bytes::Bytes;
use futures_util::TryFutureExt as _;
use tokio::time::Instant;

use super::settings::Shown;
use crate::clients::{Client, ClientSettings};
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
    shown: Shown,
}

impl HttpCaller {
    /// Calls the service of this name at `http://host:port`, `https://host:port` or
    /// `unix:/path/of.sock`, with a path or without, under which all its routes are: see [`Backend`].
    ///
    /// # Errors
    ///
    /// The address is none, or is over TLS and the system trusts nobody.
    pub fn new(service: &str, url: &str) -> Result<Self, BoxError> {
        let options = ClientSettings::default().options();
        let upstream = Upstream::new(service, [Backend::new(url)?], options)?;
        Ok(Self::over(service, upstream))
    }

    /// Calls the service of this name through an upstream.
    #[must_use]
    pub fn over(service: &str, upstream: Upstream) -> Self {
        Self {
            service: service.into(),
            upstream,
            shown: Shown::default(),
        }
    }

    /// Says what is shown with every call.
    #[must_use]
    pub(crate) fn showing(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    /// Returns the upstream, whose backends can be changed and watched.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    fn told(&self, error: Error) -> ServiceError {
        told(&format_args!("service `{}`", self.service), error)
    }
}

/// Says what is to be said of a call that has no answer. Where it went is for the log.
pub(crate) fn told(called: &dyn fmt::Display, error: Error) -> ServiceError {
    let (kind, message) = match error.phase() {
        Phase::TryTimeout | Phase::TotalTimeout => (
            ErrorKind::Timeout,
            format!("{called} did not answer in time"),
        ),
        Phase::Protocol | Phase::Body => (
            ErrorKind::BadUpstream,
            format!("the answer of {called} was cut off"),
        ),
        Phase::TooLarge => (
            ErrorKind::BadUpstream,
            format!("the answer of {called} is longer than what is read of it"),
        ),
        Phase::Request => (
            ErrorKind::Invalid,
            format!("the request cannot be sent to {called}"),
        ),
        _ => (
            ErrorKind::Unavailable,
            format!("{called} cannot be reached"),
        ),
    };
    let after = error.retry_after();
    let told = ServiceError::new(kind, message).with_source(error);
    match after {
        Some(after) => told.with_retry_after(after),
        None => told,
    }
}

/// One server, called as its client says, and what is shown there. Who is trusted are those whose
/// certificates are in the file of the client, or those of the system.
///
/// Reads files, and so may wait for a disk.
pub(crate) fn upstream(
    name: &str,
    url: &str,
    client: &Client,
) -> Result<(Upstream, Shown), BoxError> {
    let shown = client.settings.shown()?;
    let mut options = client.settings.options();
    if let Some(path) = client.trust.as_deref() {
        let told = |what: &dyn fmt::Display| format!("`{}` {what}", path.display());
        let read = std::fs::read(path);
        let read = read.map_err(|error| told(&format_args!("cannot be read: {error}")))?;
        let trust =
            Trust::pem(&read).map_err(|error| told(&format_args!("is of no use: {error}")))?;
        options = options.trust(trust);
    }
    Ok((Upstream::new(name, [Backend::new(url)?], options)?, shown))
}

impl Caller for HttpCaller {
    fn call(
        &self,
        mut outgoing: Outgoing,
    ) -> Pin<Box<dyn Future<Output = Result<Incoming, ServiceError>> + Send + '_>> {
        self.shown.write(outgoing.request.headers_mut());
        let call = Call {
            idempotent: Some(outgoing.idempotent),
            deadline: outgoing.deadline.map(Instant::into_std),
            ..Call::default()
        };
        let most = outgoing.max_answer;
        // One after the other in one place, where an `async` block would keep what is called beside the
        // call: this is allocated with every call.
        let answer = self.upstream.call(outgoing.request, call);
        Box::pin(
            answer
                .and_then(move |answer| async move {
                    let (head, body) = answer.into_parts();
                    Ok((head.status, head.headers, body.read(most).await?))
                })
                .map_err(|error| self.told(error)),
        )
    }
}

impl fmt::Debug for HttpCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCaller")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
