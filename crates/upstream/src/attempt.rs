//! One try at one backend: what it holds, and what becomes of it.

use std::sync::Arc;
use std::time::Instant;

use crate::breaker::{Breaker, BreakerState, Permit};
use crate::limit::{InFlight, Place};
use crate::peer::{Peer, count};

/// One try at one backend, admitted by its breaker and its bound.
///
/// However it ends, in whatever place it is dropped, it is counted exactly once, its place and a
/// trial's place are given back, and one who waits is woken after that.
///
/// The breaker judges heads, so that a long answer holds no trial's place; health judges whole
/// answers, so that a backend that never finishes one is left out.
#[derive(Debug)]
pub(crate) struct Attempt {
    peer: Arc<Peer>,
    permit: Option<Permit<Arc<Peer>>>,
    place: Option<Place<Arc<Peer>>>,
    unwell: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is no head yet.
    Asked,
    /// There is a good head, and a body to come.
    Answered,
    /// It is counted.
    Judged,
}

/// Why a backend takes no call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turned {
    Refused(crate::breaker::BreakerRefused),
    Full,
}

impl Attempt {
    /// Asks the backend's breaker and bound.
    pub(crate) fn admit(peer: &Arc<Peer>, unwell: bool, now: Instant) -> Result<Self, Turned> {
        let permit = Breaker::admit(Arc::clone(peer), now).map_err(|refused| {
            count(&peer.counts.refused);
            Turned::Refused(refused)
        })?;
        let Some(place) = InFlight::enter(Arc::clone(peer)) else {
            count(&peer.counts.full);
            return Err(Turned::Full);
        };
        count(&peer.counts.tries);
        if unwell {
            count(&peer.counts.unwell);
        }
        Ok(Self {
            peer: Arc::clone(peer),
            permit: Some(permit),
            place: Some(place),
            unwell,
            stage: Stage::Asked,
        })
    }

    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    pub(crate) fn is_unwell(&self) -> bool {
        self.unwell
    }

    /// A good head has come.
    pub(crate) fn answered(&mut self, now: Instant) {
        if self.stage == Stage::Asked {
            self.stage = Stage::Answered;
            let turned = self.permit.take().and_then(|permit| permit.success(now));
            self.tell(turned);
        }
    }

    /// The answer has come to its end.
    pub(crate) fn finished(&mut self, now: Instant) {
        if self.stage == Stage::Answered {
            self.stage = Stage::Judged;
            count(&self.peer.counts.successes);
            if self.unwell {
                self.peer.health.readmit(now);
            }
            self.peer.health.success(now);
        }
    }

    /// The try has failed, through the backend's fault.
    pub(crate) fn failed(&mut self, message: String, now: Instant) {
        if self.stage == Stage::Judged {
            return;
        }
        self.stage = Stage::Judged;
        count(&self.peer.counts.failures);
        let turned = self.permit.take().and_then(|permit| permit.failure(now));
        let left_out = self.peer.health.failure(now);
        tracing::debug!(backend = %self.peer.backend, "{message}");
        self.tell(turned);
        if let Some(span) = left_out {
            tracing::warn!(backend = %self.peer.backend, ?span, cause = message, "left out");
        }
        self.peer.set_last_error(now, message);
    }

    fn tell(&self, turned: Option<BreakerState>) {
        match turned {
            Some(BreakerState::Closed { .. }) => {
                tracing::info!(backend = %self.peer.backend, "the breaker is closed again");
            }
            Some(state) => {
                tracing::warn!(backend = %self.peer.backend, ?state, "the breaker opens");
            }
            None => {}
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        match self.stage {
            Stage::Asked => count(&self.peer.counts.abandoned),
            // The backend has answered well; that the caller stopped reading is not its fault.
            Stage::Answered => self.finished(tokio::time::Instant::now().into_std()),
            Stage::Judged => {}
        }
        self.permit = None;
        self.place = None;
        // After the place is free: whoever is woken finds it, and whoever looks before that has
        // registered with `freed` before looking.
        self.peer.freed.notify_one();
    }
}
