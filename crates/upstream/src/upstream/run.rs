//! One call: who gets it, what becomes of each try, and whether there is another.

use std::error::Error as StdError;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use hyper_util::client::legacy::ResponseFuture;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use tokio::time::{Instant, timeout_at};

use super::Shared;
use crate::attempt::Attempt;
use crate::body::{Body, Of};
use crate::call::Call;
use crate::content::Content;
use crate::error::{Error, Phase};
use crate::limit::InFlight;
use crate::peer::{Peer, count};
use crate::retry;
use crate::select::{Chosen, choose};

/// What is the same for all tries of a call.
struct Asked {
    parts: Parts,
    content: Content,
    began: Instant,
    idempotent: bool,
    per_try: Duration,
    deadline: Instant,
}

/// What the tries so far have come to.
#[derive(Default)]
struct Tries {
    number: u32,
    peers: Vec<Arc<Peer>>,
    reached: bool,
    last: Option<Last>,
}

/// Why the last try was not the end.
#[derive(Debug)]
enum Last {
    Answered(StatusCode),
    Failed(Error),
}

impl Shared {
    /// Carries a request to a backend, and its answer back.
    pub(super) fn carry(
        &self,
        request: Request<Content>,
        call: Call,
    ) -> impl Future<Output = Result<Response<Body>, Error>> + Send {
        count(&self.counts.calls);
        // Outside of what waits: a future is as large as all that it was given and all that it keeps.
        let asked = sendable(&request).map(|()| self.asked(request, call));
        async move {
            let answered = match &asked {
                Ok(asked) => self.run(asked).await,
                Err(wrong) => Err(Error::new(Phase::Request, *wrong)),
            };
            answered.map_err(|error| error.of(&self.name))
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Response<Body>, Error> {
        let mut now = asked.began;
        let mut so_far = Tries::default();
        self.budget.deposit();
        loop {
            let admitted = self.admit(&so_far.peers, asked.deadline, now).await;
            let (attempt, began) = match admitted {
                Ok(admitted) => admitted,
                Err(error) => return Err(so_far.end(error)),
            };
            let peer = Arc::clone(attempt.peer());
            so_far.number += 1;
            if so_far.number > 1 {
                count(&peer.counts.retries);
                count(&self.counts.retries);
            }
            if attempt.is_unwell() {
                count(&self.counts.unwell);
            }
            let tried = self.try_once(attempt, asked, began).await;
            let pause = match self.weigh(asked, tried, peer, &mut so_far) {
                ControlFlow::Continue(pause) => pause,
                ControlFlow::Break(end) => return end,
            };
            tokio::time::sleep(pause).await;
            now = Instant::now();
        }
    }

    /// The pause before another try, or what the call comes to.
    fn weigh(
        &self,
        asked: &Asked,
        tried: Result<Response<Body>, Error>,
        peer: Arc<Peer>,
        so_far: &mut Tries,
    ) -> ControlFlow<Result<Response<Body>, Error>, Duration> {
        let again = match &tried {
            Ok(response) => self.again_after_answer(asked, response, so_far.number),
            Err(error) => self.again_after_error(asked, error, so_far.number),
        };
        let again = again.filter(|pause| self.another_try(*pause, asked.deadline));
        let Some(pause) = again else {
            return ControlFlow::Break(tried.map_err(|error| so_far.end(error)));
        };
        // Its place and its connection are given up before the pause.
        so_far.failed(tried, peer);
        ControlFlow::Continue(pause)
    }

    fn asked(&self, request: Request<Content>, call: Call) -> Asked {
        let began = Instant::now();
        let timeouts = &self.options.timeouts;
        let total = call.total.unwrap_or(timeouts.total);
        let mut deadline = began.checked_add(total).unwrap_or(began + FAR);
        if let Some(sooner) = call.deadline {
            deadline = deadline.min(Instant::from_std(sooner));
        }
        let (parts, content) = request.into_parts();
        let idempotent = call.idempotent;
        Asked {
            idempotent: idempotent.unwrap_or_else(|| parts.method.is_idempotent()),
            per_try: match call.per_try {
                Some(per_try) => per_try,
                // How long it takes to send is up to the caller.
                None if content.is_stream() => total,
                None => timeouts.per_try,
            },
            parts,
            content,
            began,
            deadline,
        }
    }

    /// Is admitted by a backend, at once or after waiting for a place; says when.
    async fn admit(
        &self,
        tried: &[Arc<Peer>],
        deadline: Instant,
        now: Instant,
    ) -> Result<(Attempt, Instant), Error> {
        if now >= deadline {
            return Err(Error::new(
                Phase::TotalTimeout,
                "no time was left for a try",
            ));
        }
        if let Some(decided) = self.choose(tried, now) {
            return decided.map(|attempt| (attempt, now));
        }
        let Some(_waits) = InFlight::enter(&self.waiting) else {
            count(&self.counts.overloaded);
            let message = "all backends are full, and as many calls wait as may";
            return Err(Error::new(Phase::Overloaded, message));
        };
        count(&self.counts.waited);
        let patience = now.checked_add(self.options.limits.wait);
        let until = patience.map_or(deadline, |until| until.min(deadline));
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Registered before looking: a place that is freed after the look wakes this call. Where
            // the look succeeds although it was woken, the drop of `freed` wakes another.
            freed.as_mut().enable();
            let now = Instant::now();
            if let Some(decided) = self.choose(tried, now) {
                return decided.map(|attempt| (attempt, now));
            }
            if timeout_at(until, freed).await.is_err() {
                return Err(if until < deadline {
                    count(&self.counts.overloaded);
                    Error::new(Phase::Overloaded, "all backends were full for too long")
                } else {
                    let message = "the total time was over before a backend had a place";
                    Error::new(Phase::TotalTimeout, message)
                });
            }
        }
    }

    /// Chooses once; nothing where there is no place.
    fn choose(&self, tried: &[Arc<Peer>], now: Instant) -> Option<Result<Attempt, Error>> {
        let now = now.into_std();
        let chosen = self
            .handle
            .read(|peers| choose(peers, tried, &self.balancer, now));
        match chosen.unwrap_or(Chosen::Nobody) {
            Chosen::Admitted(attempt) => Some(Ok(attempt)),
            Chosen::Full => None,
            Chosen::Refused(after) => {
                count(&self.counts.refused);
                let error = Error::new(Phase::Breaker, "the breakers of all backends refused");
                Some(Err(error.after(after)))
            }
            Chosen::Nobody => {
                count(&self.counts.without_backend);
                Some(Err(Error::new(Phase::NoBackend, "there is no backend")))
            }
        }
    }

    /// Tries once. What is sent is written here, so that what waits keeps nothing of it.
    fn try_once(
        &self,
        mut attempt: Attempt,
        asked: &Asked,
        began: Instant,
    ) -> impl Future<Output = Result<Response<Body>, Error>> + Send {
        let peer = Arc::clone(attempt.peer());
        let until = began.checked_add(asked.per_try);
        let until = until.map_or(asked.deadline, |until| until.min(asked.deadline));
        let sending = self.sending(&peer, asked, until - began);
        async move {
            let (sending, connection) = sending?;
            let sent = timeout_at(until, sending).await;
            let now = Instant::now();
            let error = match sent {
                Ok(Ok(response)) => return Ok(self.answered(response, attempt, asked, now)),
                Ok(Err(error)) if error.is_connect() => {
                    // The connection and its pool failed: no byte of the request was written.
                    Error::new(Phase::Connect, "could not be connected to").because(error)
                }
                Ok(Err(error)) if asked.content.has_failed() => {
                    let message = "the content of the request broke off";
                    Error::new(Phase::Request, message)
                        .because(error)
                        .reached(true)
                }
                Ok(Err(error)) => {
                    let message = "the connection broke, or the answer was none of HTTP";
                    Error::new(Phase::Protocol, message)
                        .because(error)
                        .reached(true)
                }
                Err(_) => {
                    // The request is handed to a connection after the connection is captured: without one,
                    // nothing was written.
                    let connected = |it: CaptureConnection| it.connection_metadata().is_some();
                    let reached = connection.is_none_or(connected);
                    timed_out(until == asked.deadline, reached)
                }
            };
            // A caller who gave a backend next to no time learns nothing about the backend.
            let unfair = match error.phase() {
                Phase::TotalTimeout => {
                    asked.content.is_stream() || now - began < self.options.fair()
                }
                Phase::Request => true,
                _ => false,
            };
            if !unfair {
                attempt.failed(chain(&error), now.into_std());
            }
            Err(error.at(peer.backend.shown()))
        }
    }

    /// Hands the request to the client of a backend; and what tells whether there was a connection, where
    /// nothing else does.
    fn sending(
        &self,
        peer: &Peer,
        asked: &Asked,
        within: Duration,
    ) -> Result<(ResponseFuture, Option<CaptureConnection>), Error> {
        let mut request = Request::new(asked.content.sent());
        *request.method_mut() = asked.parts.method.clone();
        *request.uri_mut() = peer.backend.lay(&asked.parts.uri)?;
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = asked.parts.headers.clone();
        // Whether it was sent is of interest where it may not be repeated; and it is known, for nothing,
        // where there is time to connect in vain, which ends in an error of its own.
        let may_connect_to_the_end = within <= self.options.timeouts.connect;
        let connection =
            (!asked.idempotent && may_connect_to_the_end).then(|| capture_connection(&mut request));
        Ok((peer.client.request(request), connection))
    }

    fn answered(
        &self,
        response: Response<hyper::body::Incoming>,
        mut attempt: Attempt,
        asked: &Asked,
        now: Instant,
    ) -> Response<Body> {
        let (status, now) = (response.status(), now.into_std());
        if self.options.failed.has(status) {
            attempt.failed(format!("answered {status}"), now);
        } else {
            attempt.answered(now);
        }
        let of = Of {
            upstream: Arc::clone(&self.name),
            idle: self.options.timeouts.idle_body,
            deadline: asked.deadline,
        };
        response.map(|incoming| Body::new(incoming, attempt, of))
    }

    /// The pause before another try, where this answer is worth one.
    fn again_after_answer(
        &self,
        asked: &Asked,
        response: &Response<Body>,
        tries: u32,
    ) -> Option<Duration> {
        let options = &self.options.retry;
        if !asked.idempotent || !asked.content.is_left() || tries >= options.tries {
            return None;
        }
        if !retry::worth_another_try(response.status()) {
            return None;
        }
        let pause = retry::pause(options, tries, &self.random);
        match retry::retry_after(response.headers(), SystemTime::now()) {
            Some(after) if after > options.retry_after_max => None,
            Some(after) => Some(pause.max(after)),
            None => Some(pause),
        }
    }

    /// The pause before another try, where this error allows one.
    fn again_after_error(&self, asked: &Asked, error: &Error, tries: u32) -> Option<Duration> {
        let options = &self.options.retry;
        let of_a_try = matches!(
            error.phase(),
            Phase::Connect | Phase::TryTimeout | Phase::Protocol
        );
        let harmless = asked.idempotent || !error.may_have_reached();
        let again = of_a_try && harmless && asked.content.is_left() && tries < options.tries;
        again.then(|| retry::pause(options, tries, &self.random))
    }

    /// Whether there is time for another try, anybody to try, and a retry left in the budget, which is
    /// then taken.
    fn another_try(&self, pause: Duration, deadline: Instant) -> bool {
        let now = Instant::now();
        let Some(then) = now.checked_add(pause).filter(|then| *then < deadline) else {
            return false;
        };
        let then = then.into_std();
        let anybody = self
            .handle
            .read(|peers| peers.iter().any(|peer| peer.breaker.would_admit(then)));
        if anybody != Some(true) {
            return false;
        }
        let allowed = self.budget.withdraw(now.into_std());
        if !allowed {
            count(&self.counts.over_budget);
        }
        allowed
    }
}

fn sendable(request: &Request<Content>) -> Result<(), &'static str> {
    let uri = request.uri();
    if uri.authority().is_some() || !uri.path().starts_with('/') {
        return Err("a request's URI is a path that begins with a slash, and a query");
    }
    if request.method() == Method::CONNECT {
        return Err("CONNECT is not for backends");
    }
    Ok(())
}

/// Thirty years: the end of a call whose end no clock can tell.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

fn timed_out(total: bool, reached: bool) -> Error {
    let error = match (total, reached) {
        (true, _) => Error::new(Phase::TotalTimeout, "the total time was over"),
        (false, true) => Error::new(Phase::TryTimeout, "there was no answer in time"),
        (false, false) => Error::new(Phase::TryTimeout, "there was no connection in time"),
    };
    error.reached(reached)
}

/// An error with all that led to it, on one line.
fn chain(error: &Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

impl Tries {
    fn failed(&mut self, tried: Result<Response<Body>, Error>, peer: Arc<Peer>) {
        self.peers.push(peer);
        self.last = Some(match tried {
            Ok(response) => {
                self.reached = true;
                Last::Answered(response.status())
            }
            Err(error) => {
                self.reached |= error.may_have_reached();
                Last::Failed(error)
            }
        });
    }

    /// Completes the error that ends the call.
    fn end(&mut self, error: Error) -> Error {
        let error = error.reached(self.reached).tried(self.number);
        match self.last.take() {
            // A try that failed says itself why.
            Some(last) if error.source().is_none() => error.because(last),
            _ => error,
        }
    }
}

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => write!(f, "the try before was answered {status}"),
            Self::Failed(_) => f.write_str("the try before failed"),
        }
    }
}

impl StdError for Last {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Answered(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}
