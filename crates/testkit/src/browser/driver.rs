//! The process that drives a browser.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::NO_BROWSER;
use crate::http::ask_of_known_length;

/// Ends the driver when its own input does: also when whoever started it was killed.
const WATCHED: &str = r#""$0" --port=0 & driver=$!; read -r _; kill "$driver"; wait "$driver""#;

#[derive(Debug)]
pub(super) struct Driver {
    address: SocketAddr,
    process: Child,
    /// Its end is the end of the driver.
    input: Option<ChildStdin>,
    /// Kept, so that the driver may write.
    _output: BufReader<ChildStdout>,
}

impl Driver {
    pub(super) fn start() -> Option<Self> {
        if !is_there() {
            let why = "there is no `chromedriver`: install it with a browser (`chromium-driver` on Debian)";
            let known = env::var_os(NO_BROWSER).is_some_and(|value| value == "1");
            assert!(
                known && env::var_os("CI").is_none(),
                "{why}, or set {NO_BROWSER}=1 where `CI` is not set"
            );
            #[allow(clippy::print_stderr, reason = "whoever runs the tests is to know")]
            {
                eprintln!("NOT RUN: {why}");
            }
            return None;
        }
        let mut process = Command::new("sh")
            .args(["-c", WATCHED, "chromedriver"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let input = process.stdin.take();
        let mut output = BufReader::new(process.stdout.take().expect("it was asked for"));
        let mut said = String::new();
        let port = loop {
            let begun = said.len();
            let read = output.read_line(&mut said).expect("it writes text");
            assert!(read > 0, "`chromedriver` ended: {said}");
            let line = said[begun..].trim_end().trim_end_matches('.');
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.parse().expect("a port");
            }
        };
        Some(Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            process,
            input,
            _output: output,
        })
    }

    /// Sends a command, and returns its value.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub(super) fn ask(&self, method: &str, path: &str, content: &Value) -> Value {
        let content = match content {
            Value::Null => String::new(),
            content => content.to_string(),
        };
        let headers = [("content-type", "application/json")];
        let content = content.as_bytes();
        let answer = ask_of_known_length(self.address, method, path, &headers, content);
        let mut answered: Value = serde_json::from_slice(&answer.body).expect("an answer of JSON");
        let value = answered["value"].take();
        assert!(
            answer.status == 200,
            "{method} {path} {}: {}: {}",
            String::from_utf8_lossy(content),
            value["error"],
            value["message"]
        );
        value
    }
}

fn is_there() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join("chromedriver").is_file())
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
