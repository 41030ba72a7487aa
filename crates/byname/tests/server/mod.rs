//! The real program on a real socket, and a client that speaks to it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod described;

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before a test gives up: far longer than it ever does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The home of whoever the tests are.
const HOME: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/home");

/// The program with these arguments. What it would keep for this user it would keep in a folder of
/// the tests.
pub(crate) fn byname<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_byname"));
    command
        .args(arguments)
        .env_remove("BYNAME_LOG")
        .env_remove("BYNAME_DATA")
        .env("HOME", HOME)
        .env(
            "XDG_STATE_HOME",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/home/state"),
        )
        .stdin(Stdio::null());
    command
}

/// Runs a command that must end by itself; one that does not end is a failure, not a test that hangs.
pub(crate) fn ended(mut command: Command) -> Output {
    let mut process = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Read while it runs: a pipe that is full would keep it from ending.
    let stdout = all_of(process.stdout.take().unwrap());
    let stderr = all_of(process.stderr.take().unwrap());
    let deadline = Instant::now() + PATIENCE;
    let (status, in_time) = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break (status, true);
        }
        if Instant::now() > deadline {
            process.kill().unwrap();
            break (process.wait().unwrap(), false);
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let output = Output {
        status,
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    };
    assert!(in_time, "{command:?} goes on: {output:?}");
    output
}

/// Reads all that a process says, beside it.
fn all_of(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut said = Vec::new();
        pipe.read_to_end(&mut said).unwrap();
        said
    })
}

/// A running `byname serve`; it ends with the test.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    /// Whether each answer is held against the description.
    is_described: bool,
}

impl Server {
    /// Serves the embedded data.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Serves files.
    pub(crate) fn serving<P: AsRef<Path>>(files: &[P]) -> Self {
        let arguments: Vec<&str> = files
            .iter()
            .flat_map(|file| ["--catalog", file.as_ref().to_str().unwrap()])
            .collect();
        Self::with(&arguments)
    }

    /// Serves with these further arguments, on a free port.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let mut command = byname(["serve", "--listen", "127.0.0.1:0"]);
        command.args(arguments);
        Self::of(command)
    }

    /// Serves with these variables in its environment, on a free port.
    pub(crate) fn in_environment(variables: &[(&str, &str)]) -> Self {
        let mut command = byname(["serve", "--listen", "127.0.0.1:0"]);
        command.envs(variables.iter().copied());
        Self::of(command)
    }

    /// Serves by this command.
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim_end().to_owned();
        let Some(address) = url.strip_prefix("http://") else {
            let output = process.wait_with_output().unwrap();
            panic!(
                "the server did not start: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        Self {
            process,
            address: address.parse().unwrap(),
            url: url.clone(),
            is_described: true,
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path)
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Response {
        let response = Response::asked(self.address, method, path);
        if self.is_described {
            let faults = described::faults(method, path, &response);
            assert!(
                faults.is_empty(),
                "{method} {path} is not answered as described: {faults:#?}\n{} {}",
                response.head,
                response.body
            );
        }
        response
    }

    /// Holds no more answers against the description: for a test that asks more than a validator can
    /// keep up with.
    pub(crate) fn trusted(mut self) -> Self {
        self.is_described = false;
        self
    }

    /// The JSON of an answer that must be a success.
    pub(crate) fn json(&self, path: &str) -> Value {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        assert_eq!(response.header("content-type"), Some("application/json"));
        response.json()
    }

    /// Waits until `/readyz` is as wanted, and returns it.
    pub(crate) fn ready_when(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ready = self.json("/readyz");
            if wanted(&ready) {
                return ready;
            }
            assert!(Instant::now() < deadline, "still waiting at {ready}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until file `index` (from 0) was taken over at `revision` or later.
    pub(crate) fn taken_over(&self, index: usize, revision: u64) -> Value {
        self.ready_when(|ready| {
            let file = &ready["files"][index];
            file["state"] == "good" && file["good_revision"].as_u64() >= Some(revision)
        })
    }

    /// All names, page by page.
    pub(crate) fn names(&self, limit: usize) -> Vec<(String, String)> {
        let mut names = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.json(&format!("/api/v1/models?limit={limit}{cursor}"));
            let data = page["data"].as_array().unwrap();
            assert!(data.len() <= limit);
            names.extend(data.iter().map(key));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return names,
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal: `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Waits for a line on stderr with this text in it, and returns it.
    pub(crate) fn logged(&mut self, wanted: &str) -> String {
        let stderr = self.process.stderr.as_mut().unwrap();
        let mut line = Vec::new();
        loop {
            // Byte by byte: what follows the line is for whoever asks next.
            let mut byte = [0];
            stderr.read_exact(&mut byte).unwrap();
            if byte != *b"\n" {
                line.extend(byte);
                continue;
            }
            let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
            if text.contains(wanted) {
                return text;
            }
        }
    }

    /// Waits for the end, and returns it with everything written to stderr.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        self.process
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        (self.process.wait().unwrap(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Provider and id of an item.
pub(crate) fn key(item: &Value) -> (String, String) {
    let part = |name: &str| item[name].as_str().unwrap().to_owned();
    (part("provider"), part("id"))
}

/// An answer, read to the end of its connection.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The answer to a request on a connection of its own.
    pub(crate) fn asked(address: SocketAddr, method: &str, path: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        Self::read(stream)
    }

    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no whole head in {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
