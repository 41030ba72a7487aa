//! One place with a value.

use crate::Model;
use std::{fmt::Debug, hash::Hash};

/// A place that is read, written, and compared-and-set.
///
/// # Examples
///
/// ```
/// use byname_testkit::{Recorder, models::{Register, RegisterOp::*, RegisterRet::*}};
///
/// let recorder = Recorder::new();
/// let mut process = recorder.process();
/// process.call(CompareAndSet { expected: 0, new: 5 }, || Swapped(true));
/// process.call(Read, || Value(5));
/// drop(process);
/// recorder.history().check(&Register::new(0)).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Register<T> {
    initial: T,
}

impl<T> Register<T> {
    /// Makes a register that holds `initial` at first.
    #[must_use]
    pub fn new(initial: T) -> Self {
        Self { initial }
    }
}

/// An operation on a [`Register`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterOp<T> {
    /// Reads the value; returns [`RegisterRet::Value`].
    Read,
    /// Replaces the value; returns [`RegisterRet::Done`].
    Write(T),
    /// Replaces the value if it is the expected one; returns [`RegisterRet::Swapped`].
    CompareAndSet {
        /// What the value must be.
        expected: T,
        /// What it becomes.
        new: T,
    },
}

/// What an operation on a [`Register`] returns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterRet<T> {
    /// What was read.
    Value(T),
    /// The write is done.
    Done,
    /// Whether the value was the expected one and was replaced.
    Swapped(bool),
}

impl<T: Clone + Debug + Eq + Hash> Model for Register<T> {
    type Key = ();
    type Op = RegisterOp<T>;
    type Ret = RegisterRet<T>;
    type State = T;

    fn key(&self, _: &RegisterOp<T>) {}

    fn initial(&self, (): &()) -> T {
        self.initial.clone()
    }

    fn step(&self, state: &T, op: &RegisterOp<T>, ret: Option<&RegisterRet<T>>) -> Option<T> {
        let (next, returns) = match op {
            RegisterOp::Read => (state, RegisterRet::Value(state.clone())),
            RegisterOp::Write(new) => (new, RegisterRet::Done),
            RegisterOp::CompareAndSet { expected, new } if expected == state => {
                (new, RegisterRet::Swapped(true))
            }
            RegisterOp::CompareAndSet { .. } => (state, RegisterRet::Swapped(false)),
        };
        ret.is_none_or(|ret| *ret == returns).then(|| next.clone())
    }

    fn only_reads(&self, op: &RegisterOp<T>, ret: &RegisterRet<T>) -> bool {
        matches!(op, RegisterOp::Read) || *ret == RegisterRet::Swapped(false)
    }
}
