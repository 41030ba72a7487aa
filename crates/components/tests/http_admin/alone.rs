//! The kinds of routes `health` and `metrics`, which need no pages beside them.

use std::net::SocketAddr;
use std::sync::Arc;

use byname_components::http::Server;
use byname_components::{App, Check, Running};
use byname_testkit::http::{ask, get};
use byname_testkit::openmetrics::read;

const FILE: &str = "
routers:
  watched:
    routes:
      - { prefix: /health, health: {} }
      - { prefix: /metrics, metrics: { hosts: [shop.internal] } }
      - { prefix: /admin, admin: {} }
servers: { main: { listeners: { one: { address: '127.0.0.1:0', routers: [watched] } } } }
";

async fn start() -> (Running, SocketAddr) {
    let running = App::from_text(FILE).start().await.unwrap();
    let server = running.service::<Server>("servers.main.listeners.one");
    let address = server.await.unwrap().address().unwrap().tcp().unwrap();
    (running, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_answered_as_the_pages_answer_them_and_nothing_else_is() {
    let (running, address) = start().await;
    for probe in ["livez", "readyz"] {
        let answer = get(address, &format!("/health/{probe}"));
        assert_eq!(answer.status, 200, "{probe}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let page = get(address, &format!("/admin/{probe}"));
        assert_eq!(answer.text(), page.text());
    }
    let fails = Arc::new(|| async { Err::<(), _>("hush") });
    let check = Check::new("db", "ping", move || fails());
    running.checks().register(check).unwrap();
    let ready = get(address, "/health/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("db/ping") && !ready.text().contains("hush"));
    assert_eq!(get(address, "/health/livez").status, 200);
    for path in [
        "/health",
        "/health/config",
        "/health/metrics",
        "/metrics/config",
    ] {
        let answer = get(address, path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    let refused = ask(address, "POST", "/health/livez", &[], b"");
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD, OPTIONS"))
    );
    assert_eq!(get(address, "/health/livez?verbose=1").status, 422);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn measurements_are_served_alone_to_hosts_that_are_named() {
    let (running, address) = start().await;
    assert_eq!(get(address, "/health/livez").status, 200);
    let answer = get(address, "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let families = read(answer.text()).unwrap();
    let counted = families["byname_request_seconds"].samples.iter();
    let routes = counted.map(|sample| &*sample.labels["route"]);
    assert!(routes.eq(std::iter::repeat_n("/health", 15)));
    assert!(families.contains_key("byname_registry_entries"));
    assert!(!families.keys().any(|name| name.starts_with("byname_admin")));
    let of = |host: &str| {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer["HTTP/1.1 ".len()..][..3].to_owned()
    };
    assert_eq!(
        (&*of("shop.internal"), &*of("rebound.example")),
        ("200", "403")
    );
    running.stop().await.unwrap();
}

#[test]
fn hosts_that_are_none_are_told_by_the_check() {
    let file = FILE.replace("shop.internal", "'http://shop'");
    let problems = App::from_text(&file).check();
    assert_eq!(problems.errors(), 1, "{problems}");
    assert!(
        problems.to_string().contains("the name of a host"),
        "{problems}"
    );
    let file = FILE.replace("health: {}", "health: { deep: true }");
    let problems = App::from_text(&file).check();
    assert!(problems.to_string().contains("`deep`"), "{problems}");
}
