//! `byname machine add`, `update` and `remove`.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use byname_machines::{Accelerator, Capacity, Definition, Invalid, Machine, MachinesError};

use crate::cli::{
    AddArguments, FieldArguments, FolderArguments, FormatArguments, RemoveArguments, Unset,
    UpdateArguments,
};
use crate::failure::Failure;
use crate::output::{self, printable};

/// Adds a machine.
pub(crate) fn add(folder: &FolderArguments, arguments: &AddArguments) -> Result<(), Failure> {
    let mut definition = Definition::new(arguments.kind.clone());
    let key = key(&arguments.fields)?;
    set(&mut definition, &arguments.fields, key.as_deref())
        .map_err(|problem| Failure::new(format!("machine `{}`: {problem}", arguments.name)))?;
    let machines = super::write(folder, arguments.wait.wait)?;
    let machine = machines.add(arguments.name.as_str(), definition)?;
    super::tell_problems(&machines);
    tell(arguments.format, &machine, "added")
}

/// Changes a machine.
pub(crate) fn update(folder: &FolderArguments, arguments: &UpdateArguments) -> Result<(), Failure> {
    let key = key(&arguments.fields)?;
    let expected = arguments.if_revision.map(u64::from);
    let machines = super::write(folder, arguments.wait.wait)?;
    let change = |definition: &mut Definition| {
        if let Some(kind) = &arguments.kind {
            definition.kind = kind.clone();
        }
        for field in &arguments.unset {
            unset(definition, field);
        }
        set(definition, &arguments.fields, key.as_deref())
    };
    let began = Instant::now();
    let machine = loop {
        match machines.update(&arguments.name, expected, change) {
            // Others keep changing it. Whoever waits for the right to write waits for them as well.
            Err(MachinesError::Conflict { .. }) if began.elapsed() < arguments.wait.wait => {}
            done => break done?,
        }
    };
    super::tell_problems(&machines);
    tell(arguments.format, &machine, "is now")
}

/// Removes a machine.
pub(crate) fn remove(folder: &FolderArguments, arguments: &RemoveArguments) -> Result<(), Failure> {
    let expected = arguments.if_revision.map(u64::from);
    let machines = super::write(folder, arguments.wait.wait)?;
    let revision = machines.remove(&arguments.name, expected)?;
    super::tell_problems(&machines);
    let mut stdout = io::stdout().lock();
    writeln!(
        stdout,
        "machine {} removed at revision {revision}",
        printable(&arguments.name)
    )
    .map_err(|error| Failure::output(&error))
}

/// The path of the key as any other process finds it: one that is relative is so to this process.
fn key(fields: &FieldArguments) -> Result<Option<String>, Failure> {
    let Some(key) = &fields.key else {
        return Ok(None);
    };
    if key.starts_with('~') || key.is_empty() {
        return Ok(Some(key.clone()));
    }
    let absolute = std::path::absolute(Path::new(key))
        .map_err(|error| Failure::new(format!("the path of the key {key}: {error}")))?;
    // What was text stays text, as long as the working folder is.
    let text = absolute.into_os_string().into_string();
    text.map(Some).map_err(|_| {
        Failure::new(format!(
            "the path of the key {key} is not UTF-8; give it whole"
        ))
    })
}

/// Sets what is named, and adds to what there can be several of.
fn set(
    definition: &mut Definition,
    fields: &FieldArguments,
    key: Option<&str>,
) -> Result<(), Invalid> {
    if let Some(host) = &fields.host {
        definition.host = Some(host.clone());
    }
    if let Some(key) = key {
        definition.key = Some(key.to_owned());
    }
    if let Some(folder) = &fields.folder {
        definition.folder = Some(folder.clone());
    }
    for (key, value) in &fields.labels {
        definition.labels.insert(key, value)?;
    }
    if let Some(cores) = fields.cores {
        definition.capacity.cores = Some(cores.get());
    }
    if let Some(memory) = fields.memory {
        definition.capacity.memory_bytes = Some(memory);
    }
    for accelerator in &fields.accelerators {
        put(&mut definition.capacity, accelerator);
    }
    definition.models.extend(fields.models.iter().cloned());
    if let Some(url) = &fields.url {
        definition.url = Some(url.clone());
    }
    if let Some(note) = &fields.note {
        definition.notes.clone_from(note);
    }
    Ok(())
}

/// Accelerators of a kind are said once.
fn put(capacity: &mut Capacity, accelerator: &Accelerator) {
    let all = capacity.accelerators.get_or_insert_default();
    match all.iter_mut().find(|one| one.kind == accelerator.kind) {
        Some(one) => one.clone_from(accelerator),
        None => all.push(accelerator.clone()),
    }
}

fn unset(definition: &mut Definition, field: &Unset) {
    match field {
        Unset::Host => definition.host = None,
        Unset::Key => definition.key = None,
        Unset::Folder => definition.folder = None,
        Unset::Labels => definition.labels = byname_machines::Labels::new(),
        Unset::Label(key) => {
            definition.labels.remove(key);
        }
        Unset::Cores => definition.capacity.cores = None,
        Unset::Memory => definition.capacity.memory_bytes = None,
        Unset::Accelerators => definition.capacity.accelerators = None,
        Unset::Accelerator(kind) => {
            if let Some(all) = &mut definition.capacity.accelerators {
                all.retain(|one| one.kind != *kind);
            }
        }
        Unset::Models => definition.models.clear(),
        Unset::Model(id) => {
            definition.models.remove(id);
        }
        Unset::Url => definition.url = None,
        Unset::Note => definition.notes.clear(),
    }
}

fn tell(format: FormatArguments, machine: &Machine, what: &str) -> Result<(), Failure> {
    output::write(format, machine, |to| {
        let Machine { name, revision, .. } = machine;
        writeln!(to, "machine {name} {what} at revision {revision}")
    })
}
