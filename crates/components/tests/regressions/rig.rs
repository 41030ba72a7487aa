//! Services that count and note what is done with them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use byname_components::config::{Node, Origin, Source};
use byname_components::{BoxError, Made};

/// A service that is only there.
#[derive(Debug)]
pub(crate) struct Thing(pub(crate) String);

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// How often services of one kind were built, started and stopped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Arc<[AtomicUsize; 3]>);

impl Counts {
    /// Returns how often they were built, started and stopped.
    pub(crate) fn all(&self) -> [usize; 3] {
        self.0.each_ref().map(|count| count.load(Ordering::SeqCst))
    }

    fn one_more(&self, at: usize) {
        self.0[at].fetch_add(1, Ordering::SeqCst);
    }

    /// Makes a service that is counted.
    pub(crate) fn made(&self, name: &str) -> Made<Thing> {
        self.one_more(0);
        let [started, stopped] = [self.clone(), self.clone()];
        Made::new(Arc::new(Thing(name.into())))
            .on_start(move || async move {
                started.one_more(1);
                Ok(())
            })
            .on_stop(move || async move {
                stopped.one_more(2);
                Ok(())
            })
    }

    /// A factory of services that are counted.
    pub(crate) fn factory(
        &self,
    ) -> impl Fn(()) -> std::future::Ready<Result<Made<Thing>, BoxError>> + Send + Sync + 'static
    {
        let counts = self.clone();
        move |()| std::future::ready(Ok(counts.made("counted")))
    }
}

/// The settings of a service that takes none.
pub(crate) fn nothing() -> Node {
    Node::empty(Origin::of(Source::Code("a test".into())))
}
