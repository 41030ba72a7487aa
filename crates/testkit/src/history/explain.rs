//! The account of a contradiction.

use super::{Model, Operation};
use std::fmt;

/// Operations that cannot have happened in any order, and how far an order gets.
///
/// Its text tells it all; the parts are there for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    key: String,
    recorded: usize,
    operations: Vec<Line>,
    initial: String,
    order: Vec<Step>,
    stuck: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    process: usize,
    call: u64,
    ret: Option<u64>,
    text: String,
}

/// An operation in the account of a [`Contradiction`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who called it.
    pub process: usize,
    /// The operation and its result, as text.
    pub text: String,
    /// The state it gives, or in which it cannot be.
    pub state: String,
}

impl Contradiction {
    pub(super) fn new<M: Model>(
        model: &M,
        key: &M::Key,
        recorded: usize,
        operations: &[Operation<M::Op, M::Ret>],
        order: &[usize],
    ) -> Self {
        let mut state = model.initial(key);
        let initial = format!("{state:?}");
        let step = |operation: &Operation<M::Op, M::Ret>, state: &M::State| Step {
            process: operation.process,
            text: text(operation),
            state: format!("{state:?}"),
        };
        let mut steps = Vec::new();
        for &index in order {
            let operation = &operations[index];
            let ret = operation.ret.as_ref().map(|(_, ret)| ret);
            if let Some(next) = model.step(&state, &operation.op, ret) {
                state = next;
            }
            steps.push(step(operation, &state));
        }
        let left = || {
            operations
                .iter()
                .enumerate()
                .filter(|(index, _)| !order.contains(index))
        };
        // Only what was called before the first of the others had returned can be next.
        let first = left().filter_map(|(_, it)| Some(it.ret.as_ref()?.0)).min();
        let could = left().filter(|(_, it)| first.is_none_or(|first| it.call <= first));
        let stuck = could
            .map(|(_, operation)| step(operation, &state))
            .collect();
        let line = |it: &Operation<M::Op, M::Ret>| Line {
            process: it.process,
            call: it.call,
            ret: it.ret.as_ref().map(|(time, _)| *time),
            text: text(it),
        };
        let operations = operations.iter().map(line).collect();
        Self {
            key: format!("{key:?}"),
            recorded,
            operations,
            initial,
            order: steps,
            stuck,
        }
    }

    /// Returns the group of the model in which the contradiction is.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the longest order that is possible.
    #[must_use]
    pub fn order(&self) -> &[Step] {
        &self.order
    }

    /// Returns what would have to be next and cannot be.
    #[must_use]
    pub fn stuck(&self) -> &[Step] {
        &self.stuck
    }

    /// Returns how many operations make the contradiction.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.operations.len()
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            recorded,
            operations,
            initial,
            order,
            stuck,
        } = self;
        writeln!(
            f,
            "not linearizable: {} of the {recorded} operations of {key} cannot have happened in any order:",
            operations.len()
        )?;
        for Line {
            process,
            call,
            ret,
            text,
        } in operations
        {
            let ret = ret.map_or_else(|| "...".to_owned(), |ret| ret.to_string());
            writeln!(f, "  process {process} [{call}, {ret}] {text}")?;
        }
        writeln!(f, "the longest order that is possible, from {initial}:")?;
        for Step {
            process,
            text,
            state,
        } in order
        {
            writeln!(f, "  process {process} {text}, giving {state}")?;
        }
        let state = order.last().map_or(initial, |step| &step.state);
        writeln!(f, "what would have to be next, and cannot be in {state}:")?;
        for Step { process, text, .. } in stuck {
            writeln!(f, "  process {process} {text}")?;
        }
        Ok(())
    }
}

fn text<Op: fmt::Debug, Ret: fmt::Debug>(operation: &Operation<Op, Ret>) -> String {
    match &operation.ret {
        Some((_, ret)) => format!("{:?} -> {ret:?}", operation.op),
        None => format!("{:?} -> (no result known)", operation.op),
    }
}
