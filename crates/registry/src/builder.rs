//! How a registry is set up.

use std::sync::Arc;

use crate::registry::Registry;

/// How many superseded values an idle registry may hold back unless told otherwise.
pub(crate) const HOLD_BACK: usize = 64;
/// How often a transaction runs its closure unless told otherwise.
pub(crate) const ATTEMPTS: usize = 16;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) label: Arc<str>,
    pub(crate) hold_back: usize,
    pub(crate) attempts: usize,
    pub(crate) following: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            label: "registry".into(),
            hold_back: HOLD_BACK,
            attempts: ATTEMPTS,
            following: false,
        }
    }
}

/// Sets up a [`Registry`].
///
/// # Examples
///
/// ```
/// use byname_registry::Registry;
///
/// let services: Registry<u16> = Registry::builder().label("services").hold_back(0).build();
/// assert!(services.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    /// Names the registry in messages, as in `services/db`. Default: `registry`.
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.settings.label = label.into();
        self
    }

    /// Sets how many superseded values an idle registry may hold back. Default: 64.
    ///
    /// Looking at the readers costs a change between a fraction of a microsecond and ten, depending
    /// on how many cores are reading, so it is done once in so many changes. With 0 every change
    /// looks, and a superseded value that nobody uses is dropped before the change returns.
    pub fn hold_back(mut self, values: usize) -> Self {
        self.settings.hold_back = values;
        self
    }

    /// Sets how often a transaction runs its closure before it gives up with a conflict.
    /// Default: 16; 0 is taken as 1.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.settings.attempts = attempts.max(1);
        self
    }

    /// Makes a registry that follows a store: it adopts the store's revisions and changes through
    /// [`publish`](Registry::publish) and [`resync`](Registry::resync) only.
    pub fn following(mut self) -> Self {
        self.settings.following = true;
        self
    }

    /// Makes the registry, empty, at revision 0.
    #[must_use]
    pub fn build<V: Send + Sync + 'static>(self) -> Registry<V> {
        Registry::with_settings(self.settings)
    }
}
