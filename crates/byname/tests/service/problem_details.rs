//! Whatever a server refuses, it says in problem details: by these a client knows the service's own word.

use byname::{App, BoxError, ErrorKind, Registrar, ServiceError};
use byname_testkit::http::ask;
use std::sync::Arc;

#[byname::service]
trait Fails {
    #[get("/fails/{id}")]
    async fn get_one(&self, id: u64) -> Result<u64, ServiceError>;
    #[post("/fails")]
    async fn post_one(&self, count: u8) -> Result<u8, ServiceError>;
    #[get("/panics")]
    async fn panic(&self) -> Result<(), ServiceError>;
    #[get("/hangs")]
    async fn hang(&self) -> Result<(), ServiceError>;
    #[get("/limited")]
    async fn limited(&self) -> Result<(), ServiceError>;
    #[get("/guarded")]
    async fn guarded(&self) -> Result<(), ServiceError>;
}

struct It;

#[byname::service]
impl Fails for It {
    async fn get_one(&self, id: u64) -> Result<u64, ServiceError> {
        let kind = ErrorKind::from_status(u16::try_from(id).unwrap_or(500));
        Err(ServiceError::new(kind, "as it was asked for"))
    }

    async fn post_one(&self, count: u8) -> Result<u8, ServiceError> {
        Ok(count)
    }

    async fn panic(&self) -> Result<(), ServiceError> {
        panic!("on purpose")
    }

    async fn hang(&self) -> Result<(), ServiceError> {
        std::future::pending().await
    }

    async fn limited(&self) -> Result<(), ServiceError> {
        Ok(())
    }

    async fn guarded(&self) -> Result<(), ServiceError> {
        Ok(())
    }
}

fn file(middleware: &str) -> String {
    format!(
        "
middleware:
  recover: {{ }}
  soon: {{ type: timeout, settings: {{ within: 1ms }} }}
  once: {{ type: rate-limit, settings: {{ requests: 1, per: 1h }} }}
  keys: {{ type: bearer-auth, settings: {{ keys: {{ given: ['it:0123456789abcdef0123456789abcdef'] }} }} }}
services:
  fails:
    publish:
      max-request: 64B
      methods: {{ hang: {{ middleware: [soon] }}, limited: {{ middleware: [once] }}, guarded: {{ middleware: [keys] }} }}
servers:
  main: {{ publish: [fails], {middleware} listeners: {{ one: {{ address: 127.0.0.1:0, limits: {{ body: 1KiB }} }} }} }}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_server_is_problem_details_with_its_status() {
    let module = |registrar: &mut Registrar<'_>| {
        registrar.interface::<dyn Fails>();
        registrar.factory("fails", (), |(): ()| async {
            let it: Arc<dyn Fails> = Arc::new(It);
            Ok::<_, BoxError>(it)
        });
    };
    for middleware in ["", "middleware: [recover],"] {
        let app = App::from_text(&file(middleware)).register(module);
        let app = app.server("main").start().await.expect("a server");
        let listener = app.service::<byname::http::Server>("servers.main.listeners.one");
        let listener = listener.await.expect("a listener");
        let address = listener
            .address()
            .and_then(byname::http::listen::Bound::tcp);
        let address = address.expect("an address");
        let check = |method: &str, path: &str, kind: &str, content: &[u8], status: u16| {
            let headers = [("content-type", kind)];
            let answer = ask(address, method, path, &headers, content);
            let told = answer.text();
            let of = format!("{method} {path}: {told}");
            assert_eq!(answer.status, status, "{of}");
            let kind = answer.header("content-type");
            assert_eq!(kind, Some("application/problem+json"), "{of}");
            let told: serde_json::Value = serde_json::from_str(told).expect("JSON");
            assert_eq!(told["status"], status, "{of}");
        };
        for kind in ErrorKind::ALL {
            let status = kind.status();
            check("GET", &format!("/fails/{status}"), "", b"", status);
        }
        let json = "application/json";
        check("GET", "/nothing", "", b"", 404);
        check("DELETE", "/panics", "", b"", 405);
        check("GET", "/fails/%FF", "", b"", 400);
        check("GET", "/fails/word", "", b"", 422);
        check("POST", "/fails", json, b"{", 400);
        check("POST", "/fails", json, br#"{"count":256}"#, 422);
        check("POST", "/fails", "text/plain", br#"{"count":1}"#, 415);
        check("POST", "/fails", json, &[b' '; 65], 413);
        check("POST", "/fails", json, &[b' '; 1025], 413);
        check("GET", "/panics", "", b"", 500);
        check("GET", "/hangs", "", b"", 504);
        check("GET", "/guarded", "", b"", 401);
        assert_eq!(ask(address, "GET", "/limited", &[], b"").status, 204);
        check("GET", "/limited", "", b"", 429);
        app.stop().await.expect("stopped");
    }
}
