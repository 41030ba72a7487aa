//! Each store keeps each promise.

mod memory {
    use std::any::Any;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use byname_registry::Clock;
    use byname_store::conformance::{Fixture, Remote};
    use byname_store::{MemoryStore, Store};

    /// A store whose time passes by itself.
    pub(super) struct Memory(pub(super) MemoryStore);

    impl Fixture for Memory {
        fn open(&self) -> Arc<dyn Store> {
            Arc::new(self.0.reopen())
        }

        fn compact(&self) -> bool {
            self.0.compact();
            true
        }

        fn hold(&self) -> Option<Box<dyn Any>> {
            Some(Box::new(self.0.hold()))
        }

        fn remote(&self) -> Option<Remote> {
            let store = Arc::new(self.0.reopen());
            let far = Arc::clone(&store);
            Some(Remote {
                store,
                contact: Box::new(move |contact| {
                    if contact {
                        far.reconnect();
                    } else {
                        far.disconnect("the test says so");
                    }
                }),
            })
        }
    }

    #[derive(Clone, Default)]
    pub(super) struct ByHand(Arc<Mutex<Duration>>);

    impl Clock for ByHand {
        fn now(&self) -> Duration {
            *self.0.lock().expect("nothing panics while it is held")
        }
    }

    /// A store whose time the test has in hand, and whose revisions jump.
    pub(super) struct Jumping {
        memory: Memory,
        clock: ByHand,
    }

    impl Jumping {
        pub(super) fn new() -> Self {
            let clock = ByHand::default();
            let options = MemoryStore::options().steps([3, 1, 17]);
            let memory = Memory(options.clock(clock.clone()).open());
            Self { memory, clock }
        }
    }

    impl Fixture for Jumping {
        fn open(&self) -> Arc<dyn Store> {
            self.memory.open()
        }

        fn compact(&self) -> bool {
            self.memory.compact()
        }

        fn hold(&self) -> Option<Box<dyn Any>> {
            self.memory.hold()
        }

        fn remote(&self) -> Option<Remote> {
            self.memory.remote()
        }

        fn advance(&self, time: Duration) -> bool {
            *self.clock.0.lock().expect("as above") += time;
            self.memory.0.expire_due();
            true
        }
    }
}

mod file {
    use std::any::Any;
    use std::fs::File;
    use std::path::PathBuf;
    use std::sync::Arc;

    use byname_store::conformance::Fixture;
    use byname_store::{FileOptions, FileStore, Store};
    use tempfile::TempDir;

    /// Each handle is a store of its own on one document, as another process would have it.
    pub(super) struct Files(TempDir);

    impl Files {
        pub(super) fn new() -> Self {
            Self(tempfile::tempdir().expect("a folder of the test's own"))
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("document.json")
        }
    }

    impl Fixture for Files {
        fn open(&self) -> Arc<dyn Store> {
            let store = FileStore::open(self.path(), FileOptions::new());
            Arc::new(store.expect("the document can be opened"))
        }

        /// Holds the file lock, as a process does that is writing.
        fn hold(&self) -> Option<Box<dyn Any>> {
            let lock = self.0.path().join("document.json.d/lock");
            let lock = File::open(lock).expect("something has been written");
            lock.lock().expect("the lock can be had");
            Some(Box::new(lock))
        }
    }
}

mod memory_store {
    byname_store::conformance_tests!(crate::memory::Memory(byname_store::MemoryStore::new()));
}

mod memory_store_with_revisions_that_jump {
    byname_store::conformance_tests!(crate::memory::Jumping::new());
}

mod file_store {
    byname_store::conformance_tests!(crate::file::Files::new());
}

#[test]
fn every_promise_has_a_name_of_its_own() {
    let mut names: Vec<_> = byname_store::conformance::PROMISES
        .iter()
        .map(|(name, _)| *name)
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
