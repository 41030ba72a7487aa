//! Barriers at the start: threads, tasks and processes that begin at the same moment.

mod process;
mod tasks;
mod threads;

pub use process::{Finished, ProcessBarrier, Running, arrive, role};
pub use tasks::{TaskBarrier, TaskBarrierWait};
pub use threads::{StartBarrier, together};
