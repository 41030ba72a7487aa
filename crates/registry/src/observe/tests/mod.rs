//! What subscriptions and subjects promise, against a small double of the registry.

mod double;

#[cfg(loom)]
mod loom_observe;

#[cfg(not(loom))]
mod coalescing;
#[cfg(not(loom))]
mod ending;
#[cfg(not(loom))]
mod model;
#[cfg(not(loom))]
mod outside_locks;
#[cfg(not(loom))]
mod receiving;
#[cfg(not(loom))]
mod stress;
#[cfg(not(loom))]
mod subject;
#[cfg(not(loom))]
mod waiting;
