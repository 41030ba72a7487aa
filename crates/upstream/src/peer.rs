//! A backend with everything that is kept of it.

use std::borrow::Borrow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Notify;

use crate::backend::{Backend, Protocol};
use crate::breaker::Breaker;
use crate::connect::{Connector, Secure};
use crate::content::Sent;
use crate::health::PassiveHealth;
use crate::limit::InFlight;
use crate::options::Options;
use crate::state::{BackendState, LastError};

/// A backend, its state and its connections. It lives as long as an upstream names it, or a call uses
/// it; its idle connections end with it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) backend: Backend,
    pub(crate) breaker: Breaker,
    pub(crate) health: PassiveHealth,
    pub(crate) in_flight: InFlight,
    pub(crate) client: Client<Connector, Sent>,
    pub(crate) counts: Counts,
    /// Told whenever a place becomes free.
    pub(crate) freed: Arc<Notify>,
    /// Locked for as long as it takes to exchange it, by failures and by who looks.
    last_error: Mutex<Option<LastError>>,
}

/// Counted for metrics only: Relaxed throughout, nothing is decided by them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) tries: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) successes: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) unwell: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Peer {
    pub(crate) fn new(
        backend: Backend,
        options: &Options,
        secure: &Secure,
        freed: &Arc<Notify>,
        now: Instant,
    ) -> Arc<Self> {
        Arc::new(Self {
            client: client(&backend, options, secure),
            backend,
            breaker: Breaker::new(options.breaker, now),
            health: PassiveHealth::new(options.health, now),
            in_flight: InFlight::new(options.limits.in_flight),
            counts: Counts::default(),
            freed: Arc::clone(freed),
            last_error: Mutex::new(None),
        })
    }

    pub(crate) fn set_last_error(&self, at: Instant, message: String) {
        let error = Some(LastError {
            at,
            message: message.into(),
        });
        // What was there is dropped after the lock.
        let _earlier = std::mem::replace(&mut *self.last_error(), error);
    }

    fn last_error(&self) -> std::sync::MutexGuard<'_, Option<LastError>> {
        let locked = self.last_error.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self, now: Instant) -> BackendState {
        let counts = &self.counts;
        BackendState {
            uri: Arc::clone(self.backend.shown()),
            breaker: self.breaker.state(now),
            health: self.health.state(now),
            in_flight: self.in_flight.count(),
            tries: read(&counts.tries),
            retries: read(&counts.retries),
            successes: read(&counts.successes),
            failures: read(&counts.failures),
            abandoned: read(&counts.abandoned),
            refused: read(&counts.refused),
            full: read(&counts.full),
            unwell: read(&counts.unwell),
            last_error: self.last_error().clone(),
        }
    }
}

impl Borrow<Breaker> for Arc<Peer> {
    fn borrow(&self) -> &Breaker {
        &self.breaker
    }
}

impl Borrow<InFlight> for Arc<Peer> {
    fn borrow(&self) -> &InFlight {
        &self.in_flight
    }
}

fn client(backend: &Backend, options: &Options, secure: &Secure) -> Client<Connector, Sent> {
    let connector = Connector::new(backend, options.timeouts.connect, secure);
    let ping = options.pool.ping;
    let head = u32::try_from(options.limits.head).unwrap_or(u32::MAX);
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(options.pool.idle)
        .pool_idle_timeout(options.pool.idle_time)
        .http1_max_buf_size(options.limits.head)
        .http2_only(backend.spoken() == Protocol::Http2)
        .http2_max_header_list_size(head)
        .http2_keep_alive_interval(ping)
        .http2_keep_alive_timeout(ping)
        .build(connector)
}
