use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::command::Command;
use super::error::ConnectionError;
use super::output::Output;
use super::{Options, connect};
use crate::model::{Machine, MachineName};

/// How far work on many machines is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a, T> {
    /// It has begun on a machine.
    Started {
        /// Which.
        machine: &'a Machine,
    },
    /// It has ended on a machine.
    Ended {
        /// Which.
        machine: &'a Machine,
        /// How it went.
        outcome: &'a T,
        /// How long it took.
        took: Duration,
        /// On how many machines it has ended.
        done: usize,
        /// How many there are.
        total: usize,
    },
}

/// How a command went on one machine.
pub type RunResult = Result<Output, ConnectionError>;

/// Works on many machines, on at most `bound` of them at the same time (0 is taken as 1), and
/// returns how it went on each, ordered by name.
///
/// One machine's failure does not stop the others; `work` is to end by itself within a time.
/// `progress` is called on the calling thread, one call at a time.
///
/// # Panics
///
/// When `work` does, after the others have ended.
pub fn each<T: Send>(
    machines: &[Machine],
    bound: usize,
    work: impl Fn(&Machine) -> T + Sync,
    mut progress: impl FnMut(Progress<'_, T>),
) -> Vec<(MachineName, T)> {
    let next = AtomicUsize::new(0);
    let total = machines.len();
    let mut outcomes: Vec<Option<T>> = machines.iter().map(|_| None).collect();
    let (sender, events) = channel();
    thread::scope(|scope| {
        for _ in 0..bound.clamp(1, total.max(1)) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                // Each number is handed out once.
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(machine) = machines.get(index)
                {
                    _ = sender.send((index, None));
                    let begun = Instant::now();
                    let outcome = work(machine);
                    _ = sender.send((index, Some((outcome, begun.elapsed()))));
                }
            });
        }
        drop(sender);
        let mut done = 0;
        // Ends when the last thread has.
        for (index, ended) in events {
            let machine = &machines[index];
            let Some((outcome, took)) = ended else {
                progress(Progress::Started { machine });
                continue;
            };
            done += 1;
            progress(Progress::Ended {
                machine,
                outcome: &outcome,
                took,
                done,
                total,
            });
            outcomes[index] = Some(outcome);
        }
    });
    let names = machines.iter().map(|machine| machine.name.clone());
    let mut results: Vec<_> = names
        .zip(outcomes)
        .filter_map(|(name, outcome)| Some((name, outcome?)))
        .collect();
    results.sort_by(|one, other| one.0.cmp(&other.0));
    results
}

/// Runs a command on many machines, on at most `bound` of them at the same time, and returns how it
/// went on each, ordered by name.
///
/// The command's bound on time holds for each machine by itself, from when it begins there. One
/// that fails or hangs does not stop the others.
///
/// # Examples
///
/// ```
/// use byname_machines::{Command, Machine, Options, run_many};
///
/// let command = Command::new("echo").arg("here");
/// let results = run_many(&[Machine::local()], 8, &Options::new(), &command, |_| {});
/// let (name, result) = &results[0];
/// assert_eq!((name.as_str(), &*result.as_ref().unwrap().stdout), ("local", &b"here\n"[..]));
/// ```
pub fn run_many(
    machines: &[Machine],
    bound: usize,
    options: &Options,
    command: &Command,
    progress: impl FnMut(Progress<'_, RunResult>),
) -> Vec<(MachineName, RunResult)> {
    let work = |machine: &Machine| connect(machine, options)?.run(command);
    each(machines, bound, work, progress)
}
