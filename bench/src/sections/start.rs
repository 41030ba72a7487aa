//! From the start of a process to its first answer that it is ready.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::grid::Session;
use crate::report::{self, Report};
use crate::site::{self, Before, Kind};
use crate::turns::Spread;

/// How often each is started.
const STARTS: usize = 31;

/// How long a process may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a process is asked whether it is ready.
const PAUSE: Duration = Duration::from_micros(100);

/// A process that is started again and again.
struct Started {
    name: &'static str,
    command: Box<dyn Fn(u16) -> io::Result<Command>>,
    /// The path that is asked for; nothing where the end of the process is waited for.
    path: Option<&'static str>,
    nanos: Vec<f64>,
}

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    let program = match &session.program {
        Some(program) => program.clone(),
        None => built()?,
    };
    let folder = std::env::temp_dir().join(format!("byname-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(session.quick, &program, &folder);
    fs::remove_dir_all(&folder)?;
    report.say("## From start to ready")?;
    report.say(&format!(
        "From before the process is made to the first 200 of its readiness, for which a connection is \
         tried every {} µs. `byname serve` is the released program with what it serves where no file is \
         given, on an empty data folder; the small application is one route and the admin pages, from a \
         file of ten lines; bare axum has one route besides. Medians of {} starts in turns, with the \
         quartiles.",
        PAUSE.as_micros(),
        starts(session.quick),
    ))?;
    let mut lines = Vec::new();
    for Started { name, nanos, .. } in measured? {
        let spread = Spread::of(nanos.iter().copied());
        let least = nanos.iter().copied().fold(f64::INFINITY, f64::min);
        session.record("start", name, "ready", spread.median);
        lines.push(vec![
            name.to_owned(),
            report::spread_time(spread),
            report::time(least as u64),
        ]);
    }
    report.texts("", &["median (quartiles)", "least"], &lines)
}

fn starts(quick: bool) -> usize {
    if quick { 9 } else { STARTS }
}

fn measure(quick: bool, program: &Path, folder: &Path) -> io::Result<Vec<Started>> {
    let site = |kind| {
        Box::new(move |port| site::command(kind, Before::Readiness, port))
            as Box<dyn Fn(u16) -> io::Result<Command>>
    };
    let serving = {
        let (program, folder) = (program.to_owned(), folder.to_owned());
        move |port| {
            let mut command = Command::new(&program);
            command.arg("serve").arg("--data").arg(&folder);
            command.args(["--listen", &format!("127.0.0.1:{port}")]);
            Ok(command)
        }
    };
    let telling = {
        let program = program.to_owned();
        move |_| {
            let mut command = Command::new(&program);
            command.arg("--version");
            Ok(command)
        }
    };
    let started = |name, path, command| Started {
        name,
        command,
        path,
        nanos: Vec::new(),
    };
    let mut all = vec![
        started("`byname --version`, to its end", None, Box::new(telling)),
        started("bare axum", Some("/readyz"), site(Kind::Axum)),
        started(
            "**a small application**",
            Some("/readyz"),
            site(Kind::Byname),
        ),
        started("**`byname serve`**", Some("/readyz"), Box::new(serving)),
    ];
    let count = all.len();
    // The first round brings the programs into memory, and does not count.
    for round in 0..=starts(quick) {
        for turn in 0..count {
            let one = &mut all[(turn + round) % count];
            let nanos = once(one)?;
            if round > 0 {
                one.nanos.push(nanos);
            }
        }
    }
    Ok(all)
}

/// Starts a process, waits until it is ready or at its end, and ends it.
fn once(started: &Started) -> io::Result<f64> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port();
    let mut command = (started.command)(port)?;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = Ended(command.spawn()?);
    let Some(path) = started.path else {
        child.0.wait()?;
        return Ok(begun.elapsed().as_nanos() as f64);
    };
    loop {
        if is_ready(port, path).unwrap_or(false) {
            return Ok(begun.elapsed().as_nanos() as f64);
        }
        let gone = child.0.try_wait()?.is_some();
        if gone || begun.elapsed() > PATIENCE {
            let message = format!("{} does not become ready", started.name);
            return Err(io::Error::other(message));
        }
        sleep(PAUSE);
    }
}

fn is_ready(port: u16, path: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let close = "host: localhost\r\nconnection: close";
    stream.write_all(format!("GET {path} HTTP/1.1\r\n{close}\r\n\r\n").as_bytes())?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(&head == b"HTTP/1.1 200")
}

/// A process that is ended when it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the program as it is released, and tells where it is.
fn built() -> io::Result<PathBuf> {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--package",
            "byname",
            "--bin",
            "byname",
        ])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--manifest-path", workspace])
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let executable = text.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = message.get("executable")?.as_str()?;
        Some(PathBuf::from(path))
    });
    executable.ok_or_else(|| io::Error::other("the program `byname` could not be built"))
}
