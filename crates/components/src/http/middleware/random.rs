//! Numbers that nobody has had before.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

thread_local! {
    /// The keys come from the system, once a thread, and are no other thread's.
    static SOURCE: (RandomState, Cell<u64>) = (RandomState::new(), const { Cell::new(0) });
}

/// Returns 64 bits that look random: a counter under a keyed hash.
///
/// They are told to others, and keep nothing secret.
pub(super) fn bits() -> u64 {
    SOURCE.with(|(hash, count)| {
        let now = count.get();
        count.set(now.wrapping_add(1));
        hash.hash_one(now)
    })
}

/// Returns 128 bits that look random.
pub(super) fn wide() -> u128 {
    (u128::from(bits()) << 64) | u128::from(bits())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn none_comes_twice_also_on_concurrent_threads() {
        let threads: Vec<_> = (0..8)
            .map(|_| std::thread::spawn(|| (0..1000).map(|_| super::wide()).collect::<Vec<_>>()))
            .collect();
        let mut all = HashSet::new();
        for thread in threads {
            all.extend(thread.join().expect("it does not panic"));
        }
        assert_eq!(all.len(), 8000);
    }
}
