//! What goes with a request to the calls that are made for it.

use std::time::Duration;

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, request};
use tokio::task::futures::TaskLocalFuture;
use tokio::time::Instant;

use crate::http::{Deadline, RequestId, RequestIdHeader};

/// What goes with a request to every call that is made for it, here and on other servers: until when an
/// answer is wanted, which request it is, and which trace it is in.
///
/// A server enters it around everything that answers a request; what a method does in the same task is
/// in it. A task that is spawned is not, unless it is [`scope`](Self::scope)d.
///
/// | from and to | what |
/// |---|---|
/// | `byname-timeout-ms` | how many milliseconds are left; a clock is never sent |
/// | `x-request-id` | the identity of the request: up to 128 visible characters; sent in the header of the middleware `request-id` too, where that stands and has another |
/// | `traceparent`, `tracestate` | the trace, as W3C Trace Context has it; handed on as it came |
///
/// Where a request has been given a [`Deadline`] or a [`RequestId`], by a middleware say, that counts:
/// of two deadlines the earlier one, of two identities the one that was given.
///
/// A time that whoever asked gave, and that is over, is nobody else's fault: where a
/// [`ServiceError`](crate::ServiceError) that is a [`Timeout`](crate::ErrorKind::Timeout) would be the answer
/// then, that is a [`RequestTimeout`](crate::ErrorKind::RequestTimeout) (408) with the code
/// `byname.too-late`, and no error of the log. The client of a service makes a `Timeout` of it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallContext {
    deadline: Option<Instant>,
    /// Until when whoever asked wants the answer, as the request says.
    asked_until: Option<Instant>,
    request_id: Option<HeaderValue>,
    /// Where the identity is sent besides.
    id_header: Option<HeaderName>,
    trace_parent: Option<HeaderValue>,
    trace_state: Option<HeaderValue>,
}

tokio::task_local! {
    static CURRENT: CallContext;
}

const TIMEOUT: HeaderName = HeaderName::from_static("byname-timeout-ms");
/// The header that has the identity of a request, unless something says another.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest identity that is handed on, in bytes.
const LONGEST_ID: usize = 128;

/// The longest state of a trace that is handed on, in bytes: what W3C Trace Context asks for at least.
const LONGEST_STATE: usize = 512;

impl CallContext {
    /// Returns that of the current task; an empty one where there is none.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    /// Reads that of a request.
    #[must_use]
    pub fn of(parts: &request::Parts) -> Self {
        Self::read(&parts.headers, &parts.extensions)
    }

    /// Reads that of a request, of what is known of it.
    pub(crate) fn read(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let timeout = headers.get(TIMEOUT).and_then(|value| value.to_str().ok());
        let timeout = timeout.and_then(|text| text.parse().ok());
        let said =
            timeout.and_then(|millis| Instant::now().checked_add(Duration::from_millis(millis)));
        let set = extensions.get::<Deadline>().map(|deadline| deadline.0);
        let trace_parent = headers
            .get(TRACE_PARENT)
            .filter(|value| is_trace(value.as_bytes()));
        Self {
            deadline: said.into_iter().chain(set).min(),
            asked_until: said,
            request_id: match extensions.get::<RequestId>() {
                Some(given) => Some(given.0.clone()),
                None => headers
                    .get(REQUEST_ID)
                    .filter(|value| is_id(value))
                    .cloned(),
            },
            id_header: extensions
                .get::<RequestIdHeader>()
                .map(|header| header.0.clone()),
            trace_state: trace_parent
                .and_then(|_| headers.get(TRACE_STATE))
                .filter(|value| value.len() <= LONGEST_STATE)
                .cloned(),
            trace_parent: trace_parent.cloned(),
        }
    }

    /// Does all of a future in this context.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        self.around(future)
    }

    /// As [`scope`](Self::scope), with a type that has a name.
    pub(crate) fn around<F: Future>(self, future: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, future)
    }

    /// Sets until when an answer is wanted, unless it is wanted earlier already.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = self.deadline.into_iter().chain([deadline]).min();
        self
    }

    /// Sets which request it is.
    #[must_use]
    pub fn with_request_id(mut self, id: HeaderValue) -> Self {
        self.request_id = Some(id);
        self
    }

    /// Returns until when an answer is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns which request it is.
    #[must_use]
    pub fn request_id(&self) -> Option<&HeaderValue> {
        self.request_id.as_ref()
    }

    /// Returns the trace that it is in: the value of `traceparent`.
    #[must_use]
    pub fn trace_parent(&self) -> Option<&HeaderValue> {
        self.trace_parent.as_ref()
    }

    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Whether the time is over that whoever asked gave.
    pub(crate) fn is_given_up(&self) -> bool {
        self.asked_until
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Writes it into the head of a request.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            headers.insert(TIMEOUT, millis.into());
        }
        if let (Some(name), Some(id)) = (&self.id_header, &self.request_id) {
            // What a method has as an argument in that header stays.
            headers.entry(name).or_insert_with(|| id.clone());
        }
        for (name, value) in [
            (REQUEST_ID, &self.request_id),
            (TRACE_PARENT, &self.trace_parent),
            (TRACE_STATE, &self.trace_state),
        ] {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }
}

fn is_id(value: &HeaderValue) -> bool {
    let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    visible && !value.is_empty() && value.len() <= LONGEST_ID
}

/// Whether this is a `traceparent` of W3C Trace Context, section 3.2: version, trace, parent, flags.
fn is_trace(value: &[u8]) -> bool {
    let hex = |part: &[u8]| {
        part.iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let some = |part: &[u8]| part.iter().any(|byte| *byte != b'0');
    let mut parts = value.split(|byte| *byte == b'-');
    let [Some(version), Some(trace), Some(parent), Some(flags)] =
        [parts.next(), parts.next(), parts.next(), parts.next()]
    else {
        return false;
    };
    let sizes = version.len() == 2 && trace.len() == 32 && parent.len() == 16 && flags.len() == 2;
    let known = version != b"ff" && (version != b"00" || parts.next().is_none());
    sizes
        && known
        && [version, trace, parent, flags].into_iter().all(hex)
        && some(trace)
        && some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parts(headers: &[(&'static str, &str)]) -> request::Parts {
        let mut request = axum::http::Request::new(());
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a value");
            request.headers_mut().append(*name, value);
        }
        request.into_parts().0
    }

    #[test]
    fn a_trace_is_handed_on_if_it_is_one() {
        assert!(is_trace(TRACE.as_bytes()));
        assert!(is_trace(format!("01{}-more", &TRACE[2..]).as_bytes()));
        for wrong in [
            "",
            "00",
            &TRACE.to_uppercase(),
            &format!("{TRACE}-more"),
            &format!("ff{}", &TRACE[2..]),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert!(!is_trace(wrong.as_bytes()), "{wrong}");
        }
        let state = "a=b";
        let context = CallContext::of(&parts(&[("traceparent", TRACE), ("tracestate", state)]));
        let mut headers = HeaderMap::new();
        context.write(&mut headers);
        assert_eq!(headers["traceparent"], TRACE);
        assert_eq!(headers["tracestate"], state);
        let context = CallContext::of(&parts(&[("traceparent", "?"), ("tracestate", state)]));
        assert_eq!(context, CallContext::default());
    }

    #[test]
    fn an_identity_that_is_none_is_dropped() {
        let id = |value: &str| CallContext::of(&parts(&[("x-request-id", value)])).request_id;
        assert!(id("abc-1").is_some());
        assert!(id("").is_none());
        assert!(id("a b").is_none());
        assert!(id(&"a".repeat(129)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_deadlines_the_earlier_counts() {
        let now = Instant::now();
        let at = |millis| now + Duration::from_millis(millis);
        for (said, set, counts) in [(100, 200, 100), (200, 100, 100)] {
            let mut parts = parts(&[("byname-timeout-ms", &said.to_string())]);
            parts.extensions.insert(Deadline(at(set)));
            assert_eq!(CallContext::of(&parts).deadline(), Some(at(counts)));
        }
        assert_eq!(
            CallContext::of(&parts(&[("byname-timeout-ms", "-1")])).deadline(),
            None
        );
        let last = CallContext::of(&parts(&[("byname-timeout-ms", &u64::MAX.to_string())]));
        assert!(last.deadline().is_none_or(|deadline| deadline > at(1000)));
        let context = CallContext::default()
            .with_deadline(at(5))
            .with_deadline(at(9));
        assert_eq!(context.deadline(), Some(at(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_sent_and_no_clock() {
        let deadline = Instant::now() + Duration::from_millis(500);
        let context = CallContext::default().with_deadline(deadline);
        tokio::time::advance(Duration::from_millis(200)).await;
        let mut headers = HeaderMap::new();
        context.write(&mut headers);
        assert_eq!(headers["byname-timeout-ms"], "300");
        tokio::time::advance(Duration::from_millis(300)).await;
        assert!(context.is_over());
    }
}
