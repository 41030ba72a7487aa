//! Many requests at the same time.

use axum::Router;
use axum::routing::get as on_get;
use byname_components::http::Middleware;
use byname_components::http::middleware::{RateLimit, RateLimitSettings};

use crate::rig::{answer, before, from, get, settings};

/// A day's quota lets no more through in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_as_many_pass_as_may_and_each_refusal_is_counted() {
    let yaml = "{ requests: 100, per: 10d, max-keys: 5000 }";
    let limit = RateLimit::new(settings::<RateLimitSettings>(yaml)).unwrap();
    let router = Router::new().route("/", on_get(|| async { "fine" }));
    let endpoint = before(router, Middleware::new(limit.clone()));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let endpoint = endpoint.clone();
            tokio::spawn(async move {
                let mut passed = 0;
                for at in 0..150 {
                    let address = ["192.0.2.1", "192.0.2.2", "2001:db8::1"][at % 3];
                    let answer = answer(&endpoint, from(address, get("/"))).await;
                    passed += u32::from(answer.status.is_success());
                }
                passed
            })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        passed += task.await.unwrap();
    }
    assert_eq!((passed, limit.refused(), limit.keys()), (300, 900, 3));
}
