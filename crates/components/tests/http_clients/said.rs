//! A peer that answers as it is asked to, and a client of it that a file tells how to call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Request;
use byname_components::http::RouterClient;
use byname_components::http::routes::Routes;
use byname_components::{App, ErrorKind, Registrar, Running};
use byname_testkit::PATIENCE;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};

/// Answers by the path that it is asked for, and tells of every request.
pub(crate) struct Peer {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) ended: Arc<AtomicUsize>,
    /// What is asked for under `/held` is answered with one of these.
    pub(crate) permits: Arc<Semaphore>,
    heads: mpsc::UnboundedReceiver<String>,
    serving: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Peer {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let [connections, ended] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let permits = Arc::new(Semaphore::new(0));
        let (tell, heads) = mpsc::unbounded_channel();
        let counted = (Arc::clone(&connections), Arc::clone(&ended));
        let held = Arc::clone(&permits);
        let serving = tokio::spawn(async move {
            let mut served = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.0.fetch_add(1, Ordering::SeqCst);
                let serving = serve(stream, tell.clone(), Arc::clone(&held));
                let ended = Arc::clone(&counted.1);
                served.spawn(async move {
                    serving.await;
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            connections,
            ended,
            permits,
            heads,
            serving,
        }
    }

    /// The head of the next request.
    pub(crate) async fn asked(&mut self) -> String {
        within(self.heads.recv()).await.expect("a request")
    }

    /// How often it was asked since this was last looked at.
    pub(crate) fn count(&mut self) -> usize {
        std::iter::from_fn(|| self.heads.try_recv().ok()).count()
    }
}

async fn serve(
    mut stream: TcpStream,
    tell: mpsc::UnboundedSender<String>,
    permits: Arc<Semaphore>,
) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 1024];
        let end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return None,
                Ok(length) => read.extend_from_slice(&part[..length]),
            }
        };
        let rest = read.split_off(end);
        let head = String::from_utf8(std::mem::replace(&mut read, rest)).ok()?;
        let path = head.split(' ').nth(1)?.to_owned();
        tell.send(head).ok()?;
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let busy = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n";
        let answer = match &*path {
            "/busy" => format!("{busy}\r\n"),
            "/later" => format!("{busy}retry-after: 3600\r\n\r\n"),
            "/half" => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_owned(),
            "/large" => {
                let large = "x".repeat(20_000);
                format!("HTTP/1.1 200 OK\r\nlarge: {large}\r\ncontent-length: 0\r\n\r\n")
            }
            "/hang" => String::new(),
            "/held" => {
                permits.acquire().await.ok()?.forget();
                ok.to_owned()
            }
            _ => ok.to_owned(),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// A router that this process does not have, called as a file says.
pub(crate) struct Near {
    running: Running,
    pub(crate) client: Arc<RouterClient>,
}

fn module(registrar: &mut Registrar<'_>) {
    let routes = Routes::new().raw(axum::http::Method::GET, "/", async || "");
    registrar.router("items", (), |()| (), routes);
}

/// A file with a client that says this.
pub(crate) fn file(url: &str, client: &str) -> String {
    format!(
        "
servers:
  far: {{ url: '{url}', listeners: {{ one: {{ address: 127.0.0.1:0, routers: [items] }} }} }}
  near: {{}}
clients:
  router:items:
    {client}
"
    )
}

pub(crate) fn app(file: &str) -> App {
    App::from_text(file).server("near").register(module)
}

impl Near {
    pub(crate) async fn of(peer: &Peer, client: &str) -> Self {
        Self::at(&format!("http://{}", peer.address), client).await
    }

    pub(crate) async fn at(url: &str, client: &str) -> Self {
        let running = app(&file(url, client)).start().await.unwrap();
        let client = running.service::<RouterClient>("router:items").await;
        Self {
            client: client.unwrap(),
            running,
        }
    }

    /// The status and the whole content.
    pub(crate) async fn get(&self, path: &str) -> Result<(u16, String), ErrorKind> {
        get(Arc::clone(&self.client), path).await
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await.unwrap();
    }
}

pub(crate) async fn get(client: Arc<RouterClient>, path: &str) -> Result<(u16, String), ErrorKind> {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = client.send(request).await.map_err(|error| error.kind())?;
    let status = answer.status().as_u16();
    let content = answer.into_body().collect().await;
    let content = content.map_err(|_| ErrorKind::BadUpstream)?.to_bytes();
    Ok((status, String::from_utf8(content.to_vec()).unwrap()))
}

/// Fails where it takes longer than only something broken takes.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let done = tokio::time::timeout(PATIENCE, future).await;
    done.expect("within the patience of tests")
}
