//! The catalog: one registry of offerings, and what is known of their providers and files.

use std::fmt;

use byname_registry::{Registry, Snapshot};

use crate::embedded;
use crate::follow::FileStatus;
use crate::import::ImportError;
use crate::model::{Offering, OfferingKey, Provider};
use crate::query::{self, Cursor, Page, Query};

/// Shares one catalog: clones are cheap and reach the same one.
///
/// # Consistency
///
/// The offerings are one registry, in which `provider/id` names an offering, so each change is one
/// revision and [`offerings`](Self::offerings) shows one revision whole, for as long as it is
/// kept. What is known of the providers and the state of the files are registries of their own,
/// published just before and just after the offerings: for a moment they may be one change ahead
/// or behind.
///
/// # Examples
///
/// ```
/// use byname_catalog::{Catalog, Offering, OfferingKey};
///
/// let catalog = Catalog::new();
/// let key = OfferingKey::new("openai", "gpt-4o")?;
/// catalog.registry().register(key.name(), Offering::new(key.clone()))?;
///
/// let offerings = catalog.offerings();
/// assert_eq!(offerings.revision(), 1);
/// assert_eq!(offerings.get("openai", "gpt-4o").map(|offering| &offering.key), Some(&key));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Catalog {
    offerings: Registry<Offering>,
    pub(crate) providers: Registry<Provider>,
    files: Registry<FileStatus>,
}

impl Catalog {
    /// Makes an empty catalog.
    #[must_use]
    pub fn new() -> Self {
        Self {
            offerings: Registry::builder().label("offerings").build(),
            providers: Registry::builder().label("providers").build(),
            files: Registry::builder().label("catalog files").build(),
        }
    }

    /// Makes a catalog of the data that comes with the program, as one revision.
    ///
    /// # Errors
    ///
    /// [`ImportError`] if the program was built with data that it cannot read, which the tests
    /// rule out.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_catalog::Catalog;
    ///
    /// let offerings = Catalog::embedded()?.offerings();
    /// assert_eq!(offerings.revision(), 1);
    /// assert!(offerings.get("openai", "gpt-4o").is_some());
    /// # Ok::<(), byname_catalog::import::ImportError>(())
    /// ```
    pub fn embedded() -> Result<Self, ImportError> {
        let import = embedded::load()?;
        let catalog: Self = import.offerings.into_iter().collect();
        let providers = import
            .providers
            .into_iter()
            .map(|one| (one.id.to_string(), one));
        // The registry is new, and an id is never empty nor too long for it.
        let _ = catalog.providers.put_all(providers);
        Ok(catalog)
    }

    /// Returns the registry of offerings, for changes and to follow them.
    ///
    /// The name of an offering is that of its [key](OfferingKey::name).
    #[must_use]
    pub const fn registry(&self) -> &Registry<Offering> {
        &self.offerings
    }

    /// Returns the registry of what is known of the providers, by their id, to follow it.
    #[must_use]
    pub const fn providers_registry(&self) -> &Registry<Provider> {
        &self.providers
    }

    /// Returns the registry of the state of the files, in the order in which they were given, to follow
    /// it.
    #[must_use]
    pub const fn files_registry(&self) -> &Registry<FileStatus> {
        &self.files
    }

    /// Returns what is known of the providers now, by their id.
    ///
    /// A provider may have offerings and not be in it, and the other way round.
    #[must_use]
    pub fn providers(&self) -> Snapshot<Provider> {
        self.providers.snapshot()
    }

    /// Returns all offerings, as they are now.
    #[must_use]
    pub fn offerings(&self) -> Offerings {
        Offerings {
            snapshot: self.offerings.snapshot(),
        }
    }

    /// Returns the state of the files that the catalog comes from, in the order in which they were
    /// given; none if it does not come from files.
    #[must_use]
    pub fn files(&self) -> Vec<FileStatus> {
        self.files
            .snapshot()
            .iter()
            .map(|(_, status)| status.clone())
            .collect()
    }

    /// Publishes the state of a file.
    pub(crate) fn set_file(&self, status: &FileStatus) {
        // Names order as positions do. Nobody else has this registry, so nobody has sealed it.
        let _ = self
            .files
            .put(&format!("{:06}", status.position), status.clone());
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<Offering> for Catalog {
    /// Makes a catalog of offerings, as one revision; of two with the same key the later stays.
    fn from_iter<I: IntoIterator<Item = Offering>>(offerings: I) -> Self {
        let named = offerings
            .into_iter()
            .map(|offering| (offering.key.name().to_owned(), offering));
        let catalog = Self::new();
        // The registry is new, and the name of a key is never empty nor too long for it.
        let _ = catalog.offerings.put_all(named);
        catalog
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("revision", &self.offerings.revision())
            .field("offerings", &self.offerings.len())
            .finish_non_exhaustive()
    }
}

/// Holds all offerings of one revision.
///
/// It never changes: what is read from it fits together, and it may be kept and shared.
#[derive(Clone)]
pub struct Offerings {
    snapshot: Snapshot<Offering>,
}

impl Offerings {
    /// Returns the revision of the catalog that this is.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.snapshot.revision()
    }

    /// Counts the offerings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.snapshot.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.snapshot.is_empty()
    }

    /// Returns what a provider offers under an id.
    #[must_use]
    pub fn get(&self, provider: &str, id: &str) -> Option<&Offering> {
        // What cannot be a key names nothing; joined without a look, `a/b` and `c` would find
        // what `a` offers as `b/c`.
        let key = OfferingKey::new(provider, id).ok()?;
        self.snapshot.get(key.name())
    }

    /// Returns every offering of one id, ordered by provider: the same id at two providers is two
    /// offerings.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Vec<&Offering> {
        let mut found: Vec<&Offering> = self
            .iter()
            .filter(|offering| offering.key.id() == id)
            .collect();
        found.sort_by_key(|offering| offering.key.provider());
        found
    }

    /// Visits the offerings, ordered by [name](OfferingKey::name).
    pub fn iter(&self) -> impl Iterator<Item = &Offering> {
        self.snapshot.iter().map(|(_, offering)| offering)
    }

    /// Returns a page of the offerings that `query` asks for, ordered by provider and id, after
    /// the place that an earlier page, of this or another revision, named as its
    /// [`next`](Page::next).
    #[must_use]
    pub fn page(&self, query: &Query, after: Option<&Cursor>) -> Page<'_> {
        query.page(&self.snapshot, after)
    }

    /// Returns the providers of these offerings with the number of offerings of each, ordered by
    /// id.
    #[must_use]
    pub fn providers(&self) -> Vec<(&str, usize)> {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for name in self.snapshot.names() {
            let provider = query::split(name).0;
            match counts.last_mut() {
                Some((last, count)) if *last == provider => *count += 1,
                _ => counts.push((provider, 1)),
            }
        }
        // By name, what a provider offers stands together; the providers themselves do not stand
        // in order of id, as `a-b/…` comes before `a/…`.
        counts.sort_unstable();
        counts
    }

    /// Returns at most `most` keys that are most like a name or an id that was not found.
    #[must_use]
    pub fn nearest(&self, asked: &str, most: usize) -> Vec<&OfferingKey> {
        query::nearest(self.iter(), asked, most)
    }
}

impl fmt::Debug for Offerings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offerings")
            .field("revision", &self.revision())
            .field("len", &self.len())
            .finish()
    }
}
