use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::backend::Backend;

/// Has what becomes due done at its time, by a thread that lives while something can.
#[derive(Default)]
pub(super) struct Timer {
    shared: Arc<Shared>,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    due: Option<Duration>,
    /// There is a thread, and it will look at `due` again.
    running: bool,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while this is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what is due until nothing is going to be.
    fn run(&self, backend: &Weak<Backend>) {
        loop {
            let Some(strong) = backend.upgrade() else {
                return;
            };
            let now = strong.now();
            // Not kept while waiting: this thread does not keep the registry.
            drop(strong);
            let mut state = self.lock();
            if state.stopped {
                return;
            }
            let Some(due) = state.due else {
                state.running = false;
                return;
            };
            let left = due.saturating_sub(now);
            if !left.is_zero() {
                let waited = self.changed.wait_timeout(state, left);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                continue;
            }
            state.due = None;
            drop(state);
            if let Some(backend) = backend.upgrade() {
                backend.run();
            }
        }
    }
}

impl Timer {
    /// Has `backend` run at `due`, and not at the time that was set before.
    pub(super) fn set(&self, due: Option<Duration>, backend: &Arc<Backend>) -> io::Result<()> {
        let mut state = self.shared.lock();
        if state.due == due {
            return Ok(());
        }
        state.due = due;
        if state.running {
            self.shared.changed.notify_one();
            return Ok(());
        }
        if due.is_none() {
            return Ok(());
        }
        let (shared, weak) = (Arc::clone(&self.shared), Arc::downgrade(backend));
        thread::Builder::new()
            .name("byname-leases".to_owned())
            .spawn(move || shared.run(&weak))?;
        state.running = true;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }
}

impl Drop for Timer {
    /// Ends the thread at once. It is not waited for: it may be the one that drops this.
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_one();
    }
}
