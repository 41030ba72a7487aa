//! The registries of services, which come and go with them.

use std::sync::Arc;
use std::task::{Context, Poll};

use byname_registry::observe::Event;
use byname_registry::{Entry, Options, Policy, Registry, Snapshot, Subscription};

use super::collect::Source;
use super::ring::Noted;
use crate::running::Alive;

/// The sources of all services that are alive.
pub(super) struct Services {
    changes: Subscription<Arc<Alive>>,
    followed: Vec<Followed>,
    /// What sources that are no longer followed had left.
    left: Vec<Noted>,
    capacity: usize,
}

/// A registry of a service.
struct Followed {
    service: Arc<str>,
    /// The revision of the service's life: one that is made anew under its name has another.
    life: u64,
    source: Box<dyn Source>,
}

impl Services {
    /// Begins now, with all that are alive.
    pub(super) fn begin(alive: &Registry<Arc<Alive>>, capacity: usize) -> Self {
        let options = Options::new(Policy::DropOldest).capacity(capacity);
        let (now, changes) = alive.subscribe(options);
        let mut services = Self {
            changes,
            followed: Vec::new(),
            left: Vec::new(),
            capacity,
        };
        for (service, entry) in now.entries() {
            services.follow(service, &entry, false);
        }
        services
    }

    /// The next changes of any registry of a service.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Vec<Noted>> {
        while let Poll::Ready(Some(event)) = self.changes.poll_recv(cx) {
            match event {
                Event::Change(change) => {
                    for changed in change.entries() {
                        let name = changed.name();
                        self.forget(cx, |followed| *followed.service == *name);
                        if let Some(entry) = changed.after() {
                            self.follow(name, entry, true);
                        }
                    }
                }
                Event::Resync { snapshot, .. } => self.reconcile(cx, &snapshot),
            }
        }
        if !self.left.is_empty() {
            return Poll::Ready(std::mem::take(&mut self.left));
        }
        let mut at = 0;
        while at < self.followed.len() {
            match self.followed[at].source.poll_next(cx) {
                Poll::Ready(Some(notes)) => {
                    // Its turn comes again after all others.
                    self.followed[at..].rotate_left(1);
                    return Poll::Ready(notes);
                }
                Poll::Ready(None) => drop(self.followed.swap_remove(at)),
                Poll::Pending => at += 1,
            }
        }
        Poll::Pending
    }

    /// Follows the registries of a service; of one that `came`, what it changed before now is lost.
    fn follow(&mut self, service: &str, entry: &Entry<Arc<Alive>>, came: bool) {
        let listed = entry.value().map_or(&[][..], |alive| &alive.listed);
        for (one, since) in listed {
            self.followed.push(Followed {
                service: service.into(),
                life: entry.revision(),
                source: one.follow(came.then_some(*since), self.capacity),
            });
        }
    }

    /// Follows these no longer, and keeps what they had noted until now.
    fn forget(&mut self, cx: &mut Context<'_>, which: impl Fn(&Followed) -> bool) {
        for mut gone in self.followed.extract_if(.., |followed| which(followed)) {
            // As much as can wait: somebody else may go on changing a registry that its service has left.
            for _ in 0..=self.capacity {
                let Poll::Ready(Some(notes)) = gone.source.poll_next(cx) else {
                    break;
                };
                self.left.extend(notes);
            }
        }
    }

    /// Follows those that are alive and no others, after some that came and went were not told.
    fn reconcile(&mut self, cx: &mut Context<'_>, now: &Snapshot<Arc<Alive>>) {
        let is = |followed: &Followed| {
            now.entry(&followed.service)
                .is_some_and(|entry| entry.revision() == followed.life)
        };
        self.forget(cx, |followed| !is(followed));
        let known: Vec<_> = self
            .followed
            .iter()
            .map(|followed| Arc::clone(&followed.service))
            .collect();
        for (service, entry) in now.entries() {
            if !known.iter().any(|known| **known == *service) {
                self.follow(service, &entry, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::http::admin::Listed;
    use crate::life::Within;
    use crate::made::{Extras, Made};

    fn alive(name: &str, things: &Registry<u32>) -> Arc<Alive> {
        let listed = Listed::new("things", "thing", things, |_, _| serde_json::Map::new());
        let (_, extras): (_, Extras) = Made::new(Arc::new(())).listed(listed).into_parts();
        Arc::new(Alive::new(name, Vec::new(), Within::default(), extras))
    }

    /// All that is there by now: registry, name, what happened.
    fn told(services: &mut Services) -> Vec<(String, String, &'static str)> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut told = Vec::new();
        while let Poll::Ready(notes) = services.poll_next(&mut cx) {
            told.extend(notes.into_iter().map(|note| {
                let name = note.name.to_string();
                (note.registry.to_string(), name, note.happened.word())
            }));
        }
        told
    }

    fn of(registry: &str, name: &str, word: &'static str) -> (String, String, &'static str) {
        (registry.to_owned(), name.to_owned(), word)
    }

    #[test]
    fn what_changed_before_a_new_service_was_followed_is_told_as_lost() {
        let (all, things) = (Registry::new(), Registry::new());
        let mut services = Services::begin(&all, 8);
        things.put("made with it", 1).unwrap();
        all.put("a", alive("a", &things)).unwrap();
        assert_eq!(told(&mut services), []);
        things.put("seen", 1).unwrap();
        assert_eq!(told(&mut services), [of("a/things", "seen", "added")]);
        all.put("b", alive("b", &things)).unwrap();
        things.put("between", 1).unwrap();
        let mut told = told(&mut services);
        // Which service comes first is nobody's promise.
        told.sort();
        let seen = of("a/things", "between", "added");
        assert_eq!(told, [seen, of("b/things", "", "lost")]);
    }

    #[test]
    fn the_last_changes_of_a_service_are_told_and_none_after_it() {
        let (all, old, new) = (Registry::new(), Registry::new(), Registry::new());
        all.put("a", alive("a", &old)).unwrap();
        let mut services = Services::begin(&all, 8);
        old.put("last", 1).unwrap();
        all.put("a", alive("a", &new)).unwrap();
        assert_eq!(told(&mut services), [of("a/things", "last", "added")]);
        old.put("after", 1).unwrap();
        new.put("first", 1).unwrap();
        assert_eq!(told(&mut services), [of("a/things", "first", "added")]);
        all.remove("a").unwrap();
        assert_eq!(told(&mut services), []);
        new.put("after", 1).unwrap();
        assert_eq!(told(&mut services), []);
        assert!(services.followed.is_empty());
    }

    /// More services came and went than the queue holds: what is told is of those that are alive.
    #[test]
    fn services_that_were_not_told_of_are_found_again() {
        let (all, things) = (Registry::new(), Registry::<u32>::new());
        let other = Registry::new();
        all.put("stays", alive("stays", &things)).unwrap();
        all.put("anew", alive("anew", &other)).unwrap();
        let mut services = Services::begin(&all, 2);
        for at in 0..10 {
            all.put(&format!("s{at}"), alive(&format!("s{at}"), &things))
                .unwrap();
            all.remove(&format!("s{at}")).unwrap();
        }
        all.put("anew", alive("anew", &things)).unwrap();
        all.put("new", alive("new", &things)).unwrap();
        assert_eq!(told(&mut services), []);
        let mut names: Vec<_> = services.followed.iter().map(|one| &*one.service).collect();
        names.sort_unstable();
        assert_eq!(names, ["anew", "new", "stays"]);
        other.put("of the old one", 1).unwrap();
        assert_eq!(told(&mut services), []);
        things.put("x", 1).unwrap();
        assert_eq!(told(&mut services).len(), 3);
    }
}
