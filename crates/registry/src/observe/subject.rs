//! Plain callbacks, called by whoever notifies.

use core::{fmt, mem, ops::AddAssign, panic::AssertUnwindSafe};
use std::panic::catch_unwind;

use crate::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
    lock,
};

type Callback<E> = Box<dyn Fn(&E) + Send + Sync>;

struct Observer<E: ?Sized> {
    /// Cleared before the end of the registration returns, which knows the observer by it and
    /// does not own the callback, since the callback may own the registration.
    registered: Arc<AtomicBool>,
    callback: Callback<E>,
}

/// Replaced as a whole: a notification runs over the one it found.
type Observers<E> = Arc<Box<[Arc<Observer<E>>]>>;

struct List<E: ?Sized> {
    /// How many there are, for a notification that finds none.
    ///
    /// Relaxed: a registration that happened before a notification has raised the count before
    /// it, so the load cannot miss it; the list itself is read under its lock.
    present: AtomicUsize,
    observers: Mutex<Observers<E>>,
}

impl<E: ?Sized> List<E> {
    /// Replaces the list by `next` of it; returns the one before, to be dropped outside the lock.
    fn replace(&self, next: impl FnOnce(&Observers<E>) -> Box<[Arc<Observer<E>>]>) -> Observers<E> {
        let mut observers = lock(&self.observers);
        let next = next(&observers);
        self.present.store(next.len(), Ordering::Relaxed);
        mem::replace(&mut *observers, Arc::new(next))
    }

    fn remove(&self, registered: &Arc<AtomicBool>) {
        registered.store(false, Ordering::Relaxed);
        let before = self.replace(|observers| {
            let others = observers.iter();
            let others = others.filter(|o| !Arc::ptr_eq(&o.registered, registered));
            others.map(Arc::clone).collect()
        });
        drop(before);
    }
}

/// Calls plain callbacks, in the order of their registration, on the thread that notifies.
///
/// # Consistency
///
/// A notification calls every callback that was registered before it began and whose
/// registration has not ended. No lock is held while a callback runs: from within, it may
/// register, end any registration, its own included, and notify. What is registered meanwhile is
/// called from the next notification on. A callback that panics is counted, and the others are
/// called.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use byname_registry::Subject;
///
/// let subject = Subject::new();
/// let sum = Arc::new(AtomicU64::new(0));
/// let registration = subject.register({
///     let sum = Arc::clone(&sum);
///     move |n: &u64| {
///         sum.fetch_add(*n, Ordering::Relaxed);
///     }
/// });
/// assert_eq!(subject.notify(&40).called, 1);
/// assert_eq!(subject.notify(&2).called, 1);
/// drop(registration);
/// assert_eq!(subject.notify(&1).called, 0);
/// assert_eq!(sum.load(Ordering::Relaxed), 42);
/// ```
pub struct Subject<E: ?Sized + 'static> {
    list: Arc<List<E>>,
}

impl<E: ?Sized + 'static> Subject<E> {
    /// Makes a subject that nobody observes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            list: Arc::new(List {
                present: AtomicUsize::new(0),
                observers: Mutex::new(Arc::new(Box::default())),
            }),
        }
    }

    /// Has `callback` called by every notification that begins after this returns, until the
    /// registration is dropped.
    pub fn register(&self, callback: impl Fn(&E) + Send + Sync + 'static) -> Registration {
        let registered = Arc::new(AtomicBool::new(true));
        let observer = Arc::new(Observer {
            registered: Arc::clone(&registered),
            callback: Box::new(callback),
        });
        let before = self.list.replace(|observers| {
            let all = observers.iter().chain([&observer]);
            all.map(Arc::clone).collect()
        });
        drop(before);
        let list = Arc::clone(&self.list);
        Registration {
            end: Some(Box::new(move || list.remove(&registered))),
        }
    }

    /// Calls every callback with `event`. With none this is one load.
    pub fn notify(&self, event: &E) -> Notified {
        let mut notified = Notified::default();
        if self.is_empty() {
            return notified;
        }
        let observers = Arc::clone(&lock(&self.list.observers));
        for observer in observers.iter() {
            if observer.registered.load(Ordering::Relaxed) {
                notified.called += 1;
                let call = AssertUnwindSafe(|| (observer.callback)(event));
                notified
                    .panicked
                    .add_assign(usize::from(catch_unwind(call).is_err()));
            }
        }
        notified
    }

    /// Returns how many callbacks are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.present.load(Ordering::Relaxed)
    }

    /// Returns whether no callback is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E: ?Sized + 'static> Default for Subject<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// A callback may own its registration; the end of the subject lets go of both.
impl<E: ?Sized + 'static> Drop for Subject<E> {
    fn drop(&mut self) {
        let before = self.list.replace(|_| Box::default());
        drop(before);
    }
}

impl<E: ?Sized + 'static> fmt::Debug for Subject<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Tells what a notification did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notified {
    /// Callbacks called, those that panicked included.
    pub called: usize,
    /// Callbacks that panicked.
    pub panicked: usize,
}

/// Keeps a callback registered until it is dropped.
///
/// # Consistency
///
/// Once the drop has returned, no notification that begins later calls the callback. One in
/// progress does not begin a call after the drop, on the thread that drops (a callback that ends
/// a registration from within, say) or on one that knows of the drop; on any other thread it may
/// still make the one call that it was about to make or is making. The drop does not wait for
/// that call, since the callback may be what drops. Whoever of the two is last drops the
/// callback.
#[must_use = "dropping it ends the registration"]
pub struct Registration {
    end: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Registration {
    /// Ends the registration, as dropping it does.
    pub fn unregister(self) {
        drop(self);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}
