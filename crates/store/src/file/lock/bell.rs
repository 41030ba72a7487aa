//! How those who wait for a file lock hear that it is free.

use std::thread;
use std::time::Duration;

pub(crate) use crate::disk::Bell;

/// What rings in all processes that share a registry. It is a convenience: who rings may be killed
/// before, and who is woken may be stopped, so nobody relies on it, and every wait ends by itself.
pub(crate) trait Bells: Send + Sync {
    /// How often it has rung; `None` where nothing rings.
    fn rung(&self, bell: Bell) -> Option<u32>;

    /// Waits until it has rung more often than `rung`, at most so long; it may return early.
    fn wait(&self, bell: Bell, rung: u32, at_most: Duration);

    /// Wakes the one who has waited longest.
    fn ring(&self, bell: Bell);
}

/// Where nothing rings.
#[cfg(test)]
pub(crate) struct Silence;

#[cfg(test)]
impl Bells for Silence {
    fn rung(&self, _: Bell) -> Option<u32> {
        None
    }

    fn wait(&self, _: Bell, _: u32, _: Duration) {}

    fn ring(&self, _: Bell) {}
}

/// How many of the usual pauses one who hears the bell waits for it. At the turnstile there are many:
/// who asks in between loses the place in the order in which they are woken.
const fn hearing(bell: Bell) -> u32 {
    match bell {
        Bell::Turn => 256,
        Bell::Lock => 8,
    }
}

/// The longest wait for a bell: between two of them it is found out that somebody gave up, and whoever
/// should have rung may have been killed.
const LONGEST: Duration = Duration::from_millis(100);

/// What one looks at before a try, to pause after it if it fails.
pub(super) struct Ear<'b> {
    bells: &'b dyn Bells,
    bell: Bell,
    rung: Option<u32>,
}

impl<'b> Ear<'b> {
    pub(super) fn new(bells: &'b dyn Bells, bell: Bell) -> Self {
        let rung = bells.rung(bell);
        Self { bells, bell, rung }
    }

    /// Waits until it has rung since, or else, where it cannot, for `pause`.
    pub(super) fn pause(&self, pause: Duration) {
        match self.rung {
            Some(rung) => {
                let at_most = (pause * hearing(self.bell)).min(LONGEST);
                self.bells.wait(self.bell, rung, at_most);
            }
            None => thread::sleep(pause),
        }
    }
}
