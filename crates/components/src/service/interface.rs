//! What a service does, as its trait says it.

use std::fmt;
use std::sync::Arc;

use byname_registry::Place;

use super::client::Remote;
use super::method::Method;
use super::resource::Resource;
use crate::part::{Part, Type};

/// A trait whose methods can be called here or over a network: a `dyn Users`, say.
///
/// The attribute `service` implements it.
#[diagnostic::on_unimplemented(
    message = "nothing says what a `{Self}` does",
    note = "give its trait the attribute `#[byname::service]`, and name it as `dyn …`"
)]
pub trait Service: Send + Sync + 'static {
    /// Says what it does.
    fn interface() -> Interface;
}

/// What a service does: its methods, and what they are called about.
pub struct Interface {
    name: &'static str,
    doc: &'static str,
    place: Place,
    resource: Resource,
    of: Type,
    methods: Vec<Method>,
    client: Arc<dyn Fn(Remote) -> Part + Send + Sync>,
}

impl Interface {
    /// Describes the trait `S`, of this name, without methods yet; `client` makes an `S` whose methods
    /// call one far away.
    ///
    /// What it is about is taken from the name: `Users` and `UserService` are about a `user`.
    #[track_caller]
    pub fn new<S: ?Sized + Send + Sync + 'static>(
        name: &'static str,
        client: impl Fn(Remote) -> Arc<S> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            doc: "",
            place: Place::caller(),
            resource: Resource::of_trait(name),
            of: Type::of::<S>(),
            methods: Vec::new(),
            client: Arc::new(move |remote| Part::new(client(remote))),
        }
    }

    /// Says what it is for.
    #[must_use]
    pub fn documented(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Says what it is about, in the singular; the plural is made from it.
    #[must_use]
    pub fn about(mut self, resource: &str) -> Self {
        self.resource = Resource::new(resource);
        self
    }

    /// Says the plural of what it is about.
    #[must_use]
    pub fn plural(mut self, plural: &str) -> Self {
        self.resource = self.resource.with_plural(plural);
        self
    }

    /// Adds a method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    /// Returns the name of the trait.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what it is for; empty if nothing says so.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc
    }

    /// Returns where the trait was declared.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns what it is about.
    #[must_use]
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Returns the methods, in the order of the trait.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The type of services that it describes.
    pub(crate) fn of(&self) -> Type {
        self.of
    }

    pub(super) fn client(&self, remote: Remote) -> Part {
        (self.client)(remote)
    }
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface")
            .field("name", &self.name)
            .field("resource", &self.resource)
            .field("methods", &self.methods)
            .finish_non_exhaustive()
    }
}
