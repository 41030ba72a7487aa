use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::get as on_get;
use byname_components::http::middleware::{Timeout, TimeoutSettings};
use byname_components::http::{Deadline, Endpoint, Middleware};
use byname_testkit::DropCounter;
use tokio::time::{Instant, sleep};

use crate::rig::{answer, ask, before, get, next, request, settings, streamed};

/// `/after/N` answers after N milliseconds; `/left` says how many are left.
fn endpoint(yaml: &str) -> Endpoint {
    let after = |request: Request| async move {
        let millis = request.uri().path().rsplit('/').next().unwrap();
        sleep(Duration::from_millis(millis.parse().unwrap())).await;
        "done"
    };
    let left = |request: Request| async move {
        let Deadline(at) = *request.extensions().get::<Deadline>().unwrap();
        at.duration_since(Instant::now()).as_millis().to_string()
    };
    let router = Router::new()
        .route("/after/{millis}", on_get(after))
        .route("/left", on_get(left));
    let layer = Timeout::new(settings::<TimeoutSettings>(yaml)).unwrap();
    before(router, Middleware::new(layer))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_begin_in_time_is_504() {
    let endpoint = endpoint("within: 250ms");
    assert_eq!(answer(&endpoint, get("/after/249")).await.text(), "done");
    let begun = Instant::now();
    let late = answer(&endpoint, get("/after/251")).await;
    assert_eq!(late.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(
        late.problem()["detail"],
        "the answer took too long to begin"
    );
    assert_eq!(begun.elapsed().as_millis(), 250);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_late_is_given_up() {
    let counter = DropCounter::new();
    let held = counter.clone();
    let handler = move || {
        let held = held.count(());
        async move {
            std::future::pending::<()>().await;
            drop(held);
        }
    };
    let layer = Timeout::new(TimeoutSettings::default()).unwrap();
    let endpoint = before(
        Router::new().route("/", on_get(handler)),
        Middleware::new(layer),
    );
    let begun = Instant::now();
    assert_eq!(
        answer(&endpoint, get("/")).await.status,
        StatusCode::GATEWAY_TIMEOUT
    );
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!((counter.created(), counter.dropped()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_longer() {
    let handler = || async {
        let (send, body) = streamed();
        tokio::spawn(async move {
            sleep(Duration::from_secs(60)).await;
            send.send("late").unwrap();
        });
        body
    };
    let layer = Timeout::new(settings("within: 1s")).unwrap();
    let endpoint = before(
        Router::new().route("/", on_get(handler)),
        Middleware::new(layer),
    );
    let mut body = ask(&endpoint, get("/")).await.into_body();
    assert_eq!(next(&mut body).await.unwrap(), "late");
}

#[tokio::test(start_paused = true)]
async fn what_is_behind_knows_the_deadline_and_an_earlier_one_holds() {
    let endpoint = endpoint("within: 10s");
    assert_eq!(answer(&endpoint, get("/left")).await.text(), "10000");
    for (set, left) in [(3, "3000"), (30, "10000")] {
        let mut request = get("/left");
        let set = Deadline(Instant::now() + Duration::from_secs(set));
        request.extensions_mut().insert(set);
        assert_eq!(answer(&endpoint, request).await.text(), left);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_may_wish_for_less_where_it_is_told_how() {
    let wish = |wish| request("GET", "/left", &[("x-timeout", wish)]);
    let told = endpoint("{ within: 10s, header: X-Timeout }");
    for (wished, left) in [("250", "250"), ("2s", "2000"), ("60s", "10000"), ("0", "0")] {
        assert_eq!(answer(&told, wish(wished)).await.text(), left, "{wished}");
    }
    let wrong = answer(&told, wish("soon")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.problem()["errors"][0]["field"], "x-timeout");
    assert_eq!(
        answer(&endpoint("within: 10s"), wish("250")).await.text(),
        "10000"
    );
}

#[test]
fn no_time_at_all_is_refused() {
    let error = Timeout::new(settings("within: 0s")).unwrap_err();
    assert_eq!(error.setting(), "within");
    assert!(Timeout::new(settings("header: 'a b'")).is_err());
}
