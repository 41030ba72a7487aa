//! Whoever gives too little time for an answer is at fault for that, and nobody else.

use std::sync::Arc;

use byname::{App, BoxError, Registrar, ServiceError};
use byname_testkit::http::ask;

#[byname::service]
trait Waits {
    /// Answers when nobody waits any more.
    #[get("/until-late")]
    async fn until_late(&self) -> Result<(), ServiceError>;
}

struct It;

#[byname::service]
impl Waits for It {
    async fn until_late(&self) -> Result<(), ServiceError> {
        let context = byname::service::CallContext::current();
        let Some(deadline) = context.deadline() else {
            return Ok(());
        };
        tokio::time::sleep_until(deadline).await;
        // As a client of another service tells it.
        Err(ServiceError::new(
            byname::ErrorKind::Timeout,
            "it took too long",
        ))
    }
}

/// Anybody made a server that is well answer 504 and write errors to its log: by `byname-timeout-ms: 0`.
#[tokio::test(flavor = "multi_thread")]
async fn too_little_time_is_the_fault_of_whoever_gave_it() {
    let module = |registrar: &mut Registrar<'_>| {
        registrar.interface::<dyn Waits>();
        registrar.factory("waits", (), |(): ()| async {
            let it: Arc<dyn Waits> = Arc::new(It);
            Ok::<_, BoxError>(it)
        });
    };
    let file = "
middleware:
  own-time: { type: headers, settings: { request: { remove: [byname-timeout-ms] } } }
  soon: { type: timeout, settings: { within: 1ms } }
services: { waits: {} }
servers:
  main:
    publish: [waits]
    listeners:
      one: { address: 127.0.0.1:0 }
      strangers: { address: 127.0.0.1:0, middleware: [own-time] }
      soon: { address: 127.0.0.1:0, middleware: [soon] }
";
    let app = App::from_text(file).register(module);
    let app = app.server("main").start().await.expect("a server");
    for (listener, sent, status, code) in [
        ("one", "0", 408, Some("byname.too-late")),
        ("one", "1", 408, Some("byname.too-late")),
        // What a listener takes away counts for nothing.
        ("strangers", "0", 204, None),
        ("strangers", "1", 204, None),
        // The time that the server sets is its own.
        ("soon", "60000", 504, None),
    ] {
        let name = format!("servers.main.listeners.{listener}");
        let server = app.service::<byname::http::Server>(&name).await;
        let server = server.expect("a listener");
        let bound = server.address().expect("an address");
        let address = bound.tcp().expect("of TCP");
        let sent = [("byname-timeout-ms", sent)];
        let answer = ask(address, "GET", "/until-late", &sent, b"");
        assert_eq!(answer.status, status, "{listener} {sent:?}");
        let told = serde_json::from_str(answer.text()).unwrap_or(serde_json::Value::Null);
        assert_eq!(told["code"].as_str(), code, "{listener} {sent:?}");
    }
    app.stop().await.expect("stopped");
}
