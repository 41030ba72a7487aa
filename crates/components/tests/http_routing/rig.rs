//! An application with routers of code, on a free port.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use byname_components::http::routes::Routes;
use byname_components::http::{Mounted, Server};
use byname_components::{App, BoxError, Instances, Problems, Registrar, Running, need};
use byname_testkit::http::{Answer, ask, get};

/// A service that a router needs.
pub(crate) struct Shop(pub(crate) &'static str);

/// A middleware's settings: what it leaves in the answer's header `trail`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Mark {
    pub(crate) text: String,
}

async fn list(State(shop): State<Arc<Shop>>) -> String {
    format!("all of {}", shop.0)
}

async fn one(State(shop): State<Arc<Shop>>, Path(id): Path<String>) -> String {
    format!("{id} of {}", shop.0)
}

async fn add(body: String) -> String {
    format!("added {body}")
}

pub(crate) fn module(registrar: &mut Registrar<'_>) {
    let routes = Routes::new()
        .raw(axum::http::Method::GET, "/items", list)
        .raw(axum::http::Method::POST, "/items", add)
        .raw(axum::http::Method::GET, "/items/{id}", one);
    registrar.router("shop", (need::<Shop>("shop"),), |(shop,)| shop, routes);
    let routes =
        Routes::<()>::new().raw(axum::http::Method::GET, "/x-{tag}", || async { "tagged" });
    registrar.router("tagged", (), |()| (), routes);
    let inner = axum::Router::new().route("/deep", axum::routing::get(|| async { "deep" }));
    let routes = Routes::<()>::new().mount("/inner", inner);
    registrar.router("opaque", (), |()| (), routes);
    registrar.route_kind("echo", (), |settings: Mark| async move {
        let service = tower::service_fn(move |request: axum::extract::Request| {
            let answer = format!("{} {}", settings.text, request.uri().path());
            std::future::ready(Ok::<_, std::convert::Infallible>(answer))
        });
        Ok::<_, BoxError>(Arc::new(Mounted::new(service)))
    });
    registrar.middleware("mark", Instances::Shared, |mark: Mark| async move {
        let text = axum::http::HeaderValue::from_str(&mark.text)?;
        let layer =
            axum::middleware::map_response(move |mut response: axum::response::Response| {
                response.headers_mut().append("trail", text.clone());
                std::future::ready(response)
            });
        Ok::<_, BoxError>(Arc::new(byname_components::http::Middleware::new(layer)))
    });
}

pub(crate) fn app(file: &str) -> App {
    App::from_text(file)
        .service("shop", Arc::new(Shop("toys")))
        .register(module)
}

/// A running application, and the address of its first listener.
pub(crate) struct Site {
    pub(crate) app: Running,
    pub(crate) address: SocketAddr,
}

impl Site {
    pub(crate) async fn of(file: &str) -> Self {
        Self::run(app(file)).await
    }

    pub(crate) async fn run(app: App) -> Self {
        let app = app.start().await.unwrap();
        let server = app
            .service::<Server>("servers.main.listeners.one")
            .await
            .unwrap();
        let address = server.address().unwrap().tcp().unwrap();
        Self { app, address }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        get(self.address, path)
    }

    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        ask(self.address, method, path, headers, body.as_bytes())
    }
}

/// The one error of a file, as it is told, with the warnings.
#[track_caller]
pub(crate) fn only_error(problems: &Problems) -> String {
    assert_eq!(problems.errors(), 1, "{problems}");
    problems.to_string()
}
