//! What listeners and clients count is at `/metrics`, and told in the document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use byname::http::Server;
use byname::http::listen::Bound;
use byname::{App, BoxError, Check, Registrar, Running, ServiceError, need};
use byname_testkit::PATIENCE;
use byname_testkit::http::get;
use byname_testkit::openmetrics::{Family, read};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/servers.md");

#[byname::service]
trait Names {
    /// Finds a name.
    async fn get_name(&self, id: String) -> Result<String, ServiceError>;
}

struct Here;

#[byname::service]
impl Names for Here {
    async fn get_name(&self, id: String) -> Result<String, ServiceError> {
        Ok(id)
    }
}

/// Something that needs names.
struct Asking(Arc<dyn Names>);

fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Names>();
    registrar.factory("names", (), |(): ()| async {
        let names: Arc<dyn Names> = Arc::new(Here);
        Ok::<_, BoxError>(names)
    });
    registrar.factory("asking", (need("names"),), |(): (), names| async {
        Ok::<_, BoxError>(Arc::new(Asking(names)))
    });
}

const FILE: &str = "
middleware: { limit: { type: rate-limit } }
routers: { pages: { routes: [{ prefix: /admin, admin: {} }] } }
services: { names: {}, asking: {} }
clients: { names: { breaker: { open: 1h, open-max: 1h } } }
deployments:
  d:
    servers:
      far: { url: 'http://URL', publish: [names], listeners: { one: { address: 127.0.0.1:0 } } }
      near:
        middleware: [limit]
        services: [asking]
        listeners: { one: { address: 127.0.0.1:0, routers: [pages], limits: { body: 8B } } }
";

async fn start(server: &str, url: &str) -> (Running, SocketAddr) {
    let app = App::from_text(&FILE.replace("URL", url)).register(module);
    let running = app
        .server(&format!("d.{server}"))
        .start()
        .await
        .expect("it starts");
    let name = format!("deployments.d.servers.{server}.listeners.one");
    let listener = running.service::<Server>(&name).await.expect("a listener");
    let address = listener.address().and_then(Bound::tcp);
    (running, address.expect("a port"))
}

/// What is served; reading it is a request too.
fn measured(address: SocketAddr) -> BTreeMap<String, Family> {
    let answer = get(address, "/admin/metrics");
    assert_eq!(answer.status, 200);
    read(answer.text()).expect("OpenMetrics")
}

/// Says something that is no request of HTTP, and waits for the end.
fn say(address: SocketAddr, text: &str) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
    // It may be refused before all of it is taken.
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.read_to_end(&mut Vec::new());
}

#[track_caller]
fn is(families: &BTreeMap<String, Family>, family: &str, labels: &[(&str, &str)], expected: u32) {
    let found = families[family].value(labels);
    assert!(
        (found - f64::from(expected)).abs() < 0.1,
        "{family} {labels:?}: {found}, not {expected}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_tells_what_it_has_counted() {
    let (running, address) = start("near", "127.0.0.1:1").await;
    for _ in 0..3 {
        assert_eq!(get(address, "/nothing").status, 404);
    }
    for _ in 0..2 {
        assert_eq!(get(address, "/admin/livez").status, 200);
    }
    let body = byname_testkit::http::ask(address, "POST", "/nothing", &[], b"more than 8");
    assert_eq!(body.status, 413);
    say(address, "no request\r\n\r\n");
    say(
        address,
        &format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(80_000)),
    );
    let name = "deployments.d.servers.near.listeners.one";
    let listener = running.service::<Server>(name).await.expect("a listener");
    // Why a connection ended is counted after its peer hears of it.
    let refused = || {
        let stats = listener.stats().expect("it listens");
        stats.malformed + stats.heads_too_large
    };
    let patience = Instant::now() + PATIENCE;
    while refused() < 2 {
        assert!(Instant::now() < patience, "heads that are none are refused");
        std::thread::sleep(Duration::from_millis(1));
    }
    let families = measured(address);
    let of = |family: &str, label: &str, value: &str, expected| {
        let both = [("listener", name), (label, value)];
        let labels = if label.is_empty() { &both[..1] } else { &both };
        is(
            &families,
            &format!("byname_listener_{family}"),
            labels,
            expected,
        );
    };
    // The request for these is one of them; its answer has not begun.
    of("accepted", "", "", 9);
    of("requests", "", "", 7);
    of("requests_in_flight", "", "", 1);
    for (class, count) in [("1xx", 0), ("2xx", 2), ("3xx", 0), ("4xx", 4), ("5xx", 0)] {
        of("answers", "class", class, count);
    }
    let refused = [
        ("body", 1),
        ("fields", 0),
        ("head", 1),
        ("malformed", 1),
        ("requests", 0),
    ];
    for (reason, count) in refused {
        of("refused", "reason", reason, count);
    }
    for wait in ["header", "body", "idle", "write"] {
        of("timeouts", "of", wait, 0);
    }
    of("connections", "speaking", "upgraded", 0);
    for none in [
        "panics",
        "cut",
        "accept_errors",
        "handshake_errors",
        "waits",
        "peers_refused",
    ] {
        of(none, "", "", 0);
    }
    running.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_tells_what_it_has_counted() {
    let (far, url) = start("far", "-").await;
    let (near, address) = start("near", &url.to_string()).await;
    let asking = near.service::<Asking>("asking").await.expect("it is there");
    let name = || asking.0.get_name("a".to_owned());
    for _ in 0..3 {
        assert_eq!(name().await, Ok("a".to_owned()));
    }
    let families = measured(address);
    let of = |families: &_, family: &str, label: &str, value: &str, expected| {
        let both = [("service", "names"), (label, value)];
        let labels = if label.is_empty() { &both[..1] } else { &both };
        is(
            families,
            &format!("byname_client_{family}"),
            labels,
            expected,
        );
    };
    of(&families, "calls", "", "", 3);
    of(&families, "tries", "", "", 3);
    of(&families, "tries_in_flight", "", "", 0);
    for (outcome, count) in [("success", 3), ("failure", 0), ("abandoned", 0)] {
        of(&families, "tries_ended", "outcome", outcome, count);
    }
    for (state, count) in [("closed", 1), ("open", 0), ("half-open", 0)] {
        of(&families, "breakers", "state", state, count);
    }
    far.stop().await.expect("it stops");
    for _ in 0..30 {
        assert!(name().await.is_err());
    }
    let families = measured(address);
    of(&families, "calls", "", "", 33);
    of(&families, "tries_ended", "outcome", "success", 3);
    for (state, count) in [("closed", 0), ("open", 1), ("half-open", 0)] {
        of(&families, "breakers", "state", state, count);
    }
    let total = |family: &str, labels: &[(&str, &str)]| families[family].value(labels);
    let tries = total("byname_client_tries", &[]);
    let failures = total("byname_client_tries_ended", &[("outcome", "failure")]);
    let refused = total("byname_client_refused", &[("reason", "breaker")]);
    assert!((tries - failures - 3.0).abs() < 0.1, "{tries} {failures}");
    assert!(failures >= 1.0 && refused >= 1.0, "{failures} {refused}");
    near.stop().await.expect("it stops");
}

/// The table of all families.
fn table(families: &BTreeMap<String, Family>) -> String {
    let mut table = "| name | kind | labels | what |\n|---|---|---|---|\n".to_owned();
    for (name, family) in families {
        let keys = family.samples.iter().flat_map(|one| one.labels.keys());
        let keys: BTreeSet<_> = keys.filter(|key| *key != "le").collect();
        let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        let (kind, help) = (&family.kind, &family.help);
        assert!(!help.is_empty(), "{name} has no HELP");
        let _ = writeln!(
            table,
            "| `{name}` | {kind} | {} | {help} |",
            keys.join(", ")
        );
    }
    table
}

/// `UPDATE_EXPECT=1` writes the table again.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_document_tells_everything_that_is_measured() {
    let (running, address) = start("near", "127.0.0.1:1").await;
    let passes = || async { Ok::<_, String>(()) };
    let check = Check::new("asking", "ping", passes);
    running.checks().register(check).expect("it is new");
    let (begin, end) = ("<!-- measurements -->\n", "<!-- end -->\n");
    // What is measured of requests is there from the first on.
    measured(address);
    let table = table(&measured(address));
    running.stop().await.expect("it stops");
    let page = std::fs::read_to_string(PAGE).expect("the document");
    let (before, rest) = page.split_once(begin).expect("where it begins");
    let (_, after) = rest.split_once(end).expect("where it ends");
    let written = format!("{before}{begin}{table}{end}{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(PAGE, written).expect("it is written");
        return;
    }
    assert!(
        page == written,
        "run with UPDATE_EXPECT=1: the table should be\n{table}"
    );
}
