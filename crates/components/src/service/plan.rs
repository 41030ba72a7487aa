//! The routes of a service, worked out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::http::header::HeaderName;
use axum::http::{self, StatusCode};
use byname_registry::{Place, nearest};

use super::check::Check;
use super::convention::{Convention, Location, Route};
use super::identity::{Identity, Known};
use super::interface::Interface;
use super::kind::{Kinds, Scalar};
use super::method::{Argument, Method};
use super::overrides::{MethodOverrides, Overrides, Places};
use super::resource::Resource;
use super::template::Template;
use crate::http::bind::escaped;
use crate::problem::{Problem, Problems};
use crate::service_error::{FieldError, FieldPlace};

/// The routes of a service: where each of its methods is called. Both sides are made from it.
pub struct Plan {
    interface: Arc<Interface>,
    /// For each method of the interface, in their order.
    routes: Vec<Option<Arc<Routed>>>,
    pub(super) max_request: usize,
    pub(super) max_answer: usize,
}

/// The route of one method.
pub(super) struct Routed {
    pub(super) at: usize,
    pub(super) name: &'static str,
    pub(super) method: http::Method,
    pub(super) template: Template,
    pub(super) status: StatusCode,
    pub(super) idempotent: bool,
    /// Where what it makes is found, if it makes something and that is known.
    pub(super) identity: Option<Identity>,
    pub(super) arguments: Vec<Placed>,
    pub(super) check: Check,
}

/// An argument, and where it is.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) name: &'static str,
    pub(super) optional: bool,
    pub(super) location: Location,
    pub(super) kind: Kind,
}

/// How an argument is written where it is.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    /// As a text in a segment that must not be one of these.
    Segment(Scalar, Vec<String>),
    /// As a text.
    Text(Scalar),
    /// As several texts.
    Texts(Scalar),
    /// As JSON.
    Json,
}

/// Works out the routes of a service.
///
/// What counts for a method, the first of these that says something: the overrides, the attribute of the
/// method in the code, the convention.
///
/// # Errors
///
/// Everything that is wrong at once: methods without a route, two methods on one route, arguments that
/// cannot stand where they are to be, overrides of methods that do not exist.
pub fn plan(
    interface: &Arc<Interface>,
    convention: &dyn Convention,
    convention_name: &str,
    overrides: &Overrides,
) -> Result<Plan, Problems> {
    plan_of_file(
        interface,
        convention,
        convention_name,
        overrides,
        Places::of(None),
    )
}

/// As [`plan`]; what is wrong with an override is told where that stands.
pub(crate) fn plan_of_file(
    interface: &Arc<Interface>,
    convention: &dyn Convention,
    convention_name: &str,
    overrides: &Overrides,
    places: Places<'_>,
) -> Result<Plan, Problems> {
    let mut problems = Problems::new();
    let singular = overrides.resource.as_deref();
    let mut resource = match named("resource", singular, places, &mut problems) {
        Some(singular) => Resource::new(singular),
        None => interface.resource().clone(),
    };
    let plural = overrides.plural.as_deref();
    if let Some(plural) = named("plural", plural, places, &mut problems) {
        resource = resource.with_plural(plural);
    }
    unknown(interface, overrides, places, &mut problems);
    let prefix = prefix(overrides, places, &mut problems);
    let none = MethodOverrides::default();
    let mut drafts: Vec<Option<Draft<'_>>> = Vec::new();
    for method in interface.methods() {
        let said = overrides.methods.get(method.name()).unwrap_or(&none);
        let of_key = |key| places.of_method(method.name(), key);
        let draft = match draft(method, &resource, convention, convention_name, said) {
            Ok(None) => None,
            Ok(Some(route)) => {
                let path = said.path.as_ref().and_then(|_| of_key("path"));
                let verb = || said.verb.as_ref().and_then(|_| of_key("verb"));
                let overridden = path.or_else(verb);
                let draft = Draft::new(method, overridden, route, prefix, &mut problems);
                draft.map(|draft| draft.repeated(said.idempotent))
            }
            Err(why) => {
                let message = format!("method `{}` of `{}` {why}", method.name(), interface.name());
                problems.push(about(method, of_key("verb").as_ref(), message).help(
                    "give it a route (`methods:`, or an attribute such as `#[get(\"/…\")]`), \
                               or hide it (`hidden: true`)",
                ));
                None
            }
        };
        if method.of() != interface.of() {
            let message = format!("method `{}` is of another trait", method.name());
            problems.push(Problem::error(message).at(method.place().clone(), ""));
        }
        drafts.push(draft);
    }
    harmonise(&mut drafts);
    collisions(&drafts, &mut problems);
    let templates: Vec<Template> = drafts
        .iter()
        .flatten()
        .map(|draft| draft.template.clone())
        .collect();
    let known = drafts.iter().flatten().map(Draft::known);
    let of = |draft: &Draft<'_>| Identity::of(draft.known(), known.clone());
    let identities: Vec<_> = drafts
        .iter()
        .map(|draft| draft.as_ref().and_then(of))
        .collect();
    let mut routes = Vec::new();
    for ((at, draft), identity) in drafts.into_iter().enumerate().zip(identities) {
        routes.push(draft.and_then(|draft| draft.routed(at, &templates, identity, &mut problems)));
    }
    let limit =
        |bytes: crate::config::units::Bytes| usize::try_from(bytes.get()).unwrap_or(usize::MAX);
    problems.or(Plan {
        interface: Arc::clone(interface),
        routes,
        max_request: limit(overrides.max_request),
        max_answer: limit(overrides.max_answer),
    })
}

/// A problem with an override, which may stand in a file.
fn overridden(message: String, place: Option<Place>) -> Problem {
    let problem = Problem::error(message);
    match place {
        Some(place) => problem.at(place, "it is overridden here"),
        None => problem,
    }
}

/// A problem with a method, whose route may be overridden in a file.
fn about(method: &Method, place: Option<&Place>, message: String) -> Problem {
    overridden(message, place.cloned()).at(method.place().clone(), "it is declared here")
}

/// Tells overrides of methods that do not exist.
fn unknown(
    interface: &Interface,
    overrides: &Overrides,
    places: Places<'_>,
    problems: &mut Problems,
) {
    let names: Vec<&str> = interface.methods().iter().map(Method::name).collect();
    for name in overrides.methods.keys() {
        if !names.contains(&&**name) {
            let message = format!("`{}` has no method `{name}`", interface.name());
            problems.push(
                overridden(message, places.method(name))
                    .nearest(&nearest(names.iter(), name))
                    .at(interface.place().clone(), "its trait is declared here"),
            );
        }
    }
}

/// A word that is in paths. One that says nothing is told once, and not for each path that would have it.
fn named<'a>(
    key: &str,
    word: Option<&'a str>,
    places: Places<'_>,
    problems: &mut Problems,
) -> Option<&'a str> {
    let word = word?;
    if word.is_empty() {
        let message = format!("the {key} of the service is empty");
        problems.push(overridden(message, places.value(key)));
        return None;
    }
    Some(word)
}

/// The prefix of all paths. A wrong one is told once, and not for each path.
fn prefix<'a>(overrides: &'a Overrides, places: Places<'_>, problems: &mut Problems) -> &'a str {
    let prefix = overrides.prefix.trim_end_matches('/');
    match Template::read(prefix) {
        Err(why) if !prefix.is_empty() => {
            let message = format!("the prefix `{}` {why}", overrides.prefix);
            problems.push(overridden(message, places.value("prefix")));
            ""
        }
        _ => prefix,
    }
}

/// The route of a method, if it has one.
fn draft(
    method: &Method,
    resource: &Resource,
    convention: &dyn Convention,
    convention_name: &str,
    said: &MethodOverrides,
) -> Result<Option<Route>, String> {
    if said.hidden {
        return Ok(None);
    }
    let verb = said.verb.as_deref().map(verb).transpose()?;
    let in_code = method.overridden();
    let path = said.path.as_deref().or(in_code.map(|(_, path)| *path));
    let verb = verb.or_else(|| in_code.map(|(verb, _)| verb.clone()));
    if let (Some(verb), Some(path)) = (&verb, path) {
        return Ok(Some(usual(method, verb.clone(), path)));
    }
    let route = convention
        .route(resource, method)
        .map_err(|why| format!("has no route by the convention `{convention_name}`: it {why}"))?;
    Ok(Some(match (verb, path) {
        (None, None) => route,
        (verb, Some(path)) => {
            let verb = verb.unwrap_or(route.method);
            usual(method, verb, path).answering(route.status)
        }
        (Some(verb), None) => {
            // What is in the path stays there.
            let mut other = Route::new(verb, route.path).answering(route.status);
            let in_path =
                |(_, location): &(String, Location)| matches!(location, Location::Path(_));
            other.locations = route.locations.into_iter().filter(in_path).collect();
            other.others_as_usual(method)
        }
    }))
}

/// A route at a path that is given: arguments that it names are in it.
fn usual(method: &Method, verb: http::Method, path: &str) -> Route {
    let mut route = Route::new(verb, path);
    if let Ok(template) = Template::read(path) {
        for name in template.parameters() {
            if method.arguments().iter().any(|one| one.name() == name) {
                route = route.with(name, Location::Path(name.to_owned()));
            }
        }
    }
    route.others_as_usual(method)
}

fn verb(name: &str) -> Result<http::Method, String> {
    let allowed = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    if !allowed.contains(&name) {
        return Err(format!(
            "has the verb `{name}`; expected one of `{}`",
            allowed.join("`, `")
        ));
    }
    http::Method::from_bytes(name.as_bytes()).map_err(|error| error.to_string())
}

/// A route whose path was read.
struct Draft<'a> {
    method: &'a Method,
    /// Where a file says what the route is, if one does.
    overridden: Option<Place>,
    route: Route,
    template: Template,
    /// Whether it may be called again, where a file says so.
    idempotent: Option<bool>,
}

impl<'a> Draft<'a> {
    fn new(
        method: &'a Method,
        overridden: Option<Place>,
        route: Route,
        prefix: &str,
        problems: &mut Problems,
    ) -> Option<Self> {
        let whole = match (prefix, &*route.path) {
            ("", path) => path.to_owned(),
            (prefix, "/") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}{path}"),
        };
        let wrong = |what: String| {
            let message = format!("method `{}` {what}", method.name());
            about(method, overridden.as_ref(), message)
        };
        if let Err(why) = verb(route.method.as_str()) {
            problems.push(wrong(why));
            return None;
        }
        let template = match Template::read(&route.path).and_then(|_| Template::read(&whole)) {
            Ok(template) => template,
            Err(why) => {
                problems.push(wrong(format!("has the path `{whole}`, which {why}")));
                return None;
            }
        };
        for parameter in template.parameters() {
            let at = Location::Path(parameter.to_owned());
            let filled = route.locations.values().filter(|location| **location == at);
            if filled.count() != 1 {
                problems.push(wrong(format!(
                    "has the path `{template}`, and not one argument `{parameter}`"
                )));
                return None;
            }
        }
        Some(Self {
            method,
            overridden,
            route,
            template,
            idempotent: None,
        })
    }

    fn known(&self) -> Known<'_> {
        (self.method, &self.route, &self.template)
    }

    /// Says whether it may be called again, where a file does.
    fn repeated(mut self, idempotent: Option<bool>) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Where the route is said.
    fn place(&self) -> Place {
        let overridden = self.overridden.as_ref();
        overridden.unwrap_or(self.method.place()).clone()
    }

    fn routed(
        self,
        at: usize,
        templates: &[Template],
        identity: Option<Identity>,
        problems: &mut Problems,
    ) -> Option<Arc<Routed>> {
        let mut arguments = Vec::new();
        let before = problems.errors();
        let mut taken: BTreeMap<&Location, &str> = BTreeMap::new();
        let whole = self
            .route
            .locations
            .values()
            .any(|location| *location == Location::Body);
        for argument in self.method.arguments() {
            let name = argument.name();
            let wrong = |why: String| {
                let message = format!("argument `{name}` of method `{}` {why}", self.method.name());
                about(self.method, self.overridden.as_ref(), message)
            };
            let Some(location) = self.route.locations.get(name) else {
                problems.push(wrong("has no place in a request".into()));
                continue;
            };
            if let Some(other) = taken.insert(location, name) {
                problems.push(wrong(format!("is where `{other}` is")));
            }
            if whole && matches!(location, Location::Field(_)) {
                problems.push(wrong("is a field of what is another argument".into()));
            }
            match self.kind(argument, location, templates) {
                Ok(kind) => arguments.push(Placed {
                    name,
                    optional: argument.is_optional(),
                    location: location.clone(),
                    kind,
                }),
                Err(why) => problems.push(wrong(why)),
            }
        }
        if problems.errors() > before {
            return None;
        }
        let check = Check::new(self.method.arguments());
        let check = check.map_err(|why| {
            let message = format!("method `{}` cannot be checked: {why}", self.method.name());
            problems.push(Problem::error(message).at(self.method.place().clone(), ""));
        });
        let check = check.ok()?;
        Some(Arc::new(Routed {
            at,
            name: self.method.name(),
            idempotent: self
                .idempotent
                .or(self.method.again())
                .unwrap_or(self.route.method.is_idempotent()),
            method: self.route.method,
            template: self.template,
            status: self.route.status,
            identity,
            arguments,
            check,
        }))
    }

    /// How an argument is written where it is to be.
    fn kind(
        &self,
        argument: &Argument,
        location: &Location,
        templates: &[Template],
    ) -> Result<Kind, String> {
        let shape = argument.shape();
        if shape.depth > 2 {
            return Err(
                "is an option of an option of an option, which JSON cannot tell apart".into(),
            );
        }
        let kinds = Kinds::of(&argument.read());
        let once = |place: &str| {
            if shape.depth > 1 {
                return Err(format!(
                    "is an option of an option, which cannot be told apart in {place}; it can be in a \
                     body"
                ));
            }
            Ok(())
        };
        match location {
            Location::Body if shape.optional => {
                Err("may be left out, and so cannot be the whole content".into())
            }
            Location::Body | Location::Field(_) => Ok(Kind::Json),
            Location::Path(name) => match kinds.scalar() {
                Some(scalar) if !shape.optional && !kinds.has_null() => {
                    let rivals = self.template.rivals(name, templates.iter());
                    Ok(Kind::Segment(scalar, rivals))
                }
                _ => Err(format!(
                    "is in the path `{}`, where only a text, a number or a truth value can be",
                    self.template
                )),
            },
            Location::Query(name) => {
                once("a query")?;
                if let Some(scalar) = kinds.list() {
                    return Ok(Kind::Texts(scalar));
                }
                let scalar = kinds.scalar();
                let scalar = scalar.filter(|_| shape.optional || !kinds.has_null());
                scalar.map(Kind::Text).ok_or_else(|| {
                    format!(
                        "is the query parameter `{name}`, where only a text, a number, a truth value or \
                         a list of those can be; it can be in a body, with another verb"
                    )
                })
            }
            Location::Header(name) => {
                once("a header")?;
                header(name)?;
                let scalar = kinds.scalar();
                let scalar = scalar.filter(|_| shape.optional || !kinds.has_null());
                scalar.map(Kind::Text).ok_or_else(|| {
                    format!(
                        "is the header field `{name}`, where only a text, a number or a truth value can \
                         be"
                    )
                })
            }
        }
    }
}

/// Header fields that are about the message, or that every call has.
const OWN: [&str; 18] = [
    "accept",
    "accept-encoding",
    "byname-timeout-ms",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
    "proxy-connection",
];

fn header(name: &str) -> Result<(), String> {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) if OWN.contains(&name.as_str()) => Err(format!(
            "is the header field `{name}`, which is about the message itself"
        )),
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "is the header field `{name}`, which is no name of one"
        )),
    }
}

/// Gives routes that match the same paths the same names of parameters, as routers want it.
fn harmonise(drafts: &mut [Option<Draft<'_>>]) {
    let mut first: Vec<Template> = Vec::new();
    for draft in drafts.iter_mut().flatten() {
        let Some(like) = first.iter().find(|like| like.is_same(&draft.template)) else {
            first.push(draft.template.clone());
            continue;
        };
        let renamed = draft.template.rename(like);
        for location in draft.route.locations.values_mut() {
            if let Location::Path(name) = location
                && let Some((_, new)) = renamed.iter().find(|(old, _)| old == name)
            {
                *name = new.clone();
            }
        }
    }
}

fn collisions(drafts: &[Option<Draft<'_>>], problems: &mut Problems) {
    let drafts: Vec<&Draft<'_>> = drafts.iter().flatten().collect();
    for (at, draft) in drafts.iter().enumerate() {
        let same = |other: &&&Draft<'_>| {
            other.route.method == draft.route.method && other.template.is_same(&draft.template)
        };
        if let Some(first) = drafts[..at].iter().find(same) {
            let message = format!(
                "methods `{}` and `{}` are both `{} {}`",
                first.method.name(),
                draft.method.name(),
                draft.route.method,
                draft.template
            );
            problems.push(
                Problem::error(message)
                    .at(draft.place(), format!("`{}`", draft.method.name()))
                    .at(first.place(), format!("`{}`", first.method.name())),
            );
        }
    }
}

impl Plan {
    /// Returns what the routes are of.
    #[must_use]
    pub fn interface(&self) -> &Arc<Interface> {
        &self.interface
    }

    /// Returns the methods that have a route, in the order of the trait.
    pub fn methods(&self) -> impl Iterator<Item = Arc<str>> {
        self.routed().map(|routed| routed.name.into())
    }

    /// Returns where each method is called that has a route: its name, the HTTP method, the path.
    pub fn routes(&self) -> impl Iterator<Item = (&'static str, &http::Method, String)> {
        self.routed()
            .map(|routed| (routed.name, &routed.method, routed.template.to_string()))
    }

    pub(super) fn routed(&self) -> impl Iterator<Item = &Arc<Routed>> {
        self.routes.iter().flatten()
    }

    pub(super) fn at(&self, method: usize) -> Option<&Arc<Routed>> {
        self.routes.get(method)?.as_ref()
    }
}

impl Routed {
    /// Says what is wrong with an argument; `inside` points into it (RFC 6901).
    pub(super) fn refusal(&self, at: usize, inside: &str, message: String) -> FieldError {
        let (place, field) = match self.arguments.get(at).map(|one| &one.location) {
            Some(Location::Path(name)) => (FieldPlace::Path, name.clone()),
            Some(Location::Query(name)) => (FieldPlace::Query, name.clone()),
            Some(Location::Header(name)) => (FieldPlace::Header, name.clone()),
            Some(Location::Field(name)) => {
                (FieldPlace::Body, format!("/{}{inside}", escaped(name)))
            }
            Some(Location::Body) | None => (FieldPlace::Body, inside.to_owned()),
        };
        FieldError {
            r#in: place,
            field,
            message,
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routed()).finish()
    }
}

impl fmt::Debug for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.name, self.method, self.template)
    }
}
