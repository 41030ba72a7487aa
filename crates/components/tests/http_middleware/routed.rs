//! The route of whatever is told of a request of a listener.
//!
//! The route was in the answers of handlers only: what a middleware answered (401, 429, 504), a panic, a
//! method that a path does not have and a request that was given up were told without one, so that what
//! was looked at by route showed none of them.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};

use byname_components::http::Server;
use byname_components::http::routes::Routes;
use byname_components::{App, Registrar, Running};

use crate::rig::{Log, Logged};

const ACCESS: &str = "byname::access";
const SLOW: &str = "byname::slow";

fn module(registrar: &mut Registrar<'_>) {
    let answers = || async { "answered" };
    let panics = || async {
        assert_eq!(1, 2, "hush");
        "answered"
    };
    let waits = || std::future::pending::<()>();
    let get = axum::http::Method::GET;
    let routes = Routes::<()>::new()
        .raw(get.clone(), "/answers/{id}", answers)
        .raw(get.clone(), "/limited/{id}", answers)
        .raw(get.clone(), "/panics/{id}", panics)
        .raw(get, "/waits/{id}", waits);
    registrar.router("all", (), |()| (), routes);
}

const FILE: &str = "
middleware:
  log: { type: access-log }
  slow: { type: slow-log, settings: { threshold: 1h, routes: { '/api/waits/{id}': 0s } } }
  span: { type: trace }
  tokens: { type: bearer-auth, settings: { keys: { given: ['ann:hush-1'] } } }
  limit: { type: rate-limit, settings: { requests: 1, per: 1h } }
  brief: { type: timeout, settings: { within: 20ms } }
  caught: { type: recover }
";

struct Site {
    running: Running,
    address: SocketAddr,
    log: Log,
}

impl Site {
    /// With this middleware before everything, and this before the routes of the router.
    async fn of(around: &str, before: &str) -> Self {
        let text = format!(
            "{FILE}
routers:
  site:
    prefix: /api
    middleware: [{before}]
    routes:
      - router: all
        change: {{ 'GET /limited/{{id}}': {{ middleware: [limit] }} }}
      - {{ prefix: /files, files: {{ folder: . }} }}
servers:
  main: {{ middleware: [log, slow, span{around}], listeners: {{ one: {{ address: '127.0.0.1:0', routers: [site] }} }} }}
"
        );
        let log = Log::new();
        let running = App::from_text(&text)
            .register(module)
            .start()
            .await
            .unwrap();
        let server = running.service::<Server>("servers.main.listeners.one");
        let address = server.await.unwrap().address().unwrap().tcp().unwrap();
        Self {
            running,
            address,
            log,
        }
    }

    /// Asks, and returns the event of the request.
    async fn told(&self, method: &'static str, path: &'static str) -> Logged {
        let address = self.address;
        let asked = move || byname_testkit::http::ask(address, method, path, &[], b"");
        tokio::task::spawn_blocking(asked).await.unwrap();
        self.event(ACCESS).await
    }

    async fn event(&self, target: &str) -> Logged {
        let event = async {
            loop {
                if let Some(event) = self.log.take(target).pop() {
                    return event;
                }
                tokio::task::yield_now().await;
            }
        };
        let event = tokio::time::timeout(byname_testkit::PATIENCE, event);
        event.await.expect("it is told of the request")
    }

    /// Status and route, the same in the log and in the span.
    async fn route(&self, method: &'static str, path: &'static str) -> (String, String) {
        let event = self.told(method, path).await;
        let span = self.log.spans().pop().unwrap();
        assert_eq!(event.get("route"), span.get("route").map(String::as_str));
        let field = |name| event.get(name).unwrap_or_default().to_owned();
        (field("status"), field("route"))
    }
}

fn pair(status: &str, route: &str) -> (String, String) {
    (status.to_owned(), route.to_owned())
}

#[tokio::test]
async fn what_middleware_of_a_route_answers_is_told_with_the_route() {
    let site = Site::of("", "caught, brief").await;
    for (method, path, status, route) in [
        ("GET", "/api/answers/1", "200", "/api/answers/{id}"),
        ("DELETE", "/api/answers/1", "405", "/api/answers/{id}"),
        ("GET", "/api/panics/1", "500", "/api/panics/{id}"),
        ("GET", "/api/waits/1", "504", "/api/waits/{id}"),
        ("GET", "/api/limited/1", "200", "/api/limited/{id}"),
        ("GET", "/api/limited/1", "429", "/api/limited/{id}"),
        ("GET", "/api/files/no-such", "404", "/api/files"),
        ("GET", "/nowhere", "404", ""),
    ] {
        assert_eq!(site.route(method, path).await, pair(status, route));
    }
    // The bound of that route counts for the request that was too long for it.
    let slow = site.event(SLOW).await;
    assert_eq!(
        (slow.get("route"), slow.get("status")),
        (Some("/api/waits/{id}"), Some("504"))
    );
    site.running.stop().await.unwrap();
    let site = Site::of("", "tokens").await;
    assert_eq!(
        site.route("GET", "/api/answers/1").await,
        pair("401", "/api/answers/{id}")
    );
    site.running.stop().await.unwrap();
}

#[tokio::test]
async fn what_middleware_of_a_server_answers_is_told_with_the_route_that_the_path_leads_to() {
    let site = Site::of(", tokens", "").await;
    for (path, route) in [
        ("/api/answers/1", "/api/answers/{id}"),
        ("/api/files", "/api/files"),
        ("/api/files/", "/api/files"),
        ("/api/files/a/b", "/api/files"),
        ("/nowhere", ""),
    ] {
        assert_eq!(site.route("GET", path).await, pair("401", route), "{path}");
    }
    site.running.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_given_up_or_panics_is_told_with_the_route() {
    let site = Site::of("", "").await;
    assert_eq!(
        site.route("GET", "/api/panics/1").await,
        pair("", "/api/panics/{id}")
    );
    let mut stream = TcpStream::connect(site.address).unwrap();
    stream
        .write_all(b"GET /api/waits/1 HTTP/1.1\r\nhost: test\r\n\r\n")
        .unwrap();
    let begun = async {
        // The span of the request is the second.
        while site.log.spans().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    let begun = tokio::time::timeout(byname_testkit::PATIENCE, begun);
    begun.await.expect("it is worked at");
    drop(stream);
    let event = site.event(ACCESS).await;
    assert_eq!(
        (event.get("end"), event.get("route")),
        (Some("unanswered"), Some("/api/waits/{id}"))
    );
    let slow = site.event(SLOW).await;
    assert_eq!(slow.get("route"), Some("/api/waits/{id}"));
    assert_eq!(site.log.spans()[1]["route"], "/api/waits/{id}");
    site.running.stop().await.unwrap();
}
