//! Listening, and ending in order.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::bound::{Bound, Peer};
use super::connection::Connection;
use super::error::ListenError;
use super::open::Open;
use super::peers::Peers;
use super::places::Places;
use super::settings::Settings;
use super::socket::{Accepted, Socket};
use super::stats::{Counters, Stats};
use super::tls::Encryption;
use crate::http::Endpoint;
use crate::http::times::Times;

/// A socket that has its address, and takes no connection yet.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    bound: Arc<Bound>,
    encryption: Option<Encryption>,
    settings: Settings,
}

impl Listener {
    /// Takes the address. Connections may come from now on; they wait until it [serves](Self::serve).
    ///
    /// To be called in a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ListenError`]: the settings make no sense, a file that they name cannot be used, or the system
    /// does not give the address.
    pub async fn bind(settings: Settings) -> Result<Self, ListenError> {
        settings.check()?;
        let encryption = match &settings.tls {
            Some(tls) => Some(Encryption::new(tls, &settings).await?),
            None => None,
        };
        let socket = Socket::bind(&settings).await?;
        let address = socket.address().map_err(|source| ListenError::Bind {
            address: settings.address.clone(),
            source,
        })?;
        let bound = Arc::new(Bound::new(address, settings.tls.is_some()));
        Ok(Self {
            socket,
            bound,
            encryption,
            settings,
        })
    }

    /// Where it listens, with its real port.
    #[must_use]
    pub fn address(&self) -> &Bound {
        &self.bound
    }

    /// Answers every request with `endpoint`, from now on until what is returned is
    /// [drained](Serving::drain) or dropped.
    ///
    /// To be called in a tokio runtime.
    #[must_use = "dropping it closes everything at once"]
    pub fn serve(self, endpoint: Endpoint) -> Serving {
        let Self {
            socket,
            bound,
            encryption,
            settings,
        } = self;
        let shared = Arc::new(Shared {
            bound,
            endpoint,
            encryption,
            counters: Arc::default(),
            places: Places::new(settings.limits.connections),
            peers: Peers::default(),
            settings: watch::Sender::new(Arc::new(settings)),
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            accepting: TaskTracker::new(),
            connections: TaskTracker::new(),
        });
        let accepting = Arc::clone(&shared);
        shared.accepting.spawn(async move {
            let stop = accepting.stop.clone();
            // Leaving this block closes the socket: from then on peers are refused.
            stop.run_until_cancelled(accepting.accept(socket)).await;
        });
        if let Some(encryption) = shared.encryption.clone() {
            let stop = shared.stop.clone();
            let follow = encryption.follow(Arc::clone(&shared.counters));
            tokio::spawn(async move { stop.run_until_cancelled(follow).await });
        }
        Serving { shared }
    }
}

/// A listener that answers. Dropping it closes everything at once.
pub struct Serving {
    shared: Arc<Shared>,
}

struct Shared {
    bound: Arc<Bound>,
    endpoint: Endpoint,
    encryption: Option<Encryption>,
    counters: Arc<Counters>,
    places: Places,
    peers: Peers,
    /// What holds for the next connection.
    settings: watch::Sender<Arc<Settings>>,
    /// No request is taken any more.
    stop: CancellationToken,
    /// Nothing is waited for any more.
    cut: CancellationToken,
    accepting: TaskTracker,
    connections: TaskTracker,
}

impl Serving {
    /// Where it listens, with its real port.
    #[must_use]
    pub fn address(&self) -> &Bound {
        &self.shared.bound
    }

    /// What it has done so far, and what it does now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.stats()
    }

    /// How long requests took that no route is for.
    pub(in crate::http) fn unmatched(&self) -> &Times {
        &self.shared.counters.unmatched
    }

    /// How long requests in flight may take when it stops, by its present settings; it does not drain by
    /// itself.
    #[must_use]
    pub fn drain_time(&self) -> Duration {
        self.shared.settings.borrow().timeouts.drain.get()
    }

    /// Takes other settings: the number of connections at once, everything else for connections that come
    /// from now on.
    ///
    /// To be called in a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ListenError::Setting`] for settings that make no sense, [`ListenError::Restart`] for those that
    /// are only read when it begins to listen (`address`, `tls`, `protocols`, `unix`). Nothing has changed
    /// then.
    pub fn reload(&self, settings: Settings) -> Result<(), ListenError> {
        self.can_take(&settings)?;
        self.shared.places.set(settings.limits.connections);
        self.shared.settings.send_replace(Arc::new(settings));
        Ok(())
    }

    /// Returns the settings that count now.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::clone(&self.shared.settings.borrow())
    }

    /// Tells what [`reload`](Self::reload) would have against other settings.
    ///
    /// # Errors
    ///
    /// As `reload`.
    pub fn can_take(&self, settings: &Settings) -> Result<(), ListenError> {
        settings.check()?;
        let now = Arc::clone(&self.shared.settings.borrow());
        for (key, same) in [
            ("address", settings.address == now.address),
            ("tls", settings.tls == now.tls),
            ("protocols", settings.protocols == now.protocols),
            ("unix", settings.unix == now.unix),
        ] {
            if !same {
                return Err(ListenError::Restart { key });
            }
        }
        Ok(())
    }

    /// Refuses new connections, closes idle ones, tells the others that no further request is taken, and
    /// waits for what is in flight. What is left after `within` is cut; returns how many connections that
    /// were.
    ///
    /// Who has begun to drain finds that out by [`Draining`](super::Draining). May be called again, also
    /// by several at once: the shortest wait decides.
    pub async fn drain(&self, within: Duration) -> usize {
        let shared = &self.shared;
        shared.stop.cancel();
        shared.accepting.close();
        shared.accepting.wait().await;
        shared.connections.close();
        if timeout(within, shared.connections.wait()).await.is_ok() {
            return 0;
        }
        let left = shared.connections.len();
        shared.counters.cut.up_by(left as u64);
        shared.cut.cancel();
        // What does not end now is a task that keeps its thread for itself.
        let _ = timeout(CUT, shared.connections.wait()).await;
        left
    }
}

/// How long connections that are cut may take to be dropped.
const CUT: Duration = Duration::from_secs(1);

impl Drop for Serving {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.shared.cut.cancel();
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("address", &self.shared.bound)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// How long accepting pauses after the system refused a connection for want of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Shared {
    /// Serves every connection that comes.
    async fn accept(self: Arc<Self>, socket: Socket) {
        let mut full = Full::default();
        loop {
            let mut place = self.places.free();
            if place.is_none() {
                full.tell(&self.counters, &self.bound);
                place = self.places.take().await;
            }
            let accepted = next(|| socket.accept(), &self.counters, &self.bound).await;
            let most = self.settings.borrow().limits.per_peer;
            let Ok(seat) = self.peers.take(accepted.peer(), most) else {
                self.counters.peers_refused.up();
                debug!(peer = %accepted.peer(), "a peer has as many connections as it may");
                continue;
            };
            self.counters.accepted.up();
            let counters = Arc::clone(&self.counters);
            let counted = self.connections.token();
            let open = Open::new(counters, self.cut.child_token(), place, seat, counted);
            let open = Arc::new(open);
            let this = Arc::clone(&self);
            tokio::spawn(async move {
                let cut = open.cut().clone();
                cut.run_until_cancelled(this.serve(accepted, open)).await;
            });
        }
    }

    async fn serve(&self, accepted: Accepted, open: Arc<Open>) {
        let since = Instant::now();
        let settings = Arc::clone(&self.settings.borrow());
        let address = accepted.peer();
        let stream = accepted.stream(settings.timeouts.write.get());
        let connection = Connection {
            endpoint: self.endpoint.clone(),
            settings,
            peer: Peer::new(address, Arc::clone(&self.bound)),
            // Of its own: requests of other connections do not wait for its lock.
            stop: self.stop.child_token(),
            open,
            since,
            encryption: self.encryption.clone(),
        };
        connection.serve(stream).await;
    }
}

/// How long the log is not told again that all places are taken.
const QUIET: Duration = Duration::from_secs(60);

/// Tells that all places are taken: the counters of each time, the log now and then.
#[derive(Default)]
struct Full(Option<Instant>);

impl Full {
    fn tell(&mut self, counters: &Counters, address: &Bound) {
        counters.waits.up();
        if self.0.is_none_or(|told| told.elapsed() >= QUIET) {
            warn!(%address, "all places for connections are taken; further ones wait");
            self.0 = Some(Instant::now());
        }
    }
}

/// Waits for the next connection, whatever happens to others before it.
async fn next<T, F: Future<Output = io::Result<T>>>(
    accept: impl Fn() -> F,
    counters: &Counters,
    address: &Bound,
) -> T {
    // The log is told once of what lasts, and the counters of each time.
    let mut told = false;
    loop {
        match accept().await {
            Ok(accepted) => {
                if told {
                    info!(%address, "connections are accepted again");
                }
                return accepted;
            }
            Err(error) if ended_by_peer(&error) => debug!(%error, "a connection went away"),
            Err(error) => {
                counters.accept_errors.up();
                if !told {
                    warn!(%error, %address, "cannot accept a connection; trying again");
                    told = true;
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn ended_by_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::cell::RefCell;
    use std::sync::Mutex;

    use tracing::{Event, Level, Metadata, Subscriber, span};

    use super::*;

    /// Keeps how grave what is logged is.
    struct Logged(Arc<Mutex<Vec<Level>>>);

    impl Subscriber for Logged {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::INFO
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn that_all_places_are_taken_is_logged_once_in_a_while_and_counted_each_time() {
        let (counters, mut full) = (Counters::default(), Full::default());
        let bound = Bound::new("127.0.0.1:80".parse().unwrap(), false);
        let logged = Arc::new(Mutex::new(Vec::new()));
        let _guard = tracing::subscriber::set_default(Logged(Arc::clone(&logged)));
        for _ in 0..100 {
            full.tell(&counters, &bound);
        }
        assert_eq!(*logged.lock().unwrap(), [Level::WARN]);
        tokio::time::advance(QUIET).await;
        full.tell(&counters, &bound);
        full.tell(&counters, &bound);
        assert_eq!(*logged.lock().unwrap(), [Level::WARN, Level::WARN]);
        assert_eq!(counters.stats().waits, 102);
    }

    #[tokio::test(start_paused = true)]
    async fn accepting_pauses_when_the_system_lacks_something_and_goes_on() {
        // Too many open files, by its number.
        let lacking = || io::Error::from_raw_os_error(24);
        let outcomes = RefCell::new(vec![
            Ok("the next one"),
            Err(lacking()),
            Err(io::ErrorKind::ConnectionAborted.into()),
            Err(lacking()),
        ]);
        let counters = Counters::default();
        let bound = Bound::new("127.0.0.1:80".parse().unwrap(), false);
        let began = Instant::now();
        let accept = || async { outcomes.borrow_mut().pop().unwrap() };
        let logged = Arc::new(Mutex::new(Vec::new()));
        let guard = tracing::subscriber::set_default(Logged(Arc::clone(&logged)));
        assert_eq!(next(accept, &counters, &bound).await, "the next one");
        drop(guard);
        assert_eq!(counters.stats().accept_errors, 2);
        assert_eq!(began.elapsed(), 2 * ACCEPT_PAUSE);
        // What lasts is told when it begins and when it is over.
        assert_eq!(*logged.lock().unwrap(), [Level::WARN, Level::INFO]);
    }
}
