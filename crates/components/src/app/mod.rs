//! An application as it is declared, and its start.

mod check;
mod definition;
mod peers;
pub(crate) mod reading;
mod run;
pub(crate) mod schema;
mod sections;
mod start;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path as FilePath;
use std::sync::Arc;

use byname_registry::Place;

use crate::config::{self, Config, Layers, Node, Origin, Source};
use crate::graph::Graph;
use crate::made::{BoxError, Extras, Made};
use crate::part::{Part, Parts, Type};
use crate::problem::{Problem, Problems};
use crate::registrar::{Module, Registrar};
use crate::registries::Registries;

pub(crate) use definition::Definition;
#[cfg(feature = "http")]
pub(crate) use sections::ServerDefinition;
pub(crate) use start::Checked;
pub use start::{NotStarted, StartError};

/// How long whoever waits for a service waits at most, if its build goes in a circle that nobody
/// declared: far longer than any deadline of a service should be.
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(600);

/// An application as it is declared: modules, services, and what a file says of them.
///
/// Nothing is built before [`start`](Self::start) or [`run`](Self::run), and nothing is global: a process
/// may have several.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use byname_components::{App, BoxError, Registrar, need};
///
/// struct Greeting(String);
/// struct Greeter(Arc<Greeting>);
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct GreetingSettings { text: String }
///
/// async fn greeting(settings: GreetingSettings) -> Result<Arc<Greeting>, BoxError> {
///     Ok(Arc::new(Greeting(settings.text)))
/// }
///
/// async fn greeter(_: (), greeting: Arc<Greeting>) -> Result<Arc<Greeter>, BoxError> {
///     Ok(Arc::new(Greeter(greeting)))
/// }
///
/// fn module(registrar: &mut Registrar<'_>) {
///     registrar.factory("greeting", (), greeting);
///     registrar.factory("greeter", (need("greeting"),), greeter);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let running = App::from_text("
/// services:
///   greeting: { settings: { text: Hello } }
///   greeter: {}
/// ")
/// .register(module)
/// .start()
/// .await?;
/// assert_eq!(running.service::<Greeter>("greeter").await?.0.0, "Hello");
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct App {
    declared: Declared,
    registries: Registries,
    /// The services that were given as they are.
    parts: BTreeMap<Arc<str>, (Part, Extras)>,
}

/// What is declared, and can be looked at again when the files have changed.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) layers: Layers,
    given: BTreeMap<Arc<str>, Given>,
    demands: Vec<Demand>,
    server: Option<Arc<str>>,
    /// What went wrong while it was declared.
    problems: Problems,
}

/// A service that was given as it is.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) of: Type,
    pub(crate) place: Place,
    /// Whether it takes the place of whatever else there is under the name.
    pub(crate) replaces: bool,
}

/// That somebody will ask for a service.
#[derive(Clone, Debug)]
struct Demand {
    name: Arc<str>,
    of: Type,
    place: Place,
}

/// The prefix of variables of the environment that are configuration.
pub(crate) const PREFIX: &str = "BYNAME";

impl App {
    /// Declares an application without a file.
    #[must_use]
    pub fn new() -> Self {
        Self::from_layers(Layers::new(PREFIX))
    }

    /// Declares an application by a file, what that includes, and the variables of this process's
    /// environment that begin with `BYNAME__`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no YAML: everything that is wrong with it as such. What it says,
    /// and what it includes, is checked when the application is.
    pub fn from_file(path: impl AsRef<FilePath>) -> Result<Self, Problems> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let name = path.display();
            Problem::error(format!("`{name}` cannot be read: {error}"))
        })?;
        config::parse(&text, &Source::File(path.into()))?;
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let layers = Layers::new(PREFIX).file(path).variables(variables);
        Ok(Self::from_layers(layers))
    }

    /// Declares an application by the text of a file, and nothing else.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self::from_layers(Layers::new(PREFIX).default_text("the application", text))
    }

    /// Declares an application by layers of configuration.
    #[must_use]
    pub fn from_layers(layers: Layers) -> Self {
        let services = byname_registry::Registry::<()>::builder()
            .label("services")
            .build_deadline(LONGEST_WAIT)
            .build();
        let services = Parts::over("service", services);
        let checks = crate::health::Checks::default();
        let app = Self {
            declared: Declared {
                layers,
                given: BTreeMap::new(),
                demands: Vec::new(),
                server: None,
                problems: Problems::new(),
            },
            registries: Registries::new(services, checks),
            parts: BTreeMap::new(),
        };
        #[cfg(feature = "http")]
        let app = app.register(crate::http::module);
        app
    }

    /// Registers what a module brings.
    #[must_use]
    pub fn register(mut self, module: impl Module) -> Self {
        module.register(&mut Registrar {
            factories: &self.registries.factories,
            middleware: &self.registries.middleware,
            #[cfg(feature = "http")]
            registries: &self.registries,
            problems: &mut self.declared.problems,
        });
        self
    }

    /// Adds a service as it is, an `Arc<T>` or a [`Made<T>`](Made), under a name that neither code nor
    /// file has.
    ///
    /// What the file says of who publishes it counts as for what a factory makes: the server that
    /// publishes it runs what is given here, and so does one that lists it under `services`; any other
    /// server of the deployment has a client in its place, and what is given is dropped there.
    #[must_use]
    #[track_caller]
    pub fn service(mut self, name: &str, service: impl crate::made::Product) -> Self {
        let place = Place::caller();
        if let Some(first) = self.declared.given.get(name) {
            let first = first.place.clone();
            self.declared.problems.push(
                Problem::error(format!("service `{name}` is given twice"))
                    .at(place, "here")
                    .at(first, "and here before"),
            );
            return self;
        }
        self.give(name, service.into_made(), place, false);
        self
    }

    /// Puts a service in the place of whatever code or file has under the name, if anything: a fake in
    /// a test. It runs on the chosen server whoever publishes it: it takes the place of a client too.
    #[must_use]
    #[track_caller]
    pub fn with_service(mut self, name: &str, service: impl crate::made::Product) -> Self {
        self.give(name, service.into_made(), Place::caller(), true);
        self
    }

    fn give<T: ?Sized + Send + Sync + 'static>(
        &mut self,
        name: &str,
        made: Made<T>,
        place: Place,
        replaces: bool,
    ) {
        let (part, extras) = made.into_parts();
        let given = Given {
            of: part.of(),
            place,
            replaces,
        };
        self.declared.given.insert(name.into(), given);
        self.parts.insert(name.into(), (part, extras));
    }

    /// Lays a value over the configuration, as `--set` does: `a.b=c`.
    #[must_use]
    pub fn set(mut self, assignment: &str) -> Self {
        self.declared.layers = self.declared.layers.set(assignment);
        self
    }

    /// Answers placeholders `${PREFIX:key}` by `resolve`, with texts that are never shown.
    #[must_use]
    pub fn resolver<F, E>(mut self, prefix: &str, resolve: F) -> Self
    where
        F: Fn(&str) -> Result<String, E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.declared.layers = self.declared.layers.resolver(prefix, resolve);
        self
    }

    /// Names the environment: the overlays of the files for it (`app.prod.yaml` beside `app.yaml`) are
    /// laid over them.
    #[must_use]
    pub fn environment(mut self, environment: &str) -> Self {
        self.declared.layers = self.declared.layers.environment(Some(environment));
        self
    }

    /// Chooses the server: `DEPLOYMENT.SERVER`, or `SERVER` where only one deployment has it. Without a
    /// choice there must be only one.
    #[must_use]
    pub fn server(mut self, server: &str) -> Self {
        self.declared.server = Some(server.into());
        self
    }

    /// Asks for a service, now and for the time when the application runs: that it is there, and is a
    /// `T`, is checked before anything is built. The key is read with [`Running::key`](crate::Running::key).
    #[track_caller]
    pub fn demand<T: ?Sized + Send + Sync + 'static>(&mut self, name: &str) -> DemandKey<T> {
        self.declared.demands.push(Demand {
            name: name.into(),
            of: Type::of::<T>(),
            place: Place::caller(),
        });
        DemandKey {
            name: name.into(),
            of: std::marker::PhantomData,
        }
    }

    /// Returns everything that is kept by name, to register routers, conventions and the like.
    #[must_use]
    pub fn registries(&self) -> &Registries {
        &self.registries
    }

    /// Looks at everything before anything is built, and tells all that is wrong.
    #[must_use]
    pub fn check(&self) -> Problems {
        self.declared.checked(&self.registries).0
    }

    /// Returns the configuration in effect, with what must not be shown marked.
    ///
    /// That is what the types of settings say is a [`Secret`](crate::config::Secret), and what came
    /// from a file or a resolver of secrets. Settings that nobody can read, because their factory is
    /// not known or they are wrong, may hold any secret, and are marked as a whole.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the files as such.
    pub fn config(&self) -> Result<Config, Problems> {
        self.declared.config(&self.registries)
    }

    /// Returns which service needs which, and all that is wrong; no graph if that is fatal.
    #[must_use]
    pub fn graph(&self) -> (Problems, Option<Graph>) {
        let (problems, checked) = self.declared.checked(&self.registries);
        (problems, checked.map(|checked| checked.graph))
    }
}

/// A service that was asked for before the start; read with [`Running::key`](crate::Running::key).
pub struct DemandKey<T: ?Sized> {
    pub(crate) name: Arc<str>,
    of: std::marker::PhantomData<fn() -> Arc<T>>,
}

impl<T: ?Sized> Clone for DemandKey<T> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            of: std::marker::PhantomData,
        }
    }
}

impl<T: ?Sized> fmt::Debug for DemandKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DemandKey").field(&self.name).finish()
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("given", &self.parts.keys())
            .field("server", &self.declared.server)
            .finish_non_exhaustive()
    }
}

/// The settings of a definition: an empty map where there are none.
pub(crate) fn settings_of(definition: &Definition) -> Node {
    definition.settings.clone().unwrap_or_else(|| {
        Node::empty(Origin::of(Source::Code(
            definition.place.to_string().into(),
        )))
    })
}
