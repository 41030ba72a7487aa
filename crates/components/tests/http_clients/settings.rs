//! What a file says of how a client calls: every setting by what it does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use byname_components::service::CallContext;
use byname_components::{App, ErrorKind};
use byname_testkit::PATIENCE;
use byname_upstream::BreakerState;
use tokio::time::Instant;

use crate::said::{Near, Peer, app, file, get, within};

const HOUR: Duration = Duration::from_secs(3600);
/// How much of a span may have gone by before the clock stands still, and how finely timers tell it.
const BEGUN: Duration = PATIENCE;

/// Waits until the peer is asked, and then, by a clock that goes on only when everybody waits, for the end of
/// the call. Returns how long that took.
async fn end<T>(peer: &mut Peer, call: impl Future<Output = T>) -> (T, Duration) {
    tokio::pin!(call);
    tokio::select! {
        _ = &mut call => panic!("it ended before the peer was asked"),
        _ = peer.asked() => {}
    }
    stands(call).await
}

async fn stands<T>(waiting: impl Future<Output = T>) -> (T, Duration) {
    tokio::time::pause();
    let since = Instant::now();
    let ended = waiting.await;
    let took = since.elapsed();
    tokio::time::resume();
    (ended, took)
}

#[track_caller]
fn about(took: Duration, expected: Duration) {
    assert!(took.abs_diff(expected) < BEGUN, "{took:?}");
}

/// Lets time go by for everybody.
async fn pass(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_try_and_a_call_take_as_long_as_they_may() {
    for (timeouts, expected) in [
        ("{ per-try: 1h, total: 10h }", HOUR),
        ("{ per-try: 10h, total: 2h }", 2 * HOUR),
    ] {
        let mut peer = Peer::new().await;
        let said = format!("{{ timeouts: {timeouts}, retry: {{ tries: 1 }} }}");
        let near = Near::of(&peer, &said).await;
        let (ended, took) = end(&mut peer, near.get("/hang")).await;
        assert_eq!(ended, Err(ErrorKind::Timeout));
        about(took, expected);
        near.stop().await;
    }
}

#[tokio::test]
async fn a_deadline_counts_where_it_is_earlier() {
    let mut peer = Peer::new().await;
    let near = Near::of(&peer, "{ timeouts: { per-try: 3h, total: 3h } }").await;
    for (deadline, expected) in [(HOUR, HOUR), (10 * HOUR, 3 * HOUR)] {
        let context = CallContext::default().with_deadline(Instant::now() + deadline);
        let call = context.scope(near.get("/hang"));
        let (ended, took) = end(&mut peer, call).await;
        assert_eq!(ended, Err(ErrorKind::Timeout));
        about(took, expected);
    }
    near.stop().await;
}

#[tokio::test]
async fn to_connect_takes_as_long_as_it_may() {
    // It never says a word, so that nothing is agreed upon.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let trust = folder.path().join("trust.pem");
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(&trust, pair.cert.pem()).unwrap();
    let said = format!(
        "{{ trust: '{}', timeouts: {{ connect: 1h, per-try: 5h, total: 5h }}, retry: {{ tries: 1 }} }}",
        trust.display()
    );
    let near = Near::at(&url, &said).await;
    let mut call = Box::pin(near.get("/"));
    let connected = tokio::select! {
        _ = &mut call => panic!("it ended before there was a connection"),
        connected = within(silent.accept()) => connected.unwrap(),
    };
    let (ended, took) = stands(call).await;
    assert_eq!(ended, Err(ErrorKind::Unavailable));
    about(took, HOUR);
    drop(connected);
    near.stop().await;
}

#[tokio::test]
async fn an_answer_may_give_nothing_for_as_long_as_it_may() {
    let mut peer = Peer::new().await;
    let near = Near::of(&peer, "{ timeouts: { idle-body: 1h } }").await;
    let (ended, took) = end(&mut peer, near.get("/half")).await;
    assert_eq!(ended, Err(ErrorKind::BadUpstream), "cut off");
    about(took, HOUR);
    near.stop().await;
}

#[tokio::test]
async fn a_call_is_tried_as_often_as_the_file_says() {
    let budget = "budget: { share: 1, floor: 1000, kept: 1000 }";
    for (retry, tries) in [
        ("tries: 1".to_owned(), 1),
        (format!("tries: 5, pause: 0s, {budget}"), 5),
        // With the usual longest pause of a second there is time for some fifty.
        (
            format!("tries: 200, pause: 1ms, pause-max: 1ms, {budget}"),
            200,
        ),
    ] {
        let mut peer = Peer::new().await;
        let said = format!("{{ retry: {{ {retry} }}, breaker: {{ failures: 1000 }} }}");
        let near = Near::of(&peer, &said).await;
        let answered = within(near.get("/busy")).await;
        assert_eq!(answered, Ok((503, String::new())));
        assert_eq!(peer.count(), tries, "{retry}");
        near.stop().await;
    }
}

#[tokio::test]
async fn before_another_try_is_the_pause_that_the_file_says() {
    // A pause is drawn evenly from zero to the longest: hardly one is below an hour.
    let long = "{ retry: { pause: 300000d, pause-max: 300000d }, timeouts: { total: 9000000d } }";
    let after = "{ retry: { pause: 0s, retry-after-max: 2h }, timeouts: { total: 5h } }";
    for (path, said) in [("/busy", long), ("/later", after)] {
        let mut peer = Peer::new().await;
        let near = Near::of(&peer, said).await;
        let call = tokio::time::timeout(HOUR / 2, near.get(path));
        let (ended, _) = end(&mut peer, call).await;
        assert!(ended.is_err(), "{path}: it did not wait");
        assert_eq!(peer.count(), 0, "{path}");
        near.stop().await;
    }
    // Who is to come after an hour is not asked again where nobody waits so long.
    let mut peer = Peer::new().await;
    let near = Near::of(&peer, "{ retry: { pause: 0s } }").await;
    assert_eq!(within(near.get("/later")).await, Ok((503, String::new())));
    assert_eq!(peer.count(), 1);
    near.stop().await;
}

#[tokio::test]
async fn what_is_tried_again_keeps_to_the_budget() {
    for (budget, before, tries) in [
        ("share: 0, floor: 0", 0, 1),
        ("share: 0, floor: 1", 0, 2),
        ("share: 0.5, floor: 0", 1, 2),
        ("share: 0.1, floor: 0", 1, 1),
        ("share: 1, floor: 0", 4, 6),
        ("share: 1, floor: 0, kept: 2", 4, 3),
    ] {
        let mut peer = Peer::new().await;
        let said = format!("{{ retry: {{ tries: 9, pause: 0s, budget: {{ {budget} }} }} }}");
        let near = Near::of(&peer, &said).await;
        for _ in 0..before {
            within(near.get("/ok")).await.unwrap();
        }
        assert_eq!(peer.count(), before);
        within(near.get("/busy")).await.unwrap();
        assert_eq!(peer.count(), tries, "{budget}");
        near.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_fails_is_not_called_for_as_long_as_the_file_says() {
    let mut peer = Peer::new().await;
    let said = "{ retry: { tries: 1 }, breaker: { failures: 3, open: 1h, open-max: 90m, trials: 1, successes: 1 } }";
    let near = Near::of(&peer, said).await;
    let refused = Err(ErrorKind::Unavailable);
    let state = || near.client.upstream().unwrap().states()[0].breaker;
    for _ in 0..3 {
        assert_eq!(within(near.get("/busy")).await, Ok((503, String::new())));
    }
    assert_eq!(within(near.get("/ok")).await, refused);
    assert_eq!(peer.count(), 3, "`failures`");
    pass(HOUR / 2).await;
    assert_eq!(within(near.get("/ok")).await, refused, "`open`");
    pass(HOUR / 2).await;
    // It fails again: twice as long would be more than `open-max`.
    assert_eq!(within(near.get("/busy")).await, Ok((503, String::new())));
    pass(HOUR + HOUR / 4).await;
    assert_eq!(within(near.get("/ok")).await, refused, "more than `open`");
    pass(HOUR / 4).await;
    assert_eq!(peer.count(), 1);
    let trial = tokio::spawn(get(Arc::clone(&near.client), "/held"));
    peer.asked().await;
    assert_eq!(within(near.get("/ok")).await, refused, "`trials`");
    peer.permits.add_permits(1);
    assert_eq!(within(trial).await.unwrap(), Ok((200, "ok".to_owned())));
    let closed = BreakerState::Closed { failures: 0 };
    assert_eq!(state(), closed, "`successes`");
    near.stop().await;
}

#[tokio::test]
async fn connections_are_kept_as_the_file_says() {
    for (said, connections) in [("{}", 1), ("{ pool: { idle: 0 } }", 2)] {
        let peer = Peer::new().await;
        let near = Near::of(&peer, said).await;
        for _ in 0..2 {
            within(near.get("/ok")).await.unwrap();
        }
        assert_eq!(peer.connections.load(Ordering::SeqCst), connections);
        near.stop().await;
    }
    let peer = Peer::new().await;
    let near = Near::of(&peer, "{ pool: { idle-time: 5ms } }").await;
    within(near.get("/ok")).await.unwrap();
    within(async {
        while peer.ended.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    near.stop().await;
}

#[tokio::test]
async fn as_much_at_once_as_the_file_says() {
    let mut peer = Peer::new().await;
    let said =
        "{ limits: { in-flight: 1, waiting: 1, wait: 1h }, timeouts: { per-try: 9h, total: 9h } }";
    let near = Near::of(&peer, said).await;
    let first = tokio::spawn(get(Arc::clone(&near.client), "/held"));
    peer.asked().await;
    let second = tokio::spawn(get(Arc::clone(&near.client), "/ok"));
    let upstream = near.client.upstream().unwrap().clone();
    within(async {
        while upstream.counters().waited == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let refused = Err(ErrorKind::Unavailable);
    assert_eq!(within(near.get("/ok")).await, refused, "`waiting`");
    let (second, took) = stands(second).await;
    assert_eq!(second.unwrap(), refused);
    about(took, HOUR);
    assert_eq!(peer.count(), 0, "`in-flight`");
    peer.permits.add_permits(1);
    assert_eq!(within(first).await.unwrap(), Ok((200, "ok".to_owned())));
    near.stop().await;
}

#[tokio::test]
async fn the_head_of_an_answer_is_as_large_as_it_may() {
    let peer = Peer::new().await;
    for (said, expected) in [
        ("{}", Ok((200, String::new()))),
        ("{ limits: { head: 8KiB } }", Err(ErrorKind::BadUpstream)),
    ] {
        let near = Near::of(&peer, said).await;
        assert_eq!(within(near.get("/large")).await, expected);
        near.stop().await;
    }
}

#[test]
fn what_is_out_of_its_bounds_is_told_where_it_stands() {
    for (said, words) in [
        (
            "timeouts: { connect: 0s }",
            &["`timeouts` of client `router:items`", "longer than nothing"][..],
        ),
        ("timeouts: { try: 1s }", &["no key `try`", "`per-try`"]),
        ("timeouts: 1s", &["must be a map"]),
        ("retry: { tries: 0 }", &["`retry`", "at least once"]),
        ("retry: { pause: 5s }", &["longest pause is not below"]),
        ("retry: { budget: { share: 2 } }", &["between 0 and 1"]),
        ("breaker: { trials: 0 }", &["`breaker`", "1 trial"]),
        ("breaker: { open: 5m }", &["`open_max` is not below `open`"]),
        ("pool: { idle-time: 2d }", &["`pool`", "at most a day"]),
        ("limits: { in-flight: 0 }", &["`limits`", "at least 1 call"]),
        ("limits: { head: 1KiB }", &["at least 8192 bytes"]),
        ("pool: { ping: 1s }", &["no key `ping`"]),
    ] {
        let told = app(&file("http://127.0.0.1:1", said)).check();
        assert_eq!(told.errors(), 1, "{said}: {told}");
        let told = told.to_string();
        for word in words.iter().chain(&["the application:7:"]) {
            assert!(told.contains(word), "`{word}` is not in:\n{told}");
        }
    }
}

#[test]
fn a_client_need_not_say_a_server_where_one_publishes_it() {
    let of = |client: &str, rest: &str| {
        format!(
            "{}{rest}",
            file("http://127.0.0.1:1", "{}").replace("router:items", client)
        )
    };
    let told = app(&of("router:items", "")).check();
    assert_eq!(told.errors(), 0, "{told}");
    let told = app(&of("router:itms", "")).check().to_string();
    assert!(
        told.contains("no server is known to publish `router:itms`; did you mean `router:items`"),
        "{told}"
    );
}

#[test]
fn how_several_are_called_is_said_once_and_where_of_each() {
    let of = |client: &str| {
        file("http://127.0.0.1:1", client).replace(
            "  near: {}",
            "  also: { url: 'http://127.0.0.1:2', listeners: { one: { address: 127.0.0.1:0, routers: [items] } } }\n  near: {}",
        )
    };
    let told = app(&of("retry: { tries: 1 }")).check();
    assert_eq!(told.errors(), 0, "{told}");
    let told = app(&of("url: 'http://127.0.0.1:3'")).check();
    assert_eq!(told.errors(), 1, "{told}");
    let told = told.to_string();
    assert!(told.contains("not which of 2"), "{told}");
}

/// It was that of whichever deployment stood first.
#[tokio::test]
async fn the_short_name_of_a_server_is_that_of_the_chosen_deployment() {
    let text = "
clients: { other: { server: back } }
deployments:
  first: { servers: { back: { url: 'http://10.0.0.1' }, front: {} } }
  second: { servers: { back: { url: 'http://10.0.0.2' }, front: {} } }
";
    for deployment in ["first", "second"] {
        let app = App::from_text(text).server(&format!("{deployment}.front"));
        let running = app.start().await.unwrap();
        let client = running.registries().clients.get("other").unwrap();
        assert_eq!(*client.server, format!("{deployment}.back"));
        running.stop().await.unwrap();
    }
}
