//! Notes the changes of registries.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use byname_registry::observe::Event;
use byname_registry::{Changed, Options, Policy, Registry, Subscription};
use tokio::task::AbortHandle;

use super::ring::{Happened, Noted, Ring};
use super::services::Services;
use crate::http::admin::listed::Listed;
use crate::running::Alive;

/// The changes of one registry, whatever its values are.
pub(crate) trait Source: Send {
    /// The next changes; nothing at the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<Noted>>>;
}

/// Follows a registry without keeping it, and without letting those wait who change it.
pub(crate) struct Follows<V: Send + Sync + 'static> {
    registry: Arc<str>,
    changes: Subscription<V>,
    /// The revision with which it began, if there were changes that it should have noted before.
    began: Option<u64>,
}

impl<V: Send + Sync + 'static> Follows<V> {
    /// Begins now; `since` is the revision behind which changes should have been noted, if any was.
    pub(crate) fn new(
        name: &Arc<str>,
        registry: &Registry<V>,
        since: Option<u64>,
        capacity: usize,
    ) -> Self {
        let options = Options::new(Policy::DropOldest).capacity(capacity);
        let (now, changes) = registry.subscribe(options);
        let now = now.revision();
        Self {
            registry: Arc::clone(name),
            changes,
            began: since.filter(|since| *since < now).map(|_| now),
        }
    }

    fn note(&self, name: &str, revision: u64, happened: Happened) -> Noted {
        Noted {
            registry: Arc::clone(&self.registry),
            name: name.into(),
            revision,
            happened,
            at: SystemTime::now(),
        }
    }
}

impl<V: Send + Sync + 'static> Source for Follows<V> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<Noted>>> {
        if let Some(revision) = self.began.take() {
            return Poll::Ready(Some(vec![self.note("", revision, Happened::Lost)]));
        }
        let event = self.changes.poll_recv(cx);
        event.map(|event| {
            Some(match event? {
                Event::Change(change) => change
                    .entries()
                    .iter()
                    .filter_map(|changed| {
                        let happened = happened(changed)?;
                        Some(self.note(changed.name(), change.revision(), happened))
                    })
                    .collect(),
                Event::Resync { snapshot, .. } => {
                    vec![self.note("", snapshot.revision(), Happened::Lost)]
                }
            })
        })
    }
}

fn happened<V>(changed: &Changed<V>) -> Option<Happened> {
    match (changed.before(), changed.after()) {
        (None, Some(_)) => Some(Happened::Added),
        (Some(_), Some(_)) => Some(Happened::Replaced),
        (Some(_), None) => Some(Happened::Removed),
        (None, None) => None,
    }
}

/// Notes changes until it is dropped, or all registries are gone.
#[derive(Debug)]
pub(crate) struct Collector(AbortHandle);

impl Collector {
    /// Begins now: a change after this has returned is noted. So are those of registries of services,
    /// from the moment that the service is alive.
    pub(crate) fn begin(
        registries: &[Listed],
        alive: &Registry<Arc<Alive>>,
        ring: Arc<Ring>,
        capacity: usize,
    ) -> Self {
        let own = registries.iter().map(|one| one.follow(None, capacity));
        let mut own: Vec<_> = own.collect();
        let mut services = Services::begin(alive, capacity);
        let noting = async move {
            while let Some(notes) = poll_fn(|cx| next(&mut own, &mut services, cx)).await {
                ring.push(notes);
                // Whoever changes registries all the time must not keep this thread from all else.
                tokio::task::coop::consume_budget().await;
            }
        };
        Self(tokio::spawn(noting).abort_handle())
    }
}

/// The next changes of any source; nothing once those of the application have ended. One that has is
/// left out.
fn next(
    own: &mut Vec<Box<dyn Source>>,
    services: &mut Services,
    cx: &mut Context<'_>,
) -> Poll<Option<Vec<Noted>>> {
    if let Poll::Ready(notes) = services.poll_next(cx) {
        return Poll::Ready(Some(notes));
    }
    let mut at = 0;
    while at < own.len() {
        match own[at].poll_next(cx) {
            Poll::Ready(Some(notes)) => {
                // Its turn comes again after all others.
                own[at..].rotate_left(1);
                return Poll::Ready(Some(notes));
            }
            Poll::Ready(None) => drop(own.swap_remove(at)),
            Poll::Pending => at += 1,
        }
    }
    if own.is_empty() {
        Poll::Ready(None)
    } else {
        Poll::Pending
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.0.abort();
    }
}
