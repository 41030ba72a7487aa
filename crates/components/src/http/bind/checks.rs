//! The compiled schemas of a route.

use std::any::TypeId;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::check::{Check, Checked};

/// What is compiled for the extractors of one route, each once. It goes with every request of the route.
///
/// It only grows, by one entry for each extractor in the code of the route.
#[derive(Default)]
pub(crate) struct Checks {
    first: OnceLock<Box<Entry>>,
}

struct Entry {
    of: TypeId,
    check: Result<Arc<Check>, Arc<str>>,
    next: OnceLock<Box<Entry>>,
}

impl Checks {
    /// Returns the check of an extractor, compiled now if it is not there; or why it cannot be.
    pub(crate) fn of<E: Checked>(&self) -> &Result<Arc<Check>, Arc<str>> {
        let of = TypeId::of::<E>();
        let mut cell = &self.first;
        loop {
            let entry = cell.get_or_init(|| {
                Box::new(Entry {
                    of,
                    check: E::check().map(Arc::new).map_err(Arc::from),
                    next: OnceLock::new(),
                })
            });
            if entry.of == of {
                return &entry.check;
            }
            cell = &entry.next;
        }
    }

    /// Returns what there is, in the order in which it was compiled.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Check>> {
        std::iter::successors(self.first.get(), |entry| entry.next.get())
            .filter_map(|entry| entry.check.as_ref().ok())
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::http::bind::Schema;

    /// How often each was compiled.
    static COMPILED: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

    struct Of<const AT: usize>;

    impl<const AT: usize> Checked for Of<AT> {
        fn check() -> Result<Check, String> {
            COMPILED[AT].fetch_add(1, Ordering::Relaxed);
            if AT == 2 {
                return Err("it is wrong".into());
            }
            Check::whole(Schema::read::<u8>())
        }
    }

    #[test]
    fn concurrent_askers_compile_each_once_and_see_the_same() {
        let checks = Checks::default();
        let barrier = Barrier::new(8);
        let found = std::thread::scope(|scope| {
            let askers: Vec<_> = (0..8)
                .map(|asker| {
                    let (checks, barrier) = (&checks, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        let pointer = |it: &Result<Arc<Check>, Arc<str>>| match it {
                            Ok(check) => Arc::as_ptr(check) as usize,
                            Err(_) => 0,
                        };
                        let mut found = [0; 3];
                        for at in (0..3).map(|at| (at + asker) % 3) {
                            found[at] = match at {
                                0 => pointer(checks.of::<Of<0>>()),
                                1 => pointer(checks.of::<Of<1>>()),
                                _ => pointer(checks.of::<Of<2>>()),
                            };
                        }
                        found
                    })
                })
                .collect();
            let found = askers
                .into_iter()
                .map(|asker| asker.join().expect("an asker"));
            found.collect::<Vec<_>>()
        });
        assert!(
            found
                .iter()
                .all(|it| *it == found[0] && it[0] != it[1] && it[2] == 0)
        );
        let compiled: Vec<_> = COMPILED
            .iter()
            .map(|it| it.load(Ordering::Relaxed))
            .collect();
        assert_eq!(compiled, [1, 1, 1]);
        assert_eq!(checks.iter().count(), 2);
    }
}
