//! Making a registry hold what is wanted by writing only what differs.

use std::cmp::Ordering;

use byname_registry::{ChangeError, Registry, TransactionError};

/// One thing to write so that what is present becomes what is wanted.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Step<'p, 'w, V> {
    Add(&'w str, &'w V),
    Update(&'w str, &'w V),
    Remove(&'p str),
}

/// Compares two lists ordered by name and yields the steps from the first to the second.
pub(super) fn steps<'p, 'w, V>(
    present: impl Iterator<Item = (&'p str, &'p V)>,
    wanted: impl Iterator<Item = (&'w str, &'w V)>,
) -> impl Iterator<Item = Step<'p, 'w, V>>
where
    V: Eq + 'p + 'w,
{
    let (mut present, mut wanted) = (present.peekable(), wanted.peekable());
    std::iter::from_fn(move || {
        loop {
            let order = match (present.peek(), wanted.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((present, _)), Some((wanted, _))) => (**present).cmp(*wanted),
            };
            match order {
                Ordering::Less => return present.next().map(|(name, _)| Step::Remove(name)),
                Ordering::Greater => {
                    return wanted.next().map(|(name, value)| Step::Add(name, value));
                }
                Ordering::Equal => {
                    let ((_, before), (name, after)) = present.next().zip(wanted.next())?;
                    if before != after {
                        return Some(Step::Update(name, after));
                    }
                }
            }
        }
    })
}

/// What a transaction has written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Written {
    pub(super) revision: u64,
    pub(super) added: usize,
    pub(super) updated: usize,
    pub(super) removed: usize,
}

impl Written {
    pub(super) const fn is_empty(&self) -> bool {
        self.added + self.updated + self.removed == 0
    }
}

/// Makes a registry hold exactly what is wanted, as one revision, or none if it does already.
///
/// What is wanted comes ordered by name, each name once.
///
/// Only what differs is written: every other entry keeps its revision, and who follows the
/// registry hears of nothing else.
pub(super) fn write<V: Clone + Eq + Send + Sync + 'static>(
    registry: &Registry<V>,
    wanted: &[V],
    name: fn(&V) -> &str,
) -> Result<Written, TransactionError<ChangeError>> {
    let committed = registry.transaction(|draft| {
        let mut written = Written::default();
        let (mut puts, mut removals) = (Vec::new(), Vec::new());
        for step in steps(
            draft.iter(),
            wanted.iter().map(|value| (name(value), value)),
        ) {
            match step {
                Step::Add(name, value) => {
                    written.added += 1;
                    puts.push((name, value));
                }
                Step::Update(name, value) => {
                    written.updated += 1;
                    puts.push((name, value));
                }
                Step::Remove(name) => {
                    written.removed += 1;
                    removals.push(name.to_owned());
                }
            }
        }
        for (name, value) in puts {
            draft.put(name, value.clone())?;
        }
        for name in removals {
            draft.remove(&name)?;
        }
        Ok(written)
    })?;
    Ok(Written {
        revision: committed.revision,
        ..committed.value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<'a>(list: &'a [(&'a str, u8)]) -> impl Iterator<Item = (&'a str, &'a u8)> {
        list.iter().map(|(name, value)| (*name, value))
    }

    #[test]
    fn only_what_differs_is_a_step() {
        let present = [("a", 1), ("b", 1), ("c", 1), ("e", 1)];
        let wanted = [("b", 1), ("c", 2), ("d", 1), ("e", 1), ("f", 1)];
        let found: Vec<_> = steps(pairs(&present), pairs(&wanted)).collect();
        let expected = [
            Step::Remove("a"),
            Step::Update("c", &2),
            Step::Add("d", &1),
            Step::Add("f", &1),
        ];
        assert_eq!(found, expected);
        assert_eq!(steps(pairs(&wanted), pairs(&wanted)).next(), None);
        assert_eq!(steps(pairs(&[]), pairs(&[])).next(), None);
    }

    #[test]
    fn a_change_is_one_revision_that_touches_only_what_differs() {
        type Value = (&'static str, u8);
        let registry: Registry<Value> = Registry::new();
        let write = |wanted: &[Value]| write(&registry, wanted, |value| value.0).unwrap();
        let written = write(&[("a", 1), ("b", 1), ("c", 1)]);
        assert_eq!(
            written,
            Written {
                revision: 1,
                added: 3,
                updated: 0,
                removed: 0
            }
        );

        let second = [("b", 1), ("c", 2), ("d", 1)];
        let written = write(&second);
        assert_eq!(
            written,
            Written {
                revision: 2,
                added: 1,
                updated: 1,
                removed: 1
            }
        );
        let revision = |name| registry.entry(name).map(|entry| entry.revision());
        assert_eq!(
            ["a", "b", "c", "d"].map(revision),
            [None, Some(1), Some(2), Some(2)]
        );

        let written = write(&second);
        assert_eq!(
            written,
            Written {
                revision: 2,
                ..Written::default()
            }
        );
        assert_eq!(registry.revision(), 2);
    }
}
