//! Who gets a call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::attempt::{Attempt, Turned};
use crate::balance::Balancer;
use crate::peer::Peer;

/// What came of choosing a backend.
#[derive(Debug)]
pub(crate) enum Chosen {
    /// This one, and it has admitted the call.
    Admitted(Attempt),
    /// None has a place.
    Full,
    /// All breakers refused; when one may admit again, where that is known.
    Refused(Option<Duration>),
    /// There is none.
    Nobody,
}

/// Chooses a backend and is admitted by it.
///
/// Those that are well are asked before those that are left out, of these the least bad first; and
/// among either, those that this call has not tried. One that is left out is asked only where every
/// breaker of those that are well refuses, not where these are merely full.
pub(crate) fn choose(
    peers: &[Arc<Peer>],
    tried: &[Arc<Peer>],
    balancer: &Balancer,
    now: Instant,
) -> Chosen {
    if let [only] = peers {
        // Nothing to rank: the common case costs no list.
        let unwell = only.health.step(now).is_some();
        return Attempt::admit(only, unwell, now)
            .map_or_else(|away| Away::of(away).chosen(), Chosen::Admitted);
    }
    let (mut turned, mut well_is_full) = (Away::default(), false);
    let mut ranked: Vec<(u32, &Arc<Peer>)> = peers
        .iter()
        .map(|peer| (rank(peer, tried, now), peer))
        .collect();
    // Stable: within a rank, the order of the backends.
    ranked.sort_by_key(|(rank, _)| *rank);
    for same in ranked.chunk_by(|(one, _), (other, _)| one == other) {
        let unwell = same[0].0 >= UNWELL;
        if unwell && well_is_full {
            break;
        }
        let mut candidates: Vec<&Arc<Peer>> = same.iter().map(|(_, peer)| *peer).collect();
        let load = |candidates: &[&Arc<Peer>], at: usize| candidates[at].in_flight.count();
        while let Some(at) = balancer.choose(candidates.len(), |at| load(&candidates, at)) {
            match Attempt::admit(candidates[at], unwell, now) {
                Ok(attempt) => return Chosen::Admitted(attempt),
                Err(away) => turned.note(away),
            }
            candidates.remove(at);
        }
        well_is_full = !unwell && turned.full;
    }
    turned.chosen()
}

const UNWELL: u32 = 2;

/// In which order peers are asked: the lower the sooner.
fn rank(peer: &Arc<Peer>, tried: &[Arc<Peer>], now: Instant) -> u32 {
    let again = u32::from(tried.iter().any(|it| Arc::ptr_eq(it, peer)));
    let well = peer.health.step(now).map_or(0, |step| UNWELL + 2 * step);
    well + again
}

/// Why those who were asked turned the call away.
#[derive(Default)]
struct Away {
    full: bool,
    refused: bool,
    after: Option<Duration>,
}

impl Away {
    fn of(turned: Turned) -> Self {
        let mut away = Self::default();
        away.note(turned);
        away
    }

    fn note(&mut self, turned: Turned) {
        match turned {
            Turned::Full => self.full = true,
            Turned::Refused(refused) => {
                self.refused = true;
                self.after = match (self.after, refused.after) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
    }

    fn chosen(self) -> Chosen {
        if self.full {
            Chosen::Full
        } else if self.refused {
            Chosen::Refused(self.after)
        } else {
            Chosen::Nobody
        }
    }
}

#[cfg(test)]
mod tests;
