//! Lets builds in until the application stops, and knows when the last of them has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};

/// Who is building, and whether anybody may begin to.
#[derive(Debug)]
pub(crate) struct Gate {
    inside: AtomicUsize,
    left: Notify,
    closed: watch::Sender<bool>,
    /// Whether everything has been stopped.
    ended: watch::Sender<bool>,
}

/// Somebody is inside; leaves when dropped.
#[derive(Debug)]
pub(crate) struct Inside(Arc<Gate>);

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            inside: AtomicUsize::new(0),
            left: Notify::new(),
            closed: watch::Sender::new(false),
            ended: watch::Sender::new(false),
        })
    }

    /// Goes in; `None` once it is closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Inside> {
        // SeqCst, with `empty`: either the closer sees this one inside, or this one sees the gate
        // closed. `watch` locks for each look, so that these are ordered.
        self.inside.fetch_add(1, Ordering::SeqCst);
        let inside = Inside(Arc::clone(self));
        (!self.is_closed()).then_some(inside)
    }

    /// Lets nobody in from now on. Returns false if it was closed already.
    pub(crate) fn close(&self) -> bool {
        !self.closed.send_replace(true)
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Hears of the closing.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    /// Tells that everything has been stopped.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Waits until everything has been stopped.
    pub(crate) async fn ended(&self) {
        // The sender lives as long as this.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Waits until everybody has left; to be called after closing.
    pub(crate) async fn empty(&self) {
        loop {
            let left = self.left.notified();
            if self.inside.load(Ordering::SeqCst) == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if self.0.inside.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.left.notify_waiters();
        }
    }
}
