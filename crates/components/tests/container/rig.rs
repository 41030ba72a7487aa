//! Services for tests: they note what happens to them.

use std::sync::{Arc, Mutex};

use byname_components::{BoxError, Made, Registrar};

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

    /// Where something stands in the log.
    #[track_caller]
    pub(crate) fn at(&self, what: &str) -> usize {
        let all = self.all();
        let found = all.iter().position(|noted| noted == what);
        found.unwrap_or_else(|| panic!("{what} is not in {all:?}"))
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.all().iter().filter(|noted| *noted == what).count()
    }
}

/// A service that is only there.
#[derive(Debug)]
pub(crate) struct Thing(pub(crate) &'static str);

/// Notes each phase of a service's life.
pub(crate) fn noted<T: ?Sized + Send + Sync + 'static>(
    made: Made<T>,
    name: &'static str,
    log: &Log,
) -> Made<T> {
    let [start, ready, drain, stop] = [log.clone(), log.clone(), log.clone(), log.clone()];
    made.on_start(move || async move {
        start.note(format!("start {name}"));
        Ok(())
    })
    .on_ready(move || async move {
        ready.note(format!("ready {name}"));
        Ok(())
    })
    .on_drain(move || async move {
        drain.note(format!("drain {name}"));
        Ok(())
    })
    .on_stop(move || async move {
        stop.note(format!("stop {name}"));
        Ok(())
    })
}

/// Registers a factory of this name without settings, which notes what happens.
pub(crate) fn thing<N>(registrar: &mut Registrar<'_>, name: &'static str, needs: N, log: &Log)
where
    N: byname_components::Needs,
    Made<Thing>: Sized,
    Thinker: byname_components::Build<(), N::Given, Made<Thing>>,
{
    registrar.factory(name, needs, Thinker(name, log.clone()));
}

/// Builds things, whatever they are given.
pub(crate) struct Thinker(&'static str, Log);

impl<G: Send + 'static> byname_components::Build<(), G, Made<Thing>> for Thinker {
    fn build(
        &self,
        (): (),
        given: G,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Made<Thing>, BoxError>> + Send>> {
        let (name, log) = (self.0, self.1.clone());
        log.note(format!("build {name}"));
        Box::pin(async move {
            drop(given);
            Ok(noted(Made::new(Arc::new(Thing(name))), name, &log))
        })
    }
}
