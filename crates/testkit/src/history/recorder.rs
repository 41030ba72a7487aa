//! The recorder of histories.

use super::{History, Operation};
use crate::sync::lock;
use std::{
    fmt::{self, Debug},
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// The process of an operation that was taken back.
const WITHDRAWN: usize = usize::MAX;

/// Records who called what when, and what it returned.
///
/// Time is one counter that every call and every return increases, so the order in the history is
/// an order that really held: if one operation returned before another was called, in any way that
/// the two threads could tell, it has the smaller number. Each [`Process`] keeps its own list; the
/// counter is all that threads share while they run.
///
/// # Examples
///
/// ```
/// use byname_testkit::Recorder;
///
/// let recorder = Recorder::new();
/// let mut process = recorder.process();
/// let returned = process.call("read", || 7);
/// assert_eq!(returned, 7);
/// drop(process);
/// let history = recorder.history();
/// assert_eq!(history.operations()[0].op, "read");
/// assert_eq!(history.operations()[0].ret, Some((1, 7)));
/// ```
pub struct Recorder<Op, Ret> {
    time: AtomicU64,
    processes: AtomicUsize,
    operations: Mutex<Vec<Operation<Op, Ret>>>,
}

impl<Op, Ret> Recorder<Op, Ret> {
    /// Starts with nothing recorded.
    #[must_use]
    pub fn new() -> Self {
        Self {
            time: AtomicU64::new(0),
            processes: AtomicUsize::new(0),
            operations: Mutex::new(Vec::new()),
        }
    }

    /// Adds a process: a thread or a task that calls one thing after another.
    pub fn process(&self) -> Process<'_, Op, Ret> {
        let id = self.processes.fetch_add(1, Ordering::Relaxed);
        Process {
            recorder: self,
            id,
            operations: Vec::new(),
        }
    }

    /// Returns what all processes that have been dropped so far recorded.
    ///
    /// To be called when all have: what others called meanwhile would be missing in the history
    /// and make it a wrong one.
    #[must_use]
    pub fn history(&self) -> History<Op, Ret>
    where
        Op: Clone + Debug,
        Ret: Clone + Debug,
    {
        History::from_operations(lock(&self.operations).iter().cloned())
    }

    /// Returns the next time.
    fn tick(&self) -> u64 {
        // SeqCst: what the operation does is neither before the tick of its call nor after the
        // tick of its return, and all ticks are in one order.
        self.time.fetch_add(1, Ordering::SeqCst)
    }
}

impl<Op, Ret> Default for Recorder<Op, Ret> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Op, Ret> Debug for Recorder<Op, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recorded = lock(&self.operations).len();
        f.debug_struct("Recorder")
            .field("recorded", &recorded)
            .finish_non_exhaustive()
    }
}

/// One who calls, and whose operations a [`Recorder`] records.
///
/// What it recorded becomes part of the history when it is dropped.
pub struct Process<'a, Op, Ret> {
    recorder: &'a Recorder<Op, Ret>,
    id: usize,
    operations: Vec<Operation<Op, Ret>>,
}

/// An operation that was called and has not returned; see [`Process::invoke`].
#[derive(Debug)]
#[must_use = "an invocation that is never completed stays in the history as one that may have happened"]
pub struct Invocation {
    index: usize,
}

impl<Op, Ret> Process<'_, Op, Ret> {
    /// Returns the number of this process.
    #[must_use]
    pub fn id(&self) -> usize {
        self.id
    }

    /// Records `op`, does `work`, and records what it returned.
    ///
    /// If `work` panics, `op` is recorded as one that may or may not have happened.
    pub fn call(&mut self, op: Op, work: impl FnOnce() -> Ret) -> Ret
    where
        Ret: Clone,
    {
        let invocation = self.invoke(op);
        let ret = work();
        self.respond(invocation, ret.clone());
        ret
    }

    /// Records that `op` is called now.
    ///
    /// For what a closure cannot hold: a call that is awaited, cancelled, or sent elsewhere. To be
    /// followed by [`respond`](Self::respond) or [`withdraw`](Self::withdraw); without either it
    /// may have happened, or may still happen, or never.
    pub fn invoke(&mut self, op: Op) -> Invocation {
        let index = self.operations.len();
        let call = self.recorder.tick();
        self.operations.push(Operation {
            process: self.id,
            op,
            call,
            ret: None,
        });
        Invocation { index }
    }

    /// Records that the call returned `ret` now.
    pub fn respond(&mut self, Invocation { index }: Invocation, ret: Ret) {
        let time = self.recorder.tick();
        self.operations[index].ret = Some((time, ret));
    }

    /// Takes back a call that is known not to have happened and never to happen.
    pub fn withdraw(&mut self, Invocation { index }: Invocation) {
        // Its place is kept, because other invocations know theirs by index.
        self.operations[index].process = WITHDRAWN;
    }
}

impl<Op, Ret> Drop for Process<'_, Op, Ret> {
    fn drop(&mut self) {
        let own = std::mem::take(&mut self.operations);
        let happened = own
            .into_iter()
            .filter(|operation| operation.process != WITHDRAWN);
        lock(&self.recorder.operations).extend(happened);
    }
}

impl<Op, Ret> Debug for Process<'_, Op, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recorded = self.operations.len();
        f.debug_struct("Process")
            .field("id", &self.id)
            .field("recorded", &recorded)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::together;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn calls_and_returns_have_times_of_their_own_in_their_order() {
        let recorder = Recorder::new();
        together(4, |_| {
            let mut process = recorder.process();
            for number in 0..100 {
                process.call(number, || number);
            }
        });
        let history = recorder.history();
        let mut times: Vec<u64> = Vec::new();
        for process in 0..4 {
            let own = history
                .operations()
                .iter()
                .filter(|operation| operation.process == process);
            let own: Vec<_> = own.collect();
            assert_eq!(
                own.iter().map(|it| it.op).collect::<Vec<_>>(),
                (0..100).collect::<Vec<_>>()
            );
            let times_of_own = own.iter().flat_map(|it| [it.call, it.ret.unwrap().0]);
            let times_of_own: Vec<u64> = times_of_own.collect();
            assert!(times_of_own.is_sorted());
            times.extend(times_of_own);
        }
        times.sort_unstable();
        assert_eq!(times, (0..800).collect::<Vec<_>>());
    }

    #[test]
    fn a_call_may_return_fail_panic_or_never_return() {
        let recorder = Recorder::new();
        let mut process = recorder.process();
        let lost = process.invoke("lost");
        drop(lost);
        let returned = process.invoke("returned");
        let withdrawn = process.invoke("withdrawn");
        process.withdraw(withdrawn);
        process.respond(returned, 1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            process.call("panicked", || -> i32 { panic!("in the operation") })
        }));
        assert!(panicked.is_err());
        assert_eq!(process.id(), 0);
        drop(process);
        let history = recorder.history();
        let seen: Vec<_> = history
            .operations()
            .iter()
            .map(|it| (it.op, it.call, it.ret))
            .collect();
        assert_eq!(
            seen,
            [
                ("lost", 0, None),
                ("returned", 1, Some((3, 1))),
                ("panicked", 4, None)
            ]
        );
    }
}
