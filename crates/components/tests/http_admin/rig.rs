//! An application with admin pages, and requests for them.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response};
use byname_components::config::Secret;
use byname_components::http::admin::metrics::{Kind, Measure};
use byname_components::http::admin::{Admin, Listed, Settings};
use byname_components::{
    App, BoxError, Client, Context, Instances, Registrar, Running, context, need, value,
};
use byname_registry::Registry;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// What may be seen nowhere.
pub(crate) const SECRET: &str = "hunter2";

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Guarded {
    #[allow(dead_code, reason = "read, and shown nowhere")]
    password: Secret<String>,
    #[allow(dead_code, reason = "read, and shown")]
    host: String,
}

/// A service that is only there.
pub(crate) struct Thing;

/// Registries and measurements that only this application has.
#[derive(Clone, Default)]
pub(crate) struct More {
    pub(crate) machines: Registry<u32>,
}

fn module(more: More) -> impl FnOnce(&mut Registrar<'_>) {
    move |registrar: &mut Registrar<'_>| {
        registrar.factory("db", (), |_: Guarded| async {
            Ok::<_, BoxError>(Arc::new(Thing))
        });
        registrar.factory(
            "orders",
            (need("db"), value("db.password")),
            |(): (), _: Arc<Thing>, _: Secret<String>| async { Ok::<_, BoxError>(Arc::new(Thing)) },
        );
        registrar.factory(
            "admin",
            (context(),),
            move |settings: Settings, context: Context| {
                let machines = Listed::new("machines", "machine", &more.machines, |name, load| {
                    serde_json::Map::from_iter([
                        ("value".to_owned(), (*load).into()),
                        ("called".to_owned(), name.into()),
                    ])
                });
                let measure: Measure = Box::new(|exposition| {
                    exposition
                        .family("shop_orders", Kind::Counter, "", "Orders.")
                        .whole(&[("kind", "a \"b\"\\\n")], 3);
                });
                async move {
                    let admin = Admin::with(settings, context, vec![machines], vec![measure])?;
                    Ok::<_, BoxError>(Arc::new(admin))
                }
            },
        );
        registrar.middleware("guard", Instances::Shared, |_: Guarded| async {
            Ok::<_, BoxError>(Arc::new(Thing))
        });
    }
}

/// The application, with settings of its admin pages as they are written.
pub(crate) async fn start_with(settings: &str, more: More) -> (Running, Router) {
    let text = format!(
        r#"
name: shop
values:
  limit: 7
  exact: "7"
  half: 0.5
  on: true
  name: a b
  list: [1, two]
  db: {{ password: {SECRET}, host: db.internal }}
services:
  db: {{ settings: {{ password: {SECRET}, host: a.internal }} }}
  orders: {{}}
  later: {{ type: db, lazy: true, settings: {{ password: {SECRET}, host: b.internal }} }}
  pages: {{ type: admin, settings: {settings} }}
middleware:
  guard: {{ settings: {{ password: {SECRET}, host: c.internal }} }}
  inner: {{ type: guard, settings: {{ password: {SECRET}, host: d.internal }} }}
"#
    );
    let app = App::from_text(&text).register(module(more));
    let running = app.start().await.unwrap();
    let clients = &running.registries().clients;
    let client = |service: &str, user: &str| Client {
        trust: None,
        settings: Arc::default(),
        service: service.into(),
        server: "bills".into(),
        url: format!("http://{user}10.0.0.9:8080/x").into(),
    };
    clients.define(client("billing", "")).unwrap();
    clients.rebuild(None).unwrap();
    // The next rebuild would refuse it; until then it is there.
    let user = format!("robot:{SECRET}@");
    clients.define(client("paying", &user)).unwrap();
    // What the start changed is noted before a test changes more.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let admin = running.service::<Admin>("pages").await.unwrap();
    let router = admin.router();
    (running, router)
}

pub(crate) async fn start() -> (Running, Router) {
    start_with("{}", More::default()).await
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) async fn respond(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn ask(
    router: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = respond(router, request.body(Body::empty()).unwrap()).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

pub(crate) async fn get(router: &Router, path: &str) -> Answer {
    ask(router, "GET", path, &[]).await
}

/// Server-sent events, one after another.
pub(crate) struct Events {
    body: Body,
    text: String,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) data: serde_json::Value,
}

impl Event {
    /// Registry, name and kind of a change.
    pub(crate) fn change(&self) -> (&str, &str, &str) {
        assert_eq!(self.kind, "change");
        let text = |key| self.data[key].as_str().unwrap_or_default();
        (text("registry"), text("name"), text("kind"))
    }
}

impl Events {
    pub(crate) async fn of(router: &Router, last: Option<&str>) -> Self {
        let mut request = Request::get("/changes");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = respond(router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    /// The next block of lines; nothing at the end.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let frame = tokio::time::timeout(byname_testkit::PATIENCE, self.body.frame());
            let frame = frame.await.expect("an event in time")?;
            let data = frame.unwrap().into_data().unwrap();
            self.text.push_str(str::from_utf8(&data).unwrap());
        }
    }

    /// The next event; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            let Some(event) = field("event") else {
                continue;
            };
            return Some(Event {
                kind: event.to_owned(),
                id: field("id").unwrap().to_owned(),
                data: serde_json::from_str(field("data").unwrap()).unwrap(),
            });
        }
    }

    /// The next change of this registry.
    pub(crate) async fn next_of(&mut self, registry: &str) -> Event {
        loop {
            let event = self.next().await.expect("a further event");
            if event.kind != "change" || event.data["registry"] == registry {
                return event;
            }
        }
    }
}
