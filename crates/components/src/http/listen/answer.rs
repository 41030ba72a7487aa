//! A request on its way to the endpoint, and its answer on the way back.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use axum::extract::Request as AxumRequest;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, Request, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use tower::ServiceExt as _;

use super::activity::Activity;
use super::body::{AnswerBody, Flight, Refused, RequestBody};
use super::bound::{Draining, Peer};
use super::open::Open;
use super::settings::Settings;
use crate::http::Endpoint;
use crate::service_error::{ErrorKind, ServiceError};

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

type Answered = Result<Response<AnswerBody>, Infallible>;

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answered> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let this = Arc::clone(&self.0);
        this.open.counters().requests.up();
        let flight = Flight::new(this.activity.begin(), Arc::clone(&this.open));
        Box::pin(async move { Ok(this.answer(request, flight).await) })
    }
}

impl Answering {
    async fn answer(&self, request: Request<Incoming>, flight: Flight) -> Response<AnswerBody> {
        let http1 = request.version() <= Version::HTTP_11;
        let connects = request.method() == Method::CONNECT;
        let (mut response, refused) = match self.check(&request) {
            Ok(()) => self.call(request, &flight).await,
            Err(error) => {
                flight.left_unread();
                (error.into_response(), true)
            }
        };
        if http1 {
            let status = response.status();
            if status == StatusCode::SWITCHING_PROTOCOLS || (connects && status.is_success()) {
                self.open.upgrade();
            } else if refused || self.draining.has_begun() {
                // What is left of a refused body is not read, so nothing can follow it; and who is told
                // that the connection ends sends nothing more into it.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
        }
        self.open.counters().answered(response.status());
        response.map(|body| AnswerBody::new(body, flight))
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

    /// Asks the endpoint; the second is whether the body was refused meanwhile.
    async fn call(&self, request: Request<Incoming>, flight: &Flight) -> (Response, bool) {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(self.peer.clone());
        head.extensions.insert(self.draining.clone());
        let (body, fate) = RequestBody::new(
            body,
            self.settings.limits.body.bytes(),
            self.settings.timeouts.body.get(),
            flight.clone(),
        );
        let request = AxumRequest::from_parts(head, axum::body::Body::new(body));
        let endpoint = self.endpoint.clone();
        let mut answer = pin!(async move { endpoint.oneshot(request).await });
        // What a panic leaves behind is dropped without being looked at.
        let answer = poll_fn(|cx| {
            let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx)));
            polled.map_or_else(|_| Poll::Ready(None), |polled| polled.map(Some))
        });
        let response = match answer.await {
            Some(Ok(response)) => response,
            Some(Err(never)) => match never {},
            None => {
                self.open.counters().panics.up();
                ServiceError::internal("the endpoint panicked").into_response()
            }
        };
        // An endpoint that could not read the body has failed for that reason, whatever it says.
        let failed = response.status().is_client_error() || response.status().is_server_error();
        match fate.get() {
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
        (Some(host), None, Version::HTTP_2) if is_other(host) => {
            "the `host` of the request is another than its `:authority`"
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
    host.is_empty() || authority()
}
