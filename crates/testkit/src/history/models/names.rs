//! A map of names, each name by itself.

use crate::Model;
use std::{fmt::Debug, hash::Hash};

/// A map of names to values, of which every entry carries the revision of its last change.
///
/// Names are checked apart from one another, so a history of many names is cheap to check. What it
/// holds of revisions is what one name can tell: those of a name strictly increase, a
/// compare-and-set succeeds exactly on the present one, and 0 stands for "there is no entry". That
/// they are counted without gaps over all names, and that a change of several names is whole, is
/// what [`Whole`](super::Whole) checks.
///
/// # Examples
///
/// ```
/// use byname_testkit::{Recorder, models::{Names, NamesOp::*, NamesRet::*}};
///
/// let recorder = Recorder::new();
/// let mut process = recorder.process();
/// process.call(Register("db", "one"), || Changed(1));
/// process.call(Register("db", "two"), || Refused);
/// process.call(CompareAndSet("db", 1, "three"), || Changed(2));
/// process.call(Get("db"), || Found(2, "three"));
/// process.call(Remove("db"), || Changed(3));
/// process.call(Get("db"), || Absent);
/// drop(process);
/// recorder.history().check(&Names::new()).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Names<N, V> {
    of: std::marker::PhantomData<fn() -> (N, V)>,
}

impl<N, V> Names<N, V> {
    /// Makes a map that has no entry at first.
    #[must_use]
    pub fn new() -> Self {
        Self {
            of: std::marker::PhantomData,
        }
    }
}

impl<N, V> Default for Names<N, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// An operation on [`Names`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamesOp<N, V> {
    /// Reads an entry; returns [`NamesRet::Found`], [`NamesRet::Value`] or [`NamesRet::Absent`].
    Get(N),
    /// Adds an entry where there is none; returns [`NamesRet::Changed`] or [`NamesRet::Refused`],
    /// as all that follow.
    Register(N, V),
    /// Replaces an entry that exists.
    Replace(N, V),
    /// Adds or replaces an entry; never refused.
    Put(N, V),
    /// Removes an entry that exists.
    Remove(N),
    /// Adds or replaces an entry whose revision is the given one, 0 if it must not exist.
    CompareAndSet(N, u64, V),
}

/// What an operation on [`Names`] returns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamesRet<V> {
    /// There is an entry of this revision and value.
    Found(u64, V),
    /// There is an entry of this value; its revision was not asked for.
    Value(V),
    /// There is no entry.
    Absent,
    /// The change was made, as this revision.
    Changed(u64),
    /// The change was refused, and nothing was changed.
    Refused,
}

/// The state of one name of [`Names`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamesState<V> {
    /// The latest revision of this name that is known.
    known: u64,
    /// Whether the last change has a later revision that nobody has told yet.
    later: bool,
    value: Option<V>,
}

impl<V: Clone + Eq> NamesState<V> {
    /// Returns the state after a change to `value`, as the revision that was returned, if any was.
    fn changed(&self, value: Option<V>, ret: Option<&NamesRet<V>>) -> Option<Self> {
        match ret {
            Some(&NamesRet::Changed(revision)) => (revision > self.least()).then_some(Self {
                known: revision,
                later: false,
                value,
            }),
            Some(_) => None,
            // A change is at least one revision later than what it follows.
            None => Some(Self {
                known: self.least(),
                later: true,
                value,
            }),
        }
    }

    /// Returns the least revision that the last change can have.
    fn least(&self) -> u64 {
        self.known + u64::from(self.later)
    }

    /// Returns whether the entry can have `revision`, and whether it can have another one.
    fn can_be(&self, revision: u64) -> (bool, bool) {
        match (&self.value, self.later) {
            (None, _) => (revision == 0, revision != 0),
            (Some(_), false) => (revision == self.known, revision != self.known),
            (Some(_), true) => (revision > self.known, true),
        }
    }

    /// Returns the state in which the entry is known to have `revision`.
    fn told(&self, revision: u64) -> Self {
        Self {
            known: revision,
            later: false,
            value: self.value.clone(),
        }
    }
}

impl<N, V> Model for Names<N, V>
where
    N: Clone + Debug + Ord,
    V: Clone + Debug + Eq + Hash,
{
    type Key = N;
    type Op = NamesOp<N, V>;
    type Ret = NamesRet<V>;
    type State = NamesState<V>;

    fn key(&self, op: &NamesOp<N, V>) -> N {
        match op {
            NamesOp::Get(name)
            | NamesOp::Register(name, _)
            | NamesOp::Replace(name, _)
            | NamesOp::Put(name, _)
            | NamesOp::Remove(name)
            | NamesOp::CompareAndSet(name, ..) => name.clone(),
        }
    }

    fn initial(&self, _: &N) -> NamesState<V> {
        NamesState {
            known: 0,
            later: false,
            value: None,
        }
    }

    fn step(
        &self,
        state: &NamesState<V>,
        op: &NamesOp<N, V>,
        ret: Option<&NamesRet<V>>,
    ) -> Option<NamesState<V>> {
        let exists = state.value.is_some();
        let (value, allowed) = match op {
            NamesOp::Get(_) => return get(state, ret),
            NamesOp::CompareAndSet(_, expected, value) => {
                return compare_and_set(state, *expected, value, ret);
            }
            NamesOp::Register(_, value) => (Some(value), !exists),
            NamesOp::Replace(_, value) => (Some(value), exists),
            NamesOp::Put(_, value) => (Some(value), true),
            NamesOp::Remove(_) => (None, exists),
        };
        if allowed {
            state.changed(value.cloned(), ret)
        } else {
            ret.is_none_or(|ret| *ret == NamesRet::Refused)
                .then(|| state.clone())
        }
    }

    fn only_reads(&self, op: &NamesOp<N, V>, ret: &NamesRet<V>) -> bool {
        // A read that tells a revision nobody else has told is part of what is known.
        match op {
            NamesOp::Get(_) => !matches!(ret, NamesRet::Found(..)),
            _ => *ret == NamesRet::Refused,
        }
    }
}

fn get<V: Clone + Eq>(state: &NamesState<V>, ret: Option<&NamesRet<V>>) -> Option<NamesState<V>> {
    match (ret, &state.value) {
        (None, _) | (Some(NamesRet::Absent), None) => Some(state.clone()),
        (Some(NamesRet::Value(seen)), Some(value)) => (seen == value).then(|| state.clone()),
        (Some(NamesRet::Found(revision, seen)), Some(value)) => {
            (seen == value && state.can_be(*revision).0).then(|| state.told(*revision))
        }
        _ => None,
    }
}

fn compare_and_set<V: Clone + Eq>(
    state: &NamesState<V>,
    expected: u64,
    value: &V,
    ret: Option<&NamesRet<V>>,
) -> Option<NamesState<V>> {
    let (can_be, can_differ) = state.can_be(expected);
    let succeeds = || {
        let state = if state.value.is_some() {
            state.told(expected)
        } else {
            state.clone()
        };
        state.changed(Some(value.clone()), ret)
    };
    match ret {
        None | Some(NamesRet::Changed(_)) if can_be => succeeds(),
        Some(NamesRet::Refused) if can_differ => Some(state.clone()),
        None => Some(state.clone()),
        Some(_) => None,
    }
}
