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
