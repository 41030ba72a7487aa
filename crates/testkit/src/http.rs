//! A client of HTTP/1.1 that shows what came over the wire.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::PATIENCE;

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The content, put together if it came in pieces.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the first header of a name, which is written in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(one, _)| one == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the content as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the content is UTF-8")
    }
}

/// Asks for a path, and returns the answer.
///
/// # Panics
///
/// As [`ask`].
#[must_use]
pub fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[], b"")
}

/// Sends a request on a connection of its own, and returns the answer.
///
/// A test that runs in a runtime with one thread has to call it from another thread.
///
/// # Panics
///
/// If there is no answer of HTTP/1.1 within [`PATIENCE`].
#[must_use]
pub fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut stream = send(address, method, path, headers, body);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    parse(&bytes, method == "HEAD")
}

/// As [`ask`], of somebody who says how long the answer is and keeps the connection nevertheless.
#[cfg(feature = "browser")]
pub(crate) fn ask_of_known_length(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut stream = send(address, method, path, headers, body);
    let mut bytes = Vec::new();
    let mut piece = [0; 16 << 10];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..read]);
        if !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
            continue;
        }
        let answer = parse(&bytes, false);
        let length = answer.header("content-length");
        let length = length.and_then(|length| length.parse().ok());
        if length.is_some_and(|length: usize| answer.body.len() >= length) {
            return answer;
        }
    }
    panic!("no whole answer: {:?}", String::from_utf8_lossy(&bytes))
}

fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
    let fixed = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    let given = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let length = (!body.is_empty()).then(|| format!("content-length: {}\r\n", body.len()));
    let request: String = [fixed].into_iter().chain(given).chain(length).collect();
    let request = request + "\r\n";
    stream.write_all(request.as_bytes()).expect("it is taken");
    // A server may answer before it has all of the content, and close.
    let _ = stream.write_all(body);
    stream
}

fn parse(bytes: &[u8], is_head: bool) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
    let head = std::str::from_utf8(&bytes[..end]).expect("a head of ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').expect("a header");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    let headers: Vec<_> = headers.collect();
    let rest = &bytes[end + 4..];
    let chunked =
        |(name, value): &(String, String)| name == "transfer-encoding" && value == "chunked";
    Answer {
        status: status.expect("a status"),
        body: if headers.iter().any(chunked) && !is_head {
            pieces(rest)
        } else {
            rest.to_vec()
        },
        headers,
    }
}

/// Puts pieces together; of an answer that was cut off, those that came.
fn pieces(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).ok();
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && bytes.len() >= end + 2 + size) else {
            break;
        };
        whole.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = bytes.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}
