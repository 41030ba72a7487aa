//! `byname store verify`.

use byname_store::{FileState, Inspection};
use serde::Serialize;

use super::{Trouble, status, text};
use crate::cli::{FolderArguments, LookArguments};
use crate::failure::Failure;
use crate::output::{self, Align, Table};

/// What was checked, and what was found.
#[derive(Serialize)]
struct Verdict {
    document: String,
    good: bool,
    checks: Vec<Check>,
}

/// One thing that was checked.
#[derive(Serialize)]
struct Check {
    what: &'static str,
    good: bool,
    state: &'static str,
    revision: Option<u64>,
    entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Trouble>,
}

/// Checks the document and every kept revision.
pub(crate) fn run(folder: &FolderArguments, look: &LookArguments) -> Result<(), Failure> {
    let document = super::document(folder, &look.registry)?;
    let inspection = super::inspect(folder, &document)?;
    let verdict = Verdict::of(&inspection);
    output::write(look.format, &verdict, |to| verdict.table().write(to))?;
    match verdict.checks.iter().filter(|check| !check.good).count() {
        0 => Ok(()),
        bad => Err(Failure::new(format!(
            "{}: {bad} of {} checks failed",
            verdict.document,
            verdict.checks.len()
        ))),
    }
}

impl Verdict {
    fn of(inspection: &Inspection) -> Self {
        let mut checks = vec![Check {
            what: "document",
            good: matches!(
                inspection.state,
                FileState::Fresh | FileState::Whole | FileState::Edited
            ),
            state: status::word(inspection.state),
            revision: inspection.revision,
            entries: inspection.entries,
            problem: inspection.problem.as_ref().map(Trouble::of),
        }];
        checks.extend(inspection.kept.iter().map(|kept| {
            let good = kept.entries.is_some();
            Check {
                what: "kept",
                good,
                state: if good { "whole" } else { "damaged" },
                revision: Some(kept.revision),
                entries: kept.entries,
                problem: None,
            }
        }));
        Self {
            document: text(&inspection.document),
            good: checks.iter().all(|check| check.good),
            checks,
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new(vec![
            ("CHECKED", Align::Left),
            ("REVISION", Align::Right),
            ("ENTRIES", Align::Right),
            ("STATE", Align::Left),
        ]);
        let number = |number: Option<u64>| number.map_or_else(String::new, |n| n.to_string());
        for check in &self.checks {
            let state = match &check.problem {
                Some(problem) => format!("{}: {}", check.state, problem.message),
                None => check.state.to_owned(),
            };
            table.row(&[
                check.what.to_owned(),
                number(check.revision),
                number(check.entries),
                state,
            ]);
        }
        table
    }
}
