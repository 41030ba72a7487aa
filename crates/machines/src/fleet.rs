use byname_registry::{Snapshot, nearest};

use crate::error::MachinesError;
use crate::model::{Definition, Machine, MachineName};

use crate::selector::Selector;

/// All machines at one revision.
///
/// `local` is always among them, with revision 0. A fleet never changes; it is cheap to hold.
#[derive(Clone, Debug)]
pub struct Fleet {
    entries: Snapshot<Definition>,
}

/// An entry of the document that is not used as a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unusable {
    /// The name of the entry.
    pub name: String,
    /// Why it is not used, and what to do.
    pub reason: String,
}

impl Fleet {
    /// Takes the machines of a registry that [`Machines::registry`](crate::Machines::registry)
    /// returned, or a change of it: for those who observe it.
    #[must_use]
    pub fn new(entries: Snapshot<Definition>) -> Self {
        Self { entries }
    }

    /// Returns the revision that is shown.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.entries.revision()
    }

    /// Returns a machine.
    ///
    /// # Errors
    ///
    /// [`MachinesError::NotFound`] with the names that are most like it.
    pub fn get(&self, name: &str) -> Result<Machine, MachinesError> {
        let found = match name {
            MachineName::LOCAL => Some(Machine::local()),
            _ => MachineName::new(name).ok().and_then(|valid| {
                let entry = self.entries.get_owned(name)?;
                Some(Machine {
                    name: valid,
                    revision: entry.revision(),
                    definition: (*entry).clone(),
                })
            }),
        };
        found.ok_or_else(|| MachinesError::NotFound {
            name: name.to_owned(),
            nearest: self.nearest(name),
        })
    }

    /// Iterates over all machines, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = Machine> + '_ {
        let kept = self.entries.entries().filter_map(|(name, entry)| {
            let name = MachineName::new(name)
                .ok()
                .filter(|name| !name.is_local())?;
            Some(Machine {
                name,
                revision: entry.revision(),
                definition: entry.value()?.clone(),
            })
        });
        let mut kept = kept.peekable();
        let mut local = Some(Machine::local());
        std::iter::from_fn(move || {
            if local.is_some() && kept.peek().is_none_or(|next| next.name.as_str() > "local") {
                return local.take();
            }
            kept.next()
        })
    }

    /// Returns all machines, ordered by name.
    #[must_use]
    pub fn list(&self) -> Vec<Machine> {
        self.iter().collect()
    }

    /// Returns the machines that a selector matches, ordered by name. `local` has no labels.
    #[must_use]
    pub fn select(&self, selector: &Selector) -> Vec<Machine> {
        self.iter()
            .filter(|machine| selector.matches(&machine.definition))
            .collect()
    }

    /// Returns the entries that are not used as machines because of their names: `local`, and what
    /// is no name of a machine. Only a hand can have written them.
    #[must_use]
    pub fn unusable(&self) -> Vec<Unusable> {
        self.entries
            .names()
            .filter_map(|name| {
                let reason = reason(name)?;
                Some(Unusable {
                    name: name.to_owned(),
                    reason,
                })
            })
            .collect()
    }

    /// The names that are most like one that is not there.
    pub(crate) fn nearest(&self, name: &str) -> Vec<String> {
        nearest(self.names(), name)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let kept = self.entries.names().filter(|name| reason(name).is_none());
        kept.chain([MachineName::LOCAL])
    }
}

/// Why an entry of this name is not used; `None` when it is.
pub(crate) fn reason(name: &str) -> Option<String> {
    match MachineName::new(name) {
        Ok(name) if name.is_local() => Some(
            "`local` is this machine and cannot be defined; remove the entry, or give it another name"
                .to_owned(),
        ),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}
