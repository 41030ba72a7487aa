//! One method of a service.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::http;
use byname_registry::Place;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::{Answer, Arguments};
use super::shape::Shape;
use crate::part::{Part, Type};
use crate::service_error::ServiceError;

/// What a method returns once it is called: a boxed future.
pub type Answering<R> = Pin<Box<dyn Future<Output = R> + Send>>;

type Serve = Arc<dyn Fn(&Part, Arguments) -> Answering<Result<Answer, ServiceError>> + Send + Sync>;

/// A method of a service: what it is called, what it takes and what it answers.
pub struct Method {
    name: &'static str,
    doc: &'static str,
    place: Place,
    arguments: Vec<Argument>,
    answer: fn(&mut SchemaGenerator) -> Schema,
    idempotent: Option<bool>,
    at: Option<(http::Method, &'static str)>,
    of: Type,
    serve: Serve,
}

/// An argument of a method.
#[derive(Clone)]
pub struct Argument {
    name: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
    shape: Shape,
}

impl Method {
    /// Describes a method of `S`, without arguments yet; `call` calls it with arguments that it takes in
    /// their order.
    #[track_caller]
    pub fn new<S, R>(
        name: &'static str,
        call: impl Fn(Arc<S>, Arguments) -> Answering<Result<R, ServiceError>> + Send + Sync + 'static,
    ) -> Self
    where
        S: ?Sized + Send + Sync + 'static,
        R: Serialize + JsonSchema + Send + 'static,
    {
        let call = Arc::new(call);
        Self {
            name,
            doc: "",
            place: Place::caller(),
            arguments: Vec::new(),
            answer: SchemaGenerator::subschema_for::<R>,
            idempotent: None,
            at: None,
            of: Type::of::<S>(),
            serve: Arc::new(move |part, arguments| {
                // A plan of another type is refused.
                let service = part.get::<S>().map(Arc::clone);
                let call = Arc::clone(&call);
                Box::pin(async move {
                    let service = service.ok_or_else(|| {
                        ServiceError::internal("the object is not of the type of its interface")
                    })?;
                    Answer::of(&call(service, arguments).await?)
                })
            }),
        }
    }

    /// Says what it does.
    #[must_use]
    pub fn documented(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument<T>(mut self, name: &'static str) -> Self
    where
        T: Serialize + DeserializeOwned + JsonSchema + Send + 'static,
    {
        self.arguments.push(Argument {
            name,
            schema: SchemaGenerator::subschema_for::<T>,
            shape: Shape::of::<T>(),
        });
        self
    }

    /// Says that it may be called again if nobody knows whether a call arrived. Where nothing is said,
    /// here or in a file, that depends on the HTTP method (RFC 9110, section 9.2.2).
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = Some(true);
        self
    }

    /// Says that it may not be called again if nobody knows whether a call arrived, whatever its HTTP
    /// method is.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.idempotent = Some(false);
        self
    }

    /// Routes it at this method and path, whatever the convention says.
    #[must_use]
    pub fn at(mut self, method: http::Method, path: &'static str) -> Self {
        self.at = Some((method, path));
        self
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what it does; empty if nothing says so.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc
    }

    /// Returns where it was declared.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the arguments in their order.
    #[must_use]
    pub fn arguments(&self) -> &[Argument] {
        &self.arguments
    }

    /// Returns whether it was said that it may be called again.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.idempotent == Some(true)
    }

    /// Returns whether it was said that it may not be called again.
    #[must_use]
    pub fn is_once(&self) -> bool {
        self.idempotent == Some(false)
    }

    pub(super) fn again(&self) -> Option<bool> {
        self.idempotent
    }

    pub(super) fn overridden(&self) -> Option<&(http::Method, &'static str)> {
        self.at.as_ref()
    }

    pub(super) fn answer(&self) -> fn(&mut SchemaGenerator) -> Schema {
        self.answer
    }

    pub(super) fn of(&self) -> Type {
        self.of
    }

    pub(super) fn serve(
        &self,
        part: &Part,
        arguments: Arguments,
    ) -> Answering<Result<Answer, ServiceError>> {
        (self.serve)(part, arguments)
    }
}

impl Argument {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns whether it may be left out.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.shape.optional
    }

    /// Returns whether it is one text, number or truth value, or may be left out: what can stand in a
    /// path, a query or a header.
    #[must_use]
    pub fn is_scalar(&self) -> bool {
        super::kind::Kinds::of(&self.read()).scalar().is_some()
    }

    /// Returns whether it is an object in JSON: a structure, or a map.
    #[must_use]
    pub fn is_object(&self) -> bool {
        !self.shape.optional && super::kind::Kinds::of(&self.read()).is_object()
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn schema(&self) -> fn(&mut SchemaGenerator) -> Schema {
        self.schema
    }

    /// The schema of what it is read from.
    pub(super) fn read(&self) -> crate::http::bind::Schema {
        crate::http::bind::Schema::read_by(self.schema)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("name", &self.name)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
