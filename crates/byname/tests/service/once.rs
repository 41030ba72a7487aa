//! A call that may have been answered is made again where that does no harm, and nowhere else.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use byname::{App, BoxError, ErrorKind, Registrar, ServiceError};

#[byname::service]
trait Stock {
    /// Adds to what is there: by its name PUT, which may be repeated (RFC 9110, section 9.2.2).
    async fn update_stock(&self, id: u64, add: u32) -> Result<u32, ServiceError>;
    /// Takes from what is there, by DELETE, and says that a second call does more than one.
    #[once]
    async fn delete_stock(&self, id: u64, count: u32) -> Result<u32, ServiceError>;
    /// Is POST.
    async fn create_stock(&self, add: u32) -> Result<u32, ServiceError>;
    /// Is POST, and says that a second call does nothing.
    #[idempotent]
    #[post("/counted")]
    async fn count(&self) -> Result<u32, ServiceError>;
}

/// A publisher that does the work, and whose answer never arrives.
struct Cut {
    address: SocketAddr,
    worked: Arc<AtomicU32>,
    ended: Arc<AtomicBool>,
}

impl Cut {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let worked = Arc::new(AtomicU32::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let (counted, over) = (Arc::clone(&worked), Arc::clone(&ended));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let _ = work(stream, &counted);
            }
        });
        Self {
            address,
            worked,
            ended,
        }
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Its thread looks at the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

/// Reads a request whole, counts it, and answers half a line. Nothing if none comes.
fn work(mut stream: TcpStream, worked: &AtomicU32) -> Option<()> {
    let (mut read, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        if let Some((head, content)) = text.split_once("\r\n\r\n") {
            let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
                let length = rest.lines().next().unwrap_or_default();
                length.parse().unwrap_or(0)
            });
            if content.len() >= length {
                break;
            }
        }
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&piece[..count]);
    }
    worked.fetch_add(1, Ordering::SeqCst);
    let _ = stream.write_all(b"HTTP/1.1 2");
    Some(())
}

/// Calls each method of a publisher whose answers are cut off, and returns how often it did the work.
async fn worked(methods: &str) -> [u32; 4] {
    let cut = Cut::new();
    let file = format!(
        "
services: {{ stock: {{ publish: {{ methods: {{ {methods} }} }} }} }}
servers:
  far: {{ url: 'http://{}', publish: [stock] }}
  near: {{ services: [] }}
clients: {{ stock: {{ breaker: {{ failures: 100 }} }} }}
",
        cut.address
    );
    let module = |registrar: &mut Registrar<'_>| {
        registrar.interface::<dyn Stock>();
        registrar.factory("stock", (), |(): ()| async {
            Err::<Arc<dyn Stock>, BoxError>("it is not here".into())
        });
    };
    let mut app = App::from_text(&file).register(module).server("near");
    let _ = app.demand::<dyn Stock>("stock");
    let near = app.start().await.expect("a server");
    let stock = near.service::<dyn Stock>("stock").await.expect("a client");
    let mut before = 0;
    let mut times = |told: Result<u32, ServiceError>| {
        assert_eq!(told.expect_err("cut off").kind(), ErrorKind::BadUpstream);
        let now = cut.worked.load(Ordering::SeqCst);
        now - std::mem::replace(&mut before, now)
    };
    let times = [
        times(stock.update_stock(1, 5).await),
        times(stock.delete_stock(1, 5).await),
        times(stock.create_stock(5).await),
        times(stock.count().await),
    ];
    near.stop().await.expect("stopped");
    times
}

/// By the name of a method alone it was repeated, and nothing could say no: what is added once in one process
/// was added two or three times by a client whose answer was lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_was_cut_off_is_repeated_unless_something_says_no() {
    assert_eq!(worked("").await, [3, 1, 1, 3]);
}

/// The file counts before the code, and the code before the HTTP method.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_says_what_is_repeated() {
    let no = "update_stock: { idempotent: false }, count: { idempotent: false }";
    assert_eq!(worked(no).await, [1, 1, 1, 1]);
    let yes = "delete_stock: { idempotent: true }, create_stock: { idempotent: true }";
    assert_eq!(worked(yes).await, [3, 3, 3, 3]);
    let of_other_keys = "update_stock: { verb: POST, path: '/moved/{id}' }";
    assert_eq!(worked(of_other_keys).await, [1, 1, 1, 3]);
}
