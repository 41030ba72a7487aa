//! The tables, one module a question.

use std::io;

use crate::grid::Session;
use crate::report::Report;

pub(crate) mod aims;
mod components;
mod crossovers;
mod memory;
mod mixed;
mod note;
pub(crate) mod observe;
pub(crate) mod once;
mod reads;
pub(crate) mod store;
mod whole;
mod writes;

pub(crate) type Run = fn(&mut Session, &mut Report) -> io::Result<()>;

/// The sections in the order in which they run, by the name that `--only` takes.
pub(crate) const SECTIONS: [(&str, Run); 12] = [
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
    (APART, store::run),
];

/// The section of what is built on the registry, which states its own aims.
pub(crate) const COMPONENTS: &str = "components";

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
