//! What a factory may keep of the application, without keeping it alive.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::part::Lookup;
use crate::running::{GetError, Running, WeakRunning};

/// What a factory is told of its own build; may be kept and cloned.
///
/// It does not keep the application alive.
#[derive(Clone)]
pub struct Context {
    name: Arc<str>,
    app: WeakRunning,
}

impl Context {
    pub(crate) fn new(name: Arc<str>, app: WeakRunning) -> Self {
        Self { name, app }
    }

    /// Returns the name of the service that is being built.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the application, while there is one. Holding what is returned keeps it alive.
    #[must_use]
    pub fn app(&self) -> Option<Running> {
        self.app.upgrade()
    }

    /// Waits until the application begins to stop, or is gone.
    pub async fn stopping(&self) {
        self.app.stopping().await;
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Context").field(&self.name).finish()
    }
}

/// A service that is asked for when it is used, and not before.
///
/// It does not keep the application alive.
pub struct Lazy<T: ?Sized> {
    name: Arc<str>,
    app: WeakRunning,
    of: PhantomData<fn() -> Arc<T>>,
}

impl<T: ?Sized + Send + Sync + 'static> Lazy<T> {
    pub(crate) fn new(name: Arc<str>, app: WeakRunning) -> Self {
        Self {
            name,
            app,
            of: PhantomData,
        }
    }

    /// Returns the service, building it first if it has not been built.
    ///
    /// # Errors
    ///
    /// [`GetError::Gone`] when there is no application any more, and whatever
    /// [`Running::service`] answers: within the factory that was given this, a circle through the
    /// service itself is an error that names it.
    pub async fn get(&self) -> Result<Arc<T>, GetError> {
        let app = self.app.upgrade().ok_or(GetError::Gone)?;
        app.service(&self.name).await
    }

    /// Returns the service if it has been built.
    ///
    /// # Errors
    ///
    /// As [`Parts::get`](crate::Parts::get).
    pub fn now(&self) -> Lookup<T> {
        match self.app.upgrade() {
            Some(app) => app.services().get(&self.name),
            None => Ok(None),
        }
    }

    /// Returns the name of the service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<T: ?Sized> Clone for Lazy<T> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            app: self.app.clone(),
            of: PhantomData,
        }
    }
}

impl<T: ?Sized> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lazy").field(&self.name).finish()
    }
}
