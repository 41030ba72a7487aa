//! The tables, one module a question.

use std::io;

use crate::grid::Session;
use crate::report::Report;

pub(crate) mod aims;
mod components;
mod crossovers;
mod local;
mod lookups;
mod memory;
mod mixed;
mod note;
pub(crate) mod observe;
pub(crate) mod once;
mod reads;
mod remote;
mod routed;
mod start;
pub(crate) mod store;
mod whole;
mod writes;

pub(crate) type Run = fn(&mut Session, &mut Report) -> io::Result<()>;

/// The sections in the order in which they run, by the name that `--only` takes.
pub(crate) const SECTIONS: [(&str, Run); 17] = [
    ("reads", reads::run),
    ("handles", reads::handles),
    ("mixed", mixed::run),
    ("note", note::run),
    ("whole", whole::run),
    ("writes", writes::run),
    ("memory", memory::run),
    ("once", once::run),
    ("observe", observe::run),
    ("crossovers", crossovers::run),
    (COMPONENTS, components::run),
    ("lookups", lookups::run),
    ("routed", routed::run),
    ("local", local::run),
    ("remote", remote::run),
    ("start", start::run),
    (APART, store::run),
];

/// The section of what is built on the registry.
const COMPONENTS: &str = "components";

/// The sections that state their own aims.
pub(crate) const STATED: [&str; 7] = [
    COMPONENTS, "lookups", "routed", "local", "remote", "start", APART,
];

/// The section that runs only when it is named: it needs a disk, and as long as all others.
pub(crate) const APART: &str = "store";

/// The sizes that are measured.
pub(crate) const SIZES: [usize; 4] = [10, 100, 1_000, 100_000];

/// Writes a size as in the tables' headings.
pub(crate) fn count(n: usize) -> String {
    if n >= 1_000_000 {
        format!(
            "{},{:03},{:03}",
            n / 1_000_000,
            n / 1_000 % 1_000,
            n % 1_000
        )
    } else if n >= 1_000 {
        format!("{},{:03}", n / 1_000, n % 1_000)
    } else {
        n.to_string()
    }
}
