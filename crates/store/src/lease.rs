use std::fmt;
use std::time::Duration;

/// Names a lease of one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseId(pub u64);

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A promise to come back: entries that were written with it are removed, as one revision, when it
/// has not been kept alive for longer than its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub id: LeaseId,
    /// How long it lasts from the last sign of life; at least what was asked for.
    pub time: Duration,
}
