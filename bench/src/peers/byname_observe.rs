//! The registry's subscriptions, and its subject of plain callbacks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use byname_registry::{Policy, Registration, Registry, Subject, Subscription};

use crate::names::Svc;
use crate::sections::observe::Notifier;

const NAME: &str = "service-that-changes";

struct Subscribed(Registry<Arc<Svc>>, Mutex<Vec<Subscription<Arc<Svc>>>>);

impl Notifier for Subscribed {
    fn changes(&self, times: usize) {
        let mut subscriptions = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        for at in 0..times {
            self.0
                .replace(NAME, Arc::new(Svc::new(at)))
                .expect("the name is there");
            for subscription in &mut *subscriptions {
                drop(std::hint::black_box(subscription.try_recv()));
            }
        }
    }
}

struct Called(
    Subject<Arc<Svc>>,
    #[expect(
        dead_code,
        reason = "a callback is called as long as its registration lives"
    )]
    Vec<Registration>,
);

impl Notifier for Called {
    fn changes(&self, times: usize) {
        for at in 0..times {
            std::hint::black_box(self.0.notify(&Arc::new(Svc::new(at))));
        }
    }
}

pub(crate) fn subscribed(observers: usize) -> Arc<dyn Notifier> {
    let registry = Registry::new();
    registry
        .register(NAME, Arc::new(Svc::new(0)))
        .expect("the registry is empty");
    let subscriptions = (0..observers)
        .map(|_| registry.subscribe(Policy::DropOldest).1)
        .collect();
    Arc::new(Subscribed(registry, Mutex::new(subscriptions)))
}

pub(crate) fn subject(observers: usize) -> Arc<dyn Notifier> {
    let subject = Subject::new();
    let seen = Arc::new(AtomicU64::new(0));
    let registrations = (0..observers)
        .map(|_| {
            let seen = Arc::clone(&seen);
            subject.register(move |value: &Arc<Svc>| seen.store(value.id, Ordering::Relaxed))
        })
        .collect();
    Arc::new(Called(subject, registrations))
}
