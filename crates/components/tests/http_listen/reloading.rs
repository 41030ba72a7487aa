//! Settings that change while a listener answers.

use std::num::NonZeroUsize;

use byname_components::config::units::Bytes;
use byname_components::http::listen::{BodyLimit, ListenError, Protocol, Settings};

use crate::rig::{Calls, Peer, router, serve, settings, until};

#[tokio::test]
async fn more_places_are_there_at_once() {
    let calls = Calls::default();
    let mut one = settings();
    one.limits.connections = NonZeroUsize::MIN;
    let serving = serve(one.clone(), router(&calls)).await;
    let mut first = Peer::connect(&serving).await;
    first.say("GET /hang HTTP/1.1\r\nhost: test\r\n\r\n").await;
    calls.until_begun(1).await;
    let mut second = Peer::connect(&serving).await;
    second.say("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert_eq!(serving.stats().accepted, 1);
    let mut two = one;
    two.limits.connections = NonZeroUsize::new(2).unwrap();
    serving.reload(two).unwrap();
    assert_eq!(second.answer().await.body, "hello");
    assert_eq!(serving.stats().open, 2);
}

#[tokio::test]
async fn limits_and_timeouts_are_those_of_the_time_when_a_connection_began() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let post = "POST /count HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nxyz";
    let mut before = Peer::connect(&serving).await;
    until(|| serving.stats().open == 1).await;
    before.say(post).await;
    assert_eq!(before.answer().await.body, "3");
    let mut tight = settings();
    tight.limits.body = BodyLimit::AtMost(Bytes::new(2));
    tight.timeouts.idle = std::time::Duration::from_millis(50).into();
    tight.timeouts.drain = std::time::Duration::from_secs(3).into();
    assert_eq!(serving.drain_time().as_secs(), 10);
    serving.reload(tight).unwrap();
    assert_eq!(serving.drain_time().as_secs(), 3);
    let mut after = Peer::connect(&serving).await;
    assert_eq!(after.get("/").await.status, 200);
    // It idles, and that is short now.
    assert_eq!(after.rest().await, "");
    assert_eq!(serving.stats().idle_timeouts, 1);
    let mut after = Peer::connect(&serving).await;
    after.say(post).await;
    assert_eq!(after.answer().await.status, 413);
    before.say(post).await;
    assert_eq!(before.answer().await.body, "3");
}

#[tokio::test]
async fn what_needs_a_restart_says_so_and_changes_nothing() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let mut elsewhere = settings();
    elsewhere.address = "127.0.0.1:1".parse().unwrap();
    let only_one = Settings {
        protocols: vec![Protocol::Http1],
        ..settings()
    };
    for (settings, expected) in [(elsewhere, "address"), (only_one, "protocols")] {
        let error = serving.reload(settings).unwrap_err();
        assert!(
            matches!(error, ListenError::Restart { key } if key == expected),
            "{error}"
        );
    }
    let mut senseless = settings();
    senseless.timeouts.idle = std::time::Duration::ZERO.into();
    let error = serving.reload(senseless).unwrap_err();
    assert_eq!(error.to_string(), "`timeouts.idle` is 0s; expected more");
    assert_eq!(Peer::connect(&serving).await.get("/").await.status, 200);
}
