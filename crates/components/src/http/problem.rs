//! Errors as answers (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::service::CallContext;
use crate::service_error::{Blame, ErrorKind, ServiceError};

/// An error of a service is `application/problem+json`. Its source goes to the log, where it is
/// nobody's but this program's or a peer's fault. That an answer took longer than whoever asked gave it
/// (`byname-timeout-ms`) is neither's.
impl IntoResponse for ServiceError {
    fn into_response(mut self) -> Response {
        if self.kind() == ErrorKind::Timeout && CallContext::current().is_given_up() {
            tracing::debug!(
                detail = self.message(),
                "nobody waits for an answer any more"
            );
            self = self.given_up();
        }
        if matches!(self.kind().blame(), Blame::Bug | Blame::Peer) {
            let cause = std::error::Error::source(&self).map(crate::factory::chain);
            // As a field it is quoted: a text that somebody else has a part in ends no line of the log.
            tracing::error!(cause, detail = self.message(), "a request failed");
        }
        let status = StatusCode::from_u16(self.kind().status());
        // An object of JSON values always serialises.
        let mut body = serde_json::to_vec(&self.to_problem()).unwrap_or_default();
        // A terminal shows its prompt on the next line.
        body.push(b'\n');
        let mut response = body.into_response();
        *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if self.kind() == ErrorKind::Unauthenticated {
            // No answer of this status is without one (RFC 9110, section 15.5.2).
            let said = self.challenge().map(HeaderValue::from_str);
            let challenge = said.and_then(Result::ok).filter(|it| !it.is_empty());
            let challenge = challenge.unwrap_or(HeaderValue::from_static("Bearer"));
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(after) = self.retry_after() {
            let whole = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what `bearer-auth` and `api-key` refused had one: what a handler or a method refused had none.
    #[test]
    fn whoever_is_not_known_is_told_how_to_show_it() {
        let refused = || ServiceError::new(ErrorKind::Unauthenticated, "who are you?");
        for (error, told) in [
            (refused(), "Bearer"),
            (
                refused().with_challenge("Basic realm=\"a\""),
                "Basic realm=\"a\"",
            ),
            (refused().with_challenge("Basic\r\nset-cookie: a"), "Bearer"),
            (refused().with_challenge(""), "Bearer"),
        ] {
            let response = error.into_response();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], told);
        }
        let denied = ServiceError::new(ErrorKind::Denied, "not you").with_challenge("Basic");
        let response = denied.into_response();
        assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    }
}
