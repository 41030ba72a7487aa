//! `byname machine list` and `show`.

use std::io::{self, Write};

use byname_machines::{Accelerator, Labels, Machine};

use crate::cli::{FolderArguments, SelectArguments, ShowMachineArguments};
use crate::failure::Failure;
use crate::output::{self, Align, Table, printable};

/// Lists machines.
pub(crate) fn list(folder: &FolderArguments, arguments: &SelectArguments) -> Result<(), Failure> {
    let fleet = super::read(folder)?;
    let machines = super::selected(&fleet, arguments.label.as_ref());
    output::write(arguments.format, &machines, |to| table(&machines).write(to))?;
    for unusable in fleet.unusable() {
        super::warn(&format!(
            "{} is left out: {}",
            unusable.name, unusable.reason
        ));
    }
    Ok(())
}

/// Shows one machine.
pub(crate) fn show(
    folder: &FolderArguments,
    arguments: &ShowMachineArguments,
) -> Result<(), Failure> {
    let machine = super::read(folder)?.get(&arguments.name)?;
    output::write(arguments.format, &machine, |to| people(to, &machine))
}

fn table(machines: &[Machine]) -> Table {
    let mut table = Table::new(vec![
        ("NAME", Align::Left),
        ("KIND", Align::Left),
        ("HOST", Align::Left),
        ("CORES", Align::Right),
        ("MEMORY", Align::Right),
        ("ACCELERATORS", Align::Left),
        ("MODELS", Align::Right),
        ("LABELS", Align::Left),
    ]);
    for machine in machines {
        let definition = &machine.definition;
        let capacity = &definition.capacity;
        let unknown = || "?".to_owned();
        table.row(&[
            machine.name.to_string(),
            definition.kind.to_string(),
            definition
                .host
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            capacity.cores.map_or_else(unknown, |n| n.to_string()),
            capacity.memory_bytes.map_or_else(unknown, size),
            capacity
                .accelerators
                .as_ref()
                .map_or_else(unknown, |all| accelerators(all)),
            definition.models.len().to_string(),
            labels(&definition.labels),
        ]);
    }
    table
}

fn people(to: &mut dyn Write, machine: &Machine) -> io::Result<()> {
    let definition = &machine.definition;
    let capacity = &definition.capacity;
    let mut rows = vec![
        ("name", machine.name.to_string()),
        ("revision", machine.revision.to_string()),
        ("kind", definition.kind.to_string()),
    ];
    let mut add = |label, text: Option<String>| rows.extend(text.map(|text| (label, text)));
    add("host", definition.host.as_ref().map(ToString::to_string));
    add("key", definition.key.clone());
    add("folder", definition.folder.clone());
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    add("labels", some(labels(&definition.labels)));
    add("cores", capacity.cores.map(|cores| cores.to_string()));
    add("memory", capacity.memory_bytes.map(size));
    add(
        "accelerators",
        capacity.accelerators.as_ref().map(|all| accelerators(all)),
    );
    let models: Vec<_> = definition.models.iter().map(String::as_str).collect();
    add("models", some(models.join(", ")));
    add("url", definition.url.clone());
    add("created", definition.created.map(|time| time.to_string()));
    add("updated", definition.updated.map(|time| time.to_string()));
    add("note", some(definition.notes.clone()));
    for (label, text) in &rows {
        for (index, line) in text.lines().enumerate() {
            let label = if index == 0 { label } else { "" };
            writeln!(to, "{label:14}{}", printable(line))?;
        }
    }
    Ok(())
}

fn labels(labels: &Labels) -> String {
    let labels: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    labels.join(",")
}

fn accelerators(all: &[Accelerator]) -> String {
    if all.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<_> = all
        .iter()
        .map(|one| {
            let memory = one.memory_bytes.map(|bytes| format!(":{}", size(bytes)));
            format!("{}:{}{}", one.kind, one.count, memory.unwrap_or_default())
        })
        .collect();
    all.join(",")
}

/// A number of bytes as it can be given on the command line: with the largest unit that leaves it
/// whole.
fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    units
        .iter()
        .find(|(_, shift)| bytes.trailing_zeros() >= *shift && bytes > 0)
        .map_or_else(
            || format!("{bytes}B"),
            |(unit, shift)| format!("{}{unit}", bytes >> shift),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit_that_leaves_them_whole() {
        for (bytes, text) in [
            (1, "1B"),
            (1 << 10, "1KiB"),
            (64 << 30, "64GiB"),
            (1 << 40, "1TiB"),
            (1536 << 30, "1536GiB"),
            (64_000_000_000, "62500000KiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
