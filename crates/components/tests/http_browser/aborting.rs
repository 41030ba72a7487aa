//! Requests that a page gives up.

use axum::http::Method;
use axum::response::Html;
use byname_components::http::routes::Routes;
use byname_components::{App, Registrar};
use byname_testkit::browser::Browser;

use crate::rig::{Saw, Site, endless};

const FILE: &str = "
middleware:
  access-log: {}
  recover: {}
  compression: { settings: { min-size: 0B } }
  timeout: { settings: { within: 10m } }
servers:
  main:
    middleware: [access-log, recover, compression, timeout]
    listeners: { one: { address: '127.0.0.1:0', routers: [slow] } }
";

fn module(saw: Saw) -> impl FnOnce(&mut Registrar<'_>) {
    move |registrar: &mut Registrar<'_>| {
        let streamed = saw.clone();
        let routes = Routes::new()
            .raw(Method::GET, "/", async || {
                Html("<!doctype html><link rel=icon href='data:,'>")
            })
            .raw(Method::GET, "/hang", async move || {
                let _call = saw.begin();
                std::future::pending::<()>().await;
            })
            .raw(Method::GET, "/stream", async move || {
                let body = endless("the beginning", streamed.begin());
                ([("content-type", "text/plain")], body)
            });
        registrar.router("slow", (), |()| (), routes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_gives_up_is_given_up_by_the_server() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let saw = Saw::default();
    let site = Site::of(App::from_text(FILE).register(module(saw.clone()))).await;
    browser.go_to(&site.origin("one").await);

    browser.run(
        "window.stop = new AbortController();
         fetch('/hang', { signal: window.stop.signal }).catch(error => { window.ended = error.name; });",
        &[],
    );
    saw.until_begun(1).await;
    browser.run("window.stop.abort()", &[]);
    assert_eq!(browser.until("return window.ended", &[]), "AbortError");
    saw.until_ended(1).await;

    // In the middle of an answer, whose beginning came through the compression at once.
    let began = browser.run(
        "window.stop = new AbortController();
         const answer = await fetch('/stream', { signal: window.stop.signal });
         window.reader = answer.body.getReader();
         const { value } = await window.reader.read();
         return [answer.headers.get('content-encoding'), new TextDecoder().decode(value)]",
        &[],
    );
    assert_eq!(began[1], "the beginning");
    assert!(!began[0].is_null(), "{began}");
    browser.run("window.stop.abort()", &[]);
    saw.until_ended(2).await;

    // With the page itself.
    browser.run("fetch('/hang').catch(() => {})", &[]);
    saw.until_begun(3).await;
    browser.go_to("about:blank");
    saw.until_ended(3).await;
}
