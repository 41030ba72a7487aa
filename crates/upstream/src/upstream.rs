//! Several peers as one.

mod run;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use byname_registry::{Handle, Registry};
use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::backend::Backend;
use crate::balance::Balancer;
use crate::body::Body;
use crate::budget::Budget;
use crate::call::Call;
use crate::connect::Secure;
use crate::content::Content;
use crate::error::{Error, Phase};
use crate::limit::InFlight;
use crate::options::Options;
use crate::peer::{Peer, read};
use crate::random::{Random, seed};
use crate::state::{BackendState, Counters};

/// Several peers that answer the same requests, called as one.
///
/// A clone is the same upstream. Everything that is kept of a backend (its state, its counts, its
/// connections) belongs to this upstream and ends with it; two upstreams share nothing.
///
/// # Consistency
///
/// [`set_backends`](Self::set_backends) is whole: a call that begins after it returned sees all of it, and
/// none sees a part of it. A try that is under way goes on with its backend.
///
/// A future of [`call`](Self::call) that is dropped leaves nothing behind: the try is counted as
/// abandoned, its places are given back before the drop returns, and its connection is closed or, where
/// the request was not yet sent on it, kept.
///
/// # Examples
///
/// ```no_run
/// use byname_upstream::{Backend, Call, Options, Upstream};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let backends = [Backend::new("http://10.0.0.1:8080")?, Backend::new("http://10.0.0.2:8080")?];
/// let users = Upstream::new("users", backends, Options::default())?;
/// let request = http::Request::get("/users/7").body(bytes::Bytes::new())?;
/// let answer = users.call(request, Call::default()).await?;
/// let body = answer.into_body().read(1 << 20).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upstream(Arc<Shared>);

struct Shared {
    name: Arc<str>,
    options: Options,
    secure: Secure,
    peers: Registry<Vec<Arc<Peer>>>,
    /// The one entry of `peers`.
    handle: Handle<Vec<Arc<Peer>>>,
    balancer: Balancer,
    budget: Budget,
    random: Random,
    /// Told whenever a place becomes free, or the backends change.
    freed: Arc<Notify>,
    waiting: InFlight,
    counts: Counts,
}

/// Counted for metrics only, as [`crate::peer::Counts`].
#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    retries: AtomicU64,
    over_budget: AtomicU64,
    unwell: AtomicU64,
    waited: AtomicU64,
    overloaded: AtomicU64,
    refused: AtomicU64,
    without_backend: AtomicU64,
}

const BACKENDS: &str = "backends";

impl Upstream {
    /// Makes an upstream; nothing is connected to before it is called. There may be no backend yet.
    ///
    /// # Errors
    ///
    /// An option is out of its bounds, a backend is named twice, or one is over TLS and there is nobody
    /// whose word is taken for who it is.
    pub fn new(
        name: &str,
        backends: impl IntoIterator<Item = Backend>,
        options: Options,
    ) -> Result<Self, Error> {
        let name: Arc<str> = name.into();
        options.check().map_err(|error| error.of(&name))?;
        let backends = distinct(backends).map_err(|error| error.of(&name))?;
        let secure = Secure::of(&options);
        secure.ready(&backends).map_err(|error| error.of(&name))?;
        let now = Instant::now().into_std();
        let freed = Arc::new(Notify::new());
        let peers = backends.into_iter();
        let peers: Vec<_> = peers
            .map(|backend| Peer::new(backend, &options, &secure, &freed, now))
            .collect();
        // A backend that goes is dropped, and its connections closed, when nobody uses it any more.
        let registry = Registry::builder().label("upstream").hold_back(0).build();
        let registered = registry.register(BACKENDS, peers);
        let handle = registered.ok().and_then(|_| registry.handle(BACKENDS));
        let handle = handle.ok_or_else(|| unpublished(&name))?;
        Ok(Self(Arc::new(Shared {
            balancer: Balancer::new(options.balance),
            budget: Budget::new(options.retry.budget, now),
            random: Random::seeded(seed()),
            waiting: InFlight::new(options.limits.waiting),
            counts: Counts::default(),
            peers: registry,
            name,
            options,
            secure,
            handle,
            freed,
        })))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// How it calls.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Replaces the backends, all at once. What is known of those that stay is kept; tries at those
    /// that go end undisturbed.
    ///
    /// # Errors
    ///
    /// As of [`new`](Self::new) with the backends; then nothing has changed.
    pub fn set_backends(&self, backends: impl IntoIterator<Item = Backend>) -> Result<(), Error> {
        let shared = &*self.0;
        let backends = distinct(backends).map_err(|error| error.of(&shared.name))?;
        let secured = shared.secure.ready(&backends);
        secured.map_err(|error| error.of(&shared.name))?;
        let now = Instant::now().into_std();
        let committed = shared.peers.transaction(|draft| {
            let earlier = draft.get(BACKENDS).map_or(&[][..], Vec::as_slice);
            let peer = |backend: &Backend| {
                let stays = earlier.iter().find(|peer| peer.backend == *backend);
                let (options, secure) = (&shared.options, &shared.secure);
                let made = || Peer::new(backend.clone(), options, secure, &shared.freed, now);
                stays.map_or_else(made, Arc::clone)
            };
            let peers = backends.iter().map(peer).collect();
            draft.put(BACKENDS, peers)
        });
        committed.map_err(|_| unpublished(&shared.name))?;
        // Who waits for a place may find one at a new backend.
        shared.freed.notify_waiters();
        Ok(())
    }

    /// Calls one of the backends, and others or the same again where that is allowed and may help.
    ///
    /// The request's URI is path and query; they are laid over the backend's base path. Its `Host` is
    /// the backend's unless the request has one. Its extensions stay here.
    ///
    /// An answer is an answer, whatever its status: a 503 that is not, or not again, tried anew is
    /// returned as it came.
    ///
    /// The call is counted, and its time begins, now; nothing is sent before the future is polled.
    ///
    /// # Errors
    ///
    /// There is no answer; [`Error`] says why.
    pub fn call(
        &self,
        request: Request<Bytes>,
        call: Call,
    ) -> impl Future<Output = Result<Response<Body>, Error>> + Send {
        self.0.carry(request.map(Content::Whole), call)
    }

    /// Calls as [`call`](Self::call) does, with a content that is sent as it comes.
    ///
    /// It is sent once: there is another try only as long as nothing of it has been read. A try may take as
    /// long as the whole call, since how long the content takes is not up to the backend.
    ///
    /// # Errors
    ///
    /// As of [`call`](Self::call); [`Phase::Request`] if the content itself fails, which is not held against
    /// the backend.
    pub fn send<B>(
        &self,
        request: Request<B>,
        call: Call,
    ) -> impl Future<Output = Result<Response<Body>, Error>> + Send + use<'_, B>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.0.carry(request.map(Content::stream), call)
    }

    /// What is known of each backend, in their order.
    #[must_use]
    pub fn states(&self) -> Vec<BackendState> {
        let now = Instant::now().into_std();
        let peers = self.0.handle.get_owned();
        let peers = peers.iter().flat_map(|peers| peers.iter());
        peers.map(|peer| peer.state(now)).collect()
    }

    /// What it has done in all.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let counts = &self.0.counts;
        Counters {
            calls: read(&counts.calls),
            retries: read(&counts.retries),
            over_budget: read(&counts.over_budget),
            unwell: read(&counts.unwell),
            waited: read(&counts.waited),
            overloaded: read(&counts.overloaded),
            refused: read(&counts.refused),
            without_backend: read(&counts.without_backend),
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("name", &self.0.name)
            .field("backends", &self.states())
            .finish_non_exhaustive()
    }
}

fn distinct(backends: impl IntoIterator<Item = Backend>) -> Result<Vec<Backend>, Error> {
    let backends: Vec<Backend> = backends.into_iter().collect();
    let mut named = std::collections::HashSet::new();
    match backends.iter().find(|backend| !named.insert(backend.uri())) {
        None => Ok(backends),
        Some(twice) => Err(Error::new(
            Phase::Settings,
            format!("backend {twice} is named twice"),
        )),
    }
}

/// Nobody else writes the registry, and its one name is not too long: this does not happen.
fn unpublished(name: &Arc<str>) -> Error {
    Error::new(Phase::Settings, "the backends could not be published").of(name)
}
