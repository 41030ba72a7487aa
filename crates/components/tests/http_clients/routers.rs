//! A router that is called by its name: on another server over the network, on this one itself.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{Method, Request, StatusCode};
use byname_components::http::routes::Routes;
use byname_components::http::{Deadline, RouterClient};
use byname_components::service::CallContext;
use byname_components::{
    App, BoxError, ErrorKind, Registrar, Running, ServiceError, lazy, need, value,
};
use http_body_util::BodyExt as _;

/// Something that calls a router.
struct Calling(Arc<RouterClient>);

/// Something that calls a router that needs it.
struct Around(byname_components::Lazy<RouterClient>);

async fn item(State(by): State<Arc<str>>, Path(id): Path<String>) -> String {
    format!("{id} of {by}")
}

async fn echo(body: Body) -> Body {
    body
}

async fn context() -> String {
    let context = CallContext::current();
    let id = context
        .request_id()
        .map(|id| id.to_str().unwrap().to_owned());
    format!(
        "{id:?} {} {:?}",
        context.deadline().is_some(),
        context.trace_parent()
    )
}

async fn refusal() -> ServiceError {
    ServiceError::new(ErrorKind::Conflict, "it is so").with_code("so")
}

async fn forever() -> &'static str {
    std::future::pending().await
}

fn module(registrar: &mut Registrar<'_>) {
    let routes = Routes::new()
        .raw(Method::GET, "/", async || "root")
        .raw(Method::GET, "/items/{id}", item)
        .raw(Method::POST, "/echo", echo)
        .raw(Method::GET, "/context", context)
        .raw(Method::GET, "/refusal", refusal)
        .raw(Method::GET, "/forever", forever);
    let state = |(by,): (String,)| -> Arc<str> { by.into() };
    registrar.router("items", (value("by"),), state, routes);
    registrar.router(
        "unserved",
        (),
        |()| (),
        Routes::new().raw(Method::GET, "/", async || ""),
    );
    let needs = (need::<RouterClient>("router:items"),);
    registrar.factory("calling", needs, |(): (), items| async {
        Ok::<_, BoxError>(Arc::new(Calling(items)))
    });
    let needs = (lazy::<RouterClient>("router:around"),);
    registrar.factory("around", needs, |(): (), around| async {
        Ok::<_, BoxError>(Arc::new(Around(around)))
    });
    let needs = (need::<Around>("around"),);
    let routes = Routes::new().raw(Method::GET, "/around", async || "around");
    registrar.router("around", needs, |_| (), routes);
    registrar.middleware(
        "mark",
        byname_components::Instances::Shared,
        |(): ()| async {
            let layer = axum::middleware::map_response(|mut answer: axum::response::Response| {
                answer
                    .headers_mut()
                    .append("mark", axum::http::HeaderValue::from_static("1"));
                std::future::ready(answer)
            });
            Ok::<_, BoxError>(Arc::new(byname_components::http::Middleware::new(layer)))
        },
    );
}

fn app(file: &str, server: &str) -> App {
    App::from_text(file).server(server).register(module)
}

/// A router of code in one of the file, behind a middleware, with one route hidden and one moved.
fn file(url: &str) -> String {
    format!(
        "
values: {{ by: nobody }}
services: {{ calling: {{}} }}
middleware: {{ mark: {{}} }}
routers:
  site:
    prefix: /site
    middleware: [mark]
    routes:
      - router: items
        prefix: /v1
        change: {{ GET /refusal: {{ path: /moved }}, GET /forever: {{ hide: true }} }}
servers:
  far:
    services: [calling]
    values: {{ by: far }}
    {url}
    listeners: {{ one: {{ address: 127.0.0.1:0, routers: [site] }} }}
  near: {{ services: [calling] }}
"
    )
}

/// The far one, and a near one that knows where that is.
async fn both() -> [Running; 2] {
    let far = app(&file(""), "far").start().await.unwrap();
    let listener = far
        .service::<byname_components::http::Server>("servers.far.listeners.one")
        .await;
    let address = listener.unwrap().address().unwrap().tcp().unwrap();
    let near = app(&file(&format!("url: 'http://{address}'")), "near");
    [far, near.start().await.unwrap()]
}

async fn client(running: &Running) -> Arc<RouterClient> {
    let calling = running.service::<Calling>("calling").await.unwrap();
    Arc::clone(&calling.0)
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn text(client: &RouterClient, request: Request<Body>) -> (StatusCode, String) {
    let answer = client.send(request).await.unwrap();
    let status = answer.status();
    let content = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(content.to_vec()).unwrap())
}

async fn stop(running: [Running; 2]) {
    for one in running {
        one.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_answers_the_same_here_and_there() {
    let running = both().await;
    for (at, one) in running.iter().enumerate() {
        let client = client(one).await;
        assert_eq!(client.is_local(), at == 0);
        for (path, status, said) in [
            ("/", 200, "root"),
            ("/?q", 200, "root"),
            ("/items/a%2Fb?q", 200, "a/b of far"),
            ("/items", 404, "no-route"),
            ("/moved", 409, "it is so"),
            ("/refusal", 404, "no-route"),
            ("/forever", 404, "no-route"),
            // Its prefix, and what else the listener has, are not its own.
            ("/site/v1/items/a", 404, "no-route"),
            ("/openapi.json", 404, "no-route"),
        ] {
            let (answered, text) = text(&client, get(path)).await;
            assert_eq!(answered, status, "{path}: {text}");
            assert!(text.contains(said), "{path}: {text}");
        }
        let answer = client.send(get("/items/a")).await.unwrap();
        assert_eq!(answer.headers()["mark"], "1", "the router's own middleware");
        let head = Request::head("/items/a").body(Body::empty()).unwrap();
        assert_eq!(text(&client, head).await, (StatusCode::OK, String::new()));
        for wrong in ["/../x", "http://h/items/a"] {
            let error = client.send(get(wrong)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }
    stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_go_both_ways_as_they_come() {
    let running = both().await;
    for one in &running {
        let client = client(one).await;
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, BoxError>>(1);
        let stream = futures_util::stream::unfold(receiver, async |mut receiver| {
            Some((receiver.recv().await?, receiver))
        });
        let request = Request::post("/echo")
            .body(Body::from_stream(stream))
            .unwrap();
        sender.send(Ok("one".into())).await.unwrap();
        let mut answer = client.send(request).await.unwrap().into_body();
        for next in ["two", "three"] {
            let frame = answer.frame().await.unwrap().unwrap();
            assert!(!frame.into_data().unwrap().is_empty());
            sender.send(Ok(next.into())).await.unwrap();
        }
        drop(sender);
        assert_eq!(answer.collect().await.unwrap().to_bytes(), "three");
    }
    stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadline_identity_and_trace_go_along() {
    let running = both().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for one in &running {
        let client = client(one).await;
        let mut parts = get("/").into_parts().0;
        parts
            .headers
            .insert("x-request-id", "mine".parse().unwrap());
        parts.headers.insert("traceparent", trace.parse().unwrap());
        let soon = tokio::time::Instant::now() + Duration::from_secs(60);
        parts.extensions.insert(Deadline(soon));
        let told = CallContext::of(&parts)
            .scope(text(&client, get("/context")))
            .await;
        assert_eq!(told.1, format!(r#"Some("mine") true Some("{trace}")"#));
        // Nobody waits any more.
        let over = CallContext::default().with_deadline(tokio::time::Instant::now());
        let error = over.scope(client.send(get("/"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
    stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_is_found_by_name_and_at_a_server_while_it_runs() {
    let [far, near] = both().await;
    let used = client(&near).await;
    for found in [
        near.service::<RouterClient>("router:items").await.unwrap(),
        near.service_at::<RouterClient>("router:items", "far")
            .await
            .unwrap(),
    ] {
        assert!(Arc::ptr_eq(&found, &used));
    }
    let site = near.service::<RouterClient>("router:site").await.unwrap();
    assert_eq!(text(&site, get("/v1/items/a")).await.1, "a of far");
    assert!(
        far.service::<RouterClient>("router:site@far")
            .await
            .unwrap()
            .is_local()
    );
    far.stop().await.unwrap();
    let error = used.send(get("/items/a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.message(), "router `items` cannot be reached");
    near.stop().await.unwrap();
}

/// What a router needs may call that router, if it asks later.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_call_the_router_that_needs_it() {
    let file = "
services: { around: {} }
servers: { main: { listeners: { one: { address: 127.0.0.1:0, routers: [around] } } } }
";
    let running = app(file, "main").start().await.unwrap();
    let around = running.service::<Around>("around").await.unwrap();
    let client = around.0.get().await.unwrap();
    assert_eq!(text(&client, get("/around")).await.1, "around");
    running.stop().await.unwrap();
}

#[track_caller]
fn tells(file: &str, server: &str, words: &[&str]) {
    let told = app(file, server).check();
    assert_eq!(told.errors(), 1, "{told}");
    let told = told.to_string();
    for word in words {
        assert!(told.contains(word), "`{word}` is not in:\n{told}");
    }
}

#[test]
fn a_router_that_cannot_be_called_is_told_to_who_needs_it() {
    let directed = |to: &str| {
        let needs = format!("calling: {{ needs: {{ 'router:items': '{to}' }} }}");
        file("url: 'http://a'").replace("calling: {}", &needs)
    };
    for (file, words) in [
        (
            file(""),
            &[
                "nothing says where",
                "`router:items`",
                "give the server a `url`",
            ][..],
        ),
        (
            directed("router:unserved"),
            &["no server has router `unserved`"],
        ),
        (
            directed("router:itmes"),
            &["`router:itmes`, which nothing provides", "`router:items`"],
        ),
        (
            directed("router:items@fra"),
            &["did you mean `router:items@far`"],
        ),
        (
            directed("router:items@near"),
            &["not at a server `near`", "`far`"],
        ),
        (
            file("url: 'http://a'").replace(
                "      - router: items\n",
                "      - { router: items, prefix: /v2 }\n      - router: items\n",
            ),
            &[
                "under `/site/v1` and `/site/v2`",
                "the application:10:",
                "the application:11:",
            ],
        ),
    ] {
        tells(&file, "near", words);
    }
}

#[test]
fn of_several_servers_that_have_a_router_one_must_be_meant() {
    let several = |client: &str| {
        let second = "near: { services: [calling] }
  also: { url: 'http://b', services: [], listeners: { one: { address: 127.0.0.1:0, routers: [site] } } }";
        let file = file("url: 'http://a'").replace("near: { services: [calling] }", second);
        format!("{file}{client}")
    };
    tells(
        &several(""),
        "near",
        &[
            "router `items` is published by 2 servers, `default.also` and `default.far`",
            "has router `items` here",
        ],
    );
    // Its own counts, a rule does, and who names a server needs none.
    let directed = "calling: { needs: { 'router:items': 'router:items@also' } }";
    for (file, server) in [
        (several(""), "far"),
        (
            several("clients: { 'router:items': { server: far } }"),
            "near",
        ),
        (several("").replace("calling: {}", directed), "near"),
        // Who does not need it is not told.
        (several(""), "also"),
    ] {
        let told = app(&file, server).check();
        assert_eq!(told.errors(), 0, "{told}");
    }
}
