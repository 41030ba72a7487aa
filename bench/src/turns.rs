//! Closed loops of callers, measured in turns: what a runtime does on one core while so many callers
//! each call, wait for the answer, and call again.

use std::fs;
use std::future::Future;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::histogram::Histogram;
use crate::measure::TOLERATED;

/// How often every loop is measured.
const REPEATS: usize = 31;

/// What the callers did in one window.
#[derive(Debug)]
pub(crate) struct Lap {
    /// Nanoseconds between two answers, whoever got them.
    pub(crate) nanos: f64,
    /// Nanoseconds of its core that the callers' thread spent for a call.
    pub(crate) cpu: f64,
    /// Nanoseconds of its core that the first thread of the server spent for a call; zero where the
    /// server was not watched.
    pub(crate) server: f64,
    pub(crate) latencies: Histogram,
    /// Whether the callers' thread was left alone.
    clean: bool,
}

/// Something that is measured for a window.
pub(crate) type Loop<'a> = Box<dyn FnMut(Duration) -> Lap + 'a>;

/// All laps of a loop, in the order of the repeats.
#[derive(Debug)]
pub(crate) struct Laps {
    pub(crate) name: String,
    pub(crate) laps: Vec<Lap>,
}

/// A median, and the quartiles below and above it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (values.len().saturating_sub(1)) as f64 * share;
            values.get(rank.round() as usize).copied().unwrap_or(0.0)
        };
        Self {
            low: at(0.25),
            median: at(0.5),
            high: at(0.75),
        }
    }
}

impl Laps {
    /// A figure of each lap.
    pub(crate) fn spread(&self, figure: fn(&Lap) -> f64) -> Spread {
        Spread::of(self.laps.iter().map(figure))
    }

    /// How many times as much each lap took as the one of `base` in the same turn.
    pub(crate) fn against(&self, base: &Self, figure: fn(&Lap) -> f64) -> Spread {
        let pairs = self.laps.iter().zip(&base.laps);
        Spread::of(pairs.map(|(lap, base)| figure(lap) / figure(base)))
    }

    /// How long the calls of all laps took.
    pub(crate) fn latencies(&self) -> Histogram {
        let mut all = Histogram::new();
        for lap in &self.laps {
            all.merge(&lap.latencies);
        }
        all
    }

    /// How many laps were left alone.
    pub(crate) fn clean(&self) -> usize {
        self.laps.iter().filter(|lap| lap.clean).count()
    }
}

/// Measures every loop again and again, in turns; the one that goes first changes with each repeat.
/// A lap that was disturbed is taken again, up to three times, and the one that counts is the last.
pub(crate) fn run(quick: bool, window: Duration, loops: Vec<(String, Loop<'_>)>) -> Vec<Laps> {
    let repeats = if quick { 3 } else { REPEATS };
    let window = if quick { window / 3 } else { window };
    let count = loops.len();
    let (names, mut loops): (Vec<String>, Vec<Loop<'_>>) = loops.into_iter().unzip();
    let mut all: Vec<Laps> = names
        .into_iter()
        .map(|name| Laps {
            name,
            laps: Vec::new(),
        })
        .collect();
    for repeat in 0..repeats {
        for turn in 0..count {
            let at = (turn + repeat) % count;
            let mut lap = loops[at](window);
            for _ in 0..2 {
                if lap.clean {
                    break;
                }
                lap = loops[at](window);
            }
            all[at].laps.push(lap);
        }
    }
    all
}

/// Runs `work` on a thread of its own that is pinned to the core of this number.
pub(crate) fn pinned<R: Send>(core: usize, work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            pin(core);
            work()
        });
        match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Pins this thread to the core of this number, where there are so many.
pub(crate) fn pin(core: usize) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if let Some(core) = cores.get(core % cores.len().max(1)) {
        core_affinity::set_for_current(*core);
    }
}

/// Runs until standard input ends, or `work` does, on a runtime of one thread on the last core.
pub(crate) fn until_told<E>(work: impl Future<Output = Result<(), E>>) -> Result<(), E>
where
    E: From<io::Error>,
{
    pin(usize::MAX);
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        end.send(())
    });
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = ended => Ok(()),
        }
    })
}

/// Makes the loop of so many callers on a runtime of one thread: each calls `call`, waits for the answer,
/// and calls again. The process `server` is watched meanwhile, if it is given.
pub(crate) fn closed<F, C>(
    runtime: &Runtime,
    callers: usize,
    server: Option<u32>,
    call: C,
) -> Loop<'_>
where
    C: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let call = Arc::new(call);
    Box::new(move |window| runtime.block_on(lap(callers, server, window, &call)))
}

/// What the callers of a lap share.
#[derive(Default)]
struct Shared {
    calls: AtomicU64,
    /// Whether what ends now counts.
    counting: AtomicBool,
    over: AtomicBool,
}

async fn lap<F, C>(callers: usize, server: Option<u32>, window: Duration, call: &Arc<C>) -> Lap
where
    C: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let shared = Arc::new(Shared::default());
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let (shared, call) = (Arc::clone(&shared), Arc::clone(call));
            tokio::spawn(async move {
                let mut latencies = Histogram::new();
                while !shared.over.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    call().await;
                    if shared.counting.load(Ordering::Relaxed) {
                        latencies.add(begun.elapsed().as_nanos() as u64);
                        shared.calls.fetch_add(1, Ordering::Relaxed);
                    }
                }
                latencies
            })
        })
        .collect();
    tokio::time::sleep(window / 5).await;
    shared.counting.store(true, Ordering::Relaxed);
    let before = Reading::now(server);
    tokio::time::sleep(window).await;
    let after = Reading::now(server);
    shared.counting.store(false, Ordering::Relaxed);
    shared.over.store(true, Ordering::Relaxed);
    let mut latencies = Histogram::new();
    for caller in callers {
        latencies.merge(&caller.await.expect("a caller does not panic"));
    }
    let calls = shared.calls.load(Ordering::Relaxed).max(1) as f64;
    let elapsed = (after.at - before.at).as_nanos() as f64;
    Lap {
        nanos: elapsed / calls,
        cpu: (after.cpu - before.cpu) as f64 / calls,
        server: (after.server - before.server) as f64 / calls,
        latencies,
        clean: (after.waited - before.waited) as f64 <= elapsed * TOLERATED,
    }
}

/// The clocks of this thread, and of a server's.
struct Reading {
    at: Instant,
    cpu: u64,
    waited: u64,
    server: u64,
}

impl Reading {
    fn now(server: Option<u32>) -> Self {
        let cpu = clock_gettime(ClockId::ThreadCPUTime);
        Self {
            at: Instant::now(),
            cpu: cpu.tv_sec as u64 * 1_000_000_000 + cpu.tv_nsec as u64,
            waited: account("thread-self", 1),
            server: server.map_or(0, |id| account(&id.to_string(), 0)),
        }
    }
}

/// A field of the kernel's account of a thread: nanoseconds on a core, nanoseconds of waiting for one.
fn account(task: &str, field: usize) -> u64 {
    let text = fs::read_to_string(format!("/proc/{task}/schedstat")).unwrap_or_default();
    let field = text.split(' ').nth(field);
    field.and_then(|field| field.parse().ok()).unwrap_or(0)
}
