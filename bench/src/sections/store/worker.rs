//! What the processes do that this program starts: the other side of `crew`.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use super::clock::{Fresh, now, sleep_until, value};
use super::keeper::{BEACON, Failure, Keeper, Peer};
use crate::histogram::Histogram;
use crate::names::Dice;

/// The first argument of a process that this program starts.
pub(crate) const WORKER: &str = "--store-worker";

/// How long a worker adds before what it does counts.
pub(super) const WARM: Duration = Duration::from_millis(60);

/// Does what a process that was started with [`WORKER`] is there for; `arguments` are the ones
/// after it.
pub(crate) fn main(arguments: &[String]) -> Result<(), Box<dyn Error + Send + Sync>> {
    let [task, key, folder, count] = arguments else {
        return Err("expected a task, a peer, a folder and a number".into());
    };
    let peer = Peer::of(key).ok_or_else(|| format!("there is no peer `{key}`"))?;
    let keeper = peer.open(Path::new(folder))?;
    let count: usize = count.parse()?;
    match task.as_str() {
        "fill" => fill(&*keeper, count),
        "add" => add(&*keeper, count),
        "follow" => follow(&*keeper, count),
        "change" => change(&*keeper, count),
        _ => Err(format!("there is no task `{task}`").into()),
    }
}

/// Puts `count` entries in.
fn fill(keeper: &dyn Keeper, count: usize) -> Result<(), Failure> {
    let mut fresh = Fresh::of("there");
    let entries: Vec<(String, String)> = (0..count)
        .map(|at| (fresh.name(), value(at as u64)))
        .collect();
    keeper.fill(&entries)
}

/// When the adds count: from `begin` to `end`.
#[derive(Clone, Copy)]
struct Window {
    begin: u64,
    end: u64,
}

/// What one thread has done in a window.
struct Done {
    /// Adds that ended in it.
    adds: u64,
    /// How long those took that began in it.
    latencies: Histogram,
}

/// Adds on so many threads, in the window that standard input tells once all are ready.
fn add(keeper: &dyn Keeper, threads: usize) -> Result<(), Failure> {
    let window = Arc::new(OnceLock::new());
    let told = Arc::new(Barrier::new(threads + 1));
    let (ready, readies) = channel();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|index| {
                let (window, told, ready) = (Arc::clone(&window), Arc::clone(&told), ready.clone());
                scope.spawn(move || {
                    let hand = keeper.hand();
                    let _ = ready.send(());
                    told.wait();
                    let window = *window.get().ok_or("no window was told")?;
                    work(&mut *hand?, window, index)
                })
            })
            .collect();
        readies.iter().take(threads).for_each(drop);
        say("ready")?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        if let Some((begin, end)) = line.trim().split_once(' ') {
            let (begin, end) = (begin.parse()?, end.parse()?);
            let _ = window.set(Window { begin, end });
        }
        told.wait();
        for worker in workers {
            let done = worker.join().map_err(|_| "a thread panicked")??;
            say(&format!("{} {}", done.adds, done.latencies.to_text()))?;
        }
        Ok(())
    })
}

fn work(hand: &mut dyn super::keeper::Hand, window: Window, index: usize) -> Result<Done, Failure> {
    let mut fresh = Fresh::of(&format!("{:x}-{index}", std::process::id()));
    let mut done = Done {
        adds: 0,
        latencies: Histogram::new(),
    };
    let mut last: Option<String> = None;
    sleep_until(window.begin - WARM.as_nanos() as u64);
    for at in 0.. {
        let name = fresh.name();
        let value = value(at);
        let started = now();
        if started >= window.end {
            break;
        }
        hand.rotate(&name, &value, last.as_deref())?;
        let ended = now();
        if started >= window.begin {
            done.latencies.add(ended - started);
        }
        done.adds += u64::from(ended >= window.begin && ended < window.end);
        last = Some(name);
    }
    if let Some(last) = last {
        hand.remove(&last)?;
    }
    Ok(done)
}

/// Says when it hears of each change of the beacon, up to the last.
fn follow(keeper: &dyn Keeper, changes: usize) -> Result<(), Failure> {
    let mut trouble = None;
    keeper.follow(&mut || trouble = say("ready").err(), &mut |value| {
        let at = now();
        let said = say(&format!("{value} {at}"));
        said.is_ok()
            && value
                .parse::<usize>()
                .is_ok_and(|value| value + 1 < changes)
    })?;
    trouble.map_or(Ok(()), |error| Err(error.into()))
}

/// Changes the beacon now and then, and says when it began to and when it was told that it is
/// durable.
fn change(keeper: &dyn Keeper, changes: usize) -> Result<(), Failure> {
    let mut hand = keeper.hand()?;
    let mut dice = Dice::new(0xbeac);
    for at in 0..changes {
        thread::sleep(Duration::from_micros(3_000 + dice.below(5_000) as u64));
        let value = at.to_string();
        let began = now();
        hand.put(BEACON, &value)?;
        let acknowledged = now();
        say(&format!("{at} {began} {acknowledged}"))?;
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
