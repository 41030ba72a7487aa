//! What is wrong with a value, in words.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use crate::service_error::{ErrorKind, FieldError, FieldPlace, ServiceError};

/// How many faults are told; more are only counted.
const MOST: usize = 50;

/// What was found wrong so far.
#[derive(Debug)]
pub(super) struct Telling {
    place: FieldPlace,
    faults: Vec<FieldError>,
    /// How many were found.
    found: usize,
    /// The names of the parameters of the path, where they are taken by their order.
    positions: Vec<String>,
}

impl Telling {
    pub(super) fn new(place: FieldPlace) -> Self {
        Self {
            place,
            faults: Vec::new(),
            found: 0,
            positions: Vec::new(),
        }
    }

    /// Goes on with what stands in another place.
    pub(super) fn at(&mut self, place: FieldPlace) -> &mut Self {
        self.place = place;
        self
    }

    /// Names the parameters that are taken by their order.
    pub(super) fn positions(&mut self, names: Vec<String>) {
        self.positions = names;
    }

    /// Adds a fault of the value under a pointer. Of a parameter or header, the pointer begins with its
    /// name.
    pub(super) fn push(&mut self, pointer: &str, message: String) {
        if self.place == FieldPlace::Body {
            return self.add(pointer.to_owned(), message);
        }
        let mut steps = pointer.split('/').skip(1).map(unescaped);
        if self.place == FieldPlace::Path && !self.positions.is_empty() {
            let at = steps.next().and_then(|step| step.parse().ok());
            let name = self.positions.get(at.unwrap_or(0)).cloned();
            return self.add(name.unwrap_or_default(), message);
        }
        let name = steps.next().unwrap_or_default();
        match steps.next().and_then(|step| step.parse::<usize>().ok()) {
            Some(at) => self.add(name, format!("value {} {message}", at + 1)),
            None => self.add(name, message),
        }
    }

    /// Adds a fault in other words than those of the schema's rule.
    pub(super) fn expected(&mut self, error: &ValidationError<'_>, expected: &str) {
        let message = format!("is {}; expected {expected}", what(error.instance()));
        self.push(error.instance_path().as_str(), message);
    }

    /// Adds a fault of a field at the top.
    pub(super) fn name(&mut self, name: &str, message: String) {
        let field = match self.place {
            FieldPlace::Body => format!("/{}", escaped(name)),
            _ => name.to_owned(),
        };
        self.add(field, message);
    }

    fn add(&mut self, field: String, message: String) {
        self.found += 1;
        if self.faults.len() < MOST {
            self.faults.push(FieldError {
                r#in: self.place,
                field,
                message,
            });
        }
    }

    pub(super) fn push_fault(&mut self, fault: FieldError) {
        self.found += 1;
        self.faults.push(fault);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found == 0
    }

    /// Returns the first fault, of at least one.
    pub(super) fn into_first(self) -> FieldError {
        let place = self.place;
        self.faults.into_iter().next().unwrap_or(FieldError {
            r#in: place,
            field: String::new(),
            message: "is wrong".into(),
        })
    }

    /// Returns the faults, of which there are not too many.
    pub(super) fn into_faults(self) -> Vec<FieldError> {
        self.faults
    }

    /// Refuses a request that can be read and breaks its schema.
    pub(super) fn into_error(self) -> ServiceError {
        let fields = match self.found {
            1 => "one field".into(),
            found => format!("{found} fields"),
        };
        let more = match self.found - self.faults.len() {
            0 => String::new(),
            _ => format!("; the first {MOST} are told"),
        };
        let is = if self.found == 1 { "is" } else { "are" };
        let message = format!("{fields} of the request {is} wrong{more}");
        let error = ServiceError::new(ErrorKind::Unprocessable, message);
        self.faults
            .into_iter()
            .fold(error, ServiceError::with_field)
    }
}

/// A step of a JSON pointer (RFC 6901, section 3).
pub(crate) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// Tells what a schema says against a value. It repeats no text that was sent.
pub(super) fn tell(error: &ValidationError<'_>, telling: &mut Telling) {
    use ValidationErrorKind as Kind;
    let at = error.instance_path().as_str();
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            telling.push(&format!("{at}/{}", escaped(name)), "is missing".into());
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                telling.push(&format!("{at}/{}", escaped(name)), "is not known".into());
            }
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => match meant(context, at) {
            Some(errors) => errors.iter().for_each(|error| tell(error, telling)),
            None => telling.push(at, alternatives(context, at)),
        },
        kind => {
            let texts = telling.place != FieldPlace::Body;
            telling.push(at, said(kind, error.instance(), texts));
        }
    }
}

/// Of several forms, the one that a value was meant to have: the only one whose marks it bears.
fn meant<'c>(
    context: &'c [Vec<ValidationError<'static>>],
    at: &str,
) -> Option<&'c [ValidationError<'static>]> {
    let mut marked = context
        .iter()
        .filter(|errors| !errors.iter().any(|error| is_mark(error, at)));
    let found = marked.next()?;
    marked.next().is_none().then_some(found)
}

/// Whether an error says that a form is not meant: the type of the value, or the tag in it, is another.
fn is_mark(error: &ValidationError<'_>, at: &str) -> bool {
    use ValidationErrorKind as Kind;
    let path = error.instance_path().as_str();
    let deeper = path.get(at.len()..).unwrap_or_default();
    match error.kind() {
        Kind::Type { .. } | Kind::Required { .. } => deeper.is_empty(),
        Kind::Constant { .. } | Kind::Enum { .. } => deeper.matches('/').count() <= 1,
        _ => false,
    }
}

/// What is said if no form is meant more than another.
fn alternatives(context: &[Vec<ValidationError<'static>>], at: &str) -> String {
    let mut allowed = Vec::new();
    for error in context.iter().flatten() {
        match error.kind() {
            ValidationErrorKind::Constant { expected_value } => {
                allowed.push(quoted(expected_value));
            }
            ValidationErrorKind::Enum { options } => {
                allowed.extend(options.as_array().into_iter().flatten().map(quoted));
            }
            // A null that could have been there is not worth a word.
            ValidationErrorKind::Type { kind } if names(kind) == ["null"] => continue,
            _ => return format!("has none of the {} forms that are allowed", context.len()),
        }
        if error.instance_path().as_str() != at {
            return format!("has none of the {} forms that are allowed", context.len());
        }
    }
    format!("is not allowed; expected {}", listed(&allowed))
}

/// What a rule says of a value; no text is null, and where `texts` are sent that is not worth a word.
fn said(kind: &ValidationErrorKind, value: &Value, texts: bool) -> String {
    use ValidationErrorKind as Kind;
    let expected = match kind {
        Kind::Type { kind } => {
            let mut names = names(kind);
            names.sort_unstable_by_key(|name| *name == "null");
            names.retain(|name| !texts || *name != "null");
            listed(&names.into_iter().map(article).collect::<Vec<_>>())
        }
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        Kind::MinLength { limit } => counted("at least", *limit, "character"),
        Kind::MaxLength { limit } => counted("at most", *limit, "character"),
        Kind::MinItems { limit } => counted("at least", *limit, "item"),
        Kind::MaxItems { limit } => counted("at most", *limit, "item"),
        Kind::AdditionalItems { limit } => counted("at most", *limit as u64, "item"),
        Kind::MinProperties { limit } => counted("at least", *limit, "field"),
        Kind::MaxProperties { limit } => counted("at most", *limit, "field"),
        Kind::Pattern { pattern } => format!("a match of `{pattern}`"),
        Kind::Format { format } => format!("a text of the format `{format}`"),
        Kind::Constant { expected_value } => quoted(expected_value),
        Kind::Enum { options } => {
            let options: Vec<String> = options
                .as_array()
                .into_iter()
                .flatten()
                .map(quoted)
                .collect();
            listed(&options)
        }
        Kind::UniqueItems => return "has an item twice".into(),
        Kind::Contains => return "lacks an item that must be there".into(),
        Kind::OneOfMultipleValid { .. } => {
            return "has several forms that exclude each other".into();
        }
        Kind::FalseSchema => return "is not allowed".into(),
        kind => return format!("breaks the rule `{}`", kind.keyword()),
    };
    format!("is {}; expected {expected}", what(value))
}

/// What a value is: a number is told, of a text its length alone.
fn what(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => counted("a text of", text.chars().count() as u64, "character"),
        Value::Array(list) => counted("a list of", list.len() as u64, "item"),
        Value::Object(_) => "an object".into(),
    }
}

fn counted(before: &str, count: u64, what: &str) -> String {
    let many = if count == 1 { "" } else { "s" };
    format!("{before} {count} {what}{many}")
}

fn names(kind: &TypeKind) -> Vec<&'static str> {
    match kind {
        TypeKind::Single(one) => vec![one.as_str()],
        TypeKind::Multiple(all) => all.iter().map(JsonType::as_str).collect(),
    }
}

fn article(name: &str) -> String {
    match name {
        "null" => "null".into(),
        "string" => "a text".into(),
        "array" => "a list".into(),
        "boolean" => "true or false".into(),
        "integer" | "object" => format!("an {name}"),
        name => format!("a {name}"),
    }
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

fn listed(all: &[String]) -> String {
    match all {
        [] => "something else".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
