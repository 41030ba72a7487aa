//! The asymmetric barrier: readers pay nothing, the reclaimer pays for both.
//!
//! A reader writes its pin and then reads; the reclaimer makes something unreachable and then reads
//! the pins. One of the two must see the other's write, which takes a full barrier on each side.
//! `membarrier(2)` lets the reclaimer run that barrier on every core that executes a thread of this
//! process, so that the reader needs a compiler fence only. Where the kernel refuses it, and under
//! tools that do not know it (loom, Miri, sanitizers), both sides run `fence(SeqCst)`.

use crate::sync::atomic::{Ordering, fence};

/// Whether this process runs with `membarrier`; decided once.
#[cfg(all(target_os = "linux", not(any(loom, miri, byname_fences))))]
mod membarrier {
    use std::sync::OnceLock;

    static REGISTERED: OnceLock<bool> = OnceLock::new();

    fn call(command: libc::c_int) -> bool {
        // SAFETY: membarrier takes a command, flags and a cpu number and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    pub(super) fn registered() -> bool {
        *REGISTERED.get_or_init(|| call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
    }

    pub(super) fn run() -> bool {
        call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
    }
}

#[cfg(not(all(target_os = "linux", not(any(loom, miri, byname_fences)))))]
mod membarrier {
    pub(super) fn registered() -> bool {
        false
    }

    pub(super) fn run() -> bool {
        false
    }
}

/// Whether readers must run a real fence because the kernel runs none for them.
pub(crate) fn readers_fence() -> bool {
    !membarrier::registered()
}

/// The reader's side: orders its earlier stores before its later loads.
///
/// `fence` is what [`readers_fence`] said when the reader's record was made.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "two instructions on the path of every read"
)]
pub(crate) fn light(fence: bool) {
    if fence {
        full();
    } else {
        // The reclaimer's `membarrier` supplies the hardware half.
        #[cfg(not(loom))]
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    }
}

/// Kept out of line so that a borrowed read contains no fence instruction unless it needs one.
#[cold]
#[inline(never)]
fn full() {
    fence(Ordering::SeqCst);
}

/// The reclaimer's side: orders its earlier stores before its later loads, on every reader's core.
///
/// Returns `false` when the kernel, having agreed before, refuses now (a sandbox entered later):
/// then nothing may be reclaimed.
#[must_use]
pub(crate) fn heavy() -> bool {
    fence(Ordering::SeqCst);
    if membarrier::registered() {
        membarrier::run()
    } else {
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use byname_testkit::StartBarrier;

    use super::{heavy, light, readers_fence};

    /// Store, barrier, load on two threads: at least one of them must see the other's store. Without
    /// the reclaimer's barrier this fails within a few rounds on any machine with two cores.
    #[test]
    fn a_concurrent_reader_and_reclaimer_never_miss_each_other() {
        const ROUNDS: usize = 20_000;
        let fence = readers_fence();
        let (mine, theirs) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (seen, barrier) = (AtomicUsize::new(0), StartBarrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    barrier.wait();
                    mine.store(round, Ordering::Relaxed);
                    light(fence);
                    seen.store(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
                    barrier.wait();
                }
            });
            for round in 1..=ROUNDS {
                barrier.wait();
                theirs.store(round, Ordering::Relaxed);
                assert!(heavy());
                let saw = mine.load(Ordering::Relaxed);
                barrier.wait();
                assert!(
                    saw == round || seen.load(Ordering::Relaxed) == round,
                    "round {round}: neither side saw the other"
                );
            }
        });
    }
}
