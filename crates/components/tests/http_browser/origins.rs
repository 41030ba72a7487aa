//! What pages of other origins may do, as a browser enforces it.

use axum::http::{HeaderMap, Method};
use axum::response::{Html, IntoResponse};
use byname_components::http::routes::Routes;
use byname_components::{App, Registrar};
use byname_testkit::browser::Browser;
use serde_json::{Value, json};

use crate::rig::{Saw, Site, endless};

/// Pages of two origins.
const PAGES: &str = "
servers:
  main:
    listeners:
      ours: { address: '127.0.0.1:0', routers: [pages] }
      foreign: { address: '127.0.0.1:0', routers: [pages] }
";

fn pages(registrar: &mut Registrar<'_>) {
    let page = async || Html("<!doctype html><link rel=icon href='data:,'><title>a page</title>");
    registrar.router(
        "pages",
        (),
        |()| (),
        Routes::new().raw(Method::GET, "/", page),
    );
}

fn api(saw: Saw) -> impl FnOnce(&mut Registrar<'_>) {
    move |registrar: &mut Registrar<'_>| {
        let events = saw.clone();
        let routes = Routes::new()
            .raw(Method::PUT, "/thing", thing)
            .raw(Method::GET, "/thing", async || "for some")
            .raw(Method::POST, "/login", async || {
                ([("set-cookie", "who=ann; Path=/; SameSite=Lax")], "welcome")
            })
            .raw(Method::GET, "/events", async move || {
                let body = endless("data: one\n\n", events.begin());
                ([("content-type", "text/event-stream")], body)
            });
        registrar.router("api", (), |()| (), routes);
        saw.register(registrar);
    }
}

/// Answers what came, with one header that pages may read and one that they may not.
async fn thing(headers: HeaderMap, body: String) -> impl IntoResponse {
    let cookie = headers
        .get("cookie")
        .map_or("", |cookie| cookie.to_str().unwrap());
    (
        [("x-told", "1"), ("x-kept", "2")],
        format!("{body} of {cookie}"),
    )
}

const PUT: &str = "
    const asked = { method: 'PUT', credentials: 'include', body: 'hello',
        headers: { 'content-type': 'application/json', 'x-asked': '1' } };
    try {
        const answer = await fetch(arguments[0] + '/thing', asked);
        return [answer.status, await answer.text(), answer.headers.get('x-told'), answer.headers.get('x-kept')];
    } catch (error) { return error.name; }";

const GET: &str = "
    try { return await (await fetch(arguments[0] + '/thing')).text(); }
    catch (error) { return error.name; }";

const EVENTS: &str = "
    const events = new EventSource(arguments[0] + '/events', { withCredentials: true });
    const came = await new Promise(done => {
        events.onmessage = event => done(event.data);
        events.onerror = () => done('error ' + events.readyState);
    });
    events.close();
    return came;";

fn seen(what: &[(&str, &str, u16)]) -> Vec<(String, String, bool, u16)> {
    let seen = what
        .iter()
        .map(|(method, path, status)| ((*method).to_owned(), (*path).to_owned(), false, *status));
    seen.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_allowed_origin_may_ask_and_read_and_others_may_not() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let front = Site::of(App::from_text(PAGES).register(pages)).await;
    let (ours, foreign) = (front.origin("ours").await, front.origin("foreign").await);
    let text = format!(
        "
middleware:
  saw: {{}}
  shared: {{ type: cors, settings: {{ origins: ['{ours}'], credentials: true, headers: [content-type, x-asked], expose: [x-told] }} }}
servers:
  main:
    middleware: [saw, shared]
    listeners: {{ one: {{ address: '127.0.0.1:0', routers: [api] }} }}
"
    );
    let saw = Saw::default();
    let back = Site::of(App::from_text(&text).register(api(saw.clone()))).await;
    let to = [Value::from(back.origin("one").await)];

    browser.go_to(&ours);
    let login = "return (await fetch(arguments[0] + '/login', { method: 'POST', credentials: 'include' })).text()";
    assert_eq!(browser.run(login, &to), "welcome");
    assert_eq!(saw.take(), seen(&[("POST", "/login", 200)]));
    assert_eq!(
        browser.run(PUT, &to),
        json!([200, "hello of who=ann", "1", null])
    );
    assert_eq!(
        saw.take(),
        seen(&[("OPTIONS", "/thing", 204), ("PUT", "/thing", 200)])
    );
    // What it was told before a request holds for the next one.
    assert_eq!(browser.run(PUT, &to)[0], 200);
    assert_eq!(saw.take(), seen(&[("PUT", "/thing", 200)]));
    assert_eq!(browser.run(GET, &to), "for some");
    assert_eq!(browser.run(EVENTS, &to), "one");
    saw.until_ended(1).await;
    saw.take();

    // A page of another origin gets nothing to read, and what a form could not send is not sent.
    browser.go_to(&foreign);
    assert_eq!(browser.run(PUT, &to), "TypeError");
    assert_eq!(saw.take(), seen(&[("OPTIONS", "/thing", 204)]));
    assert_eq!(browser.run(GET, &to), "TypeError");
    assert_eq!(saw.take(), seen(&[("GET", "/thing", 200)]));
    assert_eq!(browser.run(EVENTS, &to), "error 2");
    let said = browser.console();
    assert!(
        said.iter().any(|said| said.text.contains("CORS policy")),
        "{said:?}"
    );
}
