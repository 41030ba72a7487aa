//! What reads allocate: nothing.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use byname_registry::Registry;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: hands everything on to the system's allocator; the count is a cell without a destructor,
// which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is ours.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is ours.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn reads_allocate_nothing() {
    let registry: Registry<u64> = (0..1000).map(|n| (format!("name-{n}"), n)).collect();
    let handle = registry.handle("name-7").unwrap();
    // The first read of a thread takes a record for it; the first snapshot of a revision announces it.
    assert!(registry.get("name-7").is_some());
    let first = registry.snapshot();
    assert_eq!(first.iter().count(), 1000);

    let reads = [
        (
            "get",
            allocations(|| drop(black_box(registry.get("name-7")))),
        ),
        (
            "get, missing",
            allocations(|| drop(black_box(registry.get("nobody")))),
        ),
        (
            "read",
            allocations(|| assert_eq!(registry.read("name-7", |n| *n), Some(7))),
        ),
        (
            "contains",
            allocations(|| assert!(registry.contains("name-7"))),
        ),
        (
            "get_owned",
            allocations(|| drop(black_box(registry.get_owned("name-7")))),
        ),
        (
            "resolve",
            allocations(|| drop(black_box(registry.resolve("name-7").unwrap()))),
        ),
        (
            "view",
            allocations(|| {
                let view = registry.view();
                black_box((view.get("name-7"), view.get("nobody"), handle.get_in(&view)));
            }),
        ),
        (
            "views within one another",
            allocations(|| {
                let views: [_; 8] = std::array::from_fn(|_| registry.view());
                black_box(views.each_ref().map(|view| view.get("name-7").copied()));
            }),
        ),
        ("handle", allocations(|| drop(black_box(handle.get())))),
        (
            "clone of a handle",
            allocations(|| drop(black_box(handle.clone()))),
        ),
        (
            "snapshot",
            allocations(|| drop(black_box(registry.snapshot()))),
        ),
        (
            "get in a snapshot",
            allocations(|| assert_eq!(first.get("name-7"), Some(&7))),
        ),
        (
            "walk of a snapshot",
            allocations(|| assert_eq!(first.iter().map(|(_, n)| n).sum::<u64>(), 499_500)),
        ),
    ];
    for (read, allocations) in reads {
        assert_eq!(allocations, 0, "{read}");
    }
}

#[test]
fn a_change_without_observers_allocates_its_version_only() {
    let registry: Registry<u64> = Registry::new();
    registry.put("name", 0).unwrap();
    // Lists of what is superseded have grown to their size.
    for n in 0..1000 {
        registry.put("name", n).unwrap();
    }
    let of_each: Vec<_> = (0..30)
        .map(|n| allocations(|| assert!(registry.put("name", n).is_ok())))
        .collect();
    assert_eq!(
        of_each.iter().filter(|&&count| count == 1).count(),
        30,
        "{of_each:?}"
    );
}
