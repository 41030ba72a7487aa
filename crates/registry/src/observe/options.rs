//! What a subscription is asked to be, and what it counts.

use core::time::Duration;

/// Says what happens when changes come faster than a subscription takes them.
///
/// Whatever the policy, a subscription that lost a change is told so: its next event is
/// [`Event::Resync`](crate::Event::Resync), and nothing stale comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Lets writers wait for room, before they take any lock, until a deadline.
    ///
    /// A wait blocks the writer's thread, in a task too. A writer that has waited `deadline` for
    /// this subscription (one day at most; zero is allowed) goes on, and the subscription is to be
    /// resynchronised. Until it has been, no writer waits for it again: a hung observer costs one
    /// deadline, not one a change. A writer never waits for a
    /// subscription whose events its own thread was the last to receive, because the thread could
    /// be waiting for itself; a full queue then means a resynchronisation at once. (A task that
    /// received on one thread and writes on another is not recognised; it is bounded by the
    /// deadline. So are two observers that write and wait for each other.)
    Wait {
        /// How long a writer waits for this subscription before it goes on without it.
        deadline: Duration,
    },
    /// Never lets a writer wait: a full queue loses its oldest change.
    ///
    /// What follows a lost change cannot be applied without it, so the queue gives up the rest
    /// as well and the next event resynchronises.
    DropOldest,
    /// Folds all pending changes into one that holds each name once, with its oldest `old` and
    /// its newest new value, and covers the revisions of all.
    ///
    /// A commit of many names stays whole: an observer passes through fewer revisions, never
    /// through a state that was not one. The capacity bounds the names of a folded change; when
    /// more names than that differ, the next event resynchronises. A single commit is delivered
    /// as it is, however many names it has.
    Coalesce,
}

/// Says how a subscription is to be kept: its policy and the bound of its queue.
///
/// A [`Policy`] alone converts into the options with the default capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) policy: Policy,
    pub(super) capacity: usize,
}

impl Options {
    /// The capacity when none is given.
    pub const CAPACITY: usize = 1024;

    /// The longest deadline of [`Policy::Wait`]; a longer one is cut to it.
    pub const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

    /// Chooses `policy` and the default capacity.
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        let longest = Self::LONGEST_DEADLINE;
        let policy = match policy {
            Policy::Wait { deadline } if deadline.as_secs() >= longest.as_secs() => {
                Policy::Wait { deadline: longest }
            }
            policy => policy,
        };
        Self {
            policy,
            capacity: Self::CAPACITY,
        }
    }

    /// Cuts the time that a writer may wait.
    pub(crate) fn within(mut self, longest: Duration) -> Self {
        if let Policy::Wait { deadline } = &mut self.policy {
            *deadline = longest.min(*deadline);
        }
        self
    }

    /// Bounds the queue to `capacity` pending changes or, when they are folded, to as many names;
    /// 0 counts as 1. Room is taken as it is needed, not in advance.
    #[must_use]
    pub const fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = if capacity == 0 { 1 } else { capacity };
        self
    }
}

impl From<Policy> for Options {
    fn from(policy: Policy) -> Self {
        Self::new(policy)
    }
}

/// Counts what became of the changes that a subscription was sent.
///
/// At any time `received == delivered + coalesced + dropped + pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Changes committed since the subscription began.
    pub received: u64,
    /// Changes handed out, a folded one counting once.
    pub delivered: u64,
    /// Changes lost: skipped by a resynchronisation or left behind by the end.
    pub dropped: u64,
    /// Changes folded into one that was pending.
    pub coalesced: u64,
    /// Resynchronisations handed out.
    pub resynchronised: u64,
    /// Times that a writer began to wait for room.
    pub waited: u64,
    /// Changes that wait to be received now.
    pub pending: u64,
}
