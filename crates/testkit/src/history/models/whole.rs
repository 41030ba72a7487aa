//! A map of names as a whole.

use crate::Model;
use std::{collections::BTreeMap, fmt::Debug, hash::Hash};

/// A map of names in which every change, of one name or of many, is one revision.
///
/// Revisions are counted by one from 0, the empty map. A reader that sees one half of a change, a
/// revision with the entries of another, or two changes with one revision is a contradiction. All
/// operations affect all others, so keep histories to some hundreds of operations.
///
/// # Examples
///
/// ```
/// use byname_testkit::{Recorder, models::{Whole, WholeOp::*, WholeRet::*}};
///
/// let recorder = Recorder::new();
/// let mut process = recorder.process();
/// process.call(Change(vec![("a", Some(1)), ("b", Some(1))]), || Changed(1));
/// process.call(GetAll(vec!["a", "b"]), || Entries(1, vec![Some(1), Some(1)]));
/// drop(process);
/// recorder.history().check(&Whole::new()).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Whole<N, V> {
    of: std::marker::PhantomData<fn() -> (N, V)>,
}

impl<N, V> Whole<N, V> {
    /// Makes a map that is empty at first.
    #[must_use]
    pub fn new() -> Self {
        Self {
            of: std::marker::PhantomData,
        }
    }
}

impl<N, V> Default for Whole<N, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// An operation on a [`Whole`] map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WholeOp<N, V> {
    /// Sets each name to its value, or removes it, as one change; returns [`WholeRet::Changed`].
    Change(Vec<(N, Option<V>)>),
    /// The same if the map is still at this revision; returns [`WholeRet::Changed`] or
    /// [`WholeRet::Refused`].
    ChangeAt(u64, Vec<(N, Option<V>)>),
    /// Reads several names at once; returns [`WholeRet::Entries`].
    GetAll(Vec<N>),
    /// Reads everything at once; returns [`WholeRet::Everything`].
    Snapshot,
}

/// What an operation on a [`Whole`] map returns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WholeRet<N: Ord, V> {
    /// The change was made, as this revision.
    Changed(u64),
    /// The change was refused, and nothing was changed.
    Refused,
    /// The revision, and the values of the names asked for, in their order.
    Entries(u64, Vec<Option<V>>),
    /// The revision, and every entry.
    Everything(u64, BTreeMap<N, V>),
}

/// The state of a [`Whole`] map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WholeState<N: Ord, V> {
    revision: u64,
    entries: BTreeMap<N, V>,
}

impl<N, V> Model for Whole<N, V>
where
    N: Clone + Debug + Ord + Hash,
    V: Clone + Debug + Eq + Hash,
{
    type Key = ();
    type Op = WholeOp<N, V>;
    type Ret = WholeRet<N, V>;
    type State = WholeState<N, V>;

    fn key(&self, _: &WholeOp<N, V>) {}

    fn initial(&self, (): &()) -> WholeState<N, V> {
        WholeState {
            revision: 0,
            entries: BTreeMap::new(),
        }
    }

    fn step(
        &self,
        state: &WholeState<N, V>,
        op: &WholeOp<N, V>,
        ret: Option<&WholeRet<N, V>>,
    ) -> Option<WholeState<N, V>> {
        let mut next = state.clone();
        let returns = match op {
            WholeOp::ChangeAt(revision, _) if *revision != state.revision => WholeRet::Refused,
            WholeOp::Change(changes) | WholeOp::ChangeAt(_, changes) => {
                next.revision += 1;
                for (name, value) in changes {
                    match value {
                        Some(value) => next.entries.insert(name.clone(), value.clone()),
                        None => next.entries.remove(name),
                    };
                }
                WholeRet::Changed(next.revision)
            }
            WholeOp::GetAll(names) => {
                let values = names.iter().map(|name| state.entries.get(name).cloned());
                WholeRet::Entries(state.revision, values.collect())
            }
            WholeOp::Snapshot => WholeRet::Everything(state.revision, state.entries.clone()),
        };
        ret.is_none_or(|ret| *ret == returns).then_some(next)
    }

    fn only_reads(&self, op: &WholeOp<N, V>, ret: &WholeRet<N, V>) -> bool {
        matches!(op, WholeOp::GetAll(_) | WholeOp::Snapshot) || *ret == WholeRet::Refused
    }
}
