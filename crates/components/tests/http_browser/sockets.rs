//! A `WebSocket` of a page, through everything that stands before routes.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::Method;
use axum::response::Html;
use byname_components::http::routes::Routes;
use byname_components::{App, Registrar};
use byname_testkit::browser::Browser;
use serde_json::json;

use crate::rig::{Saw, Site};

const FILE: &str = "
middleware:
  saw: {}
  trace: {}
  request-id: {}
  access-log: {}
  slow-log: {}
  recover: {}
  security-headers: {}
  compression: { settings: { min-size: 0B } }
  timeout: { settings: { within: 10s } }
  body-limit: {}
servers:
  main:
    middleware: [saw, trace, request-id, access-log, slow-log, recover, security-headers, compression, timeout, body-limit]
    listeners: { one: { address: '127.0.0.1:0', routers: [talk] } }
";

fn module(saw: Saw) -> impl FnOnce(&mut Registrar<'_>) {
    move |registrar: &mut Registrar<'_>| {
        let calls = saw.clone();
        let routes = Routes::new()
            .raw(Method::GET, "/", async || {
                Html("<!doctype html><link rel=icon href='data:,'>")
            })
            .raw(
                Method::GET,
                "/socket",
                async move |upgrade: WebSocketUpgrade| {
                    let call = calls.begin();
                    upgrade.protocols(["talk"]).on_upgrade(async move |socket| {
                        talk(socket).await;
                        drop(call);
                    })
                },
            );
        registrar.router("talk", (), |()| (), routes);
        saw.register(registrar);
    }
}

/// Says something first, then says everything again: text in capitals, bytes backwards.
async fn talk(mut socket: WebSocket) {
    let mut next = Some(Message::text("hello"));
    loop {
        if let Some(message) = next.take()
            && socket.send(message).await.is_err()
        {
            return;
        }
        next = match socket.recv().await {
            Some(Ok(Message::Text(text))) => Some(Message::text(text.to_uppercase())),
            Some(Ok(Message::Binary(bytes))) => Some(Message::binary(
                bytes.iter().rev().copied().collect::<Vec<_>>(),
            )),
            Some(Ok(_)) => None,
            Some(Err(_)) | None => return,
        };
    }
}

const TALK: &str = "
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket', 'talk');
    socket.binaryType = 'arraybuffer';
    const heard = [];
    const closed = new Promise(done => { socket.onclose = event => done([event.code, event.wasClean]); });
    await new Promise((done, failed) => {
        socket.onerror = () => failed(new Error('no socket'));
        socket.onmessage = event => {
            heard.push(typeof event.data === 'string' ? event.data.slice(0, 10) : Array.from(new Uint8Array(event.data)));
            if (heard.length === 1) socket.send('first');
            if (heard.length === 2) socket.send(new Uint8Array([1, 2, 255]));
            if (heard.length === 3) socket.send('long'.repeat(50000));
            if (heard.length === 4) done();
        };
    });
    const protocol = socket.protocol;
    socket.close(4001, 'enough');
    return [protocol, heard, await closed];";

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways_through_every_middleware() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let saw = Saw::default();
    let site = Site::of(App::from_text(FILE).register(module(saw.clone()))).await;
    browser.go_to(&site.origin("one").await);
    saw.take();
    assert_eq!(
        browser.run(TALK, &[]),
        json!([
            "talk",
            ["hello", "FIRST", [255, 2, 1], "LONGLONGLO"],
            [4001, true]
        ])
    );
    saw.until_ended(1).await;
    assert_eq!(
        saw.take(),
        [("GET".to_owned(), "/socket".to_owned(), false, 101)]
    );

    // A page that goes away ends its socket.
    let open = "window.socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket');
        return new Promise(done => { window.socket.onmessage = event => done(event.data); })";
    assert_eq!(browser.run(open, &[]), "hello");
    browser.go_to("about:blank");
    saw.until_ended(2).await;
}
