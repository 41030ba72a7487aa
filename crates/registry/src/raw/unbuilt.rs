//! Entries whose values are made on demand.

use std::ptr::NonNull;
use std::sync::Arc;

use super::version::{Content, Unpublished, Version};
use crate::build::{Build, Rules};
use crate::factory::Factory;
use crate::place::Place;
use crate::sync::atomic::{AtomicPtr, Ordering};

/// The version that a build fills.
///
/// A pointer and no share: a share would keep the version, which owns the build, alive for ever.
struct Target<V>(AtomicPtr<Version<V>>);

impl<V> Target<V> {
    /// Puts the value into the version.
    ///
    /// # Safety
    ///
    /// Only called by the build's own future, which is polled only by waiters that hold an
    /// [`Entry`](super::owned::Entry) of the version.
    unsafe fn fill(&self, value: V) {
        // Acquire: pairs with the Release in `Version::unbuilt`.
        let version = self.0.load(Ordering::Acquire);
        // SAFETY: the waiter that polls keeps the version alive.
        let version = unsafe { &*version };
        // SAFETY: builds of one version exclude one another, and none follows a success.
        unsafe { version.fill(value) };
    }
}

impl<V: Send + Sync + 'static> Version<V> {
    /// Makes a version whose value `factory` builds when somebody asks.
    pub(crate) fn unbuilt(
        name: Arc<str>,
        factory: Factory<V>,
        rules: &Arc<Rules>,
        place: Place,
    ) -> Unpublished<V> {
        let target = Arc::new(Target(AtomicPtr::new(std::ptr::null_mut())));
        let Factory { kind, retry, make } = factory;
        let build = Build::new(name, kind, retry, rules, {
            let target = Arc::clone(&target);
            move |context| {
                let (target, made) = (Arc::clone(&target), make(context));
                Box::pin(async move {
                    let value = made.await?;
                    // SAFETY: this is the build's own future. `Build` lends itself out to
                    // `Entry`'s ways of resolving only, and each holds the entry while it waits.
                    unsafe { target.fill(value) };
                    Ok(())
                })
            }
        });
        let version = Self::with(Content::Factory(build), place);
        let pointer: NonNull<Self> = version.pointer();
        target.0.store(pointer.as_ptr(), Ordering::Release);
        version
    }
}
