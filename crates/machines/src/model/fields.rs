//! Reading a definition out of a JSON object, with every fault of it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::{Accelerator, Capacity, Definition, Host, Invalid, Kind, Labels, Timestamp};

/// The fields of an object, and what is wrong with them.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    /// Put before the names of fields in messages.
    prefix: String,
    problems: Vec<Invalid>,
}

impl<'a> Fields<'a> {
    fn new(map: &'a Map<String, Value>, prefix: &str) -> Self {
        Self {
            map,
            prefix: prefix.to_owned(),
            problems: Vec::new(),
        }
    }

    /// The value of a field; `null` is as good as nothing.
    fn value(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }

    fn wrong(&mut self, field: &str, value: &Value, expected: &'static str) {
        let field = format!("{}{field}", self.prefix);
        let shown = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.problems.push(Invalid::new(field, &shown, expected));
    }

    fn text(&mut self, field: &str) -> Option<&'a str> {
        let value = self.value(field)?;
        let text = value.as_str();
        if text.is_none() {
            self.wrong(field, value, "a string");
        }
        text
    }

    fn parsed<T: FromStr<Err = Invalid>>(&mut self, field: &str) -> Option<T> {
        let parsed = self.text(field)?.parse();
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(mut error) => {
                error.field = format!("{}{field}", self.prefix);
                self.problems.push(error);
                None
            }
        }
    }

    fn number<T: TryFrom<u64>>(&mut self, field: &str, expected: &'static str) -> Option<T> {
        let value = self.value(field)?;
        let number = value.as_u64().and_then(|number| number.try_into().ok());
        if number.is_none() {
            self.wrong(field, value, expected);
        }
        number
    }

    fn list(&mut self, field: &str, expected: &'static str) -> Option<&'a [Value]> {
        let value = self.value(field)?;
        let list = value.as_array().map(Vec::as_slice);
        if list.is_none() {
            self.wrong(field, value, expected);
        }
        list
    }

    fn object(&mut self, field: &str, expected: &'static str) -> Option<&'a Map<String, Value>> {
        let value = self.value(field)?;
        let object = value.as_object();
        if object.is_none() {
            self.wrong(field, value, expected);
        }
        object
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.problems).finish()
    }
}

const CORES: &str = "a whole number from 1 to 4294967295";
const BYTES: &str = "a whole number of bytes";

/// Reads and checks a definition; passes over fields that it does not know.
///
/// # Errors
///
/// Every fault there is.
pub(crate) fn read(map: &Map<String, Value>) -> Result<Definition, Vec<Invalid>> {
    let mut fields = Fields::new(map, "");
    let kind = fields.parsed::<Kind>("kind");
    if fields.value("kind").is_none() {
        let expected = "`local`, `ssh` or another kind";
        fields.problems.push(Invalid::new("kind", "", expected));
    }
    let mut found = Definition::new(kind.clone().unwrap_or(Kind::LOCAL));
    found.host = fields.parsed::<Host>("host");
    found.key = fields.text("key").map(str::to_owned);
    found.folder = fields.text("folder").map(str::to_owned);
    found.labels = labels(&mut fields);
    found.capacity = capacity(&mut fields);
    found.models = models(&mut fields);
    found.url = fields.text("url").map(str::to_owned);
    found.notes = String::from(fields.text("notes").unwrap_or_default());
    found.created = fields.parsed::<Timestamp>("created");
    found.updated = fields.parsed::<Timestamp>("updated");
    let mut problems = fields.problems;
    if let Err(further) = found.check() {
        // What follows from a field that could not be read is no fault of its own.
        let told = |field: &str| {
            (kind.is_none() && matches!(field, "host" | "key"))
                || problems.iter().any(|problem| problem.field == field)
        };
        let further: Vec<_> = further
            .into_iter()
            .filter(|problem| !told(&problem.field))
            .collect();
        problems.extend(further);
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(problems)
    }
}

fn labels(fields: &mut Fields<'_>) -> Labels {
    let mut labels = Labels::new();
    let expected = "an object of keys and strings";
    for (key, value) in fields.object("labels", expected).into_iter().flatten() {
        let Some(text) = value.as_str() else {
            fields.wrong(&format!("labels.{key}"), value, "a string");
            continue;
        };
        if let Err(error) = labels.insert(key, text) {
            fields.problems.push(error);
        }
    }
    labels
}

fn capacity(fields: &mut Fields<'_>) -> Capacity {
    let expected = "an object with `cores`, `memory_bytes`, `accelerators`";
    let Some(map) = fields.object("capacity", expected) else {
        return Capacity::unknown();
    };
    let mut inner = Fields::new(map, "capacity.");
    let mut capacity = Capacity::unknown();
    capacity.cores = inner.number("cores", CORES);
    capacity.memory_bytes = inner.number("memory_bytes", BYTES);
    let expected = "a list of objects with `kind` and `count`";
    let list = inner.list("accelerators", expected);
    capacity.accelerators = list.map(|list| {
        let one = |(index, value)| accelerator(index, value, &mut inner.problems);
        list.iter().enumerate().filter_map(one).collect()
    });
    fields.problems.append(&mut inner.problems);
    capacity
}

fn accelerator(index: usize, value: &Value, problems: &mut Vec<Invalid>) -> Option<Accelerator> {
    let outer = format!("capacity.accelerators[{index}]");
    let Some(map) = value.as_object() else {
        let expected = "an object with `kind` and `count`";
        problems.push(Invalid::new(outer, &value.to_string(), expected));
        return None;
    };
    let mut fields = Fields::new(map, &format!("{outer}."));
    let kind = fields.text("kind").map(str::to_owned);
    let count = fields.number("count", CORES);
    let memory_bytes = fields.number("memory_bytes", BYTES);
    for (field, missing) in [
        ("kind", fields.value("kind").is_none()),
        ("count", fields.value("count").is_none()),
    ] {
        if missing {
            let expected = "a value: an accelerator has `kind` and `count`";
            fields.wrong(field, &Value::String(String::new()), expected);
        }
    }
    problems.append(&mut fields.problems);
    Some(Accelerator {
        kind: kind?,
        count: count?,
        memory_bytes,
    })
}

fn models(fields: &mut Fields<'_>) -> BTreeSet<String> {
    let mut models = BTreeSet::new();
    let list = fields.list("models", "a list of ids").unwrap_or_default();
    for (index, value) in list.iter().enumerate() {
        match value.as_str() {
            Some(text) => _ = models.insert(text.to_owned()),
            None => fields.wrong(&format!("models[{index}]"), value, "a string"),
        }
    }
    models
}
