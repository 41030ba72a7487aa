//! Real processes that a test starts, talks with, stops and kills.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use byname_testkit::PATIENCE;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// The environment variable that says what a child is to do.
const PART: &str = "BYNAME_STORE_PART";
/// What every line that a child says begins with; the test framework's own lines do not.
const MARK: &str = "@";
/// What a child waits for before it begins.
const GO: &str = "go";

/// A process that plays a part of a test. What it says is kept here, whatever becomes of it: a line
/// that it has written cannot be taken back by killing it.
pub(crate) struct Child {
    process: std::process::Child,
    input: Option<ChildStdin>,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    ended: bool,
}

impl Child {
    /// Starts a process for `part`; it begins when it is told to [`go`](Self::go).
    pub(crate) fn start(part: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::plays_its_part", "--nocapture"])
            .arg("--test-threads=1")
            .env(PART, part)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let heard = Arc::new(Heard::default());
        let output = BufReader::new(process.stdout.take().unwrap());
        let listener = Arc::clone(&heard);
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix(MARK) {
                    listener.said.lock().unwrap().lines.push(line.to_owned());
                    listener.more.notify_all();
                }
            }
            listener.said.lock().unwrap().ended = true;
            listener.more.notify_all();
        });
        let input = process.stdin.take();
        Self {
            process,
            input,
            heard,
        }
    }

    pub(crate) fn go(&mut self) {
        self.tell(GO);
    }

    /// Says a line to the child.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits until `found` finds something in what the child has said.
    ///
    /// # Panics
    ///
    /// When the child has ended, or a minute has passed in which it said nothing, before it does.
    pub(crate) fn wait_for<T>(&self, what: &str, found: impl Fn(&[String]) -> Option<T>) -> T {
        self.wait_or_end(what, found)
            .unwrap_or_else(|| panic!("a child ended before {what}"))
    }

    /// The same; `None` when the child ended before.
    pub(crate) fn wait_or_end<T>(
        &self,
        what: &str,
        found: impl Fn(&[String]) -> Option<T>,
    ) -> Option<T> {
        let mut deadline = Instant::now() + PATIENCE;
        let mut said = self.heard.said.lock().unwrap();
        let mut count = said.lines.len();
        loop {
            // A child that goes on saying things is not a broken one.
            if said.lines.len() > count {
                count = said.lines.len();
                deadline = Instant::now() + PATIENCE;
            }
            if let Some(found) = found(&said.lines) {
                return Some(found);
            }
            if said.ended {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let last = said.lines.last().cloned();
                drop(said);
                panic!("no {what}; the child said last {last:?}");
            }
            said = self.heard.more.wait_timeout(said, left).unwrap().0;
        }
    }

    /// Waits for a line that begins with `start`, the `count`th such one, and returns its rest.
    pub(crate) fn wait_for_line(&self, start: &str, count: usize) -> String {
        self.wait_for(start, |lines| {
            let mut lines = lines.iter().filter_map(|line| line.strip_prefix(start));
            Some(lines.nth(count - 1)?.to_owned())
        })
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.heard.said.lock().unwrap().lines.clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.id().cast_signed()).unwrap()
    }

    /// Stops the process as it is, and returns when it is stopped.
    pub(crate) fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED)
            .unwrap()
            .unwrap();
        assert!(status.stopped(), "{status:?}");
    }

    pub(crate) fn go_on(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    /// Kills the process, and returns what it has said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.wait_for_end();
        self.lines()
    }

    /// Kills the process if it has not come to its end yet, and returns what it has said.
    pub(crate) fn end_or_kill(mut self) -> Vec<String> {
        if self.process.try_wait().unwrap().is_none() {
            self.process.kill().unwrap();
        }
        self.process.wait().unwrap();
        self.wait_for_end();
        self.lines()
    }

    /// Lets the process come to its end, which must be a good one, and returns what it has said.
    pub(crate) fn finish(mut self) -> Vec<String> {
        self.input = None;
        self.wait_for_end();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}, said {:?}", self.lines());
        self.lines()
    }

    fn wait_for_end(&self) {
        let never = |_: &[String]| None::<()>;
        assert!(self.wait_or_end("end", never).is_none());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            // It may have ended in between; both results leave nothing to do.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// Says a line to the parent. Lines are short, and the pipe takes a short one whole or not at all.
pub(crate) fn say(line: &str) {
    let line = format!("{MARK}{line}\n");
    io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// The next line that the parent says; `None` when it says no more.
pub(crate) fn listen() -> Option<String> {
    io::stdin().lines().next().map(Result::unwrap)
}

/// What a child runs. In an ordinary run there is no part to play.
#[test]
fn plays_its_part() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    // The framework has begun a line of its own.
    println!();
    let words: Vec<&str> = part.split('\t').collect();
    if listen().as_deref() != Some(GO) {
        return;
    }
    match words[0] {
        "crew" => crate::crew::in_child(&words[1..]),
        "generation" => crate::generation::in_child(&words[1..]),
        "linearizable" => crate::linearizable::in_child(&words[1..]),
        "paused" => crate::paused::in_child(&words[1..]),
        "storm" => crate::storm::in_child(&words[1..]),
        other => panic!("no part is called {other}"),
    }
}
