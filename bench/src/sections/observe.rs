//! Telling observers of a change.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::grid::{Grid, Session};
use crate::measure::{Lane, Work};
use crate::names::Svc;
use crate::report::Report;

pub(crate) const FLOOR: &str = "`Vec` of callbacks, called in turn";
const OBSERVERS: [usize; 4] = [0, 1, 10, 100];

/// Something that tells a fixed number of observers of each of so many changes, and lets each of
/// them take it.
pub(crate) trait Notifier: Send + Sync {
    fn changes(&self, times: usize);
}

type Callback = Box<dyn Fn(&Arc<Svc>) + Send + Sync>;

fn callbacks(count: usize) -> Vec<Callback> {
    let seen = Arc::new(AtomicU64::new(0));
    (0..count)
        .map(|_| {
            let seen = Arc::clone(&seen);
            let callback: Callback = Box::new(move |value| {
                seen.store(value.id, Ordering::Relaxed);
            });
            callback
        })
        .collect()
}

struct Plain(Vec<Callback>);

impl Notifier for Plain {
    fn changes(&self, times: usize) {
        for at in 0..times {
            let change = Arc::new(Svc::new(at));
            for callback in std::hint::black_box(&self.0) {
                callback(&change);
            }
        }
    }
}

struct Locked(RwLock<Vec<Callback>>);

impl Notifier for Locked {
    fn changes(&self, times: usize) {
        for at in 0..times {
            let change = Arc::new(Svc::new(at));
            for callback in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
                callback(&change);
            }
        }
    }
}

struct Broadcast(
    tokio::sync::broadcast::Sender<Arc<Svc>>,
    Mutex<Vec<tokio::sync::broadcast::Receiver<Arc<Svc>>>>,
);

impl Notifier for Broadcast {
    fn changes(&self, times: usize) {
        let mut receivers = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        for at in 0..times {
            // Sending to nobody is no error here.
            let _ = self.0.send(Arc::new(Svc::new(at)));
            for receiver in &mut *receivers {
                drop(std::hint::black_box(receiver.try_recv()));
            }
        }
    }
}

struct Watch(
    tokio::sync::watch::Sender<Arc<Svc>>,
    Mutex<Vec<tokio::sync::watch::Receiver<Arc<Svc>>>>,
);

impl Notifier for Watch {
    fn changes(&self, times: usize) {
        let mut receivers = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        for at in 0..times {
            drop(self.0.send_replace(Arc::new(Svc::new(at))));
            for receiver in &mut *receivers {
                std::hint::black_box(receiver.borrow_and_update().id);
            }
        }
    }
}

/// How a notifier with so many observers is made.
pub(crate) type Make = fn(usize) -> Arc<dyn Notifier>;

fn notifiers() -> Vec<(&'static str, Make)> {
    vec![
        (FLOOR, |observers| Arc::new(Plain(callbacks(observers)))),
        ("`RwLock` of callbacks", |observers| {
            Arc::new(Locked(RwLock::new(callbacks(observers))))
        }),
        ("tokio `broadcast`, each receives", |observers| {
            let (sender, first) = tokio::sync::broadcast::channel(64);
            let receivers = (0..observers).map(|_| sender.subscribe()).collect();
            drop(first);
            Arc::new(Broadcast(sender, Mutex::new(receivers)))
        }),
        ("tokio `watch`, each looks", |observers| {
            let (sender, first) = tokio::sync::watch::channel(Arc::new(Svc::new(0)));
            let receivers = (0..observers).map(|_| first.clone()).collect();
            Arc::new(Watch(sender, Mutex::new(receivers)))
        }),
        (
            "**registry** `replace`, each receives",
            crate::peers::byname_observe::subscribed,
        ),
        (
            "registry's `Subject` of callbacks",
            crate::peers::byname_observe::subject,
        ),
    ]
}

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Observers")?;
    report.say(
        "Nanoseconds a change: making the new value, changing, telling all observers, each of them \
         taking it on the same thread. The rows of the registry hold the change itself besides.",
    )?;
    let mut grid = Grid::new(OBSERVERS.map(|observers| format!("{observers} observers")));
    for (name, make) in notifiers() {
        let jobs = OBSERVERS
            .iter()
            .map(|observers| {
                let notifier = make(*observers);
                let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
                    lane.measure(|length| notifier.changes(length))
                });
                Some(session.job(work, 1, 1))
            })
            .collect();
        grid.row(name, jobs);
    }
    let measured = session.run("observe", grid);
    report.table(&measured, Some(FLOOR))
}
