//! Windows: what one worker measures, on which core, and how undisturbed it was.
//!
//! A window is short and follows a warm-up. All workers of a window start together and keep the
//! load up until the last of them is done. A worker reads from the kernel how long it was ready to
//! run and did not (`/proc/thread-self/schedstat`); more than [`TOLERATED`] of the window and the
//! window is thrown away and taken again.

use std::fs::File;
use std::io::{Read, Seek};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::histogram::Histogram;

/// The share of a window that a worker may have waited for its core.
pub(crate) const TOLERATED: f64 = 0.03;

/// What one worker did in one window.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(crate) ops: u64,
    pub(crate) nanos: u64,
    /// Nanoseconds in which the worker was ready to run and another thread had its core.
    pub(crate) waited: u64,
    /// Nanoseconds that a fixed piece of arithmetic took beside the window; the slower of before
    /// and after. Tells when the core itself was slow: another machine on its other half, a lower
    /// clock.
    pub(crate) pace: u64,
    pub(crate) latencies: Option<Histogram>,
}

/// What a job runs on each worker.
pub(crate) type Work = Arc<dyn Fn(&mut Lane<'_>) -> Sample + Send + Sync>;

/// A worker's place in a window.
pub(crate) struct Lane<'a> {
    /// Number of this worker, from 0.
    pub(crate) index: usize,
    threads: usize,
    window: Duration,
    warm: Duration,
    gate: &'a Gate,
    waiting: &'a mut Waiting,
}

/// Where the workers of a window meet.
struct Gate {
    arrived: AtomicUsize,
    finished: AtomicUsize,
}

impl Lane<'_> {
    /// Measures `step` for one window. It is told how many operations to do, and does them.
    ///
    /// The number is found in the warm-up, so that a step takes some 20 microseconds and the clock
    /// is read rarely.
    pub(crate) fn measure(&mut self, mut step: impl FnMut(usize)) -> Sample {
        let mut length = 1;
        let begun = Instant::now();
        loop {
            let before = Instant::now();
            step(length);
            if before.elapsed() < Duration::from_micros(20) && length < 4096 {
                length *= 2;
            } else if begun.elapsed() >= self.warm {
                break;
            }
        }
        self.meet();
        let before = pace();
        let waited = self.waiting.nanos();
        let begun = Instant::now();
        let mut ops = 0;
        let elapsed = loop {
            step(length);
            ops += length as u64;
            let elapsed = begun.elapsed();
            if elapsed >= self.window {
                break elapsed;
            }
        };
        let waited = self.waiting.nanos() - waited;
        let pace = before.max(pace());
        self.gate.finished.fetch_add(1, Ordering::AcqRel);
        while self.gate.finished.load(Ordering::Acquire) < self.threads {
            step(length.min(64));
        }
        Sample {
            ops,
            nanos: elapsed.as_nanos() as u64,
            waited,
            pace,
            latencies: None,
        }
    }

    /// Times `run` on what `prepare` makes, again and again until the timed parts fill a window;
    /// what `run` returns is dropped outside the timed part. `run` is told to do `ops` operations.
    pub(crate) fn batches<T, R>(
        &mut self,
        ops: usize,
        mut prepare: impl FnMut() -> T,
        mut run: impl FnMut(T) -> R,
    ) -> Sample {
        // A first round that is not counted, and what reading the clock costs.
        drop(run(prepare()));
        let clock = clock();
        self.meet();
        let before = pace();
        let waited = self.waiting.nanos();
        let begun = Instant::now();
        let mut sample = Sample::default();
        loop {
            let prepared = prepare();
            let started = Instant::now();
            let result = run(prepared);
            let nanos = started.elapsed().as_nanos() as u64;
            drop(result);
            sample.nanos += nanos.saturating_sub(clock).max(1);
            sample.ops += ops as u64;
            let window = u128::from(sample.nanos) >= self.window.as_nanos();
            if window || begun.elapsed() >= self.window * 4 {
                break;
            }
        }
        // The account covers the preparations too, so that it is scaled to the timed part.
        let all = begun.elapsed().as_nanos().max(1) as f64;
        let waited = (self.waiting.nanos() - waited) as f64;
        sample.waited = (waited * sample.nanos as f64 / all) as u64;
        sample.pace = before.max(pace());
        self.gate.finished.fetch_add(1, Ordering::AcqRel);
        sample
    }

    /// Runs `step` until every worker that measures is done; for a worker that is only there to
    /// be a load. `measuring` is the number of the others.
    pub(crate) fn load(&mut self, measuring: usize, mut step: impl FnMut(usize)) -> Sample {
        self.gate.arrived.fetch_add(1, Ordering::AcqRel);
        while self.gate.finished.load(Ordering::Acquire) < measuring {
            step(64);
        }
        self.gate.finished.fetch_add(1, Ordering::AcqRel);
        Sample::default()
    }

    fn meet(&self) {
        self.gate.arrived.fetch_add(1, Ordering::AcqRel);
        while self.gate.arrived.load(Ordering::Acquire) < self.threads {
            thread::yield_now();
        }
    }
}

/// The kernel's account of how long this thread waited for a core.
struct Waiting(Option<File>);

impl Waiting {
    fn of_this_thread() -> Self {
        Self(File::open("/proc/thread-self/schedstat").ok())
    }

    fn nanos(&mut self) -> u64 {
        let mut text = [0; 96];
        let read = self.0.as_mut().and_then(|file| {
            file.rewind().ok()?;
            file.read(&mut text).ok()
        });
        let text = str::from_utf8(&text[..read.unwrap_or(0)]).unwrap_or("");
        text.split(' ')
            .nth(1)
            .and_then(|field| field.parse().ok())
            .unwrap_or(0)
    }
}

struct Order {
    work: Work,
    gate: Arc<Gate>,
    threads: usize,
    window: Duration,
    warm: Duration,
}

/// Threads that live as long as the program, each pinned to a core, taking turns.
pub(crate) struct Pool {
    orders: Vec<Sender<Order>>,
    samples: Receiver<Sample>,
}

impl Pool {
    /// Starts `threads` workers. More workers than cores share the cores in turn.
    pub(crate) fn start(threads: usize) -> Self {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let (report, samples) = channel();
        let orders = (0..threads)
            .map(|index| {
                let (order, orders) = channel::<Order>();
                let core = cores.get(index % cores.len().max(1)).copied();
                let report = report.clone();
                thread::spawn(move || {
                    if let Some(core) = core {
                        core_affinity::set_for_current(core);
                    }
                    let mut waiting = Waiting::of_this_thread();
                    for Order {
                        work,
                        gate,
                        threads,
                        window,
                        warm,
                    } in orders
                    {
                        let mut lane = Lane {
                            index,
                            threads,
                            window,
                            warm,
                            gate: &gate,
                            waiting: &mut waiting,
                        };
                        let sample = work(&mut lane);
                        drop(work);
                        if report.send(sample).is_err() {
                            break;
                        }
                    }
                });
                order
            })
            .collect();
        Self { orders, samples }
    }

    /// Takes one window of `work` on `threads` workers.
    ///
    /// # Panics
    ///
    /// Panics when there are fewer workers than `threads`, or one of them is gone.
    pub(crate) fn window(
        &self,
        work: &Work,
        threads: usize,
        window: Duration,
        warm: Duration,
    ) -> Vec<Sample> {
        let gate = Arc::new(Gate {
            arrived: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
        });
        for orders in &self.orders[..threads] {
            let order = Order {
                work: Arc::clone(work),
                gate: Arc::clone(&gate),
                threads,
                window,
                warm,
            };
            assert!(orders.send(order).is_ok(), "a worker of the pool is gone");
        }
        (0..threads)
            .map(|_| {
                self.samples
                    .recv()
                    .expect("the workers live as long as the pool")
            })
            .collect()
    }
}

/// Times arithmetic that keeps all units of a core busy: twice some 3 microseconds, the better
/// counts.
fn pace() -> u64 {
    let once = || {
        let [mut a, mut b, mut c, mut d] = std::hint::black_box([1_u64, 2, 3, 4]);
        let begun = Instant::now();
        for at in 0..2_000_u64 {
            a = a.rotate_left(7) ^ at;
            b = b.rotate_left(9).wrapping_add(at);
            c = c.rotate_left(11) ^ at;
            d = d.rotate_left(13).wrapping_add(at);
        }
        std::hint::black_box([a, b, c, d]);
        begun.elapsed().as_nanos() as u64
    };
    once().min(once())
}

/// Gives the nanoseconds between two readings of the clock with nothing between them.
pub(crate) fn clock() -> u64 {
    let mut between: Vec<u64> = (0..101)
        .map(|_| {
            let begun = Instant::now();
            begun.elapsed().as_nanos() as u64
        })
        .collect();
    between.sort_unstable();
    between[50]
}
