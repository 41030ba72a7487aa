//! Factories: what they need, what they read, what they make.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use byname_registry::Place;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::config::{Node, Path, Read, read_node};
use crate::made::{BoxError, Extras, Product};
use crate::need::{Declared, Needs};
use crate::part::{Part, Type};
#[cfg(feature = "http")]
use crate::problem::Problem;
use crate::problem::Problems;
use crate::supply::Supply;

/// The settings of a factory: what its services have under `settings` in the file.
pub trait Settings: DeserializeOwned + JsonSchema + Send + 'static {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Settings for T {}

/// What a factory returns in the end.
type Making = Pin<Box<dyn Future<Output = Result<(Part, Extras), BoxError>> + Send>>;

/// Settings that were read and are of the factory's type.
pub(crate) type AnySettings = Box<dyn Any + Send>;

/// A function that makes services: `async fn(settings, needs…) -> Result<service, error>`.
///
/// Implemented for functions and closures of up to eight needs; the service is an `Arc<T>` or a
/// [`Made<T>`](crate::Made).
pub trait Build<S, G, P>: Send + Sync + 'static {
    /// Calls it.
    fn build(
        &self,
        settings: S,
        given: G,
    ) -> Pin<Box<dyn Future<Output = Result<P, BoxError>> + Send>>;
}

macro_rules! build {
    ($($given:ident)*) => {
        #[allow(non_snake_case, reason = "one macro for all arities")]
        impl<This, S, $($given,)* P, E, Making> Build<S, ($($given,)*), P> for This
        where
            This: Fn(S, $($given),*) -> Making + Send + Sync + 'static,
            Making: Future<Output = Result<P, E>> + Send + 'static,
            E: Into<BoxError>,
        {
            fn build(
                &self,
                settings: S,
                ($($given,)*): ($($given,)*),
            ) -> Pin<Box<dyn Future<Output = Result<P, BoxError>> + Send>> {
                let making = self(settings, $($given),*);
                Box::pin(async move { making.await.map_err(Into::into) })
            }
        }
    };
}

build!();
build!(A);
build!(A B);
build!(A B C);
build!(A B C D);
build!(A B C D F);
build!(A B C D F G);
build!(A B C D F G H);
build!(A B C D F G H I);

/// A factory that was registered: what it is called, needs and makes.
pub struct FactoryEntry {
    name: Arc<str>,
    place: Place,
    needs: Vec<Declared>,
    makes: Type,
    settings: Type,
    /// Whether what it makes is not for everybody who reaches it.
    #[cfg(feature = "http")]
    guarded: bool,
    schema: fn(&mut SchemaGenerator) -> Schema,
    #[allow(clippy::type_complexity, reason = "said once")]
    read: Box<dyn Fn(&Node, &Path, &str) -> Result<Read<AnySettings>, Problems> + Send + Sync>,
    #[allow(clippy::type_complexity, reason = "said once")]
    make: Box<dyn Fn(AnySettings, &Supply) -> Result<Making, BoxError> + Send + Sync>,
}

impl FactoryEntry {
    pub(crate) fn new<N, S, P>(
        name: &str,
        place: Place,
        needs: N,
        build: impl Build<S, N::Given, P>,
    ) -> Self
    where
        N: Needs,
        S: Settings,
        P: Product,
    {
        let build = Arc::new(build);
        Self {
            name: name.into(),
            place,
            needs: needs.declared(),
            makes: Type::of::<P::Service>(),
            settings: Type::of::<S>(),
            #[cfg(feature = "http")]
            guarded: false,
            schema: |generator| generator.subschema_for::<S>(),
            read: Box::new(|node, path, default_of| {
                let read = read_node::<S>(node, path, default_of)?;
                Ok(Read {
                    value: Box::new(read.value),
                    secrets: read.secrets,
                })
            }),
            make: Box::new(move |settings, supply| {
                // It was read by `read` above.
                let settings = settings
                    .downcast::<S>()
                    .map_err(|_| "the settings are of another factory")?;
                let given = needs.give(supply)?;
                let build = Arc::clone(&build);
                Ok(Box::pin(async move {
                    let product = build.build(*settings, given).await?;
                    Ok(product.into_made().into_parts())
                }))
            }),
        }
    }

    /// The same, of what is not for everybody who reaches it.
    #[cfg(feature = "http")]
    pub(crate) fn guarded(self) -> Self {
        Self {
            guarded: true,
            ..self
        }
    }

    /// A factory for one definition, whose needs are known only when the file has been read. What it
    /// is given as settings has been checked already, and is handed through.
    #[cfg(feature = "http")]
    pub(crate) fn composed<T, F>(
        name: &str,
        place: Place,
        needs: Vec<Declared>,
        make: impl Fn(&Supply) -> Result<F, BoxError> + Send + Sync + 'static,
    ) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
        F: Future<Output = Result<crate::made::Made<T>, BoxError>> + Send + 'static,
    {
        Self {
            name: name.into(),
            place,
            needs,
            makes: Type::of::<T>(),
            settings: Type::of::<Node>(),
            #[cfg(feature = "http")]
            guarded: false,
            schema: |_| Schema::default(),
            read: Box::new(|node, _, _| {
                Ok(Read {
                    value: Box::new(node.clone()),
                    secrets: Vec::new(),
                })
            }),
            make: Box::new(move |_, supply| {
                let making = make(supply)?;
                Ok(Box::pin(async move { Ok(making.await?.into_parts()) }))
            }),
        }
    }

    /// A factory of a service that is elsewhere: it makes what calls it at a URL, which is its settings.
    #[cfg(feature = "http")]
    pub(crate) fn remote(
        name: &str,
        place: Place,
        makes: Type,
        client: impl Fn(&str) -> Result<Part, BoxError> + Send + Sync + 'static,
    ) -> Self {
        let client = Arc::new(client);
        Self {
            name: name.into(),
            place,
            needs: Vec::new(),
            makes,
            settings: Type::of::<String>(),
            #[cfg(feature = "http")]
            guarded: false,
            schema: |generator| generator.subschema_for::<String>(),
            read: Box::new(|node, path, name| {
                let url = read_node::<String>(node, path, name)?.value;
                let place = node.origin.place();
                if url.is_empty() {
                    return Err(Problem::error(format!(
                        "nothing says where service `{name}` is reached"
                    ))
                    .at(place, "this server publishes it, and others need it")
                    .help("give the server a `url`")
                    .into());
                }
                if let Err(error) = byname_upstream::Backend::new(&url) {
                    let message = format!("service `{name}` cannot be reached: {error}");
                    return Err(Problem::error(message).at(place, "").into());
                }
                Ok(Read {
                    value: Box::new(url),
                    secrets: Vec::new(),
                })
            }),
            make: Box::new(move |url, _| {
                let url = url.downcast::<String>().map_err(|_| "the URL is none")?;
                let client = Arc::clone(&client);
                Ok(Box::pin(async move {
                    // It may read a file of whom to trust.
                    let made = tokio::task::spawn_blocking(move || client(&url)).await?;
                    Ok((made?, Extras::default()))
                }))
            }),
        }
    }

    /// A factory of what stands under another name: it makes nothing, and gives that itself.
    #[cfg(feature = "http")]
    pub(crate) fn alias(name: &str, place: Place, of: Declared) -> Self {
        let (makes, target) = (of.of(), Arc::clone(of.shared_name()));
        Self {
            needs: vec![of],
            make: Box::new(move |_, supply| {
                let part = supply.part(&target).cloned();
                let part = part.ok_or_else(|| format!("`{target}` is not there any more"))?;
                Ok(Box::pin(async move { Ok((part, Extras::default())) }))
            }),
            ..Self::wrong(name, place, makes, Problems::new())
        }
    }

    /// A factory of what cannot be had, which tells why to who needs it.
    #[cfg(feature = "http")]
    pub(crate) fn wrong(name: &str, place: Place, makes: Type, why: Problems) -> Self {
        let why = Arc::new(why);
        Self {
            name: name.into(),
            place,
            needs: Vec::new(),
            makes,
            settings: Type::of::<()>(),
            #[cfg(feature = "http")]
            guarded: false,
            schema: |_| Schema::default(),
            read: Box::new(move |_, _, _| {
                let value: AnySettings = Box::new(());
                why.as_ref().clone().or(Read {
                    value,
                    secrets: Vec::new(),
                })
            }),
            make: Box::new(|_, _| Err("it cannot be had".into())),
        }
    }

    /// Returns the name of the type of services that it makes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where it was registered.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns what it needs.
    #[must_use]
    pub fn needs(&self) -> &[Declared] {
        &self.needs
    }

    /// Returns whether it is a kind of route that is [not for everybody](crate::Registrar::guarded_route_kind)
    /// who reaches it.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// Returns the name of the Rust type that its services are looked up as.
    #[must_use]
    pub fn service_type(&self) -> &'static str {
        self.makes.name()
    }

    /// Returns the name of the Rust type of its settings.
    #[must_use]
    pub fn settings_type(&self) -> &'static str {
        self.settings.name()
    }

    pub(crate) fn makes(&self) -> Type {
        self.makes
    }

    /// Returns the JSON Schema of its settings.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// Reads settings, and tells all that is wrong with them.
    pub(crate) fn read(&self, node: &Node, path: &Path) -> Result<Read<AnySettings>, Problems> {
        (self.read)(node, path, &self.name)
    }

    /// Begins to make a service.
    pub(crate) fn make(&self, settings: AnySettings, supply: &Supply) -> Result<Making, BoxError> {
        (self.make)(settings, supply)
    }
}

impl fmt::Debug for FactoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FactoryEntry")
            .field("name", &self.name)
            .field("place", &self.place)
            .field("makes", &self.makes)
            .finish_non_exhaustive()
    }
}

/// Says what an error says, and what caused it.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
