//! Counts what a piece of code allocates, on the thread that runs it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static TALLY: Cell<Tally> = const { Cell::new(Tally { calls: 0, bytes: 0, net: 0 }) };
}

/// What was allocated while counting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// Calls of `alloc` and `realloc`.
    pub(crate) calls: u64,
    /// Bytes asked for.
    pub(crate) bytes: u64,
    /// Bytes asked for less bytes given back.
    pub(crate) net: i64,
}

/// The system's allocator with a per-thread tally that is off unless [`count`] runs.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn note(asked: usize, given_back: usize) {
    // A thread whose locals are gone counts nothing.
    if COUNTING.try_with(Cell::get) != Ok(true) {
        return;
    }
    let _ = TALLY.try_with(|tally| {
        let mut now = tally.get();
        now.calls += u64::from(asked > 0);
        now.bytes += asked as u64;
        now.net += asked as i64 - given_back as i64;
        tally.set(now);
    });
}

#[allow(unsafe_code, reason = "an allocator cannot be written without it")]
// SAFETY: every call is passed to `System` unchanged; the tally is const-initialised and has no
// destructor, so that touching it never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Runs `work` and gives its result with what this thread allocated in it.
pub(crate) fn count<R>(work: impl FnOnce() -> R) -> (R, Tally) {
    TALLY.set(Tally {
        calls: 0,
        bytes: 0,
        net: 0,
    });
    COUNTING.set(true);
    let result = work();
    COUNTING.set(false);
    (result, TALLY.get())
}
