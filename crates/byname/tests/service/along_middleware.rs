//! The identity of a request goes along where the middleware `request-id` stands at both ends.

use std::net::SocketAddr;
use std::sync::Arc;

use byname::service::CallContext;
use byname::{App, BoxError, Registrar, Running, ServiceError, need};
use byname_testkit::http::{Answer, ask};

/// Says which request a server takes a call for.
#[byname::service]
trait Seen {
    #[get("/seen")]
    async fn seen(&self) -> Result<Option<String>, ServiceError>;
}

/// Asks another, for a request of its own.
#[byname::service]
trait Asked {
    #[get("/asked")]
    async fn asked(&self) -> Result<Option<String>, ServiceError>;
}

struct Sees;

#[byname::service]
impl Seen for Sees {
    async fn seen(&self) -> Result<Option<String>, ServiceError> {
        let context = CallContext::current();
        let text = |id: &axum::http::HeaderValue| id.to_str().ok().map(str::to_owned);
        Ok(context.request_id().and_then(text))
    }
}

struct Asks(Arc<dyn Seen>);

#[byname::service]
impl Asked for Asks {
    async fn asked(&self) -> Result<Option<String>, ServiceError> {
        self.0.seen().await
    }
}

fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Seen>();
    registrar.interface::<dyn Asked>();
    registrar.factory("seen", (), |(): ()| async {
        let seen: Arc<dyn Seen> = Arc::new(Sees);
        Ok::<_, BoxError>(seen)
    });
    registrar.factory("asked", (need("seen"),), |(): (), seen| async {
        let asked: Arc<dyn Asked> = Arc::new(Asks(seen));
        Ok::<_, BoxError>(asked)
    });
}

/// Starts a server, and returns where it answers.
async fn started(file: &str, server: &str) -> (Running, SocketAddr) {
    let app = App::from_text(file).register(module).server(server);
    let running = app.start().await.expect("a server");
    let name = format!("servers.{server}.listeners.one");
    let listener = running.service::<byname::http::Server>(&name).await;
    let listener = listener.expect("a listener");
    let address = listener
        .address()
        .and_then(byname::http::listen::Bound::tcp);
    let address = address.expect("an address");
    (running, address)
}

/// Asks the first of two servers, which asks the second; returns the identity that the first answers with,
/// and the one that the second has seen.
async fn identities(at_first: &str, at_second: &str, sent: &[(&str, &str)]) -> (String, String) {
    let file = format!(
        "
services: {{ seen: {{}}, asked: {{}} }}
middleware:
  first: {{ type: request-id, settings: {{ {at_first} }} }}
  second: {{ type: request-id, settings: {{ {at_second} }} }}
servers:
  back: {{ url: 'http://URL', publish: [seen], middleware: [second], listeners: {{ one: {{ address: 127.0.0.1:0 }} }} }}
  front: {{ publish: [asked], middleware: [first], listeners: {{ one: {{ address: 127.0.0.1:0 }} }} }}
"
    );
    let (back, address) = started(&file, "back").await;
    let (front, address) = started(&file.replace("URL", &address.to_string()), "front").await;
    let answer = ask(address, "GET", "/asked", sent, b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let name = if at_first.contains("x-correlation-id") {
        "x-correlation-id"
    } else {
        "x-request-id"
    };
    let given = answer.header(name).expect("an identity").to_owned();
    let seen = seen(&answer);
    front.stop().await.expect("stopped");
    back.stop().await.expect("stopped");
    (given, seen)
}

fn seen(answer: &Answer) -> String {
    serde_json::from_str::<Option<String>>(answer.text())
        .expect("JSON")
        .expect("an identity")
}

const PEERS: &str = "trust: proxies, proxies: { trusted: [127.0.0.1] }";

/// Each server gave a request an identity of its own, whatever the server that called it had sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_identity_goes_along_where_both_ends_have_the_middleware() {
    let (given, seen) = identities("", PEERS, &[]).await;
    assert_eq!(given, seen);
    // That of a stranger is not taken by the first, and so by nobody.
    let sent = [("x-request-id", "mine")];
    let (given, seen) = identities("", PEERS, &sent).await;
    assert_eq!(given, seen);
    assert_ne!(given, "mine");
    // Who takes nobody's makes one of its own.
    let (given, seen) = identities("", "", &[]).await;
    assert_ne!(given, seen);
}

/// With a header of one's own the two did not even speak of the same one.
#[tokio::test(flavor = "multi_thread")]
async fn an_identity_goes_along_in_the_header_that_the_middleware_has() {
    let header = "header: x-correlation-id";
    let peers = format!("{header}, {PEERS}");
    let (given, seen) = identities(header, &peers, &[]).await;
    assert_eq!(given, seen);
    // Whoever is called may go by the usual header all the same.
    let (given, seen) = identities(header, PEERS, &[]).await;
    assert_eq!(given, seen);
}
