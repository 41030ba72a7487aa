//! What security headers keep from pages.

use axum::http::Method;
use axum::response::Html;
use byname_components::http::routes::Routes;
use byname_components::{App, Registrar};
use byname_testkit::browser::Browser;
use serde_json::{Value, json};

use crate::rig::Site;

/// The same page, behind what keeps it and behind nothing.
const FILE: &str = "
middleware:
  policy: { type: security-headers, settings: { content-security-policy: \"default-src 'self'; frame-ancestors 'none'\", frame-options: 'off' } }
  frames: { type: security-headers, settings: { content-security-policy: 'off' } }
routers:
  all:
    routes:
      - { prefix: /policy, middleware: [policy], router: page }
      - { prefix: /frames, middleware: [frames], router: page }
      - { prefix: /bare, router: page }
servers:
  main:
    listeners: { one: { address: '127.0.0.1:0', routers: [all] } }
";

const PAGE: &str = "<!doctype html><title>quiet</title><link rel=icon href='data:,'>\
<p>a page</p><script>document.title = 'inline'</script>\
<script src=script.js></script><script src=script.txt></script>";

fn module(registrar: &mut Registrar<'_>) {
    let script =
        |kind: &'static str, text: &'static str| async move || ([("content-type", kind)], text);
    let routes = Routes::new()
        .raw(Method::GET, "/page", async || Html(PAGE))
        .raw(
            Method::GET,
            "/script.js",
            script("text/javascript", "window.script = true"),
        )
        .raw(
            Method::GET,
            "/script.txt",
            script("text/plain", "window.text = true"),
        );
    registrar.router("page", (), |()| (), routes);
}

/// What a frame shows to the page that it is in.
const FRAMED: &str = "
    const frame = document.createElement('iframe');
    frame.src = arguments[0];
    const loaded = new Promise(done => { frame.onload = done; });
    document.body.append(frame);
    await loaded;
    return frame.contentDocument ? frame.contentDocument.querySelector('p').textContent : null;";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_kept_from_inline_scripts_frames_and_guessed_types() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = Site::of(App::from_text(FILE).register(module)).await;
    let origin = site.origin("one").await;
    let ran = |prefix: &str| -> Value {
        browser.go_to(&format!("{origin}{prefix}/page"));
        browser.run(
            "return [document.title, !!window.script, !!window.text]",
            &[],
        )
    };
    assert_eq!(ran("/bare"), json!(["inline", true, true]));
    assert_eq!(browser.console(), []);
    assert_eq!(ran("/policy"), json!(["quiet", true, false]));
    let said = browser.console();
    let says = |what: &str| said.iter().any(|said| said.text.contains(what));
    assert!(
        says("inline script") && says("strict MIME type"),
        "{said:?}"
    );
    assert_eq!(ran("/frames"), json!(["inline", true, false]));

    browser.go_to(&format!("{origin}/bare/page"));
    let framed = |path: &str| browser.run(FRAMED, &[path.into()]);
    assert_eq!(framed("/bare/page"), "a page");
    let _ = browser.console();
    assert_eq!(framed("/policy/page"), Value::Null);
    let said = browser.console();
    assert!(
        said.iter()
            .any(|said| said.text.contains("frame-ancestors")),
        "{said:?}"
    );
    assert_eq!(framed("/frames/page"), Value::Null);
    let said = browser.console();
    assert!(
        said.iter()
            .any(|said| said.text.contains("X-Frame-Options")),
        "{said:?}"
    );
}
