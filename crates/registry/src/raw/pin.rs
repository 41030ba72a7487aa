//! Reader records: who is reading, and since which epoch.
//!
//! Each thread owns a record, found through a thread-local; records form a list that only grows and
//! whose members are reused when their thread ends. The list holds no entries of any registry.

use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use super::barrier;

/// Pins a thread can hold before further ones take a record of their own.
const PINS: usize = if cfg!(loom) { 1 } else { 8 };
/// The epoch of a pin that protects nothing.
const IDLE: u64 = 0;

/// A reclaimer waits for this pin: whoever releases it reclaims.
const AWAITED: u8 = 1;
/// The record serves this one pin and goes back to the list with it.
const SINGLE: u8 = 2;

/// One pin of one record.
struct Place {
    /// The address of the registry it protects. Meaningful while `epoch` is not [`IDLE`].
    domain: AtomicUsize,
    epoch: AtomicU64,
    flags: AtomicU8,
}

impl Place {
    /// Whether its owner may use it for another pin.
    #[inline]
    fn is_idle(&self) -> bool {
        self.epoch.load(Ordering::Relaxed) == IDLE
    }
}

/// The pins of one thread. Written by that thread, read by reclaimers.
#[repr(align(128))]
pub(crate) struct Record {
    /// What [`barrier::readers_fence`] said.
    fence: AtomicBool,
    places: [Place; PINS],
    taken: AtomicBool,
    next: AtomicPtr<Record>,
}

impl Record {
    fn new() -> Self {
        Self {
            fence: AtomicBool::new(barrier::readers_fence()),
            places: std::array::from_fn(|_| Place {
                domain: AtomicUsize::new(0),
                epoch: AtomicU64::new(IDLE),
                flags: AtomicU8::new(0),
            }),
            taken: AtomicBool::new(true),
            next: AtomicPtr::new(std::ptr::null_mut()),
        }
    }
}

impl Record {
    /// The first place at or after `from` that protects nothing. Asked by the owner only.
    fn idle_place(&self, from: usize) -> Option<&Place> {
        self.places[from..].iter().find(|place| place.is_idle())
    }
}

/// A list of records that only grows.
pub(crate) struct Records {
    head: AtomicPtr<Record>,
}

#[cfg(not(loom))]
static RECORDS: Records = Records {
    head: AtomicPtr::new(std::ptr::null_mut()),
};

impl Records {
    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &'static Record> {
        // Acquire: pairs with the Release that published the record in `acquire`.
        let mut next = self.head.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: records are leaked when made and never freed, so the pointer is null or valid
            // for ever.
            let record: &'static Record = unsafe { next.as_ref()? };
            next = record.next.load(Ordering::Acquire);
            Some(record)
        })
    }

    /// Takes a record that no thread owns, or makes one.
    fn acquire(&self) -> &'static Record {
        for record in self.iter() {
            // Acquire: pairs with the Release in `release`; the former owner's stores are visible.
            if !record.taken.load(Ordering::Relaxed)
                && record
                    .taken
                    .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return record;
            }
        }
        let record: &'static Record = Box::leak(Box::new(Record::new()));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            record.next.store(head, Ordering::Relaxed);
            // Release: whoever finds the record sees it initialised.
            match self.head.compare_exchange_weak(
                head,
                std::ptr::from_ref(record).cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return record,
                Err(now) => head = now,
            }
        }
    }

    fn release(record: &'static Record) {
        record.taken.store(false, Ordering::Release);
    }

    /// The lowest epochs at which the registry at `domain` is pinned.
    ///
    /// Meaningful after [`barrier::heavy`]. With `mark`, every pin found is marked: its release will
    /// report that a reclaimer waits.
    pub(crate) fn floors(&self, domain: usize, mark: bool) -> Floors {
        let mut floors = Floors {
            reads: u64::MAX,
            walks: u64::MAX,
        };
        for place in self.iter().flat_map(|record| &record.places) {
            // Acquire, both: pair with the Releases in `Pin`; whatever the thread did under a pin that
            // is seen released, or seen replaced by another, has happened.
            let epoch = place.epoch.load(Ordering::Acquire);
            if epoch == IDLE {
                continue;
            }
            // `domain` is stored before `epoch`, and a heavy barrier lies between those stores and
            // this load or before both: a pin that counts shows its own domain. A mixed pair can only
            // name a pin that has ended or one that began after the barrier.
            let pinned = place.domain.load(Ordering::Acquire);
            let floor = if pinned == domain {
                &mut floors.reads
            } else if pinned == walks_of(domain) {
                &mut floors.walks
            } else {
                continue;
            };
            *floor = epoch.min(*floor);
            if mark {
                place.flags.fetch_or(AWAITED, Ordering::SeqCst);
            }
        }
        floors
    }
}

/// The lowest epochs at which a registry is pinned; `u64::MAX` where it is not.
#[derive(Clone, Copy)]
pub(crate) struct Floors {
    /// By readers of what is present, and by whoever announces a snapshot.
    pub(crate) reads: u64,
    /// By readers of snapshots, while they look for what their snapshot keeps.
    pub(crate) walks: u64,
}

impl Floors {
    /// The lower of the two.
    pub(crate) fn lowest(self) -> u64 {
        self.reads.min(self.walks)
    }
}

/// What readers of snapshots pin instead of `domain`, which is the address of something aligned.
pub(crate) fn walks_of(domain: usize) -> usize {
    domain + 1
}

/// Gives the thread's record back when the thread ends.
#[cfg(not(loom))]
struct Lease(&'static Record);

#[cfg(not(loom))]
impl Drop for Lease {
    fn drop(&mut self) {
        OWN.set(None);
        // Otherwise a guard was leaked, or lives in another thread-local: the record stays taken, so
        // what that guard protects stays protected.
        if self.0.places.iter().all(Place::is_idle) {
            Records::release(self.0);
        }
    }
}

#[cfg(not(loom))]
thread_local! {
    /// The thread's record. Without a destructor, so that finding it is one load.
    static OWN: std::cell::Cell<Option<&'static Record>> = const { std::cell::Cell::new(None) };
    static LEASE: std::cell::OnceCell<Lease> = const { std::cell::OnceCell::new() };
}

/// What a thread holds while it reads. Not `Send`: it is released by the thread that made it.
#[derive(Clone, Copy)]
pub(crate) struct Pin {
    record: &'static Record,
    place: &'static Place,
    /// Keeps the pin on its thread.
    _local: std::marker::PhantomData<*const ()>,
}

impl Pin {
    /// Protects, from now on, everything reachable from the registry at `domain`.
    ///
    /// Loads made after this call see the registry as it is now or later, never as it was before an
    /// epoch that has been reclaimed.
    #[inline]
    pub(crate) fn new(#[cfg(loom)] records: &Records, domain: usize, epoch: &AtomicU64) -> Self {
        // Nearly every pin is a thread's only one. That the first place is idle is predicted, not
        // waited for: the last release of it may still be on its way to memory.
        #[cfg(not(loom))]
        let (record, place) = match OWN.get() {
            Some(record) if record.places[0].is_idle() => (record, &record.places[0]),
            record => Self::place_slowly(record),
        };
        #[cfg(loom)]
        let (record, place) = Self::single(records);

        // Release, both: a reclaimer that finds the new pin in the place of an old one sees what the
        // thread did under the old one as done.
        place.domain.store(domain, Ordering::Release);
        // Acquire: whoever pins epoch `e` sees every store made before `e` was published.
        place
            .epoch
            .store(epoch.load(Ordering::Acquire), Ordering::Release);
        barrier::light(record.fence.load(Ordering::Relaxed));
        Self {
            record,
            place,
            _local: std::marker::PhantomData,
        }
    }

    /// A first pin of a thread, one inside another, or one made while the thread's locals are
    /// destroyed.
    #[cfg(not(loom))]
    #[cold]
    #[inline(never)]
    fn place_slowly(own: Option<&'static Record>) -> (&'static Record, &'static Place) {
        if let Some(record) = own {
            return match record.idle_place(1) {
                Some(place) => (record, place),
                None => Self::single(&RECORDS),
            };
        }
        let leased = LEASE.try_with(|lease| {
            let record = lease.get_or_init(|| Lease(RECORDS.acquire())).0;
            OWN.set(Some(record));
            (record, &record.places[0])
        });
        leased.unwrap_or_else(|_| Self::single(&RECORDS))
    }

    /// A pin with a record of its own.
    fn single(records: &Records) -> (&'static Record, &'static Place) {
        let record = records.acquire();
        let place = &record.places[0];
        place.flags.fetch_or(SINGLE, Ordering::Relaxed);
        (record, place)
    }

    /// Ends the protection. Returns whether a reclaimer waits for it.
    #[inline]
    #[must_use]
    pub(crate) fn release(self) -> bool {
        // Release: pairs with the Acquire in `Records::floor`; everything read under the pin has
        // been read by the time a reclaimer sees it gone.
        self.place.epoch.store(IDLE, Ordering::Release);
        // If a reclaimer marks the pin after this load, its second look comes after a heavy barrier
        // that comes after the mark, and finds the pin idle.
        barrier::light(self.record.fence.load(Ordering::Relaxed));
        if self.place.flags.load(Ordering::Relaxed) != 0 {
            return self.release_slowly();
        }
        false
    }

    #[cold]
    #[inline(never)]
    fn release_slowly(self) -> bool {
        let flags = self.place.flags.swap(0, Ordering::SeqCst);
        if flags & SINGLE != 0 {
            Records::release(self.record);
        }
        flags & AWAITED != 0
    }
}

/// The process's records.
#[cfg(not(loom))]
pub(crate) fn records() -> &'static Records {
    &RECORDS
}
