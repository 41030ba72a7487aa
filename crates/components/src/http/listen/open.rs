//! A connection that is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::peers::Seat;
use super::stats::Counters;

/// The place of a connection, held by everything that still uses it: who drives it, its stream, and what
/// the stream has been handed to. The connection has ended when it is dropped.
#[derive(Debug)]
pub(super) struct Open {
    counters: Arc<Counters>,
    cut: CancellationToken,
    upgraded: AtomicBool,
    stalled: AtomicBool,
    _place: Option<OwnedSemaphorePermit>,
    _seat: Option<Seat>,
    _counted: TaskTrackerToken,
}

impl Open {
    pub(super) fn new(
        counters: Arc<Counters>,
        cut: CancellationToken,
        place: Option<OwnedSemaphorePermit>,
        seat: Option<Seat>,
        counted: TaskTrackerToken,
    ) -> Self {
        counters.open.up();
        Self {
            counters,
            cut,
            upgraded: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            _place: place,
            _seat: seat,
            _counted: counted,
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Cancelled when the connection has to end at once.
    pub(super) fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// It speaks something else than HTTP from now on.
    pub(super) fn upgrade(&self) {
        if !self.upgraded.swap(true, Ordering::AcqRel) {
            self.counters.upgraded.up();
        }
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    /// Its peer takes nothing any more.
    pub(super) fn stalled(&self) {
        if !self.stalled.swap(true, Ordering::Relaxed) {
            self.counters.write_timeouts.up();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.counters.open.down();
        if self.is_upgraded() {
            self.counters.upgraded.down();
        }
    }
}
