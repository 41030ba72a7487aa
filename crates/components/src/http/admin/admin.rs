//! The pages, and what they are made of.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::changes::{Collector, Ring};
use super::listed::Listed;
use super::metrics::{Histogram, Measure};
use super::settings::{AdminError, Settings};
use super::{handle, host, page, registries};
use crate::context::Context;
use crate::running::Running;
use crate::service_error::{ErrorKind, ServiceError};

/// The admin pages of an application; a clone is the same.
///
/// It notes the changes of all registries from when it is made until the last clone is dropped. It does
/// not keep the application alive.
#[derive(Clone)]
pub struct Admin(Arc<Pages>);

/// What the pages are made of.
pub(super) struct Pages {
    pub(super) settings: Settings,
    pub(super) context: Context,
    /// Registries that are not the application's own.
    more: Vec<Listed>,
    pub(super) measures: Vec<Measure>,
    pub(super) ring: Arc<Ring>,
    /// What tells the changes of this run from those of another.
    pub(super) run: Arc<str>,
    pub(super) started: SystemTime,
    pub(super) followers: Arc<Semaphore>,
    pub(super) counts: Counts,
    collector: Option<Collector>,
}

/// What the pages count of themselves.
pub(super) struct Counts {
    pub(super) refused: std::sync::atomic::AtomicU64,
    pub(super) answered: Histogram,
}

/// Makes the admin pages of the application that `context` is of.
///
/// # Errors
///
/// [`AdminError`] if a setting has a value that it cannot have.
///
/// # Panics
///
/// Panics outside a tokio runtime.
pub fn admin(settings: Settings, context: Context) -> Result<Admin, AdminError> {
    Admin::with(settings, context, Vec::new(), Vec::new())
}

impl Admin {
    /// Makes the admin pages with registries that are neither the application's own nor a
    /// [service's](crate::Made::listed), and with measurements that are added on each request for them.
    ///
    /// # Errors
    ///
    /// As [`admin`], and if two registries have one name, or one a name with `/`.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn with(
        settings: Settings,
        context: Context,
        more: Vec<Listed>,
        measures: Vec<Measure>,
    ) -> Result<Self, AdminError> {
        if let Some((setting, message)) = settings.faults().next() {
            return Err(AdminError { setting, message });
        }
        let ring = Ring::new(settings.changes, bytes(settings.changes_size.get()));
        let started = SystemTime::now();
        let nanos = started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut pages = Pages {
            context,
            more,
            measures,
            ring: Arc::new(ring),
            run: format!("{:x}", nanos.as_nanos()).into(),
            started,
            followers: Arc::new(Semaphore::new(settings.followers)),
            counts: Counts {
                refused: 0.into(),
                answered: Histogram::new(&[0.001, 0.01, 0.1, 1.0, 10.0]),
            },
            settings,
            collector: None,
        };
        if let Some(app) = pages.context.app() {
            let own = pages.own(&app);
            let mut names: Vec<_> = own.iter().map(Listed::name).collect();
            names.sort_unstable();
            let mut pairs = names.iter().zip(names.iter().skip(1));
            if let Some((twice, _)) = pairs.find(|(one, next)| one == next) {
                return Err(AdminError {
                    setting: "registries",
                    message: format!("has `{twice}` twice"),
                });
            }
            if let Some(of_service) = names.iter().find(|name| name.contains('/')) {
                return Err(AdminError {
                    setting: "registries",
                    message: format!(
                        "has `{of_service}`; a name with `/` is that of a service's own"
                    ),
                });
            }
            let ring = Arc::clone(&pages.ring);
            let collector = Collector::begin(&own, &app.0.alive, ring, pages.settings.changes);
            pages.collector = Some(collector);
        }
        Ok(Self(Arc::new(pages)))
    }

    /// Returns what answers, for the paths that the [module](super) tells.
    pub fn router(&self) -> Router {
        let pages = Arc::clone(&self.0);
        Router::new()
            .route("/", get(handle::page))
            .route("/page.css", get(page::style))
            .route("/page.js", get(page::script))
            .route("/registries", get(handle::registries))
            .route("/registries/{*name}", get(handle::entries))
            .route("/graph", get(handle::graph))
            .route("/health", get(handle::health))
            .route("/livez", get(handle::live))
            .route("/readyz", get(handle::ready))
            .route("/metrics", get(handle::metrics))
            .route("/changes", get(handle::changes))
            .route("/config", get(handle::config))
            .fallback(async || ServiceError::new(ErrorKind::NotFound, "there is no such page"))
            .method_not_allowed_fallback(not_allowed)
            .layer(from_fn_with_state(Arc::clone(&pages), around))
            .with_state(pages)
    }
}

impl Pages {
    /// The registries of the application, and those that the pages were given.
    fn own(&self, app: &Running) -> Vec<Listed> {
        let mut own = registries::all(app);
        own.extend(self.more.iter().cloned());
        own
    }

    /// All registries, by name: also those of the services that are alive at this moment.
    pub(super) fn listed(&self, app: &Running) -> Vec<Listed> {
        alive(app, self.own(app))
    }
}

/// These registries and those of the services that are alive at this moment, by name.
pub(super) fn alive(app: &Running, mut all: Vec<Listed>) -> Vec<Listed> {
    let alive = app.0.alive.snapshot();
    for (_, alive) in alive.iter() {
        all.extend(alive.listed.iter().map(|(listed, _)| listed.clone()));
    }
    all.sort_by(|one, two| one.name().cmp(two.name()));
    all
}

pub(super) async fn not_allowed(method: Method) -> Response {
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let message = "a page can only be read: use GET";
        ServiceError::new(ErrorKind::MethodNotAllowed, message).into_response()
    };
    let allow = HeaderValue::from_static("GET, HEAD, OPTIONS");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

/// Looks at the host before anything else, and measures how long the answer takes to begin.
async fn around(
    axum::extract::State(pages): axum::extract::State<Arc<Pages>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let known = host::check(&pages.settings.hosts, request.uri(), request.headers());
    let mut response = match known {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(no_store);
    pages.counts.answered.observe(begun.elapsed());
    response
}

fn bytes(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// After which time a follower that was refused may come again.
pub(super) const COME_AGAIN: Duration = Duration::from_secs(5);
