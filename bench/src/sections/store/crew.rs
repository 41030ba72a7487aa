//! Processes that are started for a measurement, begin together, and say what they did.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::clock::now;
use super::keeper::Peer;
use super::worker::{WARM, WORKER};
use crate::histogram::Histogram;

/// How long after all are ready the window is told to begin, warm-up not counted.
const NOTICE: Duration = Duration::from_millis(10);

/// What all workers did in a window.
pub(super) struct Shift {
    /// Adds by worker.
    pub(super) adds: Vec<u64>,
    pub(super) window: Duration,
    pub(super) latencies: Histogram,
}

impl Shift {
    pub(super) fn rate(&self) -> f64 {
        self.adds.iter().sum::<u64>() as f64 / self.window.as_secs_f64()
    }

    /// What a worker would have done if all had done the same.
    pub(super) fn fair(&self) -> f64 {
        self.adds.iter().sum::<u64>() as f64 / self.adds.len() as f64
    }

    /// What the worker did that did least, as a share of the fair one.
    pub(super) fn least(&self) -> f64 {
        let least = self.adds.iter().copied().min().unwrap_or(0);
        least as f64 / self.fair().max(f64::MIN_POSITIVE)
    }
}

/// Puts `entries` entries into a store that is not there yet.
pub(super) fn fill(peer: Peer, folder: &Path, entries: usize) -> io::Result<()> {
    Process::start("fill", peer, folder, entries)?.end()
}

/// Takes a window of adds by so many processes of so many threads.
pub(super) fn adds(
    peer: Peer,
    folder: &Path,
    (processes, threads): (usize, usize),
    window: Duration,
) -> io::Result<Shift> {
    let mut crew = Vec::new();
    for _ in 0..processes {
        crew.push(Process::start("add", peer, folder, threads)?);
    }
    for process in &mut crew {
        process.ready()?;
    }
    let begin = now() + (NOTICE + WARM).as_nanos() as u64;
    let end = begin + window.as_nanos() as u64;
    for process in &mut crew {
        process.tell(&format!("{begin} {end}"))?;
    }
    let mut shift = Shift {
        adds: Vec::new(),
        window,
        latencies: Histogram::new(),
    };
    for mut process in crew {
        for _ in 0..threads {
            let line = process.line()?;
            let (adds, latencies) = line.split_once(' ').unwrap_or((&line, ""));
            shift.adds.push(adds.parse().map_err(io::Error::other)?);
            let latencies = Histogram::of_text(latencies)
                .ok_or_else(|| io::Error::other(format!("not a histogram: {latencies}")))?;
            shift.latencies.merge(&latencies);
        }
        process.end()?;
    }
    Ok(shift)
}

/// How long it took until a process heard of changes that another one made.
pub(super) struct Heard {
    /// Since the change was asked for.
    pub(super) asked: Histogram,
    /// Since the one who made it was told that it is durable.
    pub(super) acknowledged: Histogram,
    /// How long the change itself took.
    pub(super) change: Histogram,
}

/// Lets one process change and another one follow.
pub(super) fn heard(peer: Peer, folder: &Path, changes: usize) -> io::Result<Heard> {
    let mut follower = Process::start("follow", peer, folder, changes)?;
    follower.ready()?;
    let mut writer = Process::start("change", peer, folder, changes)?;
    let mut heard = Heard {
        asked: Histogram::new(),
        acknowledged: Histogram::new(),
        change: Histogram::new(),
    };
    let mut last = follower.numbers::<2>()?;
    for _ in 0..changes {
        let [at, asked, acknowledged] = writer.numbers()?;
        // One who looks now and then hears of several changes at once.
        while last[0] < at {
            last = follower.numbers()?;
        }
        heard.asked.add(last[1].saturating_sub(asked));
        let since = last[1].saturating_sub(acknowledged);
        heard.acknowledged.add(since);
        heard.change.add(acknowledged - asked);
    }
    writer.end()?;
    follower.end()?;
    Ok(heard)
}

/// A process of this program, killed when it is dropped before its end.
struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    fn start(task: &str, peer: Peer, folder: &Path, count: usize) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([WORKER, task, &peer.key()])
            .arg(folder)
            .arg(count.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("a process without output"))?;
        Ok(Self {
            child,
            lines: BufReader::new(lines),
        })
    }

    fn ready(&mut self) -> io::Result<()> {
        match self.line()?.as_str() {
            "ready" => Ok(()),
            other => Err(io::Error::other(format!("expected `ready`: {other}"))),
        }
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        match &mut self.child.stdin {
            Some(input) => writeln!(input, "{line}"),
            None => Err(io::Error::other("a process without input")),
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err(io::Error::other(
                "a process ended before it had said what it did",
            ));
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    /// Reads a line of so many numbers.
    fn numbers<const N: usize>(&mut self) -> io::Result<[u64; N]> {
        let line = self.line()?;
        let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
        numbers
            .ok()
            .and_then(|numbers| numbers.try_into().ok())
            .ok_or_else(|| io::Error::other(format!("expected {N} numbers: {line}")))
    }

    fn end(mut self) -> io::Result<()> {
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("a process failed: {status}")))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail when it has ended, which is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
