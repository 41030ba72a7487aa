//! What makes a value on demand.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::build::{Cause, Context, Kind, Retry};

/// What a factory's future yields, with the error in the shape in which it is shared.
pub(crate) type Made<V> = Pin<Box<dyn Future<Output = Result<V, Cause>> + Send>>;

/// Makes the value of an entry when somebody asks for it, once.
///
/// However many threads and tasks ask at the same time, one build runs and all get its result. See
/// [`Registry::register_factory`](crate::Registry::register_factory) for what is promised.
///
/// A factory and what it captured are dropped once it has built, or when its entry is replaced or
/// removed and nobody holds it any more. Until then a factory that captured a clone or a handle of
/// its own registry keeps that registry alive; where it may never be asked, let it capture a
/// [`Weak`](std::sync::Weak) of an `Arc` around the registry instead.
///
/// # Examples
///
/// ```
/// use byname_registry::{Factory, Registry, Retry};
///
/// let services: Registry<String> = Registry::new();
/// services.register_factory("greeting", Factory::new(|_| Ok::<_, std::fmt::Error>("hello".into())))?;
/// services.register_factory(
///     "port",
///     Factory::new(|_| "eighty".parse::<u16>().map(|port| port.to_string())).retry(Retry::Never),
/// )?;
/// assert!(services.get("greeting").is_none());
/// assert_eq!(*services.resolve("greeting")?, "hello");
/// assert_eq!(services.get("greeting").as_deref().map(String::as_str), Some("hello"));
/// let error = services.resolve("port").unwrap_err();
/// assert!(error.to_string().starts_with("the factory of `registry/port` failed"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Factory<V> {
    pub(crate) kind: Kind,
    pub(crate) retry: Retry,
    pub(crate) make: Arc<dyn Fn(Context) -> Made<V> + Send + Sync>,
}

impl<V: Send + 'static> Factory<V> {
    /// Makes the value by calling `make`, on the thread of somebody who asks.
    #[must_use]
    pub fn new<E>(make: impl Fn(Context) -> Result<V, E> + Send + Sync + 'static) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let make = Arc::new(make);
        Self {
            kind: Kind::Sync,
            retry: Retry::default(),
            make: Arc::new(move |context| {
                let make = Arc::clone(&make);
                Box::pin(async move { make(context).map_err(shared) })
            }),
        }
    }

    /// Makes the value by the future that `make` returns.
    ///
    /// The future is polled by whoever waits for it, in any runtime or in none; one that needs a
    /// runtime brings its handle.
    #[must_use]
    pub fn future<F, E>(make: impl Fn(Context) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self {
            kind: Kind::Async,
            retry: Retry::default(),
            make: Arc::new(move |context| {
                let future = make(context);
                Box::pin(async move { future.await.map_err(shared) })
            }),
        }
    }

    /// Sets when a build that failed is tried again. Default: [`Retry::NextAsk`].
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

fn shared<E: Into<Box<dyn Error + Send + Sync>>>(error: E) -> Cause {
    Cause::from(error.into())
}

impl<V> fmt::Debug for Factory<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Factory")
            .field("kind", &self.kind)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
