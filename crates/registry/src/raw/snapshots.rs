//! Live snapshots, as readers announce them and as the reclaimer finds them.

use std::ptr::NonNull;

use crate::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};

/// The count of a node that no snapshot may revive.
const DEAD: usize = usize::MAX;

/// One announced revision, shared by the snapshots of it.
pub(crate) struct Node {
    pub(crate) revision: u64,
    /// How many snapshots use the node. At 0 a further snapshot of the same revision may revive it.
    refs: AtomicUsize,
    next: AtomicPtr<Node>,
    #[cfg(loom)]
    pub(super) alive: crate::sync::Alive,
}

impl Node {
    /// Adds a snapshot unless the node is dead.
    fn try_retain(&self) -> bool {
        #[cfg(loom)]
        self.alive.check();
        self.refs
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |refs| {
                (refs != DEAD).then(|| refs + 1)
            })
            .is_ok()
    }

    /// Adds a snapshot beside one that exists.
    pub(crate) fn retain(&self) {
        let before = self.refs.fetch_add(1, Ordering::Relaxed);
        assert!(
            before < usize::MAX / 2,
            "too many snapshots of one revision"
        );
    }

    /// Whether no snapshot uses the node; if so, none will.
    pub(crate) fn retire(&self) -> bool {
        // Acquire: pairs with the AcqRel of `end`; the last snapshot's reads have happened.
        self.refs
            .compare_exchange(0, DEAD, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }
}

/// The revision of a snapshot that has ended.
struct Ended {
    revision: u64,
    next: AtomicPtr<Ended>,
}

/// Puts `item`, whose link is `next`, before the others of a list that is only ever taken whole.
fn push<T>(list: &AtomicPtr<T>, item: NonNull<T>, next: &AtomicPtr<T>) {
    let mut head = list.load(Ordering::Relaxed);
    loop {
        next.store(head, Ordering::Relaxed);
        // Release: pairs with the Acquire of whoever takes the list.
        match list.compare_exchange_weak(head, item.as_ptr(), Ordering::Release, Ordering::Relaxed)
        {
            Ok(_) => return,
            Err(now) => head = now,
        }
    }
}

/// What readers share with the reclaimer.
pub(crate) struct Announced {
    /// Nodes that the reclaimer has not taken over yet.
    fresh: AtomicPtr<Node>,
    /// Revisions whose last snapshot ended after the registry had moved on.
    ended: AtomicPtr<Ended>,
    /// The node announced last; most snapshots find their revision here.
    latest: AtomicPtr<Node>,
}

impl Announced {
    pub(crate) fn new() -> Self {
        Self {
            fresh: AtomicPtr::new(std::ptr::null_mut()),
            ended: AtomicPtr::new(std::ptr::null_mut()),
            latest: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// Announces a snapshot of the present revision and returns its node with a share in it.
    ///
    /// # Safety
    ///
    /// The caller is pinned, and `committed` was loaded under that pin.
    pub(crate) unsafe fn announce(&self, committed: u64) -> NonNull<Node> {
        let latest = self.latest.load(Ordering::Acquire);
        // SAFETY: a node is freed only after it left `latest` and every pin of that time ended.
        if let Some(node) = unsafe { latest.as_ref() }
            && node.revision == committed
            && node.try_retain()
        {
            return NonNull::from(node);
        }
        let node = Box::into_raw(Box::new(Node {
            revision: committed,
            refs: AtomicUsize::new(1),
            next: AtomicPtr::new(std::ptr::null_mut()),
            #[cfg(loom)]
            alive: crate::sync::Alive::new(),
        }));
        // SAFETY: made from a box just now.
        let node = unsafe { NonNull::new_unchecked(node) };
        // SAFETY: alive: it carries our share.
        push(&self.fresh, node, unsafe { &node.as_ref().next });
        // The node carries our share, so it is alive when it becomes the latest; once it is dead
        // nobody stores it here again. Losing a race costs the next snapshot a node of its own.
        self.latest.store(node.as_ptr(), Ordering::Release);
        node
    }

    /// Ends one snapshot. Returns whether something may be held for it alone: then a collection is to
    /// be requested.
    ///
    /// # Safety
    ///
    /// `node` carries a share of the caller, which is gone afterwards.
    #[must_use]
    pub(crate) unsafe fn end(&self, node: NonNull<Node>, committed: &AtomicU64) -> bool {
        // SAFETY: the caller's share keeps the node alive.
        let node = unsafe { node.as_ref() };
        let revision = node.revision;
        // AcqRel: whoever finds the node unused sees this snapshot's reads as done. The node may be
        // freed from here on.
        if node.refs.fetch_sub(1, Ordering::AcqRel) != 1 {
            return false;
        }
        // Pairs with the fence in `barrier::heavy`, which lies between the reclaimer's load of
        // `committed` and its look at `refs`: either the reclaimer sees this node unused, or the load
        // below sees the revision that it saw.
        fence(Ordering::SeqCst);
        if committed.load(Ordering::Relaxed) == revision {
            return false;
        }
        let ended = Box::leak(Box::new(Ended {
            revision,
            next: AtomicPtr::new(std::ptr::null_mut()),
        }));
        let pointer = NonNull::from(&mut *ended);
        push(&self.ended, pointer, &ended.next);
        true
    }

    /// Takes over the revisions whose last snapshot has ended since the last call.
    pub(crate) fn drain_ended(&self) -> impl Iterator<Item = u64> {
        let mut next = self.ended.swap(std::ptr::null_mut(), Ordering::Acquire);
        std::iter::from_fn(move || {
            let ended = NonNull::new(next)?;
            // SAFETY: pushed as a leaked box, and taken off the list by this call only.
            let ended = unsafe { Box::from_raw(ended.as_ptr()) };
            next = ended.next.load(Ordering::Relaxed);
            Some(ended.revision)
        })
    }

    /// Takes over the nodes announced since the last call.
    pub(crate) fn drain(&self) -> impl Iterator<Item = NonNull<Node>> {
        let mut next = self.fresh.swap(std::ptr::null_mut(), Ordering::Acquire);
        std::iter::from_fn(move || {
            let node = NonNull::new(next)?;
            // SAFETY: pushed nodes live until the reclaimer, which is the caller, frees them.
            next = unsafe { node.as_ref() }.next.load(Ordering::Relaxed);
            Some(node)
        })
    }

    /// Forgets `node` as the latest one. Called before the epoch after which it is freed.
    pub(crate) fn forget(&self, node: NonNull<Node>) {
        let _ = self.latest.compare_exchange(
            node.as_ptr(),
            std::ptr::null_mut(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
}
