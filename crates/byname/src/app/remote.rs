//! What a running server says of its components.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::output::printable;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The bytes of an answer.
const LARGEST: usize = 16 << 20;

#[derive(Deserialize)]
struct List {
    data: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    state: String,
}

/// Asks the server at `url` where each of its services is in its life.
pub(super) fn states(url: &str) -> Result<BTreeMap<String, String>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot ask {url}: {error}")))?;
    let asked = runtime.block_on(async {
        let waited = tokio::time::timeout(PATIENCE, ask(url)).await;
        waited.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
    });
    // A name that is just being looked up is not waited for.
    runtime.shutdown_background();
    asked.map_err(|why| Failure::new(format!("cannot ask {url}: {why}")))
}

async fn ask(url: &str) -> Result<BTreeMap<String, String>, String> {
    let expected = "expected the address of a server, such as http://127.0.0.1:8080";
    let base: Uri = url.parse().map_err(|_| expected.to_owned())?;
    let (Some("http"), Some(host)) = (base.scheme_str(), base.authority()) else {
        return Err(expected.to_owned());
    };
    let path = format!("{}/api/v1/components", base.path().trim_end_matches('/'));
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((name, host.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| error.to_string())?;
    let broken = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // It ends with the answer; what goes wrong with it is said there.
    tokio::spawn(async move { connection.await.ok() });
    let request = Request::get(path)
        .header(header::HOST, host.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(broken)?;
    let status = response.status();
    let body = axum::body::to_bytes(Body::new(response.into_body()), LARGEST)
        .await
        .map_err(|error| error.to_string())?;
    if status != StatusCode::OK {
        return Err(format!(
            "it answers {status}; is it a server of this program?"
        ));
    }
    let list: List = serde_json::from_slice(&body)
        .map_err(|error| format!("it answers something else than a list of components: {error}"))?;
    let components = list.data.into_iter();
    Ok(components
        .map(|component| (component.name, printable(&component.state).into_owned()))
        .collect())
}
