//! The registry's entries that are built when they are first asked for.

use std::sync::Arc;

use byname_registry::{Factory, Handle, Registry};

use crate::names::Svc;
use crate::sections::once::{Build, Cell, NAME, again};

fn with_factory(build: Build) -> Registry<Arc<Svc>> {
    let registry = Registry::new();
    registry
        .register_factory(
            NAME,
            Factory::new(move |_| Ok::<_, std::convert::Infallible>(build())),
        )
        .expect("the registry is empty");
    registry
}

struct Built(Registry<Arc<Svc>>);

impl Cell for Built {
    fn ask(&self) -> u64 {
        self.0.resolve(NAME).expect("the factory cannot fail").id
    }

    fn read(&self, times: usize) -> u64 {
        again(times, || self.0.get(NAME).map_or(0, |value| value.id))
    }
}

struct Kept(Registry<Arc<Svc>>, Handle<Arc<Svc>>);

impl Cell for Kept {
    fn ask(&self) -> u64 {
        self.0.resolve(NAME).expect("the factory cannot fail").id
    }

    fn read(&self, times: usize) -> u64 {
        let view = self.0.view();
        again(times, || {
            std::hint::black_box(&self.1)
                .get_in(&view)
                .map_or(0, |value| value.id)
        })
    }
}

pub(crate) fn built(build: Build) -> Arc<dyn Cell> {
    Arc::new(Built(with_factory(build)))
}

pub(crate) fn built_handle(build: Build) -> Arc<dyn Cell> {
    let registry = with_factory(build);
    let handle = registry.handle(NAME).expect("the name is there");
    Arc::new(Kept(registry, handle))
}
