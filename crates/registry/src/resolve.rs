//! Asking for a value that may have to be built first.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::build::{BuildError, Wait};
use crate::raw::owned::{Entry, Owned};
use crate::registry::Registry;

/// Why a value could not be had.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ResolveError {
    /// There is no entry of that name.
    Absent {
        /// What the registry is called.
        registry: Arc<str>,
        /// The name.
        name: Arc<str>,
    },
    /// The entry's factory did not make its value.
    Build(BuildError),
}

impl ResolveError {
    /// Returns why the build failed, if that was it.
    #[must_use]
    pub fn build_error(&self) -> Option<&BuildError> {
        match self {
            Self::Absent { .. } => None,
            Self::Build(error) => Some(error),
        }
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { registry, name } => {
                write!(
                    f,
                    "there is no entry `{registry}/{name}`; register it first"
                )
            }
            Self::Build(error) => error.fmt(f),
        }
    }
}

impl Error for ResolveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Absent { .. } => None,
            Self::Build(error) => error.source(),
        }
    }
}

impl From<BuildError> for ResolveError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

/// # Building
///
/// An entry resolves itself: also when it has been replaced in its registry meanwhile, what its
/// factory makes goes to those who hold it, and to them only.
impl<V: Send + Sync + 'static> Entry<V> {
    /// Returns the value, building it on this thread or waiting for whoever builds it.
    ///
    /// # Errors
    ///
    /// The [`BuildError`] that everybody who waited gets; [`BuildError::NeedsAsync`] when the
    /// factory is asynchronous and has not built yet.
    pub fn resolve(&self) -> Result<Owned<V>, BuildError> {
        if self.value().is_none()
            && let Some(build) = self.build()
        {
            build.wait()?;
        }
        Ok(self.built())
    }

    /// Returns the value, driving also an asynchronous build on this thread.
    ///
    /// `inside_runtime` tells whether this thread runs tasks, so that it must not be blocked.
    ///
    /// # Errors
    ///
    /// As for [`resolve`](Self::resolve), with [`BuildError::InsideRuntime`] instead of
    /// `NeedsAsync`.
    pub fn resolve_blocking(
        &self,
        inside_runtime: impl FnOnce() -> bool,
    ) -> Result<Owned<V>, BuildError> {
        if self.value().is_none()
            && let Some(build) = self.build()
        {
            build.wait_blocking(inside_runtime)?;
        }
        Ok(self.built())
    }

    /// Returns a future of the value, which drives the build whenever it is polled.
    pub fn resolve_async(&self) -> Resolve<V> {
        let wait = match (self.value(), self.build()) {
            (None, Some(build)) => Some(build.wait_async()),
            _ => None,
        };
        Resolve(Ok(Asked {
            wait,
            entry: self.clone(),
        }))
    }

    fn built(&self) -> Owned<V> {
        match self.clone().into_owned() {
            Ok(owned) => owned,
            Err(_) => unreachable!("a build that succeeded has filled its entry"),
        }
    }
}

struct Asked<V> {
    // Dropped before the entry, which it needs to be alive: see `raw::unbuilt`.
    wait: Option<Wait>,
    entry: Entry<V>,
}

/// A value that is being asked for; see [`Registry::resolve_async`].
///
/// Dropping it restarts nothing for others who wait for the same value.
#[must_use = "a future does nothing unless it is polled"]
pub struct Resolve<V>(Result<Asked<V>, ResolveError>);

impl<V: Send + Sync + 'static> Future for Resolve<V> {
    type Output = Result<Owned<V>, ResolveError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let asked = match &mut self.0 {
            Ok(asked) => asked,
            Err(error) => return Poll::Ready(Err(error.clone())),
        };
        if let Some(wait) = &mut asked.wait {
            match Pin::new(wait).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Ready(Ok(())) => asked.wait = None,
            }
        }
        Poll::Ready(Ok(asked.entry.built()))
    }
}

impl<V> fmt::Debug for Resolve<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolve")
            .field("absent", &self.0.is_err())
            .finish_non_exhaustive()
    }
}

/// # Building once
impl<V: Send + Sync + 'static> Registry<V> {
    /// Returns the value of `name`. If it is a factory's and has not been built, builds it on this
    /// thread or waits for whoever builds it.
    ///
    /// # Errors
    ///
    /// [`ResolveError::Absent`] when there is no such entry, else the [`BuildError`] that everybody
    /// who waited gets; [`BuildError::NeedsAsync`] when the factory is asynchronous and has not
    /// built yet.
    pub fn resolve(&self, name: &str) -> Result<Owned<V>, ResolveError> {
        Ok(self.ask(name)?.resolve()?)
    }

    /// Returns the value of `name` like [`resolve`](Self::resolve), driving also an asynchronous
    /// build on this thread.
    ///
    /// # Errors
    ///
    /// As for [`resolve`](Self::resolve), with [`BuildError::InsideRuntime`] instead of `NeedsAsync`
    /// when this thread runs tasks of an asynchronous runtime; see
    /// [`Builder::inside_runtime`](crate::Builder::inside_runtime).
    pub fn resolve_blocking(&self, name: &str) -> Result<Owned<V>, ResolveError> {
        Ok(self.ask(name)?.resolve_blocking(self.inside_runtime())?)
    }

    /// Returns a future of the value of `name`, as it is registered now. The future drives the
    /// build whenever it is polled, in any runtime.
    ///
    /// # Errors
    ///
    /// The future's are those of [`resolve`](Self::resolve) without `NeedsAsync`.
    pub fn resolve_async(&self, name: &str) -> Resolve<V> {
        match self.ask(name) {
            Ok(entry) => entry.resolve_async(),
            Err(error) => Resolve(Err(error)),
        }
    }

    fn ask(&self, name: &str) -> Result<Entry<V>, ResolveError> {
        self.entry(name).ok_or_else(|| ResolveError::Absent {
            registry: self.label().into(),
            name: name.into(),
        })
    }
}
