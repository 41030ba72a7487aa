//! What a factory returns: a service, and what is to happen in its life.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::health::Check;
#[cfg(feature = "http")]
use crate::http::admin::Listed;
use crate::life::Phase;
use crate::part::Part;
use crate::reload::Reloads;

/// Any error that can be shared between threads.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What a hook of a service's life does, once.
pub(crate) type Hook =
    Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> + Send + Sync>;

/// A service that was built, with what is to be done in the phases of its life.
///
/// A factory that has nothing to add returns the `Arc` itself.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use byname_components::{BoxError, Made};
///
/// struct Pool;
///
/// impl Pool {
///     async fn close(&self) {}
/// }
///
/// async fn pool() -> Result<Made<Pool>, BoxError> {
///     let pool = Arc::new(Pool);
///     let closing = Arc::clone(&pool);
///     Ok(Made::new(pool).on_stop(move || async move {
///         closing.close().await;
///         Ok(())
///     }))
/// }
/// ```
pub struct Made<T: ?Sized> {
    service: Arc<T>,
    extras: Extras,
}

/// What comes with a service.
#[derive(Default)]
pub(crate) struct Extras {
    pub(crate) hooks: [Option<Hook>; Phase::COUNT],
    pub(crate) checks: Vec<Check>,
    pub(crate) reloads: Option<Reloads>,
    /// Registries of the service's own, by the names that it gives them.
    #[cfg(feature = "http")]
    pub(crate) listed: Vec<Listed>,
}

impl Extras {
    /// Tells what is wrong with what came with a service.
    #[cfg_attr(
        not(feature = "http"),
        allow(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "only what HTTP shows can be wrong"
        )
    )]
    pub(crate) fn check(&self) -> Result<(), BoxError> {
        #[cfg(feature = "http")]
        for (at, one) in self.listed.iter().enumerate() {
            let name = one.name();
            if name.is_empty() || name.contains('/') {
                let message =
                    format!("it lists a registry as `{name}`; expected a name without `/`");
                return Err(message.into());
            }
            if self.listed[..at].iter().any(|before| before.name() == name) {
                return Err(format!("it lists two registries as `{name}`").into());
            }
        }
        Ok(())
    }
}

impl<T: ?Sized + Send + Sync + 'static> Made<T> {
    /// Wraps a service.
    #[must_use]
    pub fn new(service: Arc<T>) -> Self {
        Self {
            service,
            extras: Extras::default(),
        }
    }

    /// Does this once the service is built, before anything that needs it is built.
    #[must_use]
    pub fn on_start<F>(self, hook: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.on(Phase::Start, hook)
    }

    /// Waits until this is done after the start, before anything that needs it is built.
    #[must_use]
    pub fn on_ready<F>(self, hook: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.on(Phase::Ready, hook)
    }

    /// Does this when the application is to stop, before anything is stopped, and after all that
    /// need this one have drained: finish what is under way, take nothing new.
    #[must_use]
    pub fn on_drain<F>(self, hook: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.on(Phase::Drain, hook)
    }

    /// Does this at the end, after all that need this one have stopped. It is done if and only if the
    /// start succeeded.
    #[must_use]
    pub fn on_stop<F>(self, hook: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.on(Phase::Stop, hook)
    }

    fn on<F>(mut self, phase: Phase, hook: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let before = self.extras.hooks[phase.index()].take();
        self.extras.hooks[phase.index()] = Some(Box::new(move || {
            Box::pin(async move {
                if let Some(before) = before {
                    before().await?;
                }
                hook().await
            })
        }));
        self
    }

    /// Adds a health check, from the start of the service to its stop.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.extras.checks.push(check);
        self
    }

    /// Shows a registry of the service's own on the [admin pages](crate::http::admin), from the start of
    /// the service to its stop, as `service/name`: two services may give theirs the same name.
    ///
    /// A service that lists two under one name, or one under a name that is empty or has a `/`, is not
    /// built.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use byname_components::http::admin::Listed;
    /// use byname_components::{BoxError, Made};
    /// use byname_registry::Registry;
    ///
    /// struct Book {
    ///     guests: Registry<String>,
    /// }
    ///
    /// async fn book() -> Result<Made<Book>, BoxError> {
    ///     let book = Arc::new(Book { guests: Registry::new() });
    ///     let guests = Listed::new("guests", "guest", &book.guests, |_, name| {
    ///         serde_json::Map::from_iter([("called".to_owned(), name.as_str().into())])
    ///     });
    ///     Ok(Made::new(book).listed(guests))
    /// }
    /// ```
    #[cfg(feature = "http")]
    #[must_use]
    pub fn listed(mut self, listed: Listed) -> Self {
        self.extras.listed.push(listed);
        self
    }

    /// Lets the service take changed settings while it runs.
    #[must_use]
    pub fn reloads(mut self, reloads: Reloads) -> Self {
        self.extras.reloads = Some(reloads);
        self
    }
}

impl<T: ?Sized> fmt::Debug for Made<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").finish_non_exhaustive()
    }
}

/// What a factory may return: an `Arc<T>`, or a [`Made<T>`].
pub trait Product: Send + 'static {
    /// The type that the service is looked up as.
    type Service: ?Sized + Send + Sync + 'static;

    /// Returns the service with what comes with it.
    fn into_made(self) -> Made<Self::Service>;
}

impl<T: ?Sized + Send + Sync + 'static> Product for Arc<T> {
    type Service = T;

    fn into_made(self) -> Made<T> {
        Made::new(self)
    }
}

impl<T: ?Sized + Send + Sync + 'static> Product for Made<T> {
    type Service = T;

    fn into_made(self) -> Made<T> {
        self
    }
}

impl<T: ?Sized + Send + Sync + 'static> Made<T> {
    pub(crate) fn into_parts(self) -> (Part, Extras) {
        (Part::new(self.service), self.extras)
    }
}
