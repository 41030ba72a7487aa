//! A request on its way to the endpoint, and its answer on the way back.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request as AxumRequest;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, Request, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Instant;
use tower::ServiceExt as _;
use tower::util::Oneshot;

use super::activity::Activity;
use super::body::{AnswerBody, Fate, Flight, Refused, RequestBody};
use super::bound::{Draining, Peer};
use super::open::Open;
use super::settings::Settings;
use super::stats::Counters;
use crate::http::times::Verb;
use crate::http::{Endpoint, MatchedRoute};
use crate::service_error::{ErrorKind, ServiceError};

/// When a request may come again that was refused as too many were in flight.
const LATER: Duration = Duration::from_secs(1);

/// What every request of one connection goes through.
pub(super) struct Answering {
    pub(super) endpoint: Endpoint,
    pub(super) settings: Arc<Settings>,
    pub(super) peer: Peer,
    pub(super) draining: Draining,
    pub(super) activity: Arc<Activity>,
    pub(super) open: Arc<Open>,
}

/// A clone is the same.
#[derive(Clone)]
pub(super) struct Service(pub(super) Arc<Answering>);

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let this = Arc::clone(&self.0);
        this.open.counters().requests.up();
        let admitted = this.admit();
        let counts = matches!(admitted, Ok(true));
        let flight = Flight::new(this.activity.begin(), Arc::clone(&this.open), counts);
        let mut asked = Asked::new(request.method());
        Answer {
            http1: request.version() <= Version::HTTP_11,
            connects: request.method() == Method::CONNECT,
            state: match admitted.and_then(|_| this.check(&request)) {
                Ok(()) => this.ask(request, &flight, &mut asked),
                Err(error) => {
                    flight.left_unread();
                    State::Refused(error)
                }
            },
            flight: Some(flight),
            asked,
            this,
        }
    }
}

/// The answer to a request, on its way.
pub(super) struct Answer {
    this: Arc<Answering>,
    http1: bool,
    connects: bool,
    state: State,
    /// Until it is the answer's.
    flight: Option<Flight>,
    asked: Asked,
}

/// What a request is measured by.
struct Asked {
    begun: Instant,
    verb: Verb,
    /// Nothing where the listener refuses by itself.
    matched: Option<MatchedRoute>,
}

impl Asked {
    fn new(method: &Method) -> Self {
        Self {
            begun: Instant::now(),
            verb: Verb::of(method),
            matched: None,
        }
    }

    /// Counts it, without a status if it was given up.
    fn over(&self, counters: &Counters, status: Option<StatusCode>) {
        let route = self.matched.as_ref().and_then(MatchedRoute::route);
        let times = route.map_or(&counters.unmatched, |route| &route.times);
        times.observe(self.verb, status, self.begun.elapsed());
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.flight.is_some() {
            self.asked.over(self.this.open.counters(), None);
        }
    }
}

#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are asked, and hyper has a place for one with its connection"
)]
enum State {
    Refused(ServiceError),
    Asked(Oneshot<Endpoint, AxumRequest>, Option<Fate>),
    Over,
}

impl Future for Answer {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = match &mut self.state {
            // What a panic leaves behind is dropped without being looked at.
            State::Asked(asked, _) => {
                let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(asked).poll(cx)));
                match polled {
                    Ok(Poll::Pending) => return Poll::Pending,
                    Ok(Poll::Ready(Ok(response))) => Some(response),
                    Err(_) => None,
                }
            }
            State::Refused(_) | State::Over => None,
        };
        // What was asked is over before its answer is sent.
        let (response, refused) = match std::mem::replace(&mut self.state, State::Over) {
            State::Asked(_, fate) => self.this.answered(answered, fate.as_ref()),
            State::Refused(error) => (error.into_response(), true),
            State::Over => return Poll::Pending,
        };
        let Some(flight) = self.flight.take() else {
            return Poll::Pending;
        };
        let response = self.told(response, refused);
        Poll::Ready(Ok(response.map(|body| AnswerBody::new(body, flight))))
    }
}

impl Answer {
    /// Says in the head of an answer what becomes of the connection.
    fn told(&self, mut response: Response, refused: bool) -> Response {
        let this = &self.this;
        if self.http1 {
            let status = response.status();
            if status == StatusCode::SWITCHING_PROTOCOLS || (self.connects && status.is_success()) {
                this.open.upgrade();
            } else if refused || this.draining.has_begun() {
                // What is left of a refused body is not read, so nothing can follow it; and who is told
                // that the connection ends sends nothing more into it.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
        }
        this.open.counters().answered(response.status());
        self.asked
            .over(this.open.counters(), Some(response.status()));
        response
    }
}

impl Answering {
    /// Refuses a request where as many are in flight as may be; returns whether it has a place among them.
    fn admit(&self) -> Result<bool, ServiceError> {
        let Some(most) = self.settings.limits.requests else {
            return Ok(false);
        };
        if self.open.counters().admit(most) {
            return Ok(true);
        }
        self.open.counters().overloaded.up();
        let error = ServiceError::new(ErrorKind::Unavailable, "too many requests at a time");
        Err(error.with_retry_after(LATER))
    }

    /// Refuses what its head says enough about.
    fn check(&self, request: &Request<Incoming>) -> Result<(), ServiceError> {
        host(request)?;
        let limits = &self.settings.limits;
        if request.headers().len() > limits.headers.get() {
            self.open.counters().too_many_headers.up();
            let message = format!("a request may have {} header fields", limits.headers);
            return Err(ServiceError::new(ErrorKind::HeadersTooLarge, message));
        }
        let announced = request.body().size_hint().lower();
        if limits.body.bytes().is_some_and(|most| announced > most) {
            self.open.counters().too_large.up();
            return Err(self.too_large());
        }
        Ok(())
    }

    /// Asks the endpoint.
    fn ask(&self, request: Request<Incoming>, flight: &Flight, asked: &mut Asked) -> State {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(self.peer.clone());
        head.extensions.insert(self.draining.clone());
        let matched = asked.matched.insert(MatchedRoute::default());
        head.extensions.insert(matched.clone());
        let (body, fate) = if body.is_end_stream() {
            (axum::body::Body::empty(), None)
        } else {
            let (body, fate) = RequestBody::new(
                body,
                self.settings.limits.body.bytes(),
                self.settings.timeouts.body.get(),
                flight.clone(),
            );
            (axum::body::Body::new(body), Some(fate))
        };
        let request = AxumRequest::from_parts(head, body);
        State::Asked(self.endpoint.clone().oneshot(request), fate)
    }

    /// The answer of the endpoint, none if it has panicked; the second is whether the body was refused
    /// meanwhile.
    fn answered(&self, answered: Option<Response>, fate: Option<&Fate>) -> (Response, bool) {
        let response = answered.unwrap_or_else(|| {
            self.open.counters().panics.up();
            ServiceError::internal("the endpoint panicked").into_response()
        });
        // An endpoint that could not read the body has failed for that reason, whatever it says.
        let failed = response.status().is_client_error() || response.status().is_server_error();
        match fate.and_then(Fate::get) {
            Some(Refused::TooLarge) if failed => (self.too_large().into_response(), true),
            Some(Refused::Stalled) if failed => {
                let message = "the body of the request stopped coming";
                let error = ServiceError::new(ErrorKind::RequestTimeout, message);
                (error.into_response(), true)
            }
            refused => (response, refused.is_some()),
        }
    }

    fn too_large(&self) -> ServiceError {
        let most = self.settings.limits.body.bytes().unwrap_or(u64::MAX);
        let message = format!("the body of a request may have {most} bytes");
        ServiceError::new(ErrorKind::TooLarge, message).with_detail("limit", most)
    }
}

/// A request says once, and rightly, which host it is for (RFC 9112, section 3.2; RFC 9113, section
/// 8.3.1): what two readers could take for different hosts is not answered.
fn host(request: &Request<Incoming>) -> Result<(), ServiceError> {
    let mut said = request.headers().get_all(header::HOST).iter();
    let authority = request.uri().authority().map(Authority::as_str);
    let is_other = |host: &HeaderValue| {
        authority.is_some_and(|it| !host.as_bytes().eq_ignore_ascii_case(it.as_bytes()))
    };
    let wrong = match (said.next(), said.next(), request.version()) {
        (Some(_), Some(_), _) => "a request has one `host`",
        (Some(host), None, _) if !is_host(host) => "the `host` of the request is none",
        // Of a target that is a whole URL, that counts and not `host` (RFC 9112, section 3.2.2). A client
        // writes both alike; what stands before and behind this may each go by the other one.
        (Some(host), None, _) if is_other(host) => {
            "the `host` of the request is another than that of its target"
        }
        (None, _, Version::HTTP_11) => "a request says in `host` which host it is for",
        (None, _, Version::HTTP_2) if authority.is_none() => {
            "a request says in `:authority` which host it is for"
        }
        _ => return Ok(()),
    };
    Err(ServiceError::new(ErrorKind::Invalid, wrong))
}

fn is_host(value: &HeaderValue) -> bool {
    let host = value.as_bytes();
    let authority = || Authority::try_from(host).is_ok_and(|it| !it.as_str().contains('@'));
    host.is_empty() || is_plain(host) || authority()
}

/// Whether this is a host as nearly all are, with a port or without, which is known at a glance.
fn is_plain(host: &[u8]) -> bool {
    let mut parts = host.splitn(2, |byte| *byte == b':');
    let (name, port) = (parts.next().unwrap_or_default(), parts.next());
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let number = |port: &[u8]| (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit);
    !name.is_empty() && name.iter().all(letter) && port.is_none_or(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_a_host_at_a_glance_is_one(
            host in "[a-z0-9.:@_~%/\\[\\]-]{1,12}|[a-z0-9.-]{1,8}(:[0-9]{0,6})?",
        ) {
            let parsed = Authority::try_from(host.as_str()).is_ok() && !host.contains('@');
            prop_assert!(parsed || !is_plain(host.as_bytes()), "{host}");
        }
    }
}
