//! What is behind a middleware is asked when it is ready, and not before.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use byname_components::http::middleware::{
    AccessLog, BodyLimit, CacheControl, Compression, Cors, Headers, RateLimit, Recover, RequestIds,
    SecurityHeaders, SlowLog, Timeout, Trace,
};
use byname_components::http::{Endpoint, Middleware};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::rig::{get, settings};

/// Ready at the second look; a clone of it is not.
#[derive(Default)]
struct Strict {
    looks: u32,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request> for Strict {
    type Response = Response;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.looks += 1;
        if self.looks < 2 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        assert!(self.looks >= 2, "it is asked before it is ready");
        self.looks = 0;
        std::future::ready(Ok("answered".into_response()))
    }
}

#[tokio::test]
async fn what_was_found_ready_is_asked_and_not_a_clone_of_it() {
    let all = [
        Middleware::new(AccessLog::new(settings("")).unwrap()),
        Middleware::new(BodyLimit::new(settings("")).unwrap()),
        Middleware::new(Compression::new(settings("")).unwrap()),
        Middleware::new(Cors::new(settings("origins: ['*']")).unwrap()),
        Middleware::new(CacheControl::new(settings("no-cache: true")).unwrap()),
        Middleware::new(Headers::new(settings("request: { remove: [a] }")).unwrap()),
        Middleware::new(RateLimit::new(settings("")).unwrap()),
        Middleware::new(SecurityHeaders::new(settings("")).unwrap()),
        Middleware::new(SlowLog::new(settings("")).unwrap()),
        Middleware::new(Trace::new(settings("")).unwrap()),
        Middleware::new(RequestIds::new(settings("")).unwrap()),
        Middleware::new(Timeout::new(settings("")).unwrap()),
        // The last one would make an answer of a failed assertion.
        Middleware::new(Recover::new(settings("")).unwrap()),
    ];
    for middleware in all {
        let mut endpoint = middleware.layer(Endpoint::new(Strict::default()));
        for _ in 0..3 {
            let mut clone = endpoint.clone();
            for endpoint in [&mut endpoint, &mut clone] {
                let Ok(response) = endpoint.ready().await.unwrap().call(get("/")).await;
                assert_eq!(response.status(), 200);
            }
        }
    }
}
