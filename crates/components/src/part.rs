//! Registries of values of different types, each looked up with its own.

use std::any::{Any, TypeId, type_name};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use byname_registry::{Entry, Handle, Place, Registry, Snapshot, nearest, suggestion};

/// A value of some type `T`, shared, that is looked up by name and as `T`.
///
/// `T` may be a trait object: what is kept is an `Arc<T>`.
#[derive(Clone)]
pub struct Part {
    /// An `Arc<T>`.
    value: Arc<dyn Any + Send + Sync>,
    of: Type,
}

/// A type, and how it is called.
#[derive(Clone, Copy)]
pub(crate) struct Type {
    id: TypeId,
    name: fn() -> &'static str,
}

impl Type {
    pub(crate) fn of<T: ?Sized + 'static>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            name: type_name::<T>,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        (self.name)()
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Type {}

impl std::hash::Hash for Type {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Part {
    /// Wraps a value.
    #[must_use]
    pub fn new<T: ?Sized + Send + Sync + 'static>(value: Arc<T>) -> Self {
        Self {
            value: Arc::new(value),
            of: Type::of::<T>(),
        }
    }

    /// Returns the value, if it was wrapped as a `T`: as this trait object, say, and not as what
    /// implements it.
    #[must_use]
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<&Arc<T>> {
        self.value.downcast_ref()
    }

    /// Returns the name of the type that it was wrapped as, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.of.name()
    }

    pub(crate) fn of(&self) -> Type {
        self.of
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({})", self.type_name())
    }
}

/// Why a name could not be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookupError {
    /// There is nothing of that name.
    Unknown {
        /// What was looked for: a service, a router.
        kind: Arc<str>,
        /// The name.
        name: Arc<str>,
        /// Names that may have been meant.
        nearest: Vec<String>,
    },
    /// There is something else.
    WrongType {
        /// What was looked for.
        kind: Arc<str>,
        /// The name.
        name: Arc<str>,
        /// The type that was asked for.
        asked: &'static str,
        /// The type that is there.
        found: &'static str,
        /// Where it was registered.
        place: Place,
    },
    /// It exists, and has not been built yet.
    NotBuilt {
        /// What was looked for.
        kind: Arc<str>,
        /// The name.
        name: Arc<str>,
    },
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown {
                kind,
                name,
                nearest,
            } => write!(f, "there is no {kind} `{name}`{}", suggestion(nearest)),
            Self::WrongType {
                kind,
                name,
                asked,
                found,
                place,
            } => write!(
                f,
                "{kind} `{name}` is a `{found}`, not a `{asked}` (registered at {place})"
            ),
            Self::NotBuilt { kind, name } => write!(
                f,
                "{kind} `{name}` has not been built yet; ask for it in a task, which builds it"
            ),
        }
    }
}

impl Error for LookupError {}

/// A [`Registry`] of [`Part`]s, with typed lookups.
///
/// # Consistency
///
/// As of the registry: a lookup waits for nobody, and sees each change as soon as it has returned.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use byname_components::Parts;
///
/// let routers = Parts::new("router");
/// routers.register("api", Arc::new("/api".to_owned()))?;
/// assert_eq!(*routers.require::<String>("api")?, "/api");
/// assert!(routers.get::<String>("web")?.is_none());
/// assert!(routers.require::<u8>("api").unwrap_err().to_string().starts_with("router `api` is a"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Parts {
    kind: Arc<str>,
    registry: Registry<Part>,
}

/// What a lookup yields: nothing where there is nothing of the name.
pub type Lookup<T> = Result<Option<Arc<T>>, LookupError>;

impl Parts {
    /// Makes an empty one; `kind` is what messages call an entry.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self::over(kind, Registry::<()>::builder().label(kind).build())
    }

    pub(crate) fn over(kind: &str, registry: Registry<Part>) -> Self {
        Self {
            kind: kind.into(),
            registry,
        }
    }

    /// Returns the registry: to list, observe, replace several at once.
    #[must_use]
    pub fn registry(&self) -> &Registry<Part> {
        &self.registry
    }

    /// Adds a value under a name that is free. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError`](byname_registry::ChangeError) if the name is taken, with both places.
    #[track_caller]
    pub fn register<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &str,
        value: Arc<T>,
    ) -> Result<u64, byname_registry::ChangeError> {
        self.registry.register(name, Part::new(value))
    }

    /// Replaces the value of a name that is there, whatever its type was. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError`](byname_registry::ChangeError) if there is no such name.
    #[track_caller]
    pub fn replace<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &str,
        value: Arc<T>,
    ) -> Result<u64, byname_registry::ChangeError> {
        self.registry.replace(name, Part::new(value))
    }

    /// Returns the value, or `None` where nothing of that name is there.
    ///
    /// # Errors
    ///
    /// [`LookupError::WrongType`] if it is not a `T`, [`LookupError::NotBuilt`] if it is to be made on
    /// demand and has not been yet.
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self, name: &str) -> Lookup<T> {
        if let Some(part) = self.registry.get(name)
            && let Some(value) = part.get::<T>()
        {
            return Ok(Some(Arc::clone(value)));
        }
        self.otherwise(name, Type::of::<T>())
    }

    /// Returns the value.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and [`LookupError::Unknown`] with the nearest names.
    pub fn require<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &str,
    ) -> Result<Arc<T>, LookupError> {
        self.get(name)?.ok_or_else(|| self.unknown(name))
    }

    /// Calls `read` with the value, without counting who holds it; `None` where nothing of that name is
    /// there.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn read<T: ?Sized + Send + Sync + 'static, R>(
        &self,
        name: &str,
        read: impl FnOnce(&T) -> R,
    ) -> Result<Option<R>, LookupError> {
        if let Some(part) = self.registry.get(name)
            && let Some(value) = part.get::<T>()
        {
            return Ok(Some(read(value)));
        }
        Ok(self
            .otherwise(name, Type::of::<T>())?
            .map(|value| read(&value)))
    }

    /// Resolves a name once: the key is read again at the price of a load.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require).
    pub fn key<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &str,
    ) -> Result<Key<T>, LookupError> {
        let handle = self
            .registry
            .handle(name)
            .ok_or_else(|| self.unknown(name))?;
        let found = handle.get().and_then(|part| {
            let first = Arc::clone(part.get::<T>()?);
            Some((Part::clone(&part), first))
        });
        let (part, first) = if let Some(found) = found {
            found
        } else {
            let first = self.require::<T>(name)?;
            (Part::new(Arc::clone(&first)), first)
        };
        Ok(Key {
            registry: self.registry.clone(),
            handle,
            part,
            first,
            seen: AtomicU64::new(NEVER),
        })
    }

    /// Returns all entries as of now.
    #[must_use]
    pub fn list(&self) -> Snapshot<Part> {
        self.registry.snapshot()
    }

    /// What there is instead of a value of this type.
    #[cold]
    fn otherwise<T: ?Sized + Send + Sync + 'static>(&self, name: &str, asked: Type) -> Lookup<T> {
        let Some(entry) = self.registry.entry(name) else {
            return Ok(None);
        };
        match entry.value() {
            None => Err(LookupError::NotBuilt {
                kind: Arc::clone(&self.kind),
                name: name.into(),
            }),
            // It may have been replaced since the look by the caller.
            Some(part) => match part.get::<T>() {
                Some(value) => Ok(Some(Arc::clone(value))),
                None => Err(self.wrong_type(&entry, name, asked, part.of())),
            },
        }
    }

    pub(crate) fn unknown(&self, name: &str) -> LookupError {
        let snapshot = self.registry.snapshot();
        LookupError::Unknown {
            kind: Arc::clone(&self.kind),
            name: name.into(),
            nearest: nearest(snapshot.entries().map(|(name, _)| name), name),
        }
    }

    fn wrong_type(&self, entry: &Entry<Part>, name: &str, asked: Type, found: Type) -> LookupError {
        LookupError::WrongType {
            kind: Arc::clone(&self.kind),
            name: name.into(),
            asked: asked.name(),
            found: found.name(),
            place: entry.place().clone(),
        }
    }
}

/// A name of [`Parts`] that was resolved once, and the type that stands there.
///
/// Reading it cannot fail: where the entry has been removed since, or replaced by something of another
/// type, it shows what was there when it was resolved.
///
/// As long as nothing in the registry changes, a read is a look at its revision.
pub struct Key<T: ?Sized> {
    registry: Registry<Part>,
    handle: Handle<Part>,
    /// What stood there when it was resolved. Held, so that no other has its address.
    part: Part,
    /// What is in `part`.
    first: Arc<T>,
    /// A revision at which `part` stood there; a revision never comes again.
    seen: AtomicU64,
}

/// No revision.
const NEVER: u64 = u64::MAX;

impl<T: ?Sized + Send + Sync + 'static> Key<T> {
    /// Returns the value as of now.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        self.now(Arc::clone)
    }

    /// Calls `read` with the value as of now, without counting who holds it.
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        self.now(|value| read(value))
    }

    #[inline]
    fn now<R>(&self, read: impl FnOnce(&Arc<T>) -> R) -> R {
        // Relaxed: that `part` stood there at this revision is true whoever hears of it when. The look
        // at the registry's own revision is what sees each change that has returned.
        if self.seen.load(Ordering::Relaxed) == self.registry.revision() {
            return read(&self.first);
        }
        self.look(read)
    }

    /// Looks whether something else stands there.
    #[inline(never)]
    fn look<R>(&self, read: impl FnOnce(&Arc<T>) -> R) -> R {
        let revision = self.registry.revision();
        let now = self.handle.get();
        let Some(part) = now.as_deref() else {
            return read(&self.first);
        };
        if Arc::ptr_eq(&part.value, &self.part.value) {
            // What the handle shows is of this revision, if there was none between the two looks.
            if self.registry.revision() == revision {
                self.seen.store(revision, Ordering::Relaxed);
            }
            return read(&self.first);
        }
        read(part.get().unwrap_or(&self.first))
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.handle.name()
    }
}

impl<T: ?Sized> Clone for Key<T> {
    fn clone(&self) -> Self {
        Self {
            registry: self.registry.clone(),
            handle: self.handle.clone(),
            part: self.part.clone(),
            first: Arc::clone(&self.first),
            seen: AtomicU64::new(self.seen.load(Ordering::Relaxed)),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key<{}>", type_name::<T>())
    }
}
