//! Recorded histories, and whether they could have come from one step after another.

mod checker;
mod explain;
pub mod models;
mod recorder;
mod search;

pub use checker::{CheckError, Checker};
pub use explain::{Contradiction, Step};
pub use recorder::{Invocation, Process, Recorder};

use std::{collections::BTreeMap, fmt::Debug, hash::Hash};

/// What an object does when it does one thing after another: the measure of a concurrent history.
///
/// # Promises of the implementor
///
/// [`step`](Self::step) depends on its arguments alone. Operations of different
/// [`Key`](Self::Key)s do not affect each other; where every operation may affect every other, the
/// key is `()`. States that are equal behave equally ever after.
///
/// # Examples
///
/// A counter, of which any number of callers may draw numbers:
///
/// ```
/// use byname_testkit::{History, Model, Operation};
///
/// #[derive(Debug)]
/// struct Counter;
///
/// impl Model for Counter {
///     type Key = ();
///     type Op = ();
///     type Ret = u64;
///     type State = u64;
///
///     fn key(&self, _: &()) {}
///
///     fn initial(&self, _: &()) -> u64 {
///         0
///     }
///
///     fn step(&self, next: &u64, _: &(), drawn: Option<&u64>) -> Option<u64> {
///         drawn.is_none_or(|drawn| drawn == next).then_some(next + 1)
///     }
/// }
///
/// let draw = |call, ret, drawn| Operation { process: 0, op: (), call, ret: Some((ret, drawn)) };
/// // Two overlap, so either may have been first.
/// let fair = History::from_operations([draw(0, 2, 1), draw(1, 3, 0)]);
/// assert!(fair.check(&Counter).is_ok());
/// // One was over before the other began.
/// let wrong = History::from_operations([draw(0, 1, 1), draw(2, 3, 0)]);
/// assert!(wrong.check(&Counter).is_err());
/// ```
pub trait Model {
    /// What divides operations into groups that do not affect each other, such as a name.
    type Key: Clone + Debug + Ord;
    /// What is called, with its arguments.
    type Op: Clone + Debug;
    /// What it returns.
    type Ret: Clone + Debug;
    /// The state of one group.
    type State: Clone + Debug + Eq + Hash;

    /// Returns the group of `op`.
    fn key(&self, op: &Self::Op) -> Self::Key;

    /// Returns the state of the group `key` before any operation.
    fn initial(&self, key: &Self::Key) -> Self::State;

    /// Returns the state after `op`, or `None` if in this state it could not have returned `ret`.
    ///
    /// Without a `ret` nobody knows what it returned; then every result it could have is fine.
    fn step(
        &self,
        state: &Self::State,
        op: &Self::Op,
        ret: Option<&Self::Ret>,
    ) -> Option<Self::State>;

    /// Returns whether `op` with this result leaves every state as it is.
    ///
    /// It only makes the account of a contradiction shorter: such an operation can be left out of
    /// it. To answer `false` is always right.
    fn only_reads(&self, op: &Self::Op, ret: &Self::Ret) -> bool {
        let _ = (op, ret);
        false
    }
}

/// One operation of a [`History`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<Op, Ret> {
    /// Who called it.
    pub process: usize,
    /// What was called.
    pub op: Op,
    /// When it was called.
    pub call: u64,
    /// When it returned and what; `None` if it never did, or its outcome is not known. Then it may
    /// have happened at any time after the call, or never.
    pub ret: Option<(u64, Ret)>,
}

/// Operations with the times of their calls and returns.
///
/// One operation is *before* another if it returned at an earlier time than the other was called;
/// otherwise the two overlap and may have taken effect in either order. Times have no unit.
///
/// A [`Recorder`] makes one; [`from_operations`](Self::from_operations) takes one that was put
/// together by other means, from the logs of several processes, say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<Op, Ret> {
    operations: Vec<Operation<Op, Ret>>,
}

impl<Op, Ret> History<Op, Ret> {
    /// Puts a history together from its operations, in any order.
    ///
    /// # Panics
    ///
    /// If an operation returned before it was called.
    #[must_use]
    pub fn from_operations(operations: impl IntoIterator<Item = Operation<Op, Ret>>) -> Self
    where
        Op: Debug,
        Ret: Debug,
    {
        let mut operations: Vec<_> = operations.into_iter().collect();
        for operation in &operations {
            let in_order = operation
                .ret
                .as_ref()
                .is_none_or(|(ret, _)| *ret >= operation.call);
            assert!(
                in_order,
                "an operation cannot return before it is called: {operation:?}"
            );
        }
        operations.sort_by_key(|operation| operation.call);
        Self { operations }
    }

    /// Returns the operations, in the order of their calls.
    #[must_use]
    pub fn operations(&self) -> &[Operation<Op, Ret>] {
        &self.operations
    }

    /// Returns how many operations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Checks that this history is linearizable: that every operation could have taken effect at
    /// one moment between its call and its return, as `model` says.
    ///
    /// The same as [`Checker::check`] with the default bound.
    ///
    /// # Errors
    ///
    /// [`CheckError`], whose text tells the contradiction.
    pub fn check<M>(&self, model: &M) -> Result<(), CheckError>
    where
        M: Model<Op = Op, Ret = Ret>,
    {
        Checker::new().check(self, model)
    }

    /// Divides the operations by the groups of `model`.
    fn groups<M>(&self, model: &M) -> BTreeMap<M::Key, Vec<&Operation<Op, Ret>>>
    where
        M: Model<Op = Op, Ret = Ret>,
    {
        let mut groups: BTreeMap<M::Key, Vec<_>> = BTreeMap::new();
        for operation in &self.operations {
            groups
                .entry(model.key(&operation.op))
                .or_default()
                .push(operation);
        }
        groups
    }
}

impl<Op: Debug, Ret: Debug> FromIterator<Operation<Op, Ret>> for History<Op, Ret> {
    fn from_iter<I: IntoIterator<Item = Operation<Op, Ret>>>(operations: I) -> Self {
        Self::from_operations(operations)
    }
}
