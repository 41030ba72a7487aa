//! A registry of builds and nothing else, and futures and wakers that a test controls.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context as TaskContext, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use super::super::{
    Build, BuildError, BuildStatus, Cause, Clock, Context, Kind, Retry, Rules, Wait,
};

/// What a factory under test returns.
pub(super) type Outcome = Result<(), Cause>;

/// An error that a test recognises.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Boom(pub(super) usize);

impl fmt::Display for Boom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "boom {}", self.0)
    }
}

impl Error for Boom {}

pub(super) fn boom(number: usize) -> Cause {
    Arc::new(Boom(number))
}

pub(super) fn cause(error: BuildError) -> Cause {
    Arc::new(error)
}

/// Returns the error at the bottom of `error`, through the builds that passed it on.
pub(super) fn root(error: &BuildError) -> &BuildError {
    match error
        .source()
        .and_then(|source| source.downcast_ref::<BuildError>())
    {
        Some(inner) => root(inner),
        None => error,
    }
}

/// Returns the path of the circle that made `result` an error.
pub(super) fn circle(result: Result<(), BuildError>) -> String {
    match root(&result.unwrap_err()) {
        BuildError::Cycle { path } => path.to_string(),
        other => panic!("{other}"),
    }
}

pub(super) fn rules(label: &str) -> Arc<Rules> {
    Arc::new(Rules {
        label: Arc::from(label),
        ..Rules::default()
    })
}

/// Time that stands still until a test moves it.
#[derive(Default)]
pub(super) struct ManualClock(Mutex<Duration>);

impl ManualClock {
    pub(super) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// Makes a build of a factory that is ready at once.
pub(super) fn sync(
    rules: &Arc<Rules>,
    name: &str,
    retry: Retry,
    factory: impl Fn(Context) -> Outcome + Send + Sync + 'static,
) -> Arc<Build> {
    let factory = Arc::new(factory);
    Build::new(Arc::from(name), Kind::Sync, retry, rules, move |context| {
        let factory = Arc::clone(&factory);
        Box::pin(async move { factory(context) })
    })
}

/// Makes a build of a factory that may wait.
pub(super) fn asynchronous<F>(
    rules: &Arc<Rules>,
    name: &str,
    retry: Retry,
    factory: impl Fn(Context) -> F + Send + Sync + 'static,
) -> Arc<Build>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let start = move |context| -> super::super::cell::BuildFuture { Box::pin(factory(context)) };
    Build::new(Arc::from(name), Kind::Async, retry, rules, start)
}

/// Builds by path (`registry/name`), for factories that ask for one another.
#[derive(Default)]
pub(super) struct World(Mutex<HashMap<String, Arc<Build>>>);

impl World {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn get(&self, path: &str) -> Arc<Build> {
        Arc::clone(&self.0.lock().unwrap()[path])
    }

    pub(super) fn add(&self, build: Arc<Build>) {
        self.0
            .lock()
            .unwrap()
            .insert(build.name().to_string(), build);
    }

    /// Adds a factory that asks for each of `needs` in turn and then succeeds.
    pub(super) fn sync(self: &Arc<Self>, path: &str, needs: &'static [&'static str]) {
        let world = Arc::downgrade(self);
        let (label, name) = path.split_once('/').unwrap();
        self.add(sync(&rules(label), name, Retry::NextAsk, move |_| {
            let world = Weak::upgrade(&world).unwrap();
            needs
                .iter()
                .try_for_each(|need| world.get(need).wait().map_err(cause))
        }));
    }

    /// Adds a factory that waits for `gate`, and then for all of `needs` at once.
    pub(super) fn joining(
        self: &Arc<Self>,
        path: &str,
        gate: &Arc<Gate>,
        needs: &'static [&'static str],
        built: &Arc<AtomicUsize>,
    ) {
        let world = Arc::downgrade(self);
        let (gate, built) = (Arc::clone(gate), Arc::clone(built));
        let (label, name) = path.split_once('/').unwrap();
        self.add(asynchronous(
            &rules(label),
            name,
            Retry::NextAsk,
            move |_| {
                let world = Weak::upgrade(&world).unwrap();
                let (gate, built) = (Arc::clone(&gate), Arc::clone(&built));
                async move {
                    gate.passed().await;
                    let waits = needs
                        .iter()
                        .map(|need| world.get(need).wait_async())
                        .collect();
                    join(waits).await.map_err(cause)?;
                    built.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                }
            },
        ));
    }
}

/// Waits for all of `waits` in one task; ends at the first error.
pub(super) async fn join(mut waits: Vec<Wait>) -> Result<(), BuildError> {
    poll_fn(move |cx| {
        let mut at = 0;
        while let Some(wait) = waits.get_mut(at) {
            match Pin::new(wait).poll(cx) {
                Poll::Ready(Ok(())) => drop(waits.remove(at)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => at += 1,
            }
        }
        if waits.is_empty() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    })
    .await
}

/// Holds futures back until it is opened.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<(bool, Vec<Waker>)>,
    polls: AtomicUsize,
}

impl Gate {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn opened() -> Arc<Self> {
        let gate = Self::new();
        gate.open();
        gate
    }

    pub(super) fn open(&self) {
        let wakers = {
            let mut state = self.state.lock().unwrap();
            state.0 = true;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Returns how many futures are held back.
    pub(super) fn held(&self) -> usize {
        self.state.lock().unwrap().1.len()
    }

    /// Returns how often a future was polled here.
    pub(super) fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    pub(super) fn passed(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        let gate = Arc::clone(self);
        poll_fn(move |cx| {
            gate.polls.fetch_add(1, Ordering::SeqCst);
            let mut state = gate.state.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(cx.waker().clone());
            Poll::Pending
        })
    }
}

/// A waiter in the hands of the test, and how often it was woken.
pub(super) struct Task {
    wait: Wait,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    pub(super) fn of(build: &Arc<Build>) -> Self {
        Self {
            wait: build.wait_async(),
            woken: Arc::default(),
        }
    }

    pub(super) fn poll(&mut self) -> Poll<Result<(), BuildError>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.poll_with(&waker)
    }

    pub(super) fn poll_with(&mut self, waker: &Waker) -> Poll<Result<(), BuildError>> {
        Pin::new(&mut self.wait).poll(&mut TaskContext::from_waker(waker))
    }

    pub(super) fn wakes(&self) -> usize {
        self.woken.0.load(Ordering::SeqCst)
    }
}

/// Runs `tasks` on `threads` threads until all are done.
pub(super) fn run(threads: usize, tasks: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>) {
    struct Job {
        future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
        queue: Mutex<mpsc::Sender<Arc<Job>>>,
    }
    impl Wake for Job {
        fn wake(self: Arc<Self>) {
            let queue = self.queue.lock().unwrap().clone();
            // The executor has gone when every task is done.
            let _late = queue.send(self);
        }
    }
    let (queue, jobs) = mpsc::channel();
    let left = AtomicUsize::new(tasks.len());
    for future in tasks {
        let (future, queue_of_job) = (Mutex::new(Some(future)), Mutex::new(queue.clone()));
        queue
            .send(Arc::new(Job {
                future,
                queue: queue_of_job,
            }))
            .unwrap();
    }
    let jobs = Mutex::new(jobs);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while left.load(Ordering::SeqCst) > 0 {
                    let Ok(job) = jobs.lock().unwrap().try_recv() else {
                        thread::yield_now();
                        continue;
                    };
                    let mut slot = job.future.lock().unwrap();
                    let waker = Waker::from(Arc::clone(&job));
                    let mut cx = TaskContext::from_waker(&waker);
                    let Some(future) = slot.as_mut() else {
                        continue;
                    };
                    if future.as_mut().poll(&mut cx).is_ready() {
                        *slot = None;
                        left.fetch_sub(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
}

/// Waits, without sleeping, until `count` threads and tasks wait for `build`.
pub(super) fn until_waited_for_by(build: &Build, count: usize) {
    while !matches!(build.status(), BuildStatus::Building { waiters } if waiters == count) {
        thread::yield_now();
    }
}
