//! The linearizability checker.

use super::{
    Contradiction, History, Model, Operation,
    search::{Outcome, search},
};
use std::{error, fmt};

/// How many configurations a check may meet in one group, unless told otherwise.
const CONFIGURATIONS: usize = 2_000_000;

/// Checks that a history is linearizable.
///
/// The groups of the model are checked one by one, each by a search that remembers where it has
/// been. Its cost grows with how many operations overlap and not with how long the history is; a
/// bound on the configurations it may meet keeps memory within limits.
///
/// # Examples
///
/// A read that misses a write which was over before it began:
///
/// ```
/// use byname_testkit::{Checker, History, Operation};
/// use byname_testkit::models::{Register, RegisterOp::*, RegisterRet::*};
///
/// let history = History::from_operations([
///     Operation { process: 0, op: Write(1), call: 0, ret: Some((1, Done)) },
///     Operation { process: 1, op: Read, call: 2, ret: Some((3, Value(0))) },
/// ]);
/// let error = Checker::new().check(&history, &Register::new(0)).unwrap_err();
/// assert_eq!(error.to_string(), "\
/// not linearizable: 2 of the 2 operations of () cannot have happened in any order:
///   process 0 [0, 1] Write(1) -> Done
///   process 1 [2, 3] Read -> Value(0)
/// the longest order that is possible, from 0:
///   process 0 Write(1) -> Done, giving 1
/// what would have to be next, and cannot be in 1:
///   process 1 Read -> Value(0)
/// ");
/// ```
#[derive(Clone, Debug)]
pub struct Checker {
    configurations: usize,
}

impl Checker {
    /// Makes a checker that may meet two million configurations in a group.
    #[must_use]
    pub fn new() -> Self {
        Self {
            configurations: CONFIGURATIONS,
        }
    }

    /// Sets how many configurations may be met in one group.
    #[must_use]
    pub fn configurations(self, bound: usize) -> Self {
        Self {
            configurations: bound,
        }
    }

    /// Checks that every operation could have taken effect at one moment between its call and its
    /// return, as `model` says.
    ///
    /// # Errors
    ///
    /// [`CheckError::Contradiction`] if not, made as short as can be; [`CheckError::Unfinished`] if
    /// the bound was met first.
    pub fn check<M: Model>(
        &self,
        history: &History<M::Op, M::Ret>,
        model: &M,
    ) -> Result<(), CheckError> {
        for (key, operations) in history.groups(model) {
            match search(model, &key, &operations, self.configurations) {
                Outcome::Found => {}
                Outcome::Unfinished => {
                    return Err(CheckError::Unfinished {
                        key: format!("{key:?}"),
                        configurations: self.configurations,
                    });
                }
                Outcome::None { .. } => {
                    return Err(self.explain(model, &key, &operations).into());
                }
            }
        }
        Ok(())
    }

    /// Cuts `operations` down to what already is a contradiction.
    fn explain<M: Model>(
        &self,
        model: &M,
        key: &M::Key,
        operations: &[&Operation<M::Op, M::Ret>],
    ) -> Contradiction {
        let longest = |operations: &[Operation<M::Op, M::Ret>]| {
            let operations: Vec<_> = operations.iter().collect();
            match search(model, key, &operations, self.configurations) {
                Outcome::None { longest } => Some(longest),
                Outcome::Found | Outcome::Unfinished => None,
            }
        };
        let mut kept: Vec<Operation<M::Op, M::Ret>> = operations
            .iter()
            .map(|&operation| operation.clone())
            .collect();
        // A history that goes on after a contradiction stays one, so the first return at which
        // there is one can be found by halving.
        let mut returns: Vec<u64> = kept
            .iter()
            .filter_map(|operation| Some(operation.ret.as_ref()?.0))
            .collect();
        returns.sort_unstable();
        let first = returns.partition_point(|&time| longest(&until(&kept, time)).is_none());
        if let Some(&time) = returns.get(first) {
            kept = until(&kept, time);
        }
        // What only reads can be left out: an order with it would be an order without it.
        let mut size = kept.len().next_power_of_two();
        while size > 0 {
            let mut from = 0;
            while from < kept.len() {
                let chunk = from..(from + size).min(kept.len());
                let mut shorter = Vec::new();
                for (index, operation) in kept.iter().enumerate() {
                    let ret = operation.ret.as_ref();
                    let reads = ret.is_some_and(|(_, ret)| model.only_reads(&operation.op, ret));
                    if !(reads && chunk.contains(&index)) {
                        shorter.push(operation.clone());
                    }
                }
                if shorter.len() < kept.len() && longest(&shorter).is_some() {
                    kept = shorter;
                } else {
                    from += size;
                }
            }
            size /= 2;
        }
        let order = longest(&kept).unwrap_or_default();
        Contradiction::new(model, key, operations.len(), &kept, &order)
    }
}

impl Default for Checker {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns `operations` as they stood at `time`: what was called later is not there, and what
/// returned later has not returned.
fn until<Op: Clone, Ret: Clone>(
    operations: &[Operation<Op, Ret>],
    time: u64,
) -> Vec<Operation<Op, Ret>> {
    let called = operations.iter().filter(|operation| operation.call <= time);
    let cut = |operation: &Operation<Op, Ret>| {
        let ret = operation
            .ret
            .clone()
            .filter(|&(returned, _)| returned <= time);
        Operation {
            ret,
            ..operation.clone()
        }
    };
    called.map(cut).collect()
}

/// Why a check did not succeed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CheckError {
    /// No order of the operations explains what they returned: a fault of what was recorded.
    Contradiction(Box<Contradiction>),
    /// The search met its bound before it knew; record a shorter history, one that overlaps less,
    /// or raise [`Checker::configurations`].
    Unfinished {
        /// The group of operations in which it happened.
        key: String,
        /// The bound.
        configurations: usize,
    },
}

impl From<Contradiction> for CheckError {
    fn from(contradiction: Contradiction) -> Self {
        Self::Contradiction(Box::new(contradiction))
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradiction(contradiction) => contradiction.fmt(f),
            Self::Unfinished {
                key,
                configurations,
            } => write!(
                f,
                "no answer: the operations of {key} have more than {configurations} configurations; \
                 record fewer at a time or raise the checker's bound"
            ),
        }
    }
}

impl error::Error for CheckError {}
