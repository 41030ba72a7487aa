//! A registry as the local copy of what a store keeps.

use crate::changes::{Changes, collect_writes};
use crate::draft::Draft;
use crate::error::{ChangeError, TransactionError};
use crate::place::Place;
use crate::raw::commit::Locked;
use crate::raw::version::Content;
use crate::registry::Registry;

/// # Following a store
///
/// A registry made with [`Builder::following`](crate::Builder::following) is the local copy of what a store keeps. Committing
/// has two steps with room for I/O between them: [`prepare`](Self::prepare) validates a change and
/// yields it, the store writes it and learns its revision, [`publish`](Self::publish) makes it
/// visible. The store lets one commit at a time run between the two. What other processes commit is
/// published in the same way; a whole state is published by [`resync`](Self::resync).
impl<V: Send + Sync + 'static> Registry<V> {
    /// Runs `change` on a draft as [`transaction`](Self::transaction) does, validates what it read,
    /// and returns the changes instead of committing them.
    ///
    /// # Errors
    ///
    /// As for [`transaction`](Self::transaction), and [`ChangeError::NotFollowing`].
    pub fn prepare<T, E>(
        &self,
        mut change: impl FnMut(&mut Draft<V>) -> Result<T, E>,
    ) -> Result<(T, Changes<V>), TransactionError<E>> {
        if !self.core.settings.following {
            return Err(TransactionError::Refused(ChangeError::NotFollowing));
        }
        self.attempt(&mut change, |_, changes, _| changes)
    }

    /// Makes `changes` visible as `revision`, which covers every revision after the present one.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Backwards`] when `revision` is not after the present one,
    /// [`ChangeError::Revision`] when it is above [`MAX_REVISION`](crate::MAX_REVISION),
    /// [`ChangeError::Stale`] when something the changes were prepared from has changed,
    /// [`ChangeError::NotFollowing`], [`ChangeError::Sealed`].
    pub fn publish(&self, revision: u64, changes: Changes<V>) -> Result<u64, ChangeError> {
        self.publish_with(revision, changes, |locked, changes| {
            match changes.conflict(locked) {
                Some(name) => Err(ChangeError::Stale { name }),
                None => Ok(()),
            }
        })
    }

    /// Publishes, as `revision`, the difference between the present entries and `entries`: names,
    /// the store's revision of each, and values. An entry whose revision is the one that is already
    /// here is left alone; one that is not in `entries` is removed.
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish), without `Stale`; [`ChangeError::Name`].
    #[track_caller]
    pub fn resync<N: AsRef<str>>(
        &self,
        revision: u64,
        entries: impl IntoIterator<Item = (N, u64, V)>,
    ) -> Result<u64, ChangeError> {
        let place = Place::caller();
        let mut changes = Changes::new();
        for (name, entry_revision, value) in entries {
            changes.put(name.as_ref(), entry_revision, value)?;
        }
        // What turns out to be here already; dropped after unlocking.
        let mut same = Changes::new();
        self.publish_with(revision, changes, |locked, changes| {
            for (name, version) in locked.all_present() {
                match changes.stamp(name) {
                    Some(stamp) if stamp == version.stamp() => changes.give(name, &mut same),
                    Some(_) => {}
                    None => collect_writes(changes, name.into(), Content::Absent, place.clone()),
                }
            }
            Ok(())
        })
    }

    fn publish_with(
        &self,
        revision: u64,
        changes: Changes<V>,
        check: impl FnOnce(&Locked<'_, V>, &mut Changes<V>) -> Result<(), ChangeError>,
    ) -> Result<u64, ChangeError> {
        if !self.core.settings.following {
            return Err(ChangeError::NotFollowing);
        }
        // Kept out here: what is refused is dropped after unlocking.
        let mut changes = Some(changes);
        self.core.write(|locked| {
            let present = locked.revision();
            if self.core.is_sealed() {
                return Err(ChangeError::Sealed);
            }
            if revision <= present {
                return Err(ChangeError::Backwards { revision, present });
            }
            if revision > crate::MAX_REVISION {
                return Err(ChangeError::Revision { revision });
            }
            if let Some(changes) = &mut changes {
                check(locked, changes)?;
            }
            if let Some(changes) = changes.take() {
                changes.commit(locked, revision);
            }
            Ok(revision)
        })
    }
}
