#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(not(loom))]
mod attempt;
#[cfg(not(loom))]
mod backend;
mod balance;
#[cfg(not(loom))]
mod body;
mod breaker;
mod budget;
#[cfg(not(loom))]
mod call;
mod clock;
#[cfg(not(loom))]
mod connect;
#[cfg(not(loom))]
mod content;
#[cfg(not(loom))]
mod error;
mod health;
mod limit;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod peer;
mod random;
#[cfg(not(loom))]
mod retry;
#[cfg(not(loom))]
mod select;
#[cfg(not(loom))]
mod state;
mod sync;
#[cfg(all(feature = "tls", not(loom)))]
mod trust;
#[cfg(not(loom))]
mod upstream;

pub use balance::{Balance, Balancer};
pub use breaker::{Breaker, BreakerOptions, BreakerRefused, BreakerState, Permit};
pub use budget::{Budget, BudgetOptions};
pub use health::{HealthOptions, HealthState, PassiveHealth};
pub use limit::{InFlight, Place};

#[cfg(all(feature = "tls", not(loom)))]
pub use trust::Trust;
#[cfg(not(loom))]
pub use {
    backend::{Backend, Protocol},
    body::Body,
    call::Call,
    error::{Blame, Error, Phase},
    options::{FailedAnswers, Limits, Options, PoolOptions, RetryOptions, Timeouts},
    state::{BackendState, Counters, LastError},
    upstream::Upstream,
};
