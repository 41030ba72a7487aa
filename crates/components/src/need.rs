//! What a factory needs, declared before anything is built.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use byname_registry::Place;
use serde::de::DeserializeOwned;

use crate::config::{Node, Path, read_node};
use crate::context::{Context, Lazy};
use crate::part::{Part, Type};
use crate::supply::{Supply, SupplyError};

/// How a need is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeedKind {
    /// A service that must be there, built before.
    Required,
    /// A service that is built before, if there is one.
    Optional,
    /// All services of the type, built before.
    All,
    /// A service that must be there, and is asked for later: the one kind that may close a circle.
    Lazy,
    /// A configuration value.
    Value,
    /// What the factory is told of its own build.
    Context,
}

impl NeedKind {
    /// Whether the service is built before the one that needs it.
    #[must_use]
    pub fn is_built_before(self) -> bool {
        matches!(self, Self::Required | Self::Optional | Self::All)
    }
}

impl fmt::Display for NeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "needs",
            Self::Optional => "needs, if there is one,",
            Self::All => "needs all of its type, and so",
            Self::Lazy => "asks later for",
            Self::Value => "reads",
            Self::Context => "is told of",
        })
    }
}

/// A need as it was declared.
#[derive(Clone, Debug)]
pub struct Declared {
    kind: NeedKind,
    name: Arc<str>,
    of: Type,
    place: Place,
    /// Tells whether a value can be had, before anything is built, and where secrets are in it.
    check: Option<(CheckValue, Secrets)>,
}

/// Reads a configuration value, and forgets it.
type CheckValue = fn(&crate::values::Values, &str) -> Result<bool, crate::values::ValueError>;

/// Says where secrets are in what stands for a value; all of it, if it cannot be read.
type Secrets = fn(&Node, &Path) -> Vec<Path>;

impl Declared {
    /// Returns how it is met.
    #[must_use]
    pub fn kind(&self) -> NeedKind {
        self.kind
    }

    /// Returns the name that is needed: of a service, or of a value. Empty where there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns the name of the type that is needed.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.of.name()
    }

    /// Returns where it was declared.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn of(&self) -> Type {
        self.of
    }

    /// A need of a type that only the registry of factories knows.
    #[cfg(feature = "http")]
    pub(crate) fn required(name: Arc<str>, of: Type, place: Place) -> Self {
        Self {
            kind: NeedKind::Required,
            name,
            of,
            place,
            check: None,
        }
    }

    pub(crate) fn check(&self) -> Option<CheckValue> {
        self.check.map(|(check, _)| check)
    }

    /// Where secrets are in what stands at this path.
    pub(crate) fn secrets(&self, node: &Node, path: &Path) -> Vec<Path> {
        self.check
            .map_or_else(Vec::new, |(_, secrets)| secrets(node, path))
    }
}

/// Something that a factory needs; made by [`need`], [`optional`], [`all`], [`value`], [`lazy`] and
/// [`context`].
pub trait Need: sealed::Need {}

/// The needs of a factory: a tuple of at most eight.
pub trait Needs: sealed::Needs {}

#[allow(unnameable_types, reason = "sealed: nobody else implements these")]
pub(crate) mod sealed {
    use super::{Declared, Supply, SupplyError};

    pub trait Need: Send + Sync + 'static {
        /// What the factory is given.
        type Given: Send + 'static;

        fn declared(&self) -> &Declared;
        fn give(&self, supply: &Supply) -> Result<Self::Given, SupplyError>;
    }

    pub trait Needs: Send + Sync + 'static {
        /// What the factory is given, in the same order.
        type Given: Send + 'static;

        fn declared(&self) -> Vec<Declared>;
        fn give(&self, supply: &Supply) -> Result<Self::Given, SupplyError>;
    }
}

macro_rules! needs {
    ($($need:ident)*) => {
        impl<$($need: Need),*> Needs for ($($need,)*) {}

        impl<$($need: Need),*> sealed::Needs for ($($need,)*) {
            type Given = ($($need::Given,)*);

            fn declared(&self) -> Vec<Declared> {
                #[allow(non_snake_case, reason = "one macro for all arities")]
                let ($($need,)*) = self;
                vec![$($need.declared().clone()),*]
            }

            #[allow(clippy::unused_unit, unused_variables, reason = "one macro for all arities")]
            fn give(&self, supply: &Supply) -> Result<Self::Given, SupplyError> {
                #[allow(non_snake_case, reason = "one macro for all arities")]
                let ($($need,)*) = self;
                Ok(($($need.give(supply)?,)*))
            }
        }
    };
}

needs!();
needs!(A);
needs!(A B);
needs!(A B C);
needs!(A B C D);
needs!(A B C D E);
needs!(A B C D E F);
needs!(A B C D E F G);
needs!(A B C D E F G H);

/// A declaration that gives a `G` made of a `T`.
pub struct Declaration<T: ?Sized, K> {
    declared: Declared,
    of: PhantomData<Of<T, K>>,
}

type Of<T, K> = (fn() -> Arc<T>, K);

impl<T: ?Sized, K> fmt::Debug for Declaration<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.declared.fmt(f)
    }
}

impl<T: ?Sized + 'static, K> Declaration<T, K> {
    #[track_caller]
    fn new(kind: NeedKind, name: &str, check: Option<(CheckValue, Secrets)>) -> Self {
        Self {
            declared: Declared {
                kind,
                name: name.into(),
                of: Type::of::<T>(),
                place: Place::caller(),
                check,
            },
            of: PhantomData,
        }
    }
}

/// Marks [`need`].
#[derive(Debug)]
pub struct Required;
/// Marks [`optional`].
#[derive(Debug)]
pub struct Optional;
/// Marks [`all`].
#[derive(Debug)]
pub struct All;
/// Marks [`lazy`].
#[derive(Debug)]
pub struct Later;
/// Marks [`value`].
#[derive(Debug)]
pub struct Value;
/// Marks [`context`].
#[derive(Debug)]
pub struct Told;

/// Needs the service of this name, as a `T`; the factory is given an `Arc<T>`.
///
/// The file may put another service in its place: `needs: {db: db-replica}`.
#[must_use]
#[track_caller]
pub fn need<T: ?Sized + Send + Sync + 'static>(name: &str) -> Declaration<T, Required> {
    Declaration::new(NeedKind::Required, name, None)
}

/// Needs the service of this name if there is one; the factory is given an `Option<Arc<T>>`.
#[must_use]
#[track_caller]
pub fn optional<T: ?Sized + Send + Sync + 'static>(name: &str) -> Declaration<T, Optional> {
    Declaration::new(NeedKind::Optional, name, None)
}

/// Needs all services whose factories make a `T`, but for the one that is being built; the factory is
/// given a `Vec` of names and `Arc<T>`s, in the order of names.
#[must_use]
#[track_caller]
pub fn all<T: ?Sized + Send + Sync + 'static>() -> Declaration<T, All> {
    Declaration::new(NeedKind::All, "", None)
}

/// Asks later for the service of this name; the factory is given a [`Lazy<T>`].
///
/// The service need not be built before: two services may need each other if one of them asks later.
#[must_use]
#[track_caller]
pub fn lazy<T: ?Sized + Send + Sync + 'static>(name: &str) -> Declaration<T, Later> {
    Declaration::new(NeedKind::Lazy, name, None)
}

/// Needs the configuration value of this dotted name; the factory is given a `T`, or with
/// `value::<Option<T>>` one if it is there.
#[must_use]
#[track_caller]
pub fn value<T: DeserializeOwned + Send + 'static>(name: &str) -> Declaration<T, Value> {
    Declaration::new(
        NeedKind::Value,
        name,
        Some((check_value::<T>, secrets_of::<T>)),
    )
}

fn check_value<T: DeserializeOwned>(
    values: &crate::values::Values,
    name: &str,
) -> Result<bool, crate::values::ValueError> {
    values
        .get::<T>(name)
        .map(|value| value.is_some() || is_optional::<T>())
}

fn secrets_of<T: DeserializeOwned>(node: &Node, path: &Path) -> Vec<Path> {
    match read_node::<T>(node, path, "a value") {
        Ok(read) => read.secrets,
        Err(_) => vec![path.clone()],
    }
}

/// Whether nothing at all reads as a `T`, as it does as an `Option`.
fn is_optional<T: DeserializeOwned>() -> bool {
    nothing::<T>().is_some()
}

/// What a `T` is where there is nothing.
fn nothing<T: DeserializeOwned>() -> Option<T> {
    let unit = serde::de::value::UnitDeserializer::<serde::de::value::Error>::new();
    T::deserialize(unit).ok()
}

/// Asks to be told of the build: the service's name, whether the application is stopping, and the
/// application itself, which this does not keep alive. The factory is given a [`Context`].
#[must_use]
#[track_caller]
pub fn context() -> Declaration<Context, Told> {
    Declaration::new(NeedKind::Context, "", None)
}

/// Gives what `make` makes of the service that is meant by the name.
fn service<T: ?Sized + Send + Sync + 'static>(
    declared: &Declared,
    supply: &Supply,
) -> Result<Option<Arc<T>>, SupplyError> {
    supply
        .part(&declared.name)
        .map(|part| typed(declared, part))
        .transpose()
}

fn typed<T: ?Sized + Send + Sync + 'static>(
    declared: &Declared,
    part: &Part,
) -> Result<Arc<T>, SupplyError> {
    part.get::<T>().cloned().ok_or(SupplyError::WrongType {
        name: Arc::clone(&declared.name),
        asked: declared.of.name(),
        found: part.type_name(),
    })
}

macro_rules! give {
    (<$of:ident: $($bound:path),+ $(, ?$sized:ident)?> $kind:ident -> $given:ty, |$declared:ident, $supply:ident| $give:expr) => {
        impl<$of: $($bound +)+ $(?$sized +)? 'static> Need for Declaration<$of, $kind> {}

        impl<$of: $($bound +)+ $(?$sized +)? 'static> sealed::Need for Declaration<$of, $kind> {
            type Given = $given;

            fn declared(&self) -> &Declared {
                &self.declared
            }

            fn give(&self, $supply: &Supply) -> Result<$given, SupplyError> {
                let $declared = &self.declared;
                $give
            }
        }
    };
}

give!(<T: Send, Sync, ?Sized> Required -> Arc<T>, |declared, supply| {
    service(declared, supply)?.ok_or_else(|| SupplyError::Missing { name: Arc::clone(&declared.name) })
});
give!(<T: Send, Sync, ?Sized> Optional -> Option<Arc<T>>, |declared, supply| service(declared, supply));
give!(<T: Send, Sync, ?Sized> All -> Vec<(Arc<str>, Arc<T>)>, |declared, supply| {
    supply
        .all(declared.of)
        .map(|(name, part)| Ok((Arc::clone(name), typed(declared, part)?)))
        .collect()
});
give!(<T: Send, Sync, ?Sized> Later -> Lazy<T>, |declared, supply| Ok(supply.lazy(&declared.name)));
give!(<T: DeserializeOwned, Send> Value -> T, |declared, supply| {
    let name = &declared.name;
    match supply.values().get::<T>(name) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => nothing::<T>().ok_or_else(|| SupplyError::Missing { name: Arc::clone(name) }),
        Err(error) => Err(SupplyError::Value(error)),
    }
});

impl Need for Declaration<Context, Told> {}

impl sealed::Need for Declaration<Context, Told> {
    type Given = Context;

    fn declared(&self) -> &Declared {
        &self.declared
    }

    fn give(&self, supply: &Supply) -> Result<Context, SupplyError> {
        Ok(supply.context())
    }
}
