//! The search for an order: Wing and Gong's, with Lowe's memory of configurations already met.
//!
//! The calls and returns of a history stand in one list, in the order of their times. The search
//! takes the first call that the model allows in the present state, takes the operation (its call
//! and its return) out of the list, and begins again at the front. A return at which it arrives
//! means that an operation that was over has not been taken: something taken earlier was wrong, and
//! the last one is put back. A configuration (which operations were taken, and the state they led
//! to) that was met before leads nowhere new and is not entered twice; that is what makes the
//! search fast enough.

use super::{Model, Operation};
use std::collections::HashSet;

/// What a search found.
pub(super) enum Outcome {
    /// There is an order.
    Found,
    /// There is none; the longest beginning of one, as indices of operations.
    None { longest: Vec<usize> },
    /// The search met more configurations than it may.
    Unfinished,
}

/// The operations of one group, and how many configurations may be met.
pub(super) fn search<M: Model>(
    model: &M,
    key: &M::Key,
    operations: &[&Operation<M::Op, M::Ret>],
    bound: usize,
) -> Outcome {
    let mut list = List::new(operations);
    let mut left = operations
        .iter()
        .filter(|operation| operation.ret.is_some())
        .count();
    let mut taken = Taken(vec![0; operations.len().div_ceil(64)]);
    let mut state = model.initial(key);
    let mut met: HashSet<(Taken, M::State)> = HashSet::new();
    let mut order: Vec<(usize, M::State)> = Vec::new();
    let mut longest: Vec<usize> = Vec::new();
    let mut at = list.first();
    // An operation that never returned may be left out, so only those that did must be taken.
    while left > 0 {
        if let Some(Event::Call(index)) = list.event(at) {
            let operation = operations[index];
            let ret = operation.ret.as_ref().map(|(_, ret)| ret);
            let next = model.step(&state, &operation.op, ret);
            let new = next.filter(|next| {
                taken.flip(index);
                let new = met.insert((taken.clone(), next.clone()));
                if !new {
                    taken.flip(index);
                }
                new
            });
            let Some(next) = new else {
                at = list.after(at);
                continue;
            };
            if met.len() > bound {
                return Outcome::Unfinished;
            }
            list.take(index);
            left -= usize::from(ret.is_some());
            order.push((index, std::mem::replace(&mut state, next)));
            if order.len() > longest.len() {
                longest = order.iter().map(|(index, _)| *index).collect();
            }
            at = list.first();
        } else {
            let Some((index, before)) = order.pop() else {
                return Outcome::None { longest };
            };
            state = before;
            taken.flip(index);
            list.put_back(index);
            left += usize::from(operations[index].ret.is_some());
            at = list.after(list.call_of[index]);
        }
    }
    Outcome::Found
}

/// Which operations are taken.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Taken(Vec<u64>);

impl Taken {
    fn flip(&mut self, index: usize) {
        self.0[index / 64] ^= 1 << (index % 64);
    }
}

#[derive(Clone, Copy)]
enum Event {
    Call(usize),
    Return,
}

/// The calls and returns that are not taken, in the order of their times.
///
/// Places are numbered from 1; place 0 is before the first one, and the one behind the last is the
/// end.
struct List {
    events: Vec<Event>,
    next: Vec<usize>,
    previous: Vec<usize>,
    call_of: Vec<usize>,
    return_of: Vec<Option<usize>>,
}

impl List {
    fn new<Op, Ret>(operations: &[&Operation<Op, Ret>]) -> Self {
        // At one time calls stand before returns: operations that touch overlap.
        let mut order: Vec<(u64, bool, usize)> = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            order.push((operation.call, false, index));
            if let Some((time, _)) = operation.ret {
                order.push((time, true, index));
            }
        }
        order.sort_unstable();
        let mut list = Self {
            events: Vec::with_capacity(order.len()),
            next: (1..order.len() + 3).collect(),
            previous: (0..order.len() + 2)
                .map(|place: usize| place.saturating_sub(1))
                .collect(),
            call_of: vec![0; operations.len()],
            return_of: vec![None; operations.len()],
        };
        for (place, (_, is_return, index)) in order.into_iter().enumerate() {
            if is_return {
                list.return_of[index] = Some(place + 1);
                list.events.push(Event::Return);
            } else {
                list.call_of[index] = place + 1;
                list.events.push(Event::Call(index));
            }
        }
        list
    }

    fn first(&self) -> usize {
        self.next[0]
    }

    fn after(&self, place: usize) -> usize {
        self.next[place]
    }

    fn event(&self, place: usize) -> Option<Event> {
        self.events.get(place - 1).copied()
    }

    fn take(&mut self, index: usize) {
        self.unlink(self.call_of[index]);
        if let Some(place) = self.return_of[index] {
            self.unlink(place);
        }
    }

    /// Undoes the last [`take`](Self::take) that was not undone, so that the links which a place
    /// that was taken out still has are those it had when it was.
    fn put_back(&mut self, index: usize) {
        if let Some(place) = self.return_of[index] {
            self.link(place);
        }
        self.link(self.call_of[index]);
    }

    fn unlink(&mut self, place: usize) {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous] = next;
        self.previous[next] = previous;
    }

    fn link(&mut self, place: usize) {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous] = place;
        self.previous[next] = place;
    }
}
