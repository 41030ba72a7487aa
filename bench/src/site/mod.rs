//! The same small site by Byname and by bare axum, each in a process of its own.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, ExitCode, Stdio};

use byname::BoxError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::turns;

mod bare;
mod named;

/// The first argument of a process that is such a server.
pub(crate) const SERVER: &str = "--site";

/// The origin whose pages may read answers.
pub(crate) const ORIGIN: &str = "https://app.example.com";

/// What a site is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Byname,
    Axum,
}

/// What stands before its one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    /// Request id, access log, security headers, CORS, body limit.
    Five,
    /// Nothing; but the application tells whether it is ready.
    Readiness,
}

impl Kind {
    fn key(self) -> &'static str {
        match self {
            Self::Byname => "byname",
            Self::Axum => "axum",
        }
    }
}

impl Before {
    fn key(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Five => "five",
            Self::Readiness => "readiness",
        }
    }
}

/// What the route answers.
#[derive(Serialize, JsonSchema)]
struct User {
    id: u64,
    name: &'static str,
    email: &'static str,
}

impl User {
    fn of(id: u64) -> Self {
        Self {
            id,
            name: "Ada Lovelace",
            email: "ada@example.com",
        }
    }
}

/// Does what a process that was started with [`SERVER`] is there for; `arguments` are those after it.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    match serve(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}: {failure}", arguments.join(" "));
            ExitCode::FAILURE
        }
    }
}

/// Serves on the last core, tells the port on standard output, and ends when standard input does.
fn serve(arguments: &[String]) -> Result<(), BoxError> {
    let [kind, before, port] = arguments else {
        return Err("expected what it is made with, what stands before it, and a port".into());
    };
    let kinds = [Kind::Byname, Kind::Axum];
    let kind = kinds.into_iter().find(|one| one.key() == kind);
    let befores = [Before::Nothing, Before::Five, Before::Readiness];
    let before = befores.into_iter().find(|one| one.key() == before);
    let (Some(kind), Some(before)) = (kind, before) else {
        return Err("there is no such site".into());
    };
    let port = port.parse()?;
    tracing_subscriber::fmt().with_writer(io::sink).init();
    turns::until_told(async {
        match kind {
            Kind::Byname => named::serve(before, port).await,
            Kind::Axum => bare::serve(before, port).await,
        }
    })
}

fn tell(port: u16) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{port}")?;
    out.flush()
}

/// Such a process, ended when it is dropped.
pub(crate) struct Site {
    child: Child,
    pub(crate) port: u16,
}

impl Site {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(kind: Kind, before: Before) -> io::Result<Self> {
        let mut child = command(kind, before, 0)?.spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let port = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { child, port })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How such a process is started.
pub(crate) fn command(kind: Kind, before: Before, port: u16) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([SERVER, kind.key(), before.key(), &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    Ok(command)
}
