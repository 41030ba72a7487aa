use std::fmt;
use std::path::Path;
use std::sync::Arc;

use byname_registry::{Draft, Registry, nearest};
use byname_store::{Condition, Durable, FileOptions, FileStore, Health, Json, Store, StoreError};

use crate::error::MachinesError;
use crate::fleet::{Fleet, reason};
use crate::model::{Definition, Invalid, Machine, MachineName, Timestamp};

use crate::selector::Selector;

type Clock = dyn Fn() -> Timestamp + Send + Sync;

/// The machines of a fleet, by name.
///
/// # Consistency
///
/// A change is durable when the call returns, and whoever reads afterwards sees it, in every process
/// that shares the store. [`latest`](Self::latest) and what is built on it (`get`, `list`, `select`)
/// show every change that was acknowledged anywhere before the call; [`cached`](Self::cached) never
/// waits and may be behind. Fields of an entry that this program does not know are kept.
#[derive(Clone)]
pub struct Machines {
    durable: Durable<Definition>,
    clock: Arc<Clock>,
}

impl Machines {
    /// The name of the document in a data folder.
    pub const FILE: &'static str = "machines.json";

    /// Opens the machines that `store` keeps.
    ///
    /// # Errors
    ///
    /// [`MachinesError::Store`].
    pub fn open(store: Arc<dyn Store>) -> Result<Self, MachinesError> {
        let options = Durable::options().label("machines");
        Ok(Self::of(options.open(store)?))
    }

    /// Opens the machines in `machines.json` of a data folder, which is shared with every process of
    /// this machine.
    ///
    /// An edit by hand that is not valid is refused as a whole: the last good state stays, and
    /// [`health`](Self::health) tells the place and the reason.
    ///
    /// # Errors
    ///
    /// [`MachinesError::Store`].
    pub fn open_file(folder: impl AsRef<Path>) -> Result<Self, MachinesError> {
        Self::open_file_with(folder, FileOptions::new())
    }

    /// Opens the machines in `machines.json` of a data folder as `options` say. The check of values
    /// in them is replaced by [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// [`MachinesError::Store`].
    pub fn open_file_with(
        folder: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<Self, MachinesError> {
        let path = folder.as_ref().join(Self::FILE);
        let store = FileStore::open(path, options.check(Self::check))?;
        Self::open(Arc::new(store))
    }

    /// Takes a durable registry that was opened elsewhere, with other options say.
    #[must_use]
    pub fn of(durable: Durable<Definition>) -> Self {
        Self {
            durable,
            clock: Arc::new(Timestamp::now),
        }
    }

    /// Takes the time that goes into `created` and `updated` from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks an entry that somebody wrote by hand: for
    /// [`FileOptions::check`](byname_store::FileOptions::check).
    ///
    /// # Errors
    ///
    /// What is wrong with it: its name, or any of its fields.
    pub fn check(name: &str, value: &Json) -> Result<(), String> {
        if let Some(reason) = reason(name) {
            return Err(reason);
        }
        match value.read::<Definition>() {
            Ok(_) => Ok(()),
            Err(error) => Err(error.message),
        }
    }

    /// Returns the registry under it, to observe: its entries are those of the document.
    #[must_use]
    pub fn registry(&self) -> &Registry<Definition> {
        self.durable.registry()
    }

    /// Returns the durable registry under it.
    #[must_use]
    pub fn durable(&self) -> &Durable<Definition> {
        &self.durable
    }

    /// Returns how the store is, and which of its entries cannot be read. Entries that can be read
    /// and are not used are told by [`Fleet::unusable`].
    #[must_use]
    pub fn health(&self) -> Health {
        self.durable.health()
    }

    pub(crate) fn time(&self) -> Timestamp {
        (self.clock)()
    }
}

/// # Reading
impl Machines {
    /// Returns all machines as they are now.
    ///
    /// # Errors
    ///
    /// [`MachinesError::Store`].
    pub fn latest(&self) -> Result<Fleet, MachinesError> {
        Ok(Fleet::new(self.durable.latest()?.snapshot()))
    }

    /// Returns all machines as they are known to this process, without waiting.
    #[must_use]
    pub fn cached(&self) -> Fleet {
        Fleet::new(self.durable.registry().snapshot())
    }

    /// Returns a machine as it is now.
    ///
    /// # Errors
    ///
    /// [`MachinesError::NotFound`], [`MachinesError::Store`].
    pub fn get(&self, name: &str) -> Result<Machine, MachinesError> {
        self.latest()?.get(name)
    }

    /// Returns all machines as they are now, `local` among them, ordered by name.
    ///
    /// # Errors
    ///
    /// [`MachinesError::Store`].
    pub fn list(&self) -> Result<Vec<Machine>, MachinesError> {
        Ok(self.latest()?.list())
    }

    /// Returns the machines that a selector matches now, ordered by name.
    ///
    /// # Errors
    ///
    /// [`MachinesError::Store`].
    pub fn select(&self, selector: &Selector) -> Result<Vec<Machine>, MachinesError> {
        Ok(self.latest()?.select(selector))
    }
}

/// # Changing
///
/// Each call is one revision, and returns when it is durable.
impl Machines {
    /// Adds a machine of a new name. `created` and `updated` become the present time.
    ///
    /// # Errors
    ///
    /// [`MachinesError::Exists`], [`MachinesError::Invalid`], [`MachinesError::Protected`],
    /// [`MachinesError::Store`].
    pub fn add(&self, name: &str, mut definition: Definition) -> Result<Machine, MachinesError> {
        let name = own(name)?;
        let now = self.time();
        definition.created = Some(now);
        definition.updated = Some(now);
        check(&name, &definition)?;
        let added = self.durable.register(name.as_str(), &definition);
        let revision = added.map_err(|error| match error {
            StoreError::Condition { found, .. } => MachinesError::Exists {
                name: name.clone(),
                revision: found,
            },
            other => other.into(),
        })?;
        Ok(Machine {
            name,
            revision,
            definition,
        })
    }

    /// Changes a machine; one that is left as it was is not written. `updated` becomes the present
    /// time.
    ///
    /// With `expected`, only if the machine is at that revision. `change` works on a copy, holds no
    /// lock, and runs again when somebody else changed the machine meanwhile.
    ///
    /// # Errors
    ///
    /// [`MachinesError::NotFound`], [`MachinesError::Moved`], [`MachinesError::Invalid`] with what
    /// `change` returned or made, [`MachinesError::Protected`], [`MachinesError::Conflict`],
    /// [`MachinesError::Store`].
    pub fn update(
        &self,
        name: &str,
        expected: Option<u64>,
        mut change: impl FnMut(&mut Definition) -> Result<(), Invalid>,
    ) -> Result<Machine, MachinesError> {
        let name = own(name)?;
        self.durable.latest()?;
        let done = self.durable.transaction(|draft| {
            let present = present(draft, &name, expected)?;
            let mut definition = present.clone();
            change(&mut definition)
                .map_err(|problem| MachinesError::invalid(name.as_str(), problem))?;
            let changed = definition != *present;
            if changed {
                definition.updated = Some(self.time());
            }
            check(&name, &definition)?;
            let before = draft.entry_revision(name.as_str());
            if changed {
                write(draft, name.as_str(), definition.clone())?;
            }
            Ok((definition, before, changed))
        })?;
        let (definition, before, changed) = done.value;
        Ok(Machine {
            name,
            revision: if changed { done.revision } else { before },
            definition,
        })
    }

    /// Removes a machine, with `expected` only if it is at that revision. Returns the revision of
    /// the change.
    ///
    /// # Errors
    ///
    /// [`MachinesError::NotFound`], [`MachinesError::Moved`], [`MachinesError::Protected`],
    /// [`MachinesError::Store`].
    pub fn remove(&self, name: &str, expected: Option<u64>) -> Result<u64, MachinesError> {
        // What is no name may stand in the document all the same, and must be removable.
        if name == MachineName::LOCAL {
            return Err(MachinesError::Protected);
        }
        // Asked of the store and not of the copy: an entry that cannot be read can be removed.
        let removed = match expected {
            Some(expected) if expected > 0 => self.durable.remove_if(name, expected),
            _ => self.durable.remove(name),
        };
        removed.map_err(|error| match error {
            StoreError::Condition { found: 0, .. } | StoreError::Name { .. } => {
                MachinesError::NotFound {
                    name: name.to_owned(),
                    nearest: self.cached().nearest(name),
                }
            }
            StoreError::Condition {
                expected: Condition::Revision(expected),
                found,
                ..
            } => MachinesError::Moved {
                name: name.to_owned(),
                expected,
                found,
            },
            other => other.into(),
        })
    }
}

/// The name of a machine that may be changed.
fn own(name: &str) -> Result<MachineName, MachinesError> {
    let valid = MachineName::new(name).map_err(|error| MachinesError::invalid(name, error))?;
    if valid.is_local() {
        Err(MachinesError::Protected)
    } else {
        Ok(valid)
    }
}

fn check(name: &MachineName, definition: &Definition) -> Result<(), MachinesError> {
    definition
        .check()
        .map_err(|problems| MachinesError::Invalid {
            name: name.to_string(),
            problems,
        })
}

/// The definition in the draft, at the expected revision.
fn present<'a>(
    draft: &'a Draft<Definition>,
    name: &MachineName,
    expected: Option<u64>,
) -> Result<&'a Definition, MachinesError> {
    let found = draft.entry_revision(name.as_str());
    match (draft.get(name.as_str()), expected) {
        (Some(_), Some(expected)) if expected != found => Err(MachinesError::Moved {
            name: name.to_string(),
            expected,
            found,
        }),
        (Some(definition), _) => Ok(definition),
        (None, _) => Err(not_found(draft, name.as_str())),
    }
}

/// The answer is an abort, so what the draft notes as read does not matter.
fn not_found(draft: &Draft<Definition>, name: &str) -> MachinesError {
    let names: Vec<_> = draft.iter().map(|(name, _)| name.to_owned()).collect();
    MachinesError::NotFound {
        name: name.to_owned(),
        nearest: nearest(names.iter().map(String::as_str), name),
    }
}

pub(crate) fn write(
    draft: &mut Draft<Definition>,
    name: &str,
    definition: Definition,
) -> Result<(), MachinesError> {
    draft.put(name, definition).map_err(|_| {
        let expected = "a name that the store takes";
        MachinesError::invalid(name, Invalid::new("name", name, expected))
    })
}

impl fmt::Debug for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machines")
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}
