//! Which route a request is for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::times::Times;

/// Which route a request is for, once that is known: in the extensions of every request of a listener,
/// from before its middleware on, for what tells of requests (an access log, metrics). A clone is the
/// same, so that who keeps one knows the route also of a request that was refused or given up.
///
/// What stands before all routes finds the route that the path leads to; if something between changes
/// the path, the route that was taken in the end counts. A request that no route is for has none.
///
/// # Examples
///
/// ```
/// use byname_components::http::MatchedRoute;
///
/// assert_eq!(MatchedRoute::default().path(), None);
/// assert_eq!(MatchedRoute::new("/users/{id}").path(), Some("/users/{id}"));
/// ```
#[derive(Clone, Default)]
pub struct MatchedRoute(Arc<Found>);

#[derive(Default)]
struct Found {
    /// Where the path leads as it came.
    foreseen: OnceLock<Arc<Route>>,
    /// What was asked in the end.
    taken: OnceLock<Arc<Route>>,
}

/// A path of a listener with all of its methods, or everything below it, and how long its requests took.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) path: Arc<str>,
    pub(super) times: Times,
}

impl Route {
    pub(super) fn new(path: Arc<str>) -> Arc<Self> {
        let times = Times::default();
        Arc::new(Self { path, times })
    }
}

impl MatchedRoute {
    /// Names a route, for requests that no listener has made.
    #[must_use]
    pub fn new(path: impl Into<Arc<str>>) -> Self {
        let route = Self::default();
        route.take(&Route::new(path.into()));
        route
    }

    /// Returns the path of the route, with its parameters in braces; nothing as long as it is not known.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.route().map(|route| &*route.path)
    }

    pub(super) fn route(&self) -> Option<&Arc<Route>> {
        self.0.taken.get().or_else(|| self.0.foreseen.get())
    }

    /// Says where the path leads as it came.
    pub(super) fn foresee(&self, route: &Arc<Route>) {
        // The outermost that knows is the one that counts.
        let _ = self.0.foreseen.set(Arc::clone(route));
    }

    /// Says which route is asked.
    pub(super) fn take(&self, route: &Arc<Route>) {
        let _ = self.0.taken.set(Arc::clone(route));
    }
}

impl fmt::Debug for MatchedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MatchedRoute").field(&self.path()).finish()
    }
}
