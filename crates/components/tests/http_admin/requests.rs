//! What `/metrics` tells of requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use byname_components::http::Server;
use byname_components::http::routes::Routes;
use byname_components::{App, Registrar, Running};
use byname_testkit::http::{ask, get};
use byname_testkit::openmetrics::{Family, read};

fn module(registrar: &mut Registrar<'_>) {
    let items = axum::http::Method::GET;
    let posted = axum::http::Method::POST;
    let waits = || std::future::pending::<()>();
    let routes = Routes::<()>::new()
        .raw(items.clone(), "/items/{id}", || async { "one" })
        .raw(posted, "/items/{id}", || async { "added" })
        .raw(items.clone(), "/team", || async { "all" })
        .raw(items, "/waits", waits);
    registrar.router("shop", (), |()| (), routes);
}

const FILE: &str = "
middleware:
  limit: { type: rate-limit, settings: { requests: 2, per: 1h } }
  tokens: { type: bearer-auth, settings: { keys: { given: ['ann:hush-1'] } } }
routers:
  site:
    routes:
      - router: shop
        change:
          GET /items/{id}: { middleware: [limit] }
          GET /team: { middleware: [tokens] }
      - { prefix: /admin, admin: {} }
servers: { main: { listeners: { one: { address: '127.0.0.1:0', routers: [site], limits: { body: 8B } } } } }
";

const LISTENER: &str = "servers.main.listeners.one";

async fn start() -> (Running, SocketAddr) {
    let app = App::from_text(FILE).register(module);
    let running = app.start().await.unwrap();
    let server = running.service::<Server>(LISTENER).await.unwrap();
    let address = server.address().unwrap().tcp().unwrap();
    (running, address)
}

fn measured(address: SocketAddr) -> BTreeMap<String, Family> {
    let answer = get(address, "/admin/metrics");
    assert_eq!(answer.status, 200);
    read(answer.text()).unwrap()
}

/// How many requests were counted, by route, method and class.
fn counted(families: &BTreeMap<String, Family>) -> BTreeMap<String, u64> {
    let samples = families["byname_request_seconds"].samples.iter();
    let counts = samples.filter(|sample| sample.name.ends_with("_count"));
    let counts = counts.map(|sample| {
        let label = |name: &str| sample.labels[name].clone();
        assert_eq!(label("listener"), LISTENER);
        let key = format!("{} {} {}", label("method"), label("route"), label("class"));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are small and whole"
        )]
        (key, sample.value as u64)
    });
    counts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_measured_by_route_method_and_class_of_whatever_answered() {
    let (running, address) = start().await;
    for id in 0..3 {
        let refused = if id == 2 { 429 } else { 200 };
        assert_eq!(get(address, &format!("/items/{id}")).status, refused);
    }
    let send = |method, path, body: &[u8]| ask(address, method, path, &[], body).status;
    assert_eq!(send("POST", "/items/1", b""), 200);
    assert_eq!(send("POST", "/items/1", b"too much of it"), 413);
    assert_eq!(send("OPTIONS", "/items/1", b""), 204);
    assert_eq!(send("DELETE", "/items/1", b""), 405);
    assert_eq!(send("BREW", "/items/1", b""), 405);
    assert_eq!(send("GET", "/team", b""), 401);
    for path in ["/a", "/b", "/c"] {
        assert_eq!(get(address, path).status, 404);
    }
    assert_eq!(get(address, "/admin/livez").status, 200);
    let families = measured(address);
    let expected = [
        ("GET /items/{id} 2xx", 2),
        ("GET /items/{id} 4xx", 1),
        ("POST /items/{id} 2xx", 1),
        // Refused by its length, before it was looked where it leads.
        ("POST none 4xx", 1),
        ("OPTIONS /items/{id} 2xx", 1),
        ("DELETE /items/{id} 4xx", 1),
        ("other /items/{id} 4xx", 1),
        ("GET /team 4xx", 1),
        ("GET none 4xx", 3),
        ("GET /admin 2xx", 1),
    ];
    let expected = expected.map(|(key, count)| (key.to_owned(), count));
    assert_eq!(counted(&families), BTreeMap::from(expected));
    let family = &families["byname_request_seconds"];
    assert_eq!((&*family.kind, &*family.unit), ("histogram", "seconds"));
    let value = |family: &str, name: &str| families[family].value(&[("middleware", name)]);
    assert!((value("byname_rate_limit_refused", "limit") - 1.0).abs() < 0.1);
    assert!((value("byname_rate_limit_keys", "limit") - 1.0).abs() < 0.1);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_given_up_is_measured_too() {
    use std::io::Write as _;
    let (running, address) = start().await;
    let server = running.service::<Server>(LISTENER).await.unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /waits HTTP/1.1\r\nhost: test\r\n\r\n")
        .unwrap();
    let until = |done: fn(u64) -> bool| {
        let server = server.clone();
        let wait = async move {
            while !done(server.stats().unwrap().in_flight) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(byname_testkit::PATIENCE, wait)
    };
    until(|count| count == 1).await.unwrap();
    drop(stream);
    until(|count| count == 0).await.unwrap();
    let counted = counted(&measured(address));
    let expected = [("GET /waits unanswered".to_owned(), 1)];
    assert_eq!(counted, BTreeMap::from(expected));
    running.stop().await.unwrap();
}

/// Counters are atomics: none is lost, and there is one series however many come first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_are_all_counted() {
    let (running, address) = start().await;
    let asked = (0..8).map(|_| {
        tokio::task::spawn_blocking(move || {
            for _ in 0..20 {
                assert_eq!(ask(address, "POST", "/items/1", &[], b"").status, 200);
            }
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    let counted = counted(&measured(address));
    assert_eq!(
        counted,
        BTreeMap::from([("POST /items/{id} 2xx".to_owned(), 160)])
    );
    running.stop().await.unwrap();
}
