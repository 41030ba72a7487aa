//! The registry as its users see it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::Subscription;
use crate::builder::{Builder, Settings};
use crate::changes::{Changes, collect_writes};
use crate::draft::{Committed, Draft, check_name};
use crate::error::{ChangeError, TransactionError};
use crate::factory::Factory;
use crate::observe::Options;
use crate::place::Place;
use crate::raw::commit::{Locked, Op};
use crate::raw::core::Core;
use crate::raw::handle::Handle;
use crate::raw::owned::{Entry, Owned};
use crate::raw::snapshot::Snapshot;
use crate::raw::version::{Content, Unpublished, Version};
use crate::raw::view::{Guard, View};
use crate::sync::Arc as Shared;

#[doc = include_str!("../docs/registry.md")]
pub struct Registry<V> {
    pub(crate) core: Shared<Core<V>>,
}

impl Registry<()> {
    /// Sets up a registry, of whatever values, that is not like [`new`](Self::new)'s.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl<V: Send + Sync + 'static> Registry<V> {
    /// Makes an empty registry, at revision 0.
    #[must_use]
    pub fn new() -> Self {
        Registry::builder().build()
    }

    pub(crate) fn with_settings(settings: Settings) -> Self {
        Self {
            core: Shared::new(Core::new(settings)),
        }
    }

    pub(crate) fn inside_runtime(&self) -> fn() -> bool {
        self.core.settings.inside_runtime
    }

    /// Returns what the registry is called in messages.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.core.settings.rules.label
    }
}

/// # Reading
impl<V: Send + Sync + 'static> Registry<V> {
    /// Borrows the value of `name`; `None` when there is no such entry, or when it is a factory's
    /// and has not been built.
    ///
    /// Takes no lock, changes no memory that another reader touches and does not allocate.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_registry::Registry;
    ///
    /// let ports = Registry::from_iter([("http", 80), ("https", 443)]);
    /// assert_eq!(ports.get("https").as_deref(), Some(&443));
    /// assert!(ports.get("gopher").is_none());
    /// ```
    #[inline]
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Guard<'_, V>> {
        Guard::by_name(&self.core, name)
    }

    /// Calls `read` with the value of `name`; `None` as for [`get`](Self::get).
    ///
    /// `read` may use the registry, and may change it.
    #[inline]
    pub fn read<R>(&self, name: &str, read: impl FnOnce(&V) -> R) -> Option<R> {
        self.get(name).map(|value| read(&value))
    }

    /// Shares the value of `name`; `None` as for [`get`](Self::get).
    #[must_use]
    pub fn get_owned(&self, name: &str) -> Option<Owned<V>> {
        self.get(name).map(|value| Guard::to_owned(&value))
    }

    /// Returns the entry of `name`, built or not.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<Entry<V>> {
        self.view().entry(name)
    }

    /// Returns whether there is an entry `name`, built or not.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.view().contains(name)
    }

    /// Shows the present revision to the calling thread, for several reads from one state.
    #[inline]
    pub fn view(&self) -> View<'_, V> {
        View::new(&self.core)
    }

    /// Resolves `name` once, to be read again and again; `None` when there is no such entry.
    #[must_use]
    pub fn handle(&self, name: &str) -> Option<Handle<V>> {
        Handle::new(&self.core, name)
    }

    /// Takes a snapshot of the present revision, in constant time.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<V> {
        Snapshot::new(&self.core)
    }

    /// Returns the revision of the latest change; 0 before the first.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.core.committed()
    }

    /// Returns how many entries there are, built or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// # Changing
///
/// Each of these returns the revision of the change it made. When it returns, the change is visible
/// to every read that begins afterwards, on any thread.
impl<V: Send + Sync + 'static> Registry<V> {
    /// Registers `value` under a name that must be free.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Taken`] names the place of the earlier registration; [`ChangeError::Name`],
    /// [`ChangeError::Sealed`] and [`ChangeError::Following`] as their documentation says.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_registry::Registry;
    ///
    /// let services = Registry::new();
    /// services.register("db", "postgres")?;
    /// let error = services.register("db", "sqlite").unwrap_err();
    /// assert!(error.to_string().starts_with("`db` is already registered at "));
    /// # Ok::<(), byname_registry::ChangeError>(())
    /// ```
    #[track_caller]
    pub fn register(&self, name: &str, value: V) -> Result<u64, ChangeError> {
        self.register_at(name, value, Place::caller())
    }

    /// Registers like [`register`](Self::register), on behalf of `place`: a line of a file, say.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    pub fn register_at(&self, name: &str, value: V, place: Place) -> Result<u64, ChangeError> {
        self.change_one(name, Content::Value(value), place, |locked| {
            must_be_free(name, locked.present(name))
        })
    }

    /// Registers, under a name that must be free, a factory that makes the value when somebody asks
    /// for it with [`resolve`](Self::resolve) or its like.
    ///
    /// # Consistency
    ///
    /// - However many threads and tasks ask at once, one build runs, and all get that value or that
    ///   error, with its cause. A failed build is never kept as a success; when it is tried again is
    ///   the factory's [`Retry`](crate::Retry). A panic in a factory becomes an error for everybody
    ///   who waits, and poisons nothing.
    /// - The build belongs to the entry and is driven by whoever waits. Cancelling any waiter, the
    ///   first included, restarts nothing; when the last one leaves, the build is dropped and the next
    ///   ask begins anew.
    /// - A factory that asks, directly or through others, on its own thread or task or through its
    ///   [`Context`](crate::Context), for what is being built gets
    ///   [`BuildError::Cycle`](crate::BuildError::Cycle), which names the whole path. What escapes
    ///   that, a thread that a factory starts and waits for, meets a deadline.
    /// - Building is not a change: it makes no revision, is allowed after [`seal`](Self::seal), and is
    ///   seen through snapshots taken before. If the entry is replaced meanwhile, the result goes to
    ///   those who waited for the old one only. After the build a read costs what any read costs.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    #[track_caller]
    pub fn register_factory(&self, name: &str, factory: Factory<V>) -> Result<u64, ChangeError> {
        self.register_factory_at(name, factory, Place::caller())
    }

    /// Registers a factory like [`register_factory`](Self::register_factory), on behalf of `place`.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    pub fn register_factory_at(
        &self,
        name: &str,
        factory: Factory<V>,
        place: Place,
    ) -> Result<u64, ChangeError> {
        let version = Version::unbuilt(name.into(), factory, &self.core.settings.rules, place);
        self.commit_one(name, version, |locked| {
            must_be_free(name, locked.present(name))
        })
    }

    /// Puts a factory in the place of an entry that must exist.
    ///
    /// # Errors
    ///
    /// As for [`replace`](Self::replace).
    #[track_caller]
    pub fn replace_factory(&self, name: &str, factory: Factory<V>) -> Result<u64, ChangeError> {
        let rules = &self.core.settings.rules;
        let version = Version::unbuilt(name.into(), factory, rules, Place::caller());
        self.commit_one(name, version, |locked| {
            must_exist(name, locked.present(name))
        })
    }

    /// Replaces the value of an entry that must exist.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Absent`] when there is no such entry; others as for
    /// [`register`](Self::register).
    #[track_caller]
    pub fn replace(&self, name: &str, value: V) -> Result<u64, ChangeError> {
        self.change_one(name, Content::Value(value), Place::caller(), |locked| {
            must_exist(name, locked.present(name))
        })
    }

    /// Sets the value of `name`, whether or not there is an entry.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Name`], [`ChangeError::Sealed`] and [`ChangeError::Following`].
    #[track_caller]
    pub fn put(&self, name: &str, value: V) -> Result<u64, ChangeError> {
        self.change_one(name, Content::Value(value), Place::caller(), |_| Ok(()))
    }

    /// Removes an entry that must exist.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Absent`] when there is no such entry; others as for
    /// [`register`](Self::register).
    #[track_caller]
    pub fn remove(&self, name: &str) -> Result<u64, ChangeError> {
        self.change_one(name, Content::Absent, Place::caller(), |locked| {
            must_exist(name, locked.present(name))
        })
    }

    /// Sets the value of `name` if its entry has the revision `expected`; 0 stands for no entry.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Moved`] names the revision that was found; others as for
    /// [`register`](Self::register).
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_registry::{ChangeError, Guard, Registry};
    ///
    /// let counters = Registry::from_iter([("hits", 1)]);
    /// let (seen, at) = counters.get("hits").map(|hits| (*hits, Guard::revision(&hits))).unwrap();
    /// counters.compare_and_set("hits", at, seen + 1)?;
    /// let stale = counters.compare_and_set("hits", at, 100);
    /// assert!(matches!(stale, Err(ChangeError::Moved { found: 2, .. })));
    /// # Ok::<(), ChangeError>(())
    /// ```
    #[track_caller]
    pub fn compare_and_set(&self, name: &str, expected: u64, value: V) -> Result<u64, ChangeError> {
        self.change_one(name, Content::Value(value), Place::caller(), |locked| {
            let found = locked.present(name).map_or(0, Version::stamp);
            if found == expected {
                Ok(())
            } else {
                Err(ChangeError::Moved {
                    name: name.into(),
                    expected,
                    found,
                })
            }
        })
    }

    /// Changes any number of names as one revision, or none of them.
    ///
    /// `change` works on a [`Draft`] outside every lock. If something it has read is changed by
    /// others before the commit, it runs again on a new draft, up to the number of attempts that the
    /// registry was built with (16 by default). If it returns an error or panics, everything stays
    /// as it was. It may use the same registry; what it does there happens at once and is not part
    /// of the transaction.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Conflict`] after the last attempt, [`TransactionError::Aborted`] with the
    /// closure's error, [`TransactionError::Refused`] when the registry is sealed or follows a store.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_registry::{ChangeError, Registry};
    ///
    /// let accounts = Registry::from_iter([("alice", 100), ("bob", 0)]);
    /// accounts.transaction(|draft| {
    ///     let alice = *draft.get("alice").expect("registered above");
    ///     let bob = *draft.get("bob").expect("registered above");
    ///     draft.replace("alice", alice - 30)?;
    ///     draft.replace("bob", bob + 30)
    /// })?;
    /// let view = accounts.view();
    /// assert_eq!((view.get("alice"), view.get("bob")), (Some(&70), Some(&30)));
    /// # Ok::<(), byname_registry::TransactionError<ChangeError>>(())
    /// ```
    pub fn transaction<T, E>(
        &self,
        mut change: impl FnMut(&mut Draft<V>) -> Result<T, E>,
    ) -> Result<Committed<T>, TransactionError<E>> {
        if self.core.settings.following {
            return Err(TransactionError::Refused(ChangeError::Following));
        }
        let (value, revision) = self.attempt(&mut change, |locked, changes, base| {
            if changes.is_empty() {
                return base;
            }
            let revision = locked.revision() + 1;
            changes.commit(locked, revision);
            revision
        })?;
        Ok(Committed { value, revision })
    }

    /// Registers all of `entries` as one revision, in time linear in their number. Entries that
    /// exist are replaced; of several of one name the last one counts.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Name`], [`ChangeError::Sealed`] and [`ChangeError::Following`]. Nothing has
    /// been changed then.
    #[track_caller]
    pub fn put_all<N: Into<Arc<str>>>(
        &self,
        entries: impl IntoIterator<Item = (N, V)>,
    ) -> Result<u64, ChangeError> {
        let place = Place::caller();
        let mut changes = Changes::new();
        for (name, value) in entries {
            let name = name.into();
            check_name(&name)?;
            collect_writes(&mut changes, name, Content::Value(value), place.clone());
        }
        if self.core.settings.following {
            return Err(ChangeError::Following);
        }
        self.core
            .write(|locked| {
                if self.core.is_sealed() {
                    // Handed out to be dropped after unlocking.
                    return (Err(ChangeError::Sealed), Some(changes));
                }
                if changes.is_empty() {
                    return (Ok(locked.revision()), None);
                }
                let revision = locked.revision() + 1;
                changes.commit(locked, revision);
                (Ok(revision), None)
            })
            .0
    }

    /// Refuses every change from now on. Reading, building and observing go on.
    #[allow(
        clippy::redundant_closure_for_method_calls,
        reason = "the method is not general enough over its lifetimes"
    )]
    pub fn seal(&self) {
        self.core.write(|locked| locked.seal());
    }

    /// Returns whether the registry has been sealed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.core.is_sealed()
    }

    /// Drops the superseded values that nobody uses any more, now rather than with a later change.
    /// Returns how many are still in use: borrowed, shown by a view or shown by a snapshot.
    #[allow(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn collect(&self) -> usize {
        self.core.collect()
    }

    fn change_one(
        &self,
        name: &str,
        content: Content<V>,
        place: Place,
        check: impl FnOnce(&Locked<'_, V>) -> Result<(), ChangeError>,
    ) -> Result<u64, ChangeError> {
        self.commit_one(name, Version::with(content, place), check)
    }

    fn commit_one(
        &self,
        name: &str,
        version: Unpublished<V>,
        check: impl FnOnce(&Locked<'_, V>) -> Result<(), ChangeError>,
    ) -> Result<u64, ChangeError> {
        check_name(name)?;
        if self.core.settings.following {
            return Err(ChangeError::Following);
        }
        let refuse = |error, version: Unpublished<V>| (Err(error), Some(version));
        // What is refused is handed out, to be dropped after unlocking.
        self.core
            .write(|locked| {
                if self.core.is_sealed() {
                    return refuse(ChangeError::Sealed, version);
                }
                if let Err(error) = check(locked) {
                    return refuse(error, version);
                }
                let revision = locked.revision() + 1;
                locked.commit(
                    revision,
                    std::iter::once(Op {
                        name,
                        version,
                        stamp: None,
                    }),
                );
                (Ok(revision), None)
            })
            .0
    }

    /// Runs `change` on drafts until `finish` gets changes that are still valid.
    pub(crate) fn attempt<T, E, R>(
        &self,
        change: &mut impl FnMut(&mut Draft<V>) -> Result<T, E>,
        finish: impl Fn(&mut Locked<'_, V>, Changes<V>, u64) -> R,
    ) -> Result<(T, R), TransactionError<E>> {
        let mut moved: Arc<str> = "".into();
        let attempts = self.core.settings.attempts;
        for _ in 0..attempts {
            if self.core.is_sealed() {
                return Err(TransactionError::Refused(ChangeError::Sealed));
            }
            let mut draft = Draft::new(self.snapshot());
            let value = change(&mut draft).map_err(TransactionError::Aborted)?;
            let base = draft.revision();
            let changes = draft.into_changes();
            let outcome = self.core.write(|locked| {
                if self.core.is_sealed() {
                    return Err((None, changes));
                }
                match changes.conflict(locked) {
                    Some(name) => Err((Some(name), changes)),
                    None => Ok(finish(locked, changes, base)),
                }
            });
            match outcome {
                Ok(result) => return Ok((value, result)),
                Err((None, _)) => return Err(TransactionError::Refused(ChangeError::Sealed)),
                Err((Some(name), _)) => moved = name,
            }
        }
        Err(TransactionError::Conflict {
            attempts,
            name: moved,
        })
    }
}

fn must_be_free<V>(name: &str, present: Option<&Version<V>>) -> Result<(), ChangeError> {
    match present {
        Some(present) => Err(ChangeError::Taken {
            name: name.into(),
            place: present.place().clone(),
            revision: present.stamp(),
        }),
        None => Ok(()),
    }
}

fn must_exist<V>(name: &str, present: Option<&Version<V>>) -> Result<(), ChangeError> {
    match present {
        Some(_) => Ok(()),
        None => Err(ChangeError::Absent { name: name.into() }),
    }
}

/// # Observing
impl<V: Send + Sync + 'static> Registry<V> {
    /// Begins to observe: returns a snapshot and every change from there, without a gap.
    ///
    /// With no subscription a change pays nothing for this. `options` is a
    /// [`Policy`](crate::Policy), or [`Options`] with one.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_registry::{Event, Policy, Registry};
    ///
    /// let services = Registry::from_iter([("db", 1)]);
    /// let (snapshot, mut changes) = services.subscribe(Policy::DropOldest);
    /// assert_eq!(snapshot.get("db"), Some(&1));
    /// services.put("db", 2)?;
    /// let Ok(Event::Change(change)) = changes.try_recv() else { panic!("there is one") };
    /// assert_eq!(change.covers(), 2..=2);
    /// let db = &change.entries()[0];
    /// assert_eq!((db.name(), db.after().and_then(|entry| entry.value())), ("db", Some(&2)));
    /// # Ok::<(), byname_registry::ChangeError>(())
    /// ```
    pub fn subscribe(&self, options: impl Into<Options>) -> (Snapshot<V>, Subscription<V>) {
        let options = options.into().within(self.core.settings.longest_wait);
        crate::raw::observed::subscribe(&self.core, options)
    }
}

impl<V: Send + Sync + 'static> Default for Registry<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Clone for Registry<V> {
    /// Returns another name for the same registry.
    fn clone(&self) -> Self {
        self.core.add_registry();
        Self {
            core: Shared::clone(&self.core),
        }
    }
}

impl<V> Drop for Registry<V> {
    fn drop(&mut self) {
        if self.core.remove_registry() {
            self.core.observers.close();
            self.core.request_collection();
        }
    }
}

impl<N: Into<Arc<str>>, V: Send + Sync + 'static> FromIterator<(N, V)> for Registry<V> {
    /// Makes a registry with these entries as its first revision.
    ///
    /// # Panics
    ///
    /// Panics when a name is empty or longer than [`MAX_NAME`](crate::MAX_NAME) bytes.
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let registry = Self::new();
        if let Err(error) = registry.put_all(entries) {
            panic!("{error}");
        }
        registry
    }
}

impl<V: Send + Sync + 'static> From<HashMap<String, V>> for Registry<V> {
    fn from(entries: HashMap<String, V>) -> Self {
        entries.into_iter().collect()
    }
}

impl<V: Send + Sync + 'static> From<std::collections::BTreeMap<String, V>> for Registry<V> {
    fn from(entries: std::collections::BTreeMap<String, V>) -> Self {
        entries.into_iter().collect()
    }
}

impl<V> fmt::Debug for Registry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("label", &self.core.settings.rules.label)
            .field("revision", &self.core.committed())
            .field("entries", &self.core.len())
            .finish()
    }
}
