//! A listener gets the time that it promises to requests in flight, whatever other services get.

use std::sync::Arc;
use std::time::Duration;

use byname_components::http::Server;
use byname_components::http::routes::Routes;
use byname_components::{App, Registrar};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

const FILE: &str = "
life: { within: { drain: 1s } }
servers:
  main:
    listeners:
      one: { address: 127.0.0.1:0, routers: [slow], timeouts: { drain: 1m } }
";

#[tokio::test]
async fn a_request_in_flight_outlives_the_deadline_of_other_services() {
    let begun = Arc::new(Notify::new());
    let told = Arc::clone(&begun);
    let app = App::from_text(FILE).register(move |registrar: &mut Registrar<'_>| {
        let slow = move || {
            let told = Arc::clone(&told);
            async move {
                told.notify_one();
                tokio::time::sleep(Duration::from_secs(5)).await;
                "done"
            }
        };
        let routes = Routes::<()>::new().raw(axum::http::Method::GET, "/slow", slow);
        registrar.router("slow", (), |()| (), routes);
    });
    let app = app.start().await.unwrap();
    let server = app
        .service::<Server>("servers.main.listeners.one")
        .await
        .unwrap();
    let address = server.address().unwrap().tcp().unwrap();
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(b"GET /slow HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .unwrap();
    begun.notified().await;
    // From here on the nearest deadline comes as soon as nobody has anything else to do.
    tokio::time::pause();
    let mut answer = String::new();
    let (stopped, read) = tokio::join!(app.stop(), peer.read_to_string(&mut answer));
    read.unwrap();
    stopped.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("done"),
        "{answer}"
    );
}
