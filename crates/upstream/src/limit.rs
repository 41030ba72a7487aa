//! How many at once.

use std::borrow::Borrow;

use crate::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is in flight, up to a bound.
///
/// # Consistency
///
/// The count is raised only by compare-and-swap from a value below the bound, and lowered exactly once
/// by each [`Place`]: it never exceeds the bound and no place is lost. Whoever takes a place sees what
/// was done before the place was given back.
#[derive(Debug)]
pub struct InFlight {
    count: AtomicUsize,
    most: usize,
}

impl InFlight {
    /// Makes a count of zero.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            count: AtomicUsize::new(0),
            most,
        }
    }

    /// Takes a place that keeps `in_flight`, an [`Arc`](std::sync::Arc) for instance; nothing where
    /// all are taken.
    pub fn enter<B: Borrow<Self>>(in_flight: B) -> Option<Place<B>> {
        let this = in_flight.borrow();
        // Acquire: pairs with the Release of a place's drop, as `Consistency` says.
        let entered = this
            .count
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |count| {
                (count < this.most).then_some(count + 1)
            });
        // Made only where it was entered: the drop of a place leaves.
        entered.ok().map(|_| Place(in_flight))
    }

    /// How many places are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// One that is in flight, until it is dropped.
#[derive(Debug)]
#[must_use = "dropped at once, it is in flight no longer"]
pub struct Place<B: Borrow<InFlight>>(B);

impl<B: Borrow<InFlight>> Drop for Place<B> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `enter`.
        self.0.borrow().count.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_place_is_given_back_when_its_holder_ends_or_panics() {
        let flight = Arc::new(InFlight::new(2));
        let one = InFlight::enter(Arc::clone(&flight)).expect("free");
        let two = InFlight::enter(Arc::clone(&flight)).expect("free");
        assert!(InFlight::enter(Arc::clone(&flight)).is_none());
        drop(one);
        assert_eq!(flight.count(), 1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _two = two;
            panic!("in flight");
        }));
        assert!(panicked.is_err());
        assert_eq!(flight.count(), 0);
    }

    #[test]
    fn who_is_refused_takes_nobodys_place() {
        let flight = InFlight::new(1);
        let _one = InFlight::enter(&flight).expect("free");
        for _ in 0..3 {
            assert!(InFlight::enter(&flight).is_none());
            assert_eq!(flight.count(), 1);
        }
        assert!(InFlight::enter(&InFlight::new(0)).is_none());
    }
}
