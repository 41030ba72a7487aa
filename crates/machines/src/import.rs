//! Machines as JSON: out to a list, and in from one.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};

use crate::error::MachinesError;
use crate::fleet::Fleet;
use crate::machines::{Machines, write};
use crate::model::{Definition, Invalid, Machine, MachineName, Timestamp, read};
use byname_registry::{nearest, suggestion};

/// What to do with a machine that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExisting {
    /// Refuse the import.
    #[default]
    Refuse,
    /// Leave the one that is there.
    Skip,
    /// Replace it.
    Replace,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The names that were added, in order.
    pub added: Vec<MachineName>,
    /// The names whose machines were replaced, in order.
    pub replaced: Vec<MachineName>,
    /// The names that were left as they were, in order.
    pub skipped: Vec<MachineName>,
    /// The revision that shows all of it.
    pub revision: u64,
}

/// Why nothing was imported.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// The text is no JSON, or neither of the shapes that are read.
    Text {
        /// What is wrong, where, and what was expected.
        message: String,
    },
    /// Some machines cannot be imported, so none was.
    Problems(Vec<ImportProblem>),
    /// The registry refused it.
    Machines(MachinesError),
}

/// What is wrong with one machine of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportProblem {
    /// Which one: its place and, if it has one, its name.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { message } => write!(f, "nothing was imported: {message}"),
            Self::Problems(problems) => {
                write!(f, "nothing was imported: {} problems", problems.len())?;
                for problem in problems {
                    write!(f, "\n  {problem}")?;
                }
                Ok(())
            }
            Self::Machines(error) => write!(f, "nothing was imported: {error}"),
        }
    }
}

impl Error for ImportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Machines(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MachinesError> for ImportError {
    fn from(error: MachinesError) -> Self {
        Self::Machines(error)
    }
}

const SHAPES: &str = "a list of objects with `name`, as export writes it, or an object with \
                      `\"version\": 1` and `machines`";
const FIELDS: [&str; 13] = [
    "name", "revision", "kind", "host", "key", "folder", "labels", "capacity", "models", "url",
    "notes", "created", "updated",
];
const OLD_FIELDS: [&str; 5] = ["name", "type", "host", "key_path", "town_path"];

impl Fleet {
    /// Writes all machines but `local` as a JSON list of objects with `name`, two spaces deep, which
    /// [`Machines::import`] reads.
    #[must_use]
    pub fn export(&self) -> String {
        let machines: Vec<Machine> = self.iter().filter(|m| !m.name.is_local()).collect();
        let mut text = serde_json::to_string_pretty(&machines)
            .unwrap_or_else(|error| unreachable!("a machine is JSON: {error}"));
        text.push('\n');
        text
    }
}

/// What an import brings.
type Batch = BTreeMap<MachineName, (String, Definition)>;

/// Reads a text one machine after the other and remembers what is wrong.
#[derive(Default)]
struct Reader {
    batch: Batch,
    problems: Vec<ImportProblem>,
}

impl Reader {
    fn problem(&mut self, place: &str, message: impl Into<String>) {
        self.problems.push(ImportProblem {
            place: place.to_owned(),
            message: message.into(),
        });
    }

    fn known(&mut self, place: &str, map: &Map<String, Value>, known: &[&'static str]) {
        for field in map.keys().filter(|field| !known.contains(&&***field)) {
            let near = suggestion(&nearest(known.iter().copied(), field));
            let message = format!("there is no field `{}`{near}", field.escape_debug());
            self.problem(place, message);
        }
    }

    /// Takes a machine unless something is wrong with it.
    fn take(&mut self, place: String, name: &str, map: &Map<String, Value>) {
        let name = MachineName::new(name);
        let definition = read(map);
        if let Err(error) = &name {
            self.problem(&place, error.to_string());
        }
        for error in definition.as_ref().err().into_iter().flatten() {
            self.problem(&place, error.to_string());
        }
        let (Ok(name), Ok(definition)) = (name, definition) else {
            return;
        };
        if name.is_local() {
            // A list of all machines has it too; it says nothing then.
            if definition != Definition::local() {
                self.problem(&place, MachinesError::Protected.to_string());
            }
            return;
        }
        if let Some((earlier, _)) = self.batch.get(&name) {
            let message = format!("the name is that of {earlier} too");
            self.problem(&place, message);
            return;
        }
        self.batch.insert(name, (place, definition));
    }

    fn list(&mut self, list: &[Value]) {
        for (index, value) in list.iter().enumerate() {
            let place = format!("machine {}", index + 1);
            let Some(map) = value.as_object() else {
                self.problem(&place, "expected an object with `name`");
                continue;
            };
            let Some(name) = map.get("name").and_then(Value::as_str) else {
                self.problem(&place, "name: expected a string");
                continue;
            };
            let place = format!("{place} `{}`", name.escape_debug());
            self.known(&place, map, &FIELDS);
            self.take(place, name, map);
        }
    }

    /// The shape of an earlier kind of registry: texts that are empty say nothing.
    fn old(&mut self, machines: &Map<String, Value>) {
        for (name, value) in machines {
            let place = format!("machine `{}`", name.escape_debug());
            let Some(map) = value.as_object() else {
                self.problem(&place, "expected an object with `type`");
                continue;
            };
            self.known(&place, map, &OLD_FIELDS);
            let inner = map.get("name").and_then(Value::as_str).unwrap_or_default();
            if !inner.is_empty() && inner != name {
                let message = format!(
                    "name: found {inner:?}, expected {name:?}, under which it stands, or nothing"
                );
                self.problem(&place, message);
            }
            let mut renamed = Map::new();
            for (old, new) in [
                ("type", "kind"),
                ("host", "host"),
                ("key_path", "key"),
                ("town_path", "folder"),
            ] {
                if let Some(value) = map.get(old).filter(|value| value.as_str() != Some("")) {
                    renamed.insert(new.to_owned(), value.clone());
                }
            }
            self.take(place, name, &renamed);
        }
    }

    fn read(text: &str) -> Result<Batch, ImportError> {
        let failed = |message: String| ImportError::Text { message };
        let value: Value = serde_json::from_str(text).map_err(|error| failed(error.to_string()))?;
        let mut reader = Self::default();
        match &value {
            Value::Array(list) => reader.list(list),
            Value::Object(map) => match (map.get("version"), map.get("machines")) {
                (Some(version), Some(Value::Object(machines))) => {
                    if version.as_u64() != Some(1) {
                        return Err(failed(format!("version: found {version}, expected 1")));
                    }
                    reader.known("the document", map, &["version", "machines"]);
                    reader.old(machines);
                }
                _ => return Err(failed(format!("expected {SHAPES}"))),
            },
            _ => return Err(failed(format!("expected {SHAPES}"))),
        }
        if reader.problems.is_empty() {
            Ok(reader.batch)
        } else {
            Err(ImportError::Problems(reader.problems))
        }
    }
}

impl Machines {
    /// Adds the machines of a JSON text, as one revision: all of them, or none and what is wrong
    /// with each.
    ///
    /// The text is what [`Fleet::export`] writes (revisions in it are passed over, times are kept),
    /// or an object with `"version": 1` and `machines`, an object of `type`, `host`, `key_path` and
    /// `town_path` by name. A field that is not known is a fault.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; nothing has been changed then.
    pub fn import(&self, text: &str, existing: OnExisting) -> Result<Imported, ImportError> {
        let batch = Reader::read(text)?;
        let now = self.time();
        self.durable().latest().map_err(MachinesError::from)?;
        let mut problems = Vec::new();
        let done = self.durable().transaction(|draft| {
            problems.clear();
            let mut imported = Imported::default();
            for (name, (place, definition)) in &batch {
                let found = draft.entry_revision(name.as_str());
                let present = draft.get(name.as_str());
                match (present, existing) {
                    (None, _) => imported.added.push(name.clone()),
                    (Some(_), OnExisting::Refuse) => {
                        problems.push(ImportProblem {
                            place: place.clone(),
                            message: MachinesError::Exists {
                                name: name.clone(),
                                revision: found,
                            }
                            .to_string(),
                        });
                        continue;
                    }
                    (Some(present), OnExisting::Replace) if !same(present, definition) => {
                        imported.replaced.push(name.clone());
                    }
                    (Some(_), _) => {
                        imported.skipped.push(name.clone());
                        continue;
                    }
                }
                let created = definition.created.or(present.and_then(|p| p.created));
                let updated = match present {
                    None => definition.updated,
                    Some(_) => None,
                };
                write(
                    draft,
                    name.as_str(),
                    stamped(definition, created, updated, now),
                )?;
            }
            match problems.first() {
                None => Ok(imported),
                Some(_) => Err(refused()),
            }
        });
        match done {
            Ok(done) => Ok(Imported {
                revision: done.revision,
                ..done.value
            }),
            Err(_) if !problems.is_empty() => Err(ImportError::Problems(problems)),
            Err(error) => Err(MachinesError::from(error).into()),
        }
    }
}

/// Whether both say the same, apart from when.
fn same(present: &Definition, definition: &Definition) -> bool {
    let mut present = present.clone();
    present.created = definition.created;
    present.updated = definition.updated;
    present == *definition
}

fn stamped(
    definition: &Definition,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
    now: Timestamp,
) -> Definition {
    let mut definition = definition.clone();
    definition.created = Some(created.unwrap_or(now));
    definition.updated = Some(updated.unwrap_or(now));
    definition
}

/// Ends a transaction whose problems are told otherwise.
fn refused() -> MachinesError {
    MachinesError::invalid("", Invalid::new("name", "", "a name that is free"))
}
