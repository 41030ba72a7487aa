//! Values that are built when they are first asked for.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::grid::{Grid, Session};
use crate::measure::{Lane, Work};
use crate::names::Svc;
use crate::peers::Hasher;
use crate::report::Report;

pub(crate) const FLOOR: &str = "a kept `Arc`";
const THREADS: usize = 100;
pub(crate) const NAME: &str = "service-that-is-built-once";

/// Makes the value.
pub(crate) type Build = Arc<dyn Fn() -> Arc<Svc> + Send + Sync>;

/// Something that builds one value once.
pub(crate) trait Cell: Send + Sync {
    /// Asks for the value; the first to ask builds it.
    fn ask(&self) -> u64;
    /// Reads the built value so many times in the way that is quickest for it.
    fn read(&self, times: usize) -> u64;
}

/// Reads one value many times in a row; the compiler must not take it out of the loop.
pub(crate) fn again(times: usize, mut read: impl FnMut() -> u64) -> u64 {
    let mut sum = 0;
    for _ in 0..times {
        sum ^= std::hint::black_box(read());
    }
    sum
}

struct Kept(Build, Arc<Svc>);

impl Cell for Kept {
    fn ask(&self) -> u64 {
        std::hint::black_box((self.0)()).id
    }
    fn read(&self, times: usize) -> u64 {
        again(times, || std::hint::black_box(&self.1).id)
    }
}

struct Std(Build, OnceLock<Arc<Svc>>);

impl Cell for Std {
    fn ask(&self) -> u64 {
        self.1.get_or_init(|| (self.0)()).id
    }
    fn read(&self, times: usize) -> u64 {
        again(times, || {
            std::hint::black_box(&self.1)
                .get_or_init(|| unreachable!("it was built"))
                .id
        })
    }
}

struct Tokio(Build, tokio::sync::OnceCell<Arc<Svc>>);

impl Cell for Tokio {
    fn ask(&self) -> u64 {
        wait(self.1.get_or_init(|| async { (self.0)() })).id
    }
    fn read(&self, times: usize) -> u64 {
        again(times, || {
            let cell = std::hint::black_box(&self.1);
            wait(cell.get_or_init(|| async { unreachable!("it was built") })).id
        })
    }
}

/// Polls until ready, parking in between; none of these futures needs a reactor.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let mut idle = Context::from_waker(Waker::noop());
    if let Poll::Ready(output) = future.as_mut().poll(&mut idle) {
        return output;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

struct Moka(Build, moka::sync::Cache<String, Arc<Svc>, Hasher>);

impl Cell for Moka {
    fn ask(&self) -> u64 {
        self.1.get_with_by_ref(NAME, || (self.0)()).id
    }
    fn read(&self, times: usize) -> u64 {
        again(times, || {
            self.1
                .get_with_by_ref(NAME, || unreachable!("it was built"))
                .id
        })
    }
}

struct Dash(Build, dashmap::DashMap<Arc<str>, Arc<Svc>, Hasher>);

impl Cell for Dash {
    fn ask(&self) -> u64 {
        self.1
            .entry(Arc::from(NAME))
            .or_insert_with(|| (self.0)())
            .id
    }
    fn read(&self, times: usize) -> u64 {
        // What one writes who knows that `entry` takes the shard for writing.
        again(times, || self.1.get(NAME).map_or(0, |entry| entry.id))
    }
}

struct Papaya(Build, papaya::HashMap<Arc<str>, Arc<Svc>, Hasher>);

impl Cell for Papaya {
    fn ask(&self) -> u64 {
        self.1
            .pin()
            .get_or_insert_with(Arc::from(NAME), || (self.0)())
            .id
    }
    fn read(&self, times: usize) -> u64 {
        again(times, || self.1.pin().get(NAME).map_or(0, |value| value.id))
    }
}

/// How a cell with nothing built, and a way to build it, is made.
pub(crate) type Make = fn(Build) -> Arc<dyn Cell>;

fn cells() -> Vec<(&'static str, Make)> {
    vec![
        (FLOOR, |build| Arc::new(Kept(build, Arc::new(Svc::new(0))))),
        ("std `OnceLock`", |build| {
            Arc::new(Std(build, OnceLock::new()))
        }),
        ("tokio `OnceCell`", |build| {
            Arc::new(Tokio(build, tokio::sync::OnceCell::new()))
        }),
        ("moka `get_with`", |build| {
            let cache = moka::sync::Cache::builder().max_capacity(1_000);
            Arc::new(Moka(build, cache.build_with_hasher(Hasher::default())))
        }),
        ("dashmap `entry`, then `get`", |build| {
            Arc::new(Dash(
                build,
                dashmap::DashMap::with_hasher(Hasher::default()),
            ))
        }),
        ("papaya `get_or_insert_with`, then `get`", |build| {
            Arc::new(Papaya(
                build,
                papaya::HashMap::with_hasher(Hasher::default()),
            ))
        }),
        (
            "**registry** `resolve`, then `get`",
            crate::peers::byname_once::built,
        ),
        (
            "**registry** `resolve`, then a handle in a view",
            crate::peers::byname_once::built_handle,
        ),
    ]
}

fn at_once() -> Build {
    Arc::new(|| Arc::new(Svc::new(1)))
}

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Built once")?;
    report.say(
        "*First*: the ask that builds (an `Arc` of 48 bytes), into something empty. *Later*: every \
         ask after it, in the way that is quickest for each.",
    )?;
    let mut grid = Grid::new([
        "first",
        "later, 1 thread",
        "later, 2 threads",
        "later, 4 threads",
    ]);
    for (name, make) in cells() {
        let first: Work = Arc::new(move |lane: &mut Lane<'_>| {
            lane.batches(
                16,
                || -> Vec<Arc<dyn Cell>> {
                    {
                        let build = at_once();
                        (0..16).map(|_| make(Arc::clone(&build))).collect()
                    }
                },
                |cells| {
                    for cell in &cells {
                        std::hint::black_box(cell.ask());
                    }
                    cells
                },
            )
        });
        let cell = make(at_once());
        cell.ask();
        let later: Work = Arc::new(move |lane: &mut Lane<'_>| {
            lane.measure(|length| {
                std::hint::black_box(cell.read(length));
            })
        });
        grid.row(
            name,
            vec![
                Some(session.job(first, 1, 1)),
                Some(session.job(Arc::clone(&later), 1, 1)),
                Some(session.job(Arc::clone(&later), 2, 1)),
                Some(session.job(later, 4, 1)),
            ],
        );
    }
    let measured = session.run("once", grid);
    report.table(&measured, Some("std `OnceLock`"))?;

    report.say(&format!(
        "### {THREADS} threads ask at once for what takes a millisecond to build: how often it is \
         built, in the worst of 5 rounds",
    ))?;
    let mut lines = Vec::new();
    for (name, make) in cells().into_iter().filter(|(name, _)| *name != FLOOR) {
        let worst = (0..5).map(|_| builds(make)).max().unwrap_or(0);
        session.record("once", name, "builds", worst as f64);
        lines.push(vec![name.into(), worst.to_string()]);
    }
    report.texts("", &["builds"], &lines)
}

fn builds(make: Make) -> usize {
    let ready = Barrier::new(THREADS);
    let builds = Arc::new(AtomicUsize::new(0));
    let cell = {
        let builds = Arc::clone(&builds);
        make(Arc::new(move || {
            builds.fetch_add(1, Ordering::Relaxed);
            thread::sleep(std::time::Duration::from_millis(1));
            Arc::new(Svc::new(1))
        }))
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                ready.wait();
                std::hint::black_box(cell.ask());
            });
        }
    });
    builds.load(Ordering::Relaxed)
}
