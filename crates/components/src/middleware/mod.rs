//! Middleware: what makes it, and what it is called.

mod error;
mod factory;

use std::fmt;
use std::sync::Arc;

use byname_registry::{ChangeError, Factory, Place, Registry, ResolveError, nearest};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::config::{Map, Node, Origin, Path, Source, Value, read_node};
use crate::part::{LookupError, Part, Type};
use crate::problem::{Problem, Problems};

pub use error::MiddlewareError;
use factory::BoxError;
pub use factory::{Instances, MiddlewareFactory};

/// A middleware that has a name.
#[derive(Clone)]
pub(crate) struct Definition {
    /// The name of its factory.
    factory: Arc<str>,
    settings: Node,
    /// The shared instance, under [`ONE`]. It belongs to the definition: whoever replaces that gets
    /// another instance.
    shared: Registry<Part>,
}

/// The name of what a definition shares.
const ONE: &str = "instance";

/// Middleware by name, and what makes it. A clone is another name for the same.
///
/// # Consistency
///
/// A shared middleware is built once, however many ask for it at the same time: all get that instance,
/// or that error with its cause; after an error the next ask tries again. One per use is built for each
/// ask. No lock is held while a factory runs.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
/// use byname_components::{Instances, Middlewares};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Limit { bytes: u64 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let middleware = Middlewares::new();
/// middleware.factory("limit", Instances::Shared, |limit: Limit| async move {
///     Ok::<_, std::io::Error>(Arc::new(limit))
/// })?;
/// middleware.define("small-bodies", "limit", BTreeMap::from([("bytes", 1024)]))?;
/// assert_eq!(middleware.create::<Limit>("small-bodies").await?.bytes, 1024);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Middlewares {
    factories: Registry<MiddlewareFactory>,
    named: Registry<Definition>,
    /// By the name of the factory.
    #[cfg(feature = "http")]
    descriptions: Registry<Describes>,
}

/// Says from settings, which stand at a path, for a type, what a route is with middleware before it.
#[cfg(feature = "http")]
type Describes =
    Arc<dyn Fn(&Node, &Path, &str, &mut crate::http::openapi::Operation) + Send + Sync>;

#[cfg(feature = "http")]
impl Definition {
    /// The name of the factory.
    pub(crate) fn factory(&self) -> &str {
        &self.factory
    }

    /// The instance that is shared, once it is built.
    pub(crate) fn built(&self) -> Option<Part> {
        self.shared.get_owned(ONE).map(|part| Part::clone(&part))
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("factory", &self.factory)
            .finish_non_exhaustive()
    }
}

impl Default for Middlewares {
    fn default() -> Self {
        Self::new()
    }
}

impl Middlewares {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        let label = |label: &str| Registry::<()>::builder().label(label);
        Self {
            factories: label("middleware factories").build(),
            named: label("middleware").build(),
            #[cfg(feature = "http")]
            descriptions: label("descriptions of middleware").build(),
        }
    }

    /// Returns a set with the same factories, and the names that there are now: what is named in one
    /// from then on is not in the other.
    pub(crate) fn aside(&self) -> Self {
        let aside = Self {
            factories: self.factories.clone(),
            #[cfg(feature = "http")]
            descriptions: self.descriptions.clone(),
            ..Self::new()
        };
        for (name, entry) in self.named.snapshot().entries() {
            if let Some(definition) = entry.value() {
                // A name that is there once, in a set that is new.
                let _ = aside
                    .named
                    .register_at(name, definition.clone(), entry.place().clone());
            }
        }
        aside
    }

    /// Returns the factories by the name of the type: to list and observe.
    #[must_use]
    pub fn factories(&self) -> &Registry<MiddlewareFactory> {
        &self.factories
    }

    /// The definitions by name: to list and observe.
    #[cfg(feature = "http")]
    pub(crate) fn definitions(&self) -> &Registry<Definition> {
        &self.named
    }

    /// Returns the names of all middleware, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.named.snapshot().names().map(str::to_owned).collect()
    }

    /// Registers a factory: `async fn(settings) -> Result<Arc<M>, error>`. `name` is the type that
    /// middleware has in the file. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Taken`] with both places if there is a factory of that name.
    #[track_caller]
    pub fn factory<S, M, F, E>(
        &self,
        name: &str,
        instances: Instances,
        make: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Result<u64, ChangeError>
    where
        S: DeserializeOwned + JsonSchema + Send + 'static,
        M: ?Sized + Send + Sync + 'static,
        F: Future<Output = Result<Arc<M>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let factory = MiddlewareFactory::new(instances, make);
        self.factories.register_at(name, factory, Place::caller())
    }

    /// Registers a factory as [`factory`](Self::factory) does, of middleware that lets nobody through whom
    /// it does not know: it may stand before what is [not for
    /// everybody](crate::Registrar::guarded_route_kind).
    ///
    /// # Errors
    ///
    /// As [`factory`](Self::factory).
    #[track_caller]
    pub fn auth_factory<S, M, F, E>(
        &self,
        name: &str,
        instances: Instances,
        make: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Result<u64, ChangeError>
    where
        S: DeserializeOwned + JsonSchema + Send + 'static,
        M: ?Sized + Send + Sync + 'static,
        F: Future<Output = Result<Arc<M>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let factory = MiddlewareFactory::new(instances, make).authenticating();
        self.factories.register_at(name, factory, Place::caller())
    }

    /// Gives a name to the middleware that a factory makes from these settings. The factory may be
    /// registered later. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Taken`] with both places if there is a middleware of that name.
    #[track_caller]
    pub fn define(
        &self,
        name: &str,
        factory: &str,
        settings: impl crate::values::Given,
    ) -> Result<u64, ChangeError> {
        let place = Place::caller();
        let origin = Origin::of(Source::Code(place.to_string().into()));
        let settings = settings.given(&origin);
        self.define_at(name, factory, settings, place)
    }

    fn define_at(
        &self,
        name: &str,
        factory: &str,
        settings: Node,
        place: Place,
    ) -> Result<u64, ChangeError> {
        let (made_by, path): (Arc<str>, _) = (factory.into(), path(name));
        let shared = Registry::<()>::builder().label(format!("middleware/{name}"));
        let shared: Registry<Part> = shared.build();
        let factories = self.factories.clone();
        let (by, given) = (Arc::clone(&made_by), settings.clone());
        let build = Factory::future(move |_| {
            // Looked up when it is built, as the factory may be registered after the name.
            let making = factories
                .get_owned(&by)
                .map(|factory| (factory.make)(&given, &path, &by))
                .ok_or_else(|| BoxError::from(format!("there is no factory `{by}` any more")));
            async move { making?.await }
        });
        shared.register_factory_at(ONE, build, place.clone())?;
        let definition = Definition {
            factory: made_by,
            settings,
            shared,
        };
        self.named.register_at(name, definition, place)
    }

    /// Defines a middleware as a file says: a map with `type` (default: the name) and `settings`.
    /// Returns what is wrong with that; then nothing was defined.
    #[must_use]
    pub fn declare(&self, name: &str, node: &Node) -> Problems {
        const KNOWN: [&str; 2] = ["type", "settings"];
        let mut problems = Problems::new();
        let at = path(name);
        let map = match &node.value {
            Value::Null => None,
            Value::Map(map) => Some(map),
            other => {
                let found = other.kind();
                return Problem::error(format!("middleware `{name}` is {found}; expected a map"))
                    .at(node.origin.place(), "")
                    .into();
            }
        };
        for (key, _) in map.into_iter().flat_map(Map::iter) {
            if !KNOWN.contains(&&*key.name) {
                problems.push(
                    Problem::error(format!("middleware `{name}` has no key `{}`", key.name))
                        .nearest(&nearest(KNOWN.iter(), &key.name))
                        .at(key.origin.place(), "")
                        .help("it may have `type` and `settings`"),
                );
            }
        }
        let factory = match node.get("type") {
            None => name.to_owned(),
            Some(factory) => match read_node::<String>(factory, &at.key("type"), "a middleware") {
                Ok(read) => read.value,
                Err(wrong) => {
                    problems.extend(wrong);
                    return problems;
                }
            },
        };
        if problems.is_fatal() {
            return problems;
        }
        let settings = node
            .get("settings")
            .cloned()
            .unwrap_or_else(|| Node::empty(node.origin.clone()));
        let place = node.origin.place();
        match self.define_at(name, &factory, settings, place.clone()) {
            Ok(_) => {}
            Err(ChangeError::Taken { place: first, .. }) => problems.push(
                Problem::error(format!("middleware `{name}` is defined twice"))
                    .at(place, "here")
                    .at(first, "and here before"),
            ),
            Err(error) => problems.push(
                Problem::error(format!("middleware `{name}` cannot be defined: {error}"))
                    .at(place, ""),
            ),
        }
        problems
    }

    /// Returns everything that is wrong with the definitions, without building anything: unknown types,
    /// settings that are not of the factory's type.
    #[must_use]
    pub fn check(&self) -> Problems {
        let mut problems = Problems::new();
        for (name, entry) in self.named.snapshot().entries() {
            let Some(definition) = entry.value() else {
                continue;
            };
            let by = &definition.factory;
            let Some(factory) = self.factories.get_owned(by) else {
                problems.push(
                    Problem::error(format!(
                        "middleware `{name}` is of type `{by}`, which no factory makes"
                    ))
                    .nearest(&self.nearest_factories(by))
                    .at(entry.place().clone(), format!("`{name}` is defined here")),
                );
                continue;
            };
            if let Err(wrong) = (factory.check)(&definition.settings, &path(name), by) {
                problems.extend(wrong);
            }
        }
        #[cfg(feature = "http")]
        for (name, entry) in self.descriptions.snapshot().entries() {
            if !self.factories.contains(name) {
                problems.push(
                    Problem::error(format!(
                        "middleware of type `{name}` is described, and no factory makes it"
                    ))
                    .nearest(&self.nearest_factories(name))
                    .at(entry.place().clone(), "it is described here"),
                );
            }
        }
        problems
    }

    /// Registers what routes are with middleware of this type before them: what the factory `name` makes,
    /// which may be registered later. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Taken`] with both places if the type is described already.
    #[cfg(feature = "http")]
    #[track_caller]
    pub fn describe<S: DeserializeOwned>(
        &self,
        name: &str,
        describe: impl Fn(&S, &mut crate::http::openapi::Operation) + Send + Sync + 'static,
    ) -> Result<u64, ChangeError> {
        let describes: Describes = Arc::new(move |settings, path, by, operation| {
            // Settings that cannot be read are told where they are checked.
            if let Ok(read) = read_node::<S>(settings, path, by) {
                describe(&read.value, operation);
            }
        });
        let descriptions = &self.descriptions;
        descriptions.register_at(name, describes, Place::caller())
    }

    /// Adds to an operation what it is with a named middleware before it.
    #[cfg(feature = "http")]
    pub(crate) fn describe_before(
        &self,
        name: &str,
        operation: &mut Arc<crate::http::openapi::Operation>,
    ) {
        let definition = self.named.get_owned(name);
        let Some(definition) = definition else { return };
        let by = &definition.factory;
        if let Some(describes) = self.descriptions.get_owned(by) {
            let operation = Arc::make_mut(operation);
            describes(&definition.settings, &path(name), by, operation);
        }
    }

    /// Where secrets are in a middleware as a file says it: all of its settings, if no factory can read
    /// them.
    pub(crate) fn secrets(&self, name: &str, node: &Node) -> Vec<Path> {
        let path = path(name);
        let Some(settings) = node.get("settings") else {
            return Vec::new();
        };
        let factory = match node.get("type").map(|factory| &factory.value) {
            None => name,
            Some(Value::Scalar(factory)) => &factory.text,
            Some(_) => return vec![path],
        };
        let read = self.factories.get(factory);
        let read = read.and_then(|factory| (factory.secrets)(settings, &path, name));
        read.unwrap_or_else(|| vec![path])
    }

    /// The factory of a named middleware, if there is one of the name.
    #[cfg(feature = "http")]
    pub(crate) fn factory_of(&self, name: &str) -> Option<Arc<str>> {
        self.named
            .read(name, |definition| Arc::clone(&definition.factory))
    }

    /// Whether a named middleware lets nobody through whom it does not know.
    #[cfg(feature = "http")]
    pub(crate) fn authenticates(&self, name: &str) -> bool {
        let factory = self.factory_of(name);
        let read = |by: &str| self.factories.read(by, MiddlewareFactory::authenticates);
        factory.and_then(|by| read(&by)).unwrap_or(false)
    }

    /// The type of what a factory makes, if there is one of the name.
    #[cfg(feature = "http")]
    pub(crate) fn type_of(&self, factory: &str) -> Option<Type> {
        self.factories.read(factory, |factory| factory.makes)
    }

    /// The settings of a named middleware, as they are said.
    #[cfg(feature = "http")]
    pub(crate) fn settings_of(&self, name: &str) -> Option<Node> {
        self.named
            .read(name, |definition| definition.settings.clone())
    }

    /// Where a named middleware is defined.
    #[cfg(feature = "http")]
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        Some(self.named.entry(name)?.place().clone())
    }

    fn nearest_factories(&self, name: &str) -> Vec<String> {
        nearest(self.factories.snapshot().names(), name)
    }

    /// Returns the middleware of a name: the one instance, or one of its own, as its factory declares.
    ///
    /// # Errors
    ///
    /// [`MiddlewareError::Lookup`] if there is none of that name, with the nearest, or if it is not an
    /// `M`, which is known before anything is built; the others as their documentation says.
    pub async fn create<M: ?Sized + Send + Sync + 'static>(
        &self,
        name: &str,
    ) -> Result<Arc<M>, MiddlewareError> {
        let Some(entry) = self.named.entry(name) else {
            return Err(self.unknown(name).into());
        };
        let Some(definition) = entry.value() else {
            return Err(self.unknown(name).into());
        };
        let wrong_type = |found: &'static str| LookupError::WrongType {
            kind: "middleware".into(),
            name: name.into(),
            asked: Type::of::<M>().name(),
            found,
            place: entry.place().clone(),
        };
        // Only what is shared is ever built there.
        if let Some(part) = definition.shared.get(ONE) {
            let shared = part.get::<M>().map(Arc::clone);
            return Ok(shared.ok_or_else(|| wrong_type(part.type_name()))?);
        }
        let by = &definition.factory;
        let Some(factory) = self.factories.get_owned(by) else {
            return Err(MiddlewareError::UnknownFactory {
                name: name.into(),
                factory: Arc::clone(by),
                nearest: self.nearest_factories(by),
                place: entry.place().clone(),
            });
        };
        if factory.makes != Type::of::<M>() {
            return Err(wrong_type(factory.makes.name()).into());
        }
        let made = match factory.instances {
            Instances::Shared => definition.shared.resolve_async(ONE).await,
            Instances::PerUse => {
                let (path, by) = (path(name), Arc::clone(by));
                let settings = definition.settings.clone();
                let make = Arc::clone(&factory.make);
                // The same engine for one build: a panic is an error, a circle is found.
                let one: Registry<Part> = Registry::<()>::builder()
                    .label(format!("middleware/{name}"))
                    .build();
                let build = Factory::future(move |_| make(&settings, &path, &by));
                match one.register_factory(ONE, build) {
                    Ok(_) => one.resolve_async(ONE).await,
                    Err(_) => unreachable!("the registry is new"),
                }
            }
        };
        let part = made.map_err(|error| match error {
            ResolveError::Build(error) => MiddlewareError::Build {
                name: name.into(),
                place: entry.place().clone(),
                error,
            },
            _ => self.unknown(name).into(),
        })?;
        let made = part.get::<M>().map(Arc::clone);
        Ok(made.ok_or_else(|| wrong_type(part.type_name()))?)
    }

    fn unknown(&self, name: &str) -> LookupError {
        LookupError::Unknown {
            kind: "middleware".into(),
            name: name.into(),
            nearest: nearest(self.named.snapshot().names(), name),
        }
    }
}

/// Where the settings of a middleware stand.
fn path(name: &str) -> Path {
    Path::root().key("middleware").key(name).key("settings")
}
