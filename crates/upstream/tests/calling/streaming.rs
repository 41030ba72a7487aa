//! Contents that are sent as they come.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use byname_upstream::{Balance, Body, Call, Error, Phase, Timeouts, Upstream};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, Full};
use tokio::sync::mpsc;

use crate::rig::*;

type BoxError = Box<dyn StdError + Send + Sync>;

/// What comes through a channel; its end is the end.
struct Coming(mpsc::UnboundedReceiver<Result<Bytes, BoxError>>);

impl http_body::Body for Coming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = self.0.poll_recv(context);
        next.map(|next| next.map(|next| next.map(Frame::data)))
    }
}

type Sender = mpsc::UnboundedSender<Result<Bytes, BoxError>>;

fn coming() -> (Sender, Coming) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Coming(receiver))
}

fn put<B>(body: B) -> Request<B> {
    let request = Request::builder().method(Method::PUT).uri("/");
    request.body(body).expect("a request")
}

/// Answers at once, and gives back what comes, piece by piece.
async fn echoing() -> Server {
    Server::raw(|stream, _| async move {
        let service = hyper::service::service_fn(|request: Request<hyper::body::Incoming>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(request.into_body())))
        });
        let io = hyper_util::rt::TokioIo::new(stream);
        let builder = hyper::server::conn::http1::Builder::new();
        let _ = builder.serve_connection(io, service).await;
    })
    .await
}

/// Reads all that comes, and answers how much it was.
async fn counting() -> (Server, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = Server::http(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let length = request.headers().get("content-length").cloned();
            let read = request.into_body().collect().await;
            let read = read.map_or(0, |all| all.to_bytes().len());
            Response::new(Full::new(format!("{read} of {length:?}").into()))
        }
    });
    (server.await, requests)
}

async fn sent<B>(upstream: &Upstream, body: B) -> Result<Response<Body>, Error>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    within(upstream.send(put(body), Call::default())).await
}

async fn text(answer: Result<Response<Body>, Error>) -> String {
    let (_, body) = whole(answer).await.expect("an answer");
    String::from_utf8(body.to_vec()).expect("a text")
}

#[tokio::test]
async fn what_is_sent_is_there_before_its_end() {
    let server = echoing().await;
    let upstream = upstream([server.backend()], plain());
    let (sender, body) = coming();
    sender.send(Ok("one".into())).expect("sent");
    let mut answer = sent(&upstream, body).await.expect("an answer").into_body();
    for next in ["two", "three"] {
        let frame = within(answer.frame())
            .await
            .expect("a frame")
            .expect("whole");
        assert!(!frame.into_data().expect("data").is_empty());
        sender.send(Ok(next.into())).expect("sent");
    }
    drop(sender);
    let rest = within(answer.read(100)).await.expect("the rest");
    assert_eq!(rest, "three");
    assert_eq!(counts(&upstream, 0), [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn how_long_it_is_is_said_where_that_is_known() {
    let (server, _) = counting().await;
    let upstream = upstream([server.backend()], plain());
    let known = text(sent(&upstream, Full::new(Bytes::from("12345"))).await).await;
    assert_eq!(known, r#"5 of Some("5")"#);
    let (sender, body) = coming();
    sender.send(Ok("123".into())).expect("sent");
    drop(sender);
    assert_eq!(text(sent(&upstream, body).await).await, "3 of None");
}

#[tokio::test]
async fn a_stream_is_tried_again_only_while_nothing_of_it_was_read() {
    let (server, requests) = counting().await;
    let in_turn = retrying().balance(Balance::RoundRobin);
    let two = upstream([backend(nobody()), server.backend()], in_turn);
    for _ in 0..4 {
        let body = Full::new(Bytes::from("12345"));
        assert_eq!(text(sent(&two, body).await).await, r#"5 of Some("5")"#);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 4);
    // Every other call was nobody's first.
    assert_eq!(counts(&two, 0)[0], 2);
    // The method allows another try, and what was read is gone.
    let (failing, asked) = answers(503).await;
    let one = upstream([failing.backend()], retrying());
    let (sender, body) = coming();
    sender.send(Ok("123".into())).expect("sent");
    drop(sender);
    let (status, _) = whole(sent(&one, body).await).await.expect("an answer");
    assert_eq!(status, 503);
    let before = asked.load(Ordering::SeqCst);
    assert_eq!(before, 1);
    // Nothing at all can be sent again.
    whole(sent(&one, Empty::new()).await)
        .await
        .expect("an answer");
    assert_eq!(asked.load(Ordering::SeqCst), before + 3);
}

#[tokio::test]
async fn a_stream_that_fails_is_not_the_backends_fault() {
    let (server, _) = counting().await;
    let upstream = upstream([server.backend()], retrying());
    let (sender, body) = coming();
    sender.send(Ok("123".into())).expect("sent");
    sender.send(Err("on purpose".into())).expect("sent");
    let error = sent(&upstream, body).await.expect_err("it broke off");
    assert_eq!(error.phase(), Phase::Request, "{error:?}");
    assert_eq!(counts(&upstream, 0), [1, 0, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_try_with_a_stream_may_take_as_long_as_the_call() {
    let (server, _) = counting().await;
    let options = plain().timeouts(Timeouts {
        per_try: Duration::from_secs(1),
        total: Duration::from_secs(10),
        ..Timeouts::default()
    });
    let upstream = upstream([server.backend()], options);
    let (sender, body) = coming();
    let slow = tokio::spawn(async move {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            sender.send(Ok("1".into())).expect("sent");
        }
    });
    let answer = upstream.send(put(body), Call::default()).await;
    assert_eq!(text(answer).await, "3 of None");
    slow.await.expect("sent");
    let (_sender, body) = coming();
    let error = upstream.send(put(body), Call::default()).await.err();
    assert_eq!(error.expect("nothing came").phase(), Phase::TotalTimeout);
    // It was the caller who was slow.
    assert_eq!(counts(&upstream, 0), [2, 1, 0, 1, 0]);
}
