#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use super::Loader;
use crate::StoreError;
use crate::pending::Pending;

/// Notes, when it is woken, whether the loader can be asked something.
struct Asks {
    loader: Arc<Loader>,
    could: Mutex<Vec<bool>>,
}

impl Wake for Asks {
    fn wake(self: Arc<Self>) {
        let could = self.loader.inner.try_lock().is_ok();
        self.could.lock().unwrap().push(could);
    }
}

#[test]
fn whoever_is_answered_by_the_end_may_ask_again() {
    let loader = Arc::new(Loader::default());
    let asks = Arc::new(Asks {
        loader: Arc::clone(&loader),
        could: Mutex::default(),
    });
    let waker = Waker::from(Arc::clone(&asks));
    let mut waiting: Vec<_> = (0..2)
        .map(|_| {
            let (completer, pending) = Pending::<u64>::new();
            loader.request(completer);
            pending
        })
        .collect();
    for pending in &mut waiting {
        let polled = Pin::new(pending).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    loader.close();
    assert_eq!(*asks.could.lock().unwrap(), [true, true]);
    for pending in waiting {
        assert!(matches!(pending.wait(), Err(StoreError::Closed { .. })));
    }
}
