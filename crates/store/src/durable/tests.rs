//! What only the inside can show; the promises are in `tests/durable`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::memory::MemoryStore;

#[test]
fn dropping_the_last_clone_lets_go_of_the_store() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let durable: Durable<u32> = Durable::open(Arc::clone(&store)).unwrap();
    let clone = durable.clone();
    let core = Arc::downgrade(&durable.core);
    durable.put("a", 1).unwrap();
    drop(durable);
    assert!(core.upgrade().is_some());
    drop(clone);
    let patience = std::time::Instant::now() + byname_testkit::PATIENCE;
    while core.upgrade().is_some() || Arc::strong_count(&store) > 1 {
        assert!(std::time::Instant::now() < patience, "something keeps it");
        std::thread::yield_now();
    }
}
