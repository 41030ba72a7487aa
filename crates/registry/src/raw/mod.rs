//! The unsafe half of the crate: versions, slots, the index, reader records and the barrier.
//!
//! # Synchronization
//!
//! A *slot* is the place of one name for as long as anybody can look it up. Its `head` is the newest
//! *version*; versions of a slot form a list from new to old. A version carries the revision in which
//! it became the newest.
//!
//! **Commit** (one writer at a time): hang the new versions on the heads of their slots, then store
//! `committed`. A reader of revision `c` takes the first version with `revision <= c`, so all of a
//! commit becomes visible with that one store.
//!
//! **Reading** is protected by a *pin*: a thread writes the epoch it saw into its own record, orders
//! that write before everything it reads afterwards, and only then loads `committed`. Every change
//! that makes something unreachable (a superseded version, an unlinked one, an old table) is followed
//! by an increment of the epoch; what became unreachable is tagged with the epoch after it.
//!
//! **Reclaiming** something tagged `t`: order all of the above before looking at the records (one
//! heavy barrier), then look. If no record of this registry is pinned below `t`, nobody can reach it:
//!
//! * a reader whose pin was seen at `t` or later read that epoch, and with it every store made before
//!   the epoch was published: it cannot find the thing any more;
//! * a reader whose pin was not seen loads what it loads after the heavy barrier, and sees the same.
//!
//! A pin may carry an epoch older than necessary; that only delays. So pinning never loops.
//!
//! Readers of snapshots, while they look for what their snapshot keeps, pin under another address: they
//! need nothing that only a reader of the present needs, and the other way round.
//!
//! **Snapshots** outlive pins. They announce themselves on a lock-free list while pinned, so a
//! reclaimer that first looks at the records and then drains that list misses none: an announcement
//! it did not see belongs to a pin it saw or to a reader that began later and sees newer versions.

pub(crate) mod barrier;
pub(crate) mod commit;
pub(crate) mod core;
pub(crate) mod handle;
pub(crate) mod observed;
pub(crate) mod owned;
pub(crate) mod pin;
pub(crate) mod reclaim;
pub(crate) mod slot;
pub(crate) mod snapshot;
pub(crate) mod snapshots;
pub(crate) mod table;
pub(crate) mod unbuilt;
pub(crate) mod version;
pub(crate) mod view;

#[cfg(all(test, loom))]
mod models;
