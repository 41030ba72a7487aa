//! A compiled schema, and what it is for.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fields::{Fields, Kinds};
use super::schema::Schema;
use super::tell::{Telling, escaped, tell};
use crate::service_error::{FieldError, FieldPlace, ServiceError};

/// An extractor that checks what it extracts.
pub(crate) trait Checked: 'static {
    /// Compiles its schema; or says why that cannot be.
    fn check() -> Result<Check, String>;
}

/// A compiled schema, of what stands in one place of a request.
#[derive(Debug)]
pub(crate) struct Check {
    pub(super) place: FieldPlace,
    pub(super) schema: Schema,
    pub(super) shape: Shape,
    validator: Validator,
}

/// What texts are made of.
#[derive(Debug)]
pub(super) enum Shape {
    /// Nothing: it is JSON as it comes.
    Whole,
    /// Fields by name.
    Named(Fields),
    /// The parameters of the path, in their order.
    Ordered(Vec<Kinds>),
    /// The one parameter of the path.
    Single(Kinds),
}

impl Check {
    /// Compiles the schema of JSON.
    pub(crate) fn whole(schema: Schema) -> Result<Self, String> {
        Self::new(FieldPlace::Body, schema, Shape::Whole)
    }

    /// Compiles the schema of named texts.
    pub(super) fn named(place: FieldPlace, schema: Schema) -> Result<Self, String> {
        let fields = Fields::of(place, &schema)?;
        Self::new(place, schema, Shape::Named(fields))
    }

    /// Compiles the schema of the parameters of a path, by name or by their order.
    pub(super) fn of_path(schema: Schema) -> Result<Self, String> {
        let root = schema.resolve(&schema.root);
        let shape = if let Some(Value::Array(items)) = root.get("prefixItems") {
            let kinds = items.iter().map(|item| Kinds::of(&schema, item));
            Shape::Ordered(kinds.collect())
        } else {
            let kinds = Kinds::of(&schema, root);
            if kinds.is_scalar() {
                Shape::Single(kinds)
            } else {
                Shape::Named(Fields::of(FieldPlace::Path, &schema)?)
            }
        };
        Self::new(FieldPlace::Path, schema, shape)
    }

    fn new(place: FieldPlace, schema: Schema, shape: Shape) -> Result<Self, String> {
        let validator = options()
            .build(&schema.whole())
            .map_err(|error| format!("its schema is wrong: {error}"))?;
        Ok(Self {
            place,
            schema,
            shape,
            validator,
        })
    }

    /// Returns what is wrong with JSON, with pointers into it.
    pub(crate) fn faults(&self, value: &Value) -> Vec<FieldError> {
        let mut telling = Telling::new(FieldPlace::Body);
        self.judge(value, &mut telling);
        telling.into_faults()
    }

    /// Adds what is wrong with a value to what is known to be wrong.
    pub(super) fn judge(&self, value: &Value, telling: &mut Telling) {
        if self.validator.is_valid(value) {
            return;
        }
        if is_small(value) {
            for error in self.validator.iter_errors(value) {
                self.tell(&error, telling);
            }
        } else if let Err(error) = self.validator.validate(value) {
            self.tell(&error, telling);
        }
    }

    /// Tells what was expected in the words of the schema where it has some: a pattern is for programs.
    fn tell(&self, error: &ValidationError<'_>, telling: &mut Telling) {
        let title = match error.kind() {
            ValidationErrorKind::Pattern { .. } => self.title(error.schema_path().as_str()),
            _ => None,
        };
        match title {
            Some(title) => telling.expected(error, &title),
            None => tell(error, telling),
        }
    }

    /// The title of the part of the schema that a keyword stands in.
    fn title(&self, keyword: &str) -> Option<String> {
        let (part, _) = keyword.rsplit_once('/')?;
        let whole = self.schema.whole();
        Some(whole.pointer(part)?.get("title")?.as_str()?.to_owned())
    }

    /// Judges a content, adds what is wrong to what has been told of it, and reads it if nothing is.
    pub(super) fn bind<T: DeserializeOwned>(
        &self,
        value: Value,
        mut telling: Telling,
    ) -> Result<T, ServiceError> {
        self.judge(&value, &mut telling);
        if telling.is_empty() {
            match self.read(value) {
                Ok(read) => return Ok(read),
                Err(fault) => telling.push_fault(fault),
            }
        }
        Err(telling.into_error())
    }

    /// Reads a value that the schema allows. What the type refuses all the same is told like the rest.
    pub(super) fn read<T: DeserializeOwned>(&self, mut value: Value) -> Result<T, FieldError> {
        if let Ok(read) = T::deserialize(&value) {
            return Ok(read);
        }
        // 1.0 is an integer in JSON Schema, and none to serde.
        round(&mut value);
        serde_path_to_error::deserialize(&value).map_err(|error| {
            let mut telling = Telling::new(self.place);
            telling.push(&pointer(error.path()), error.inner().to_string());
            telling.into_first()
        })
    }
}

/// How schemas are compiled. A format that nobody knows is an error, and no pattern takes longer than
/// linear time.
fn options() -> jsonschema::ValidationOptions<'static> {
    let mut options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex())
        .with_format("ip", |text| text.parse::<std::net::IpAddr>().is_ok());
    for name in ANNOTATIONS {
        options = options.with_format(name, |_| true);
    }
    options
}

/// Formats that are said for readers: of numbers, whose bounds are in the schema, and of texts that
/// their types look at when they read them.
const ANNOTATIONS: [&str; 22] = [
    "binary",
    "byte",
    "double",
    "float",
    "int",
    "int128",
    "int16",
    "int32",
    "int64",
    "int8",
    "partial-date-time",
    "partial-time",
    "password",
    "uint",
    "uint128",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "zoned-date-time",
    "bytes",
    "decimal",
];

/// How many values a value may be made of for all of its faults to be told: of a larger one, the first
/// is, since the list of faults may be a hundred times as large as what was sent.
const SMALL: usize = 4096;

fn is_small(value: &Value) -> bool {
    fn count(value: &Value, left: &mut usize) -> bool {
        *left = left.saturating_sub(1);
        *left > 0
            && match value {
                Value::Array(list) => list.iter().all(|value| count(value, left)),
                Value::Object(map) => map.values().all(|value| count(value, left)),
                _ => true,
            }
    }
    count(value, &mut SMALL.clone())
}

/// Writes every whole number as an integer.
#[allow(
    clippy::cast_possible_truncation,
    reason = "it is within what an i64 holds"
)]
pub(crate) fn round(value: &mut Value) {
    // Beyond this not every integer is a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(float) = number.as_f64()
                && float.fract() == 0.0
                && float.abs() <= EXACT
            {
                *value = Value::from(float as i64);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(round),
        Value::Object(map) => Map::values_mut(map).for_each(round),
        _ => {}
    }
}

/// A path of serde as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => escaped(key),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&step);
    }
    pointer
}
