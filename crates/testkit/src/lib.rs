//! What tests need, in one crate without dependencies but for the feature `browser`.
//!
//! | question of the test | answer here |
//! |---|---|
//! | do they really run at the same time? | [`StartBarrier`], [`TaskBarrier`], [`ProcessBarrier`], [`together`] |
//! | could these results come from one step after another? | [`Recorder`], [`History`], [`Model`], [`Checker`] |
//! | did it say so, did it hear of it? | [`RecordingLog`], [`RecordingObserver`], [`Recording`] |
//! | what happens at the deadline? | [`ManualClock`] behind the trait [`Clock`] |
//! | will its port be free while it is away? | [`own_loopback`] |
//! | is every value dropped, once, and when? | [`DropCounter`] |
//! | does the future behave on any runtime, cancelled at any point? | [`block_on`], [`Executor`] |
//! | what does a browser make of it? | `browser::Browser`, with the feature `browser` |
//! | the same random run again? | [`Rng`], [`for_seeds`] |
//!
//! Nothing here sleeps. Where something is waited for, a [`Duration`](std::time::Duration) bounds
//! the wait: it is how long a *broken* program may take to fail, and a program that works never
//! waits for it. [`PATIENCE`] is the bound used where none is asked for.
//!
//! # Examples
//!
//! Two threads change one register at once; the results are checked against a register that only
//! ever does one thing after another:
//!
//! ```
//! use byname_testkit::{History, Recorder, together, models::{Register, RegisterOp, RegisterRet}};
//! use std::sync::Mutex;
//!
//! let register = Mutex::new(0);
//! let recorder = Recorder::new();
//! together(2, |index| {
//!     let mut process = recorder.process();
//!     process.call(RegisterOp::Write(index), || {
//!         *register.lock().unwrap() = index;
//!         RegisterRet::Done
//!     });
//!     process.call(RegisterOp::Read, || RegisterRet::Value(*register.lock().unwrap()));
//! });
//! let history: History<_, _> = recorder.history();
//! assert_eq!(history.len(), 4);
//! history.check(&Register::new(0)).unwrap();
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "browser")]
pub mod browser;
mod clock;
mod drops;
mod history;
pub mod http;
mod loopback;
pub mod openmetrics;
mod record;
mod rng;
mod start;
mod sync;
mod task;

pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use drops::{Counted, DropCounter};
pub use history::{
    CheckError, Checker, Contradiction, History, Invocation, Model, Operation, Process, Recorder,
    Step, models,
};
pub use loopback::own_loopback;
pub use record::{Fault, NotSeen, Recording, RecordingLog, RecordingObserver};
pub use rng::{Rng, for_seeds};
pub use start::{
    Finished, ProcessBarrier, Running, StartBarrier, TaskBarrier, TaskBarrierWait, arrive, role,
    together,
};
pub use task::{Executor, Task, TimedOut, block_on, block_on_within};

/// The bound on a wait where none is asked for: one minute.
///
/// Only a broken program meets it, so it is chosen for the slowest machine and not for the usual
/// one.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
