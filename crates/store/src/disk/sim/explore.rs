//! Scenarios, cut off at every operation, and with every fault at every call.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::crash::{PowerCut, states};
use super::fault::{Call, Failure, Fault};
use super::{SimDisk, World};

#[derive(Clone, Debug)]
struct Notes<S> {
    /// What was asked for and not refused, in order, with the state that it leads to.
    intents: Vec<(Ticket, S)>,
    next: Ticket,
    /// What was acknowledged, the oldest first.
    acknowledged: Vec<(Ticket, S)>,
}

/// Names an intent.
pub type Ticket = u64;

/// What a scenario has asked for, and what it was told: the states in which everything may be after
/// a power cut.
///
/// An intent is noted before anything is done for it, and what became of it before anything else is
/// asked for that depends on it.
#[derive(Debug)]
pub struct Journal<S> {
    notes: Arc<Mutex<Notes<S>>>,
}

impl<S: Clone> Journal<S> {
    /// Begins with a state that is durable, if there is one.
    #[must_use]
    pub fn new(start: Option<S>) -> Self {
        Self {
            notes: Arc::new(Mutex::new(Notes {
                intents: Vec::new(),
                next: 1,
                acknowledged: start.map(|state| (0, state)).into_iter().collect(),
            })),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes<S>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something is about to be asked for which leads to this state.
    pub fn intend(&self, state: S) -> Ticket {
        let mut notes = self.notes();
        let ticket = notes.next;
        notes.next += 1;
        notes.intents.push((ticket, state));
        ticket
    }

    /// Notes that it was acknowledged, and with it everything before.
    pub fn acknowledge(&self, ticket: Ticket) {
        let mut notes = self.notes();
        let found = notes.intents.iter().position(|&(t, _)| t == ticket);
        if let Some(index) = found {
            let acknowledged: Vec<_> = notes.intents.drain(..=index).collect();
            notes.acknowledged.extend(acknowledged);
        }
    }

    /// Notes that it was refused: it has not happened and will not.
    pub fn refuse(&self, ticket: Ticket) {
        self.notes().intents.retain(|&(t, _)| t != ticket);
    }

    /// Returns the last state that was acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> Option<S> {
        let notes = self.notes();
        notes.acknowledged.last().map(|(_, state)| state.clone())
    }

    /// Returns every state that was acknowledged, the oldest first.
    #[must_use]
    pub fn past(&self) -> Vec<S> {
        let notes = self.notes();
        let past = notes.acknowledged.iter();
        past.map(|(_, state)| state.clone()).collect()
    }

    /// Returns the states that are in flight, in order.
    #[must_use]
    pub fn in_flight(&self) -> Vec<S> {
        let notes = self.notes();
        notes
            .intents
            .iter()
            .map(|(_, state)| state.clone())
            .collect()
    }

    fn copy(&self) -> Self {
        Self {
            notes: Arc::new(Mutex::new(self.notes().clone())),
        }
    }

    /// Tells journals apart that allow other states.
    fn mark(&self) -> (Ticket, Vec<Ticket>) {
        let notes = self.notes();
        let last = notes.acknowledged.last().map_or(0, |(ticket, _)| *ticket);
        (
            last,
            notes.intents.iter().map(|(ticket, _)| *ticket).collect(),
        )
    }
}

impl<S> Clone for Journal<S> {
    /// The same journal.
    fn clone(&self) -> Self {
        Self {
            notes: Arc::clone(&self.notes),
        }
    }
}

/// How far was looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// At how many operations the power was cut, or how many faults struck.
    pub points: usize,
    /// How many different states were checked.
    pub states: usize,
}

/// Where a power cut struck, and what it left. Printed when a check panics.
#[derive(Debug)]
pub struct Cut {
    /// Before which operation of the scenario, counted from 1.
    pub operation: u64,
    /// What would have been done.
    pub next: String,
    /// What was lost.
    pub story: String,
    seed: u64,
}

impl Drop for Cut {
    #[expect(clippy::print_stderr, reason = "says where a check failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self {
                operation,
                next,
                story,
                seed,
            } = self;
            eprintln!("cut before operation {operation} ({next}), seed {seed:#x}: {story}");
        }
    }
}

/// What there was before an operation, which was next, and what had been asked for and answered.
type Point<S> = (World, String, Journal<S>);

/// Runs a scenario, and returns what there was before each of its operations, and at the end.
fn points<S: Clone + Send + 'static>(
    base: &SimDisk,
    journal: &Journal<S>,
    scenario: impl FnOnce(&SimDisk, &Journal<S>),
) -> Vec<Point<S>> {
    let points: Arc<Mutex<Vec<Point<S>>>> = Arc::default();
    let disk = base.fork();
    {
        let (points, journal) = (Arc::clone(&points), journal.clone());
        disk.set_hook(Some(Arc::new(move |world: &World, next: &str| {
            let point = (world.clone(), next.to_owned(), journal.copy());
            points
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(point);
        })));
    }
    scenario(&disk, journal);
    disk.set_hook(None);
    let mut points = std::mem::take(&mut *points.lock().unwrap_or_else(PoisonError::into_inner));
    points.push((disk.world().clone(), "the end".into(), journal.copy()));
    points
}

/// Runs a scenario, cuts the power before each of its operations and after the last one, and checks
/// every state that may be left, with the journal as it was at that moment. The disk that is checked
/// is switched on again; `base` stays as it is.
///
/// # Panics
///
/// As `check` does, after saying on standard error where.
pub fn explore<S: Clone + Send + 'static>(
    cut: PowerCut,
    base: &SimDisk,
    journal: &Journal<S>,
    scenario: impl FnOnce(&SimDisk, &Journal<S>),
    mut check: impl FnMut(&SimDisk, &Journal<S>, &Cut),
) -> Swept {
    let points = points(base, journal, scenario);
    let mut swept = Swept {
        points: points.len(),
        states: 0,
    };
    let mut seen = BTreeSet::new();
    for (world, next, journal) in points {
        for state in states(&world, cut) {
            if !seen.insert((state.mark(), journal.mark())) {
                continue;
            }
            swept.states += 1;
            let point = Cut {
                operation: world.operations + 1,
                next: next.clone(),
                story: state.story().to_owned(),
                seed: cut.seed,
            };
            check(&state.boot(), &journal, &point);
        }
    }
    swept
}

/// Runs a scenario, and ends its processes before each of its operations and after the last one: what
/// is checked is the disk as they leave it, the power on, nothing held, and by no means all durable.
/// `base` stays as it is.
///
/// # Panics
///
/// As `check` does, after saying on standard error where.
pub fn explore_kills<S: Clone + Send + 'static>(
    base: &SimDisk,
    journal: &Journal<S>,
    scenario: impl FnOnce(&SimDisk, &Journal<S>),
    mut check: impl FnMut(&SimDisk, &Journal<S>, &Cut),
) -> Swept {
    let points = points(base, journal, scenario);
    let swept = Swept {
        points: points.len(),
        states: points.len(),
    };
    for (world, next, journal) in points {
        let point = Cut {
            operation: world.operations + 1,
            next,
            story: "only the processes ended".into(),
            seed: 0,
        };
        check(&SimDisk::of(world).fork(), &journal, &point);
    }
    swept
}

/// A fault that struck: printed when a check panics.
#[derive(Debug)]
struct Struck {
    fault: Fault,
    call: Call,
    disk: SimDisk,
}

impl Drop for Struck {
    #[expect(clippy::print_stderr, reason = "says where a check failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { fault, call, disk } = self;
            eprintln!(
                "{fault:?}, in the clean run {call:?}; struck: {:?}",
                disk.fired()
            );
        }
    }
}

/// Runs a scenario once as it is, and then once for each of its calls and each way in which that
/// call can fail, once and lastingly; of all these runs, only one in `of`. After each run in which the
/// fault struck the disk is healed and checked.
///
/// # Panics
///
/// As the scenario and `check` do, after saying on standard error which fault it was.
pub fn explore_faults<S: Clone>(
    base: &SimDisk,
    failures: &[Failure],
    of: usize,
    mut scenario: impl FnMut(&SimDisk) -> Journal<S>,
    mut check: impl FnMut(&SimDisk, &Journal<S>, Fault),
) -> Swept {
    let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
    let clean = base.fork();
    clean.record_calls(&calls);
    scenario(&clean);
    let calls = std::mem::take(&mut *calls.lock().unwrap_or_else(PoisonError::into_inner));
    let mut swept = Swept::default();
    for (index, (fault, call)) in faults(&calls, failures).into_iter().enumerate() {
        if !index.is_multiple_of(of) {
            continue;
        }
        let disk = base.fork();
        let _struck = Struck {
            fault,
            call,
            disk: disk.clone(),
        };
        disk.plan(fault);
        let journal = scenario(&disk);
        disk.heal();
        if !disk.fired().is_empty() {
            swept.points += 1;
            swept.states += 1;
            check(&disk, &journal, fault);
        }
    }
    swept
}

/// Every way in which each of these calls may fail.
fn faults(calls: &[Call], failures: &[Failure]) -> Vec<(Fault, Call)> {
    let mut all = Vec::new();
    for (at, &call) in (1..).zip(calls) {
        for &failure in failures.iter().filter(|failure| failure.befalls(call)) {
            // A signal that never stops coming is none of the disk's.
            let ways: &[bool] = match failure {
                Failure::Interrupted => &[false],
                _ => &[false, true],
            };
            for &lasting in ways {
                let fault = Fault {
                    at,
                    failure,
                    lasting,
                };
                all.push((fault, call));
            }
        }
    }
    all
}
