//! What an operator should look at.

use std::sync::{Mutex, PoisonError};

use crate::health::Problem;

/// How many things that were set aside are remembered.
const MOST: usize = 64;

/// The problems of one open store: at most one of what is in the document's place, one of each
/// condition, and the last [`MOST`] things that were set aside.
#[derive(Debug, Default)]
pub(crate) struct Problems(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    /// What is in the document's place.
    place: Option<Problem>,
    not_kept: Option<Problem>,
    not_watched: Option<Problem>,
    unreachable: Option<Problem>,
    aside: Vec<Problem>,
}

impl Problems {
    fn with<R>(&self, change: impl FnOnce(&mut List) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is in the document's place is like this now. It is logged when it is news.
    pub(crate) fn place(&self, problem: Option<Problem>) {
        let news = self.with(|list| {
            if list.place == problem {
                return false;
            }
            list.place.clone_from(&problem);
            true
        });
        if let Some(problem) = problem.filter(|_| news) {
            tracing::warn!("{problem}");
        }
    }

    pub(crate) fn not_kept(&self, problem: Option<Problem>) {
        Self::log(problem.as_ref());
        self.with(|list| list.not_kept = problem);
    }

    pub(crate) fn not_watched(&self, problem: Option<Problem>) {
        Self::log(problem.as_ref());
        self.with(|list| list.not_watched = problem);
    }

    pub(crate) fn unreachable(&self, problem: Option<Problem>) {
        self.with(|list| list.unreachable = problem);
    }

    pub(crate) fn set_aside(&self, problem: Problem) {
        Self::log(Some(&problem));
        self.with(|list| {
            if list.aside.len() == MOST {
                list.aside.remove(0);
            }
            list.aside.push(problem);
        });
    }

    fn log(problem: Option<&Problem>) {
        if let Some(problem) = problem {
            tracing::warn!("{problem}");
        }
    }

    pub(crate) fn all(&self) -> Vec<Problem> {
        self.with(|list| {
            let single = [
                &list.place,
                &list.not_kept,
                &list.not_watched,
                &list.unreachable,
            ];
            let single = single.into_iter().filter_map(Clone::clone);
            single.chain(list.aside.iter().cloned()).collect()
        })
    }
}
