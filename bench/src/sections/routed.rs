//! A routed request, with five middlewares and with none, by Byname and by bare axum.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Builder;

use crate::grid::Session;
use crate::report::{self, Report};
use crate::site::{Before, Kind, ORIGIN, Site};
use crate::turns::{self, Laps, Loop, Spread};

/// How long a loop is measured in each turn.
const WINDOW: Duration = Duration::from_millis(250);

/// How many connections ask at once.
const CONNECTIONS: [usize; 2] = [1, 64];

/// At least this share of bare axum's requests a second is the aim.
const AIM: f64 = 0.9;

const BARE: &str = "bare axum";
const NAMED: &str = "**byname**";

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## A routed request")?;
    report.say(&format!(
        "`GET /users/7`, answered with a struct as JSON: by an application of Byname from a file, and by \
         axum's router on hyper-util's `auto` server with the same bounds. The five are request id, \
         access log (written by `tracing-subscriber` to nowhere), security headers, CORS with an allowed \
         `Origin: {ORIGIN}`, and body limit; of bare axum those of tower-http, in the same order with \
         the same settings, behind one `Router::layer`. Each server is a process of its own with a \
         runtime of one thread on the last core; the client writes and reads bytes on sockets that stay \
         open, on the first core. *Of its core* is what the server's thread itself used for a request, \
         as the kernel counts it. Medians of turns with the quartiles; ratios are those of the same turn.",
    ))?;
    let mut aims = Vec::new();
    for (before, heading) in [
        (Before::Nothing, "No middleware"),
        (Before::Five, "Five middlewares"),
    ] {
        let sites = [
            (BARE, Site::start(Kind::Axum, before)?),
            (NAMED, Site::start(Kind::Byname, before)?),
        ];
        for connections in CONNECTIONS {
            let all = measure(session.quick, &sites, connections)?;
            let heading = match connections {
                1 => format!("{heading}, one connection"),
                count => format!("{heading}, {count} connections"),
            };
            let share = write(session, report, &heading, &all)?;
            if let Some(share) = share {
                let met = if share.median >= AIM { "yes" } else { "**no**" };
                aims.push(vec![
                    heading,
                    format!("{:.1} %", share.median * 100.0),
                    met.to_owned(),
                ]);
            }
        }
    }
    report.texts(
        "aim: at least 90 % of bare axum's requests a second",
        &["measured", "met"],
        &aims,
    )
}

fn measure(quick: bool, sites: &[(&str, Site)], connections: usize) -> io::Result<Vec<Laps>> {
    turns::pinned(0, || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut loops: Vec<(String, Loop<'_>)> = Vec::new();
        for (name, site) in sites {
            let client = Arc::new(Client::new(site.port)?);
            let call = move || {
                let client = Arc::clone(&client);
                async move { client.ask().await.expect("the site answers") }
            };
            let run = turns::closed(&runtime, connections, Some(site.id()), call);
            loops.push(((*name).to_owned(), run));
        }
        Ok(turns::run(quick, WINDOW, loops))
    })
}

/// Writes a table, and gives the share of bare axum's requests a second.
fn write(
    session: &mut Session,
    report: &mut Report,
    heading: &str,
    all: &[Laps],
) -> io::Result<Option<Spread>> {
    let Some(base) = all.iter().find(|row| row.name == BARE) else {
        return Ok(None);
    };
    let mut lines = Vec::new();
    let mut share = None;
    for row in all {
        let rate = row.spread(|lap| 1e9 / lap.nanos);
        let faster = row.against(base, |lap| 1.0 / lap.nanos);
        let cpu = row.spread(|lap| lap.server);
        let dearer = row.against(base, |lap| lap.server);
        session.record("routed", &row.name, heading, faster.median);
        let latencies = row.latencies();
        lines.push(vec![
            row.name.clone(),
            format!("{:.0} ({:.0}–{:.0})", rate.median, rate.low, rate.high),
            report::spread_ratio(faster),
            report::time(cpu.median as u64),
            report::spread_ratio(dearer),
            report::time(latencies.quantile(0.5)),
            report::time(latencies.quantile(0.99)),
            format!("{} of {}", row.clean(), row.laps.len()),
        ]);
        if row.name == NAMED {
            share = Some(faster);
        }
    }
    report.turns(heading, "requests a second", &lines)?;
    Ok(share)
}

/// Sockets that stay open, of which each asker takes one.
struct Client {
    port: u16,
    /// How long the answer is: it is always the same.
    length: usize,
    idle: Mutex<Vec<tokio::net::TcpStream>>,
}

const REQUEST: &str =
    "GET /users/7 HTTP/1.1\r\nhost: localhost\r\norigin: https://app.example.com\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";

/// Asks once, and finds where the answer ends: it has a `content-length`.
fn length(port: u16) -> io::Result<usize> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(REQUEST.as_bytes())?;
    let mut answer = Vec::new();
    let mut bytes = [0; 2048];
    loop {
        let more = stream.read(&mut bytes)?;
        answer.extend_from_slice(&bytes[..more]);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let field = |line: &str| {
                let (name, value) = line.split_once(':')?;
                let named = name.eq_ignore_ascii_case("content-length");
                named.then(|| value.trim().parse::<usize>().ok())?
            };
            let content = head.lines().find_map(field);
            let content = content.ok_or_else(|| io::Error::other("no content-length"))?;
            if body.len() >= content {
                return Ok(answer.len());
            }
        }
        if more == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

impl Client {
    fn new(port: u16) -> io::Result<Self> {
        Ok(Self {
            port,
            length: length(port)?,
            idle: Mutex::new(Vec::new()),
        })
    }

    async fn ask(&self) -> io::Result<()> {
        let kept = self.idle().pop();
        let mut stream = if let Some(stream) = kept {
            stream
        } else {
            let connect = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
            let stream = connect.await?;
            stream.set_nodelay(true)?;
            stream
        };
        stream.write_all(REQUEST.as_bytes()).await?;
        let mut answer = [0; 2048];
        let mut read = 0;
        while read < self.length {
            let more = stream.read(&mut answer[read..]).await?;
            if more == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            read += more;
        }
        if read != self.length || !answer.starts_with(OK) {
            return Err(io::Error::other("another answer than the first one"));
        }
        self.idle().push(stream);
        Ok(())
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<tokio::net::TcpStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
