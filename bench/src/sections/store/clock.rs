//! The clock that all processes of a machine share, and what is added.

use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::names::Dice;

/// Gives the nanoseconds of the monotonic clock: the same for all processes.
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Sleeps until the clock shows `at`.
pub(super) fn sleep_until(at: u64) {
    loop {
        let now = now();
        if now >= at {
            return;
        }
        thread::sleep(Duration::from_nanos(at - now));
    }
}

/// Names that nobody else uses, spread over the order of all names.
pub(super) struct Fresh {
    dice: Dice,
    tail: String,
    count: u64,
}

impl Fresh {
    /// Begins the names of one user of a store; no other one may have the same `user`.
    pub(super) fn of(user: &str) -> Self {
        let seed = user.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            dice: Dice::new(seed),
            tail: user.to_owned(),
            count: 0,
        }
    }

    pub(super) fn name(&mut self) -> String {
        self.count += 1;
        let head = self.dice.next() as u32;
        format!("{head:08x}-{}-{}", self.tail, self.count)
    }
}

/// Gives a value of about 100 bytes, as JSON.
pub(super) fn value(at: u64) -> String {
    format!(
        r#"{{"kind":"ssh","host":"deploy@10.0.{}.{}:22","cores":16,"memory":68719476736,"labels":["gpu","fleet"]}}"#,
        at / 250 % 250,
        at % 250,
    )
}
