//! Heads that cannot be read: hyper answers them itself, and there is no request that could be answered
//! otherwise.

use std::collections::BTreeSet;

use byname_components::config::units::Bytes;

use crate::rig::{Calls, Peer, router, serve, settings, until};

#[tokio::test]
async fn heads_that_cannot_be_read_have_a_status_no_content_and_are_counted() {
    let mut limited = settings();
    limited.limits.header = Bytes::new(256 << 10);
    limited.limits.headers = std::num::NonZeroUsize::new(4).unwrap();
    let calls = Calls::default();
    let serving = serve(limited, router(&calls)).await;
    let fields = |count: usize| "a: b\r\n".repeat(count);
    let heads = [
        ("no request\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nno field\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/7.0\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\n{}\r\n", fields(5)), 431),
        (
            format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(300_000)),
            431,
        ),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)), 414),
    ];
    for (head, status) in heads {
        let mut peer = Peer::connect(&serving).await;
        peer.say(&head).await;
        let told = &head[..head.len().min(40)];
        let answer = peer.answer().await;
        assert_eq!(answer.status, status, "{told:?}");
        assert_eq!(peer.rest().await, "", "{told:?}");
        let fields = answer.head.lines().skip(1);
        let names: BTreeSet<_> = fields.filter_map(|field| field.split_once(": ")).collect();
        let close = names.contains(&("connection", "close"));
        assert!(
            close && names.contains(&("content-length", "0")),
            "{names:?}"
        );
        let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["connection", "content-length", "date"]);
    }
    until(|| serving.stats().open == 0).await;
    let stats = serving.stats();
    assert_eq!((stats.malformed, stats.heads_too_large), (3, 3));
    assert_eq!(
        (stats.requests, stats.answered_4xx, calls.begun()),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn what_was_asked_before_such_a_head_is_answered_before_it() {
    let serving = serve(settings(), router(&Calls::default())).await;
    let mut peer = Peer::connect(&serving).await;
    peer.say("GET / HTTP/1.1\r\nhost: test\r\n\r\nno request\r\n\r\n")
        .await;
    let answer = peer.answer().await;
    assert_eq!((answer.status, &*answer.body), (200, "hello"));
    assert_eq!(peer.answer().await.status, 400);
    assert_eq!(peer.rest().await, "");
    let stats = serving.stats();
    assert_eq!((stats.malformed, stats.answered_2xx), (1, 1));
}

// A limit of 1,000,000,000 fields was taken, and the first connection ended the process: there was no memory
// for as many. What is a limit now can be kept.
#[tokio::test]
async fn as_many_fields_as_a_limit_may_be_are_read() {
    let mut limited = settings();
    limited.limits.header = Bytes::new(1 << 20);
    limited.limits.headers = std::num::NonZeroUsize::new(10_000).unwrap();
    let serving = serve(limited, router(&Calls::default())).await;
    for (count, status) in [(9_999, 200), (10_000, 431)] {
        let mut peer = Peer::connect(&serving).await;
        let fields: Vec<_> = (0..count).map(|n| format!("x-{n}: y\r\n")).collect();
        let head = format!("GET / HTTP/1.1\r\nhost: test\r\n{}\r\n", fields.concat());
        peer.say(&head).await;
        assert_eq!(peer.answer().await.status, status);
    }
}
