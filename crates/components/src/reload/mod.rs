//! Taking a changed configuration while the application runs.

mod follow;
mod parts;
mod run;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use byname_registry::{Owned, Registry};
use tokio::sync::Semaphore;

use crate::app::{Declared, Definition, settings_of};
use crate::config::{Config, Node};
use crate::factory::{AnySettings, Settings};
use crate::made::BoxError;
use crate::registries::Registries;
use crate::values::Values;

pub use follow::Following;
#[cfg(feature = "http")]
pub(crate) use follow::{quiet, watch};
pub use run::{PartOutcome, PartReport, ReloadOutcome, ReloadReport};

/// What a service does about changed settings.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use byname_components::{BoxError, Made, Prepared, Reloads};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Limits { most: u32 }
///
/// async fn limiter(limits: Limits) -> Result<Made<AtomicU32>, BoxError> {
///     let limiter = Arc::new(AtomicU32::new(limits.most));
///     let changing = Arc::clone(&limiter);
///     Ok(Made::new(limiter).reloads(Reloads::new(move |limits: Limits| {
///         let limiter = Arc::clone(&changing);
///         async move {
///             if limits.most == 0 {
///                 return Err(BoxError::from("`most` must not be 0"));
///             }
///             Ok(Prepared::new(move || async move {
///                 limiter.store(limits.most, Ordering::Relaxed);
///                 Ok(())
///             }))
///         }
///     })))
/// }
/// ```
#[derive(Clone)]
pub struct Reloads {
    #[allow(clippy::type_complexity, reason = "said once")]
    prepare: Arc<dyn Fn(AnySettings) -> Preparing + Send + Sync>,
}

type Preparing = Pin<Box<dyn Future<Output = Result<Prepared, BoxError>> + Send>>;

/// What is to be done when everybody is prepared.
pub struct Prepared {
    pub(crate) commit: Act,
    pub(crate) rollback: Option<Act>,
}

pub(crate) type Act =
    Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> + Send>;

impl Reloads {
    /// Takes new settings by `prepare`, which looks at them, makes everything ready that can fail, and
    /// changes nothing that others see.
    #[must_use]
    pub fn new<S, F>(prepare: impl Fn(S) -> F + Send + Sync + 'static) -> Self
    where
        S: Settings,
        F: Future<Output = Result<Prepared, BoxError>> + Send + 'static,
    {
        let prepare = Arc::new(prepare);
        Self {
            prepare: Arc::new(move |settings| {
                let prepare = Arc::clone(&prepare);
                Box::pin(async move {
                    let settings = settings
                        .downcast::<S>()
                        .map_err(|_| "its settings are of another type than those it takes")?;
                    prepare(*settings).await
                })
            }),
        }
    }

    /// Takes the node of the configuration itself, by a factory whose settings are no type.
    #[cfg(feature = "http")]
    pub(crate) fn of_node<F>(prepare: impl Fn(Node) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Prepared, BoxError>> + Send + 'static,
    {
        Self {
            prepare: Arc::new(move |settings| match settings.downcast() {
                Ok(node) => Box::pin(prepare(*node)),
                Err(_) => Box::pin(async { Err("its settings are no node".into()) }),
            }),
        }
    }

    pub(crate) fn prepare(&self, settings: AnySettings) -> Preparing {
        (self.prepare)(settings)
    }
}

impl fmt::Debug for Reloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloads").finish_non_exhaustive()
    }
}

impl Prepared {
    /// Makes the change by `commit`, once everybody is prepared.
    #[must_use]
    pub fn new<F>(commit: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self {
            commit: Box::new(move || Box::pin(commit())),
            rollback: None,
        }
    }

    /// Takes the change back by `rollback`, if another service's commit fails after this one's.
    #[must_use]
    pub fn or_back<F>(mut self, rollback: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.rollback = Some(Box::new(move || Box::pin(rollback())));
        self
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

/// The configuration that counts, and where it is read from.
#[derive(Debug)]
pub(crate) struct Current {
    /// Under `config`: the one entry.
    config: Registry<Counting>,
    declared: Declared,
    /// What code had registered before the file was read for the first time: a changed file is laid over
    /// that, and not over what came of the former one.
    of_code: Registries,
    /// One reload at a time: the others wait for their turn.
    turn: Semaphore,
}

/// What counts: both are of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    pub(crate) config: Config,
    /// The values of the file: not what was set at run time.
    values: Values,
}

const CONFIG: &str = "config";

impl Current {
    pub(crate) fn new(
        declared: Declared,
        of_code: Registries,
        config: Config,
        values: Values,
    ) -> Self {
        let current = Self {
            config: Registry::<()>::builder().label("configuration").build(),
            declared,
            of_code,
            turn: Semaphore::new(1),
        };
        // A name that is one, in a registry of its own.
        let _ = current.config.put(CONFIG, Counting { config, values });
        current
    }

    /// The settings of a definition as of now.
    pub(crate) fn settings(&self, definition: &Definition) -> Node {
        let now = self.config.read(CONFIG, |counting| {
            let root = counting.config.root();
            root.at(&definition.settings_path).cloned()
        });
        now.flatten().unwrap_or_else(|| settings_of(definition))
    }
}

impl Current {
    /// The configuration that counts, and the values of it.
    pub(crate) fn counting(&self) -> Option<Owned<Counting>> {
        self.config.get_owned(CONFIG)
    }
}
