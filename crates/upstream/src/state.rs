//! What is told of an upstream: for pages, and for metrics.

use std::sync::Arc;
use std::time::Instant;

use crate::breaker::BreakerState;
use crate::health::HealthState;

/// What is known of a backend.
///
/// Of the tries that were begun, each is in exactly one of `in_flight`, `successes`, `failures` and
/// `abandoned` once nothing moves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BackendState {
    /// Its URI.
    pub uri: Arc<str>,
    /// What its breaker does.
    pub breaker: BreakerState,
    /// Whether it is left out.
    pub health: HealthState,
    /// How many calls it has at the moment, to the end of their answers.
    pub in_flight: usize,
    /// How many tries were begun with it.
    pub tries: u64,
    /// How many of them repeated another.
    pub retries: u64,
    /// How many were answered, with a status below 500, to the end or to where the caller stopped
    /// reading.
    pub successes: u64,
    /// How many failed, or were answered with a status of 500 or above.
    pub failures: u64,
    /// How many were given up by the caller before there was an answer.
    pub abandoned: u64,
    /// How often its breaker turned a call away.
    pub refused: u64,
    /// How often it was full when it was a call's turn.
    pub full: u64,
    /// How many tries it was given although it was left out, since there was no other.
    pub unwell: u64,
    /// What went wrong last.
    pub last_error: Option<LastError>,
}

/// What went wrong last at a backend.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LastError {
    /// When.
    pub at: Instant,
    /// What; for logs and operators.
    pub message: Arc<str>,
}

/// What an upstream has done in all, also with backends that are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// How many calls were begun.
    pub calls: u64,
    /// How many tries repeated another.
    pub retries: u64,
    /// How many tries would have repeated another, had the budget allowed it.
    pub over_budget: u64,
    /// How many tries went to a backend that is left out, since there was no other.
    pub unwell: u64,
    /// How many times a call waited for a place.
    pub waited: u64,
    /// How many calls were refused, since too many waited or one waited too long.
    pub overloaded: u64,
    /// How many calls were refused by all breakers.
    pub refused: u64,
    /// How many calls found no backend at all.
    pub without_backend: u64,
}
