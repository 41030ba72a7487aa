//! What makes middleware.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::config::{Node, Path, read_node};
use crate::part::{Part, Type};
use crate::problem::Problems;

pub(super) type BoxError = Box<dyn Error + Send + Sync>;
/// What a factory returns in the end.
type Making = Pin<Box<dyn Future<Output = Result<Part, BoxError>> + Send>>;
/// Makes one from settings, which stand at a path, for a type.
type Make = Arc<dyn Fn(&Node, &Path, &str) -> Making + Send + Sync>;

/// How many instances there are of a named middleware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instances {
    /// One, built when it is first asked for.
    Shared,
    /// One for each use.
    PerUse,
}

/// What makes middleware of one type from settings.
#[derive(Clone)]
pub struct MiddlewareFactory {
    pub(super) instances: Instances,
    authenticates: bool,
    pub(super) makes: Type,
    /// Reads settings, and forgets them.
    pub(super) check: fn(&Node, &Path, &str) -> Result<(), Problems>,
    /// Says where secrets are in settings; nothing if they cannot be read.
    pub(super) secrets: fn(&Node, &Path, &str) -> Option<Vec<Path>>,
    pub(super) make: Make,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

impl MiddlewareFactory {
    pub(super) fn new<S, M, F, E>(
        instances: Instances,
        build: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: DeserializeOwned + JsonSchema + Send + 'static,
        M: ?Sized + Send + Sync + 'static,
        F: Future<Output = Result<Arc<M>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let build = Arc::new(build);
        Self {
            instances,
            authenticates: false,
            makes: Type::of::<M>(),
            check: |settings, path, name| read_node::<S>(settings, path, name).map(drop),
            secrets: |settings, path, name| {
                let read = read_node::<S>(settings, path, name);
                read.ok().map(|read| read.secrets)
            },
            make: Arc::new(move |settings, path, name| {
                let settings = read_node::<S>(settings, path, name);
                let build = Arc::clone(&build);
                Box::pin(async move {
                    let instance = build(settings?.value).await.map_err(Into::into)?;
                    Ok(Part::new(instance))
                })
            }),
            schema: |generator| generator.subschema_for::<S>(),
        }
    }

    /// The same, of middleware that lets nobody through whom it does not know.
    pub(super) fn authenticating(self) -> Self {
        Self {
            authenticates: true,
            ..self
        }
    }

    /// Returns whether its middleware lets nobody through [whom it does not
    /// know](crate::Registrar::auth_middleware).
    #[must_use]
    pub fn authenticates(&self) -> bool {
        self.authenticates
    }

    /// Returns the schema of its settings, for editors.
    #[must_use]
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// Returns how many instances there are of a name.
    #[must_use]
    pub fn instances(&self) -> Instances {
        self.instances
    }

    /// Returns the name of the type that it makes, for messages.
    #[must_use]
    pub fn makes(&self) -> &'static str {
        self.makes.name()
    }
}

impl fmt::Debug for MiddlewareFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiddlewareFactory")
            .field("instances", &self.instances)
            .field("makes", &self.makes)
            .finish_non_exhaustive()
    }
}
