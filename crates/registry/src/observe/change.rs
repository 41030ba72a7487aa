//! What happened in a revision, and several of them folded into one.

use core::{fmt, ops::RangeInclusive};
use std::{collections::BTreeMap, collections::btree_map::Entry, sync::Arc as Name};

/// Tells of one name what it had before a change and what it has after it.
#[derive(Clone)]
pub struct Changed<P> {
    name: Name<str>,
    old: Option<P>,
    new: Option<P>,
}

impl<P> Changed<P> {
    pub(crate) fn new(name: Name<str>, old: Option<P>, new: Option<P>) -> Self {
        Self { name, old, new }
    }

    /// Returns the name that changed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the name had before the change; `None` if it was absent.
    #[must_use]
    pub fn before(&self) -> Option<&P> {
        self.old.as_ref()
    }

    /// Returns what the name has after the change; `None` if it is absent.
    #[must_use]
    pub fn after(&self) -> Option<&P> {
        self.new.as_ref()
    }
}

impl<P> fmt::Debug for Changed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (&self.old, &self.new) {
            (None, Some(_)) => "added",
            (Some(_), Some(_)) => "replaced",
            (Some(_), None) => "removed",
            (None, None) => "absent",
        };
        write!(f, "{} {what}", self.name)
    }
}

/// Tells what happened from one revision to a later one: every name that differs, once.
///
/// # Consistency
///
/// Applied as a whole to the state of revision `covers().start() - 1`, a change yields exactly the
/// state of revision [`revision`](Self::revision). It never changes and may be kept and shared; it
/// keeps the values it names alive.
pub struct Change<P> {
    covers: RangeInclusive<u64>,
    entries: Box<[Changed<P>]>,
}

impl<P> Change<P> {
    /// Makes the change that leads through the revisions `covers`; `entries` hold no name twice.
    pub(crate) fn new(covers: RangeInclusive<u64>, entries: impl Into<Box<[Changed<P>]>>) -> Self {
        debug_assert!(covers.start() <= covers.end(), "a change covers a revision");
        let entries = entries.into();
        Self { covers, entries }
    }

    /// Returns the first and the last revision that this change leads through.
    #[must_use]
    pub fn covers(&self) -> RangeInclusive<u64> {
        self.covers.clone()
    }

    /// Returns the revision of the state after this change: the last one it covers.
    #[must_use]
    pub fn revision(&self) -> u64 {
        *self.covers.end()
    }

    /// Returns the names that changed, with what they had and have.
    ///
    /// A change of one commit lists them as the commit did; one that was folded from several
    /// commits lists them by name.
    #[must_use]
    pub fn entries(&self) -> &[Changed<P>] {
        &self.entries
    }
}

impl<P> fmt::Debug for Change<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("covers", &self.covers)
            .field("entries", &self.entries)
            .finish()
    }
}

/// Several adjacent changes as one: of each name the oldest `old` and the newest `new`.
///
/// A name that was absent before and is absent after is left out, as it would be from a change
/// of one commit.
pub(super) struct Folded<P> {
    covers: RangeInclusive<u64>,
    names: BTreeMap<Name<str>, (Option<P>, Option<P>)>,
}

impl<P> Folded<P> {
    /// Begins with `change` alone.
    pub(super) fn of(change: &Change<P>) -> Self
    where
        P: Clone,
    {
        let names = change
            .entries
            .iter()
            .map(|e| (Name::clone(&e.name), (e.old.clone(), e.new.clone())))
            .collect();
        Self {
            covers: change.covers(),
            names,
        }
    }

    /// Adds `change`, which follows; values that nobody will be told of go to `superseded`,
    /// because dropping one may run a caller's code and this runs under a lock.
    pub(super) fn fold(&mut self, change: &Change<P>, superseded: &mut Vec<P>)
    where
        P: Clone,
    {
        debug_assert!(self.covers.end() < change.covers.start(), "in order");
        self.covers = *self.covers.start()..=*change.covers.end();
        for changed in &change.entries {
            let new = changed.new.clone();
            match self.names.entry(Name::clone(&changed.name)) {
                Entry::Vacant(place) => {
                    place.insert((changed.old.clone(), new));
                }
                Entry::Occupied(mut place) => {
                    let (old, latest) = place.get_mut();
                    superseded.extend(core::mem::replace(latest, new));
                    if old.is_none() && latest.is_none() {
                        place.remove();
                    }
                }
            }
        }
    }

    /// Returns how many names differ.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the last revision covered.
    pub(super) fn revision(&self) -> u64 {
        *self.covers.end()
    }

    /// Returns the one change that does what all of them did.
    pub(super) fn into_change(self) -> Change<P> {
        let entries: Vec<_> = self
            .names
            .into_iter()
            .map(|(name, (old, new))| Changed::new(name, old, new))
            .collect();
        Change::new(self.covers, entries)
    }
}
