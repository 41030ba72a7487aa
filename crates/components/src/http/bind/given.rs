//! What stands before a handler gave to it.

use std::any::type_name;
use std::convert::Infallible;

use axum::extract::{
    FromRequestParts, OptionalFromRequestParts, WebSocketUpgrade as AxumWebSocketUpgrade,
};
use axum::http::request::Parts;

use crate::http::openapi::{Describe, Operation};
use crate::service_error::{ErrorKind, ServiceError};

/// What a middleware or the listener gave to the request: the [`Peer`](crate::http::listen::Peer), the
/// [`Identity`](crate::http::middleware::Identity) of who asks. An `Option` of it is none if it is not there.
///
/// # Errors
///
/// 500 if it is not there, as what should have given it does not stand before the route; the log says
/// what is missing, the answer does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extension<T>(pub T);

impl<T: Clone + Send + Sync + 'static, S: Send + Sync> FromRequestParts<S> for Extension<T> {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        parts.extensions.get().cloned().map(Self).ok_or_else(|| {
            let missing = type_name::<T>();
            ServiceError::internal(format!("nothing before the route gave it a `{missing}`"))
        })
    }
}

impl<T, S> OptionalFromRequestParts<S> for Extension<T>
where
    T: Clone + Send + Sync + 'static,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned().map(Self))
    }
}

impl<T> Describe for Extension<T> {}

/// A request to go on as a WebSocket (RFC 6455): [axum's](AxumWebSocketUpgrade), which makes the answer.
///
/// # Errors
///
/// 400 if the request does not ask for that.
#[derive(Debug)]
pub struct WebSocketUpgrade(pub AxumWebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ServiceError> {
        let asked = AxumWebSocketUpgrade::from_request_parts(parts, state).await;
        asked.map(Self).map_err(|refusal| {
            let message = "the request does not ask for a WebSocket (RFC 6455, section 4.2.1)";
            ServiceError::new(ErrorKind::Invalid, message).with_source(refusal)
        })
    }
}

impl Describe for WebSocketUpgrade {
    fn describe(operation: &mut Operation) {
        operation.answer("101", "Switches to the WebSocket protocol (RFC 6455)");
        operation.refuses(ErrorKind::Invalid);
    }
}
