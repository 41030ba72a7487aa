//! What is special about one call.

use std::time::{Duration, Instant};

/// What is special about one call. Nothing, by default: the options of the
/// [`Upstream`](crate::Upstream) hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Whether sending it twice does no harm; by default that of its method (RFC 9110, 9.2.2).
    pub idempotent: Option<bool>,
    /// How long the whole call may take; by default [`Timeouts::total`](crate::Timeouts::total).
    pub total: Option<Duration>,
    /// When the whole call must have ended, where that is sooner.
    pub deadline: Option<Instant>,
    /// How long one try may take; by default [`Timeouts::per_try`](crate::Timeouts::per_try).
    pub per_try: Option<Duration>,
}
