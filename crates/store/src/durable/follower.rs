use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread;

use byname_registry::{Options, Policy, StopHandle};

use super::Value;
use super::core::Core;
use crate::error::StoreError;
use crate::record::Record;

/// Takes into the copy what others commit, as soon as the store's mirror shows it, until it is
/// dropped.
pub(super) struct Follower {
    stop: StopHandle<Record>,
}

impl Follower {
    pub(super) fn start<V: Value>(core: &Arc<Core<V>>) -> Result<Self, StoreError> {
        let once = Options::new(Policy::DropOldest).capacity(1);
        // What is heard says only that there is something: the pump has a watch of its own.
        let (_, mut heard) = core.store().mirror().subscribe(once);
        let stop = heard.stop_handle();
        // A thread that waits keeps neither the store nor the copy.
        let core: Weak<Core<V>> = Arc::downgrade(core);
        let name = format!(
            "byname-{}",
            core.upgrade().map_or_else(String::new, |core| core.label())
        );
        let started = thread::Builder::new().name(name).spawn(move || {
            while heard.recv().is_some() {
                let Some(core) = core.upgrade() else { return };
                // A value whose drop panics does not end the following.
                let _ = catch_unwind(AssertUnwindSafe(|| core.drive()));
            }
        });
        match started {
            Ok(_) => Ok(Self { stop }),
            Err(error) => Err(StoreError::Io {
                doing: "starting the thread that follows the store",
                path: PathBuf::new(),
                source: Arc::new(io::Error::new(error.kind(), error.to_string())),
            }),
        }
    }
}

impl Drop for Follower {
    /// Ends the thread after what it does now. It is not waited for: it may be the one that drops
    /// this.
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}
