//! Where a service of another server is reached.

mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};

use byname_registry::{
    ChangeError, Committed, Entry, Owned, Place, Registry, Snapshot, Subscription,
    TransactionError, nearest,
};

use crate::part::LookupError;
use crate::problem::{Problem, Problems};
pub use settings::{
    ClientBreaker, ClientBudget, ClientKey, ClientLimits, ClientPool, ClientRetry, ClientSettings,
    ClientTimeouts,
};

/// Says that a server publishes a service, and where that is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// The service.
    pub service: Arc<str>,
    /// The server that publishes it.
    pub server: Arc<str>,
    /// Where it is reached: `http://10.0.0.1:8080` or `https://shop.example`, with a path or without, or
    /// `unix:/run/shop.sock`. Not looked at on the server itself.
    pub url: Arc<str>,
    /// The file with the authorities whose word is taken for who answers at `https://` (PEM); `None` for
    /// those of the system.
    pub trust: Option<Arc<FilePath>>,
    /// How it is called, and what is shown there. Not looked at on the server itself.
    pub settings: Arc<ClientSettings>,
}

/// What the name of a router begins with, where a service could stand.
pub(crate) const ROUTER: &str = "router:";

/// What keeps a service from being reached from the current server: told to who needs it.
pub(crate) type Undecided = BTreeMap<Arc<str>, Problem>;

/// Where one service is reached from the current server.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningClient {
    /// The service.
    pub service: Arc<str>,
    /// The server that was chosen of those that publish it.
    pub server: Arc<str>,
    /// Where it is reached.
    pub url: Arc<str>,
    /// The file with the authorities that are trusted there, if not those of the system are.
    pub trust: Option<Arc<FilePath>>,
    /// How it is called, and what is shown there.
    pub settings: Arc<ClientSettings>,
    /// Whether that is the current server, so that no network lies between.
    pub local: bool,
}

#[cfg(feature = "http")]
impl RunningClient {
    /// The definition that was chosen.
    pub(crate) fn client(&self) -> Client {
        Client {
            service: Arc::clone(&self.service),
            server: Arc::clone(&self.server),
            url: Arc::clone(&self.url),
            trust: self.trust.clone(),
            settings: Arc::clone(&self.settings),
        }
    }
}

/// Which services other servers publish, and where each is reached from this one.
///
/// Definitions are collected first; [`rebuild`](Self::rebuild) works out from them what is used.
///
/// # Consistency
///
/// A rebuild works its set out aside and publishes it as one revision: a reader sees the former set or
/// the new one, whole, and never a part of one or nothing. Where there is a problem, the former set
/// stays. Rebuilds follow one another. A clone is another name for the same clients.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use byname_components::{Client, Clients};
///
/// let clients = Clients::new();
/// clients.define(Client {
///     service: "orders".into(),
///     server: "main".into(),
///     url: "http://10.0.0.1:8080".into(),
///     trust: None,
///     settings: Arc::default(),
/// })?;
/// clients.rebuild(Some("web"))?;
/// let orders = clients.get("orders").expect("published by one server");
/// assert_eq!((&*orders.url, orders.local), ("http://10.0.0.1:8080", false));
/// clients.rebuild(Some("main"))?;
/// assert!(clients.get("orders").expect("still published").local);
/// assert!(!orders.local, "what was read before stays what it was");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Clients(Arc<Inner>);

struct Inner {
    /// By `service@server`.
    definitions: Registry<Client>,
    /// The server to use of several that publish a service, by service.
    rules: Registry<Arc<str>>,
    /// By service. Only `rebuild` changes it.
    running: Registry<RunningClient>,
    /// Held during a rebuild: of two, the later one sees the later definitions. Nobody else's code
    /// runs under it.
    rebuilding: Mutex<()>,
}

impl Default for Clients {
    fn default() -> Self {
        Self::new()
    }
}

impl Clients {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        let label = |label: &str| Registry::<()>::builder().label(label);
        Self(Arc::new(Inner {
            definitions: label("clients").build(),
            rules: label("client rules").build(),
            running: label("running clients").build(),
            rebuilding: Mutex::default(),
        }))
    }

    /// Returns clients with the same definitions and rules: what is added to one from then on is not in
    /// the other.
    pub(crate) fn aside(&self) -> Self {
        let aside = Self::new();
        for (name, entry) in self.0.definitions.snapshot().entries() {
            if let Some(client) = entry.value() {
                let (client, place) = (client.clone(), entry.place().clone());
                // A name that is there once, in a registry that is new.
                let _ = aside.0.definitions.register_at(name, client, place);
            }
        }
        for (name, entry) in self.0.rules.snapshot().entries() {
            if let Some(server) = entry.value() {
                let (server, place) = (Arc::clone(server), entry.place().clone());
                let _ = aside.0.rules.register_at(name, server, place);
            }
        }
        aside
    }

    /// Adds a definition. It is used from the next rebuild on. Returns the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Taken`] with both places if the server was said to publish this service before.
    #[track_caller]
    pub fn define(&self, client: Client) -> Result<u64, ChangeError> {
        self.define_at(client, Place::caller())
    }

    /// Adds a definition on behalf of `place`: a line of a file, say.
    ///
    /// # Errors
    ///
    /// As for [`define`](Self::define).
    pub fn define_at(&self, client: Client, place: Place) -> Result<u64, ChangeError> {
        let name = format!("{}@{}", client.service, client.server);
        self.0.definitions.register_at(&name, client, place)
    }

    /// Returns the definitions by `service@server`: to list, to replace and to remove. What is changed
    /// there is used from the next rebuild on.
    #[must_use]
    pub fn definitions(&self) -> &Registry<Client> {
        &self.0.definitions
    }

    /// The rules by service: to list and observe.
    #[cfg(feature = "http")]
    pub(crate) fn rules(&self) -> &Registry<Arc<str>> {
        &self.0.rules
    }

    /// What is used, by service: to list and observe.
    #[cfg(feature = "http")]
    pub(crate) fn running(&self) -> &Registry<RunningClient> {
        &self.0.running
    }

    /// Sets which server is used where several publish `service` and the current one does not. Returns
    /// the revision.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Taken`] with both places if there is a rule for this service.
    #[track_caller]
    pub fn prefer(&self, service: &str, server: &str) -> Result<u64, ChangeError> {
        self.prefer_at(service, server, Place::caller())
    }

    /// Sets a rule on behalf of `place`.
    ///
    /// # Errors
    ///
    /// As for [`prefer`](Self::prefer).
    pub fn prefer_at(&self, service: &str, server: &str, place: Place) -> Result<u64, ChangeError> {
        self.0.rules.register_at(service, server.into(), place)
    }

    /// Works out where each service is reached from `current` (`None`: from outside of all servers), and
    /// publishes that as one revision, which is returned; where nothing differs, the former one.
    ///
    /// The current server's own services are local. Another's is reached at its URL; where several
    /// publish it, at that of the server that a rule names.
    ///
    /// # Errors
    ///
    /// Every problem: several servers that publish a service without a rule, a rule that names none of
    /// them, a URL that is none. Nothing has been changed then.
    pub fn rebuild(&self, current: Option<&str>) -> Result<u64, Problems> {
        self.rebuild_told(current, true)
            .map(|(revision, _)| revision)
    }

    /// Rebuilds. That nothing says where a server is reached, or which of several is meant, is told only
    /// to who needs that: the latter is returned.
    pub(crate) fn rebuild_declared(&self, current: Option<&str>) -> Result<Undecided, Problems> {
        self.rebuild_told(current, false)
            .map(|(_, undecided)| undecided)
    }

    fn rebuild_told(
        &self,
        current: Option<&str>,
        told_all: bool,
    ) -> Result<(u64, Undecided), Problems> {
        let rebuilding = self.0.rebuilding.lock();
        let _one_at_a_time = rebuilding.unwrap_or_else(PoisonError::into_inner);
        let (next, undecided) = self.work_out(current, told_all)?;
        let published = self.0.running.transaction(|draft| {
            let gone: Vec<_> = draft
                .iter()
                .filter(|(service, _)| !next.contains_key(*service))
                .map(|(service, _)| service.to_owned())
                .collect();
            for service in gone {
                draft.remove(&service)?;
            }
            for (service, client) in &next {
                if draft.get(service) != Some(client) {
                    draft.put(service, client.clone())?;
                }
            }
            Ok(())
        });
        match published {
            Ok(Committed { revision, .. }) => Ok((revision, undecided)),
            Err(error) => Err(unpublished(&error)),
        }
    }

    fn work_out(
        &self,
        current: Option<&str>,
        told_all: bool,
    ) -> Result<(BTreeMap<Arc<str>, RunningClient>, Undecided), Problems> {
        let (definitions, rules) = (self.0.definitions.snapshot(), self.0.rules.snapshot());
        let mut publishers: BTreeMap<Arc<str>, Vec<Published>> = BTreeMap::new();
        for (_, entry) in definitions.entries() {
            if let Some(client) = entry.value() {
                let service = Arc::clone(&client.service);
                publishers.entry(service).or_default().push(Published {
                    client: client.clone(),
                    place: entry.place().clone(),
                });
            }
        }
        let mut problems = Problems::new();
        let (mut next, mut undecided) = (BTreeMap::new(), BTreeMap::new());
        for (service, publishers) in publishers {
            match choose(&service, &publishers, current, rules.entry(&service)) {
                Ok(chosen) => {
                    let local = current == Some(&*chosen.client.server);
                    let url = &*chosen.client.url;
                    // A server's URL is told of once, and not for each router that it has.
                    let is_told = told_all || !(url.is_empty() || service.starts_with(ROUTER));
                    if !local
                        && is_told
                        && let Some(what) = not_a_url(url)
                    {
                        problems.push(bad_url(chosen, what));
                    }
                    let Client {
                        server,
                        url,
                        trust,
                        settings,
                        ..
                    } = chosen.client.clone();
                    let running = RunningClient {
                        service: Arc::clone(&service),
                        server,
                        url,
                        trust,
                        settings,
                        local,
                    };
                    next.insert(service, running);
                }
                // Many servers may have the same router, and nobody call it.
                Err(Refused::Undecided(problem)) if !told_all || service.starts_with(ROUTER) => {
                    undecided.insert(service, problem);
                }
                Err(Refused::Undecided(problem) | Refused::Wrong(problem)) => {
                    problems.push(problem);
                }
            }
        }
        problems.extend(unused_rules(&rules, &next, &definitions));
        problems.or((next, undecided))
    }

    /// Returns where a service is reached; `None` where no server publishes it, or before the first
    /// rebuild.
    #[must_use]
    pub fn get(&self, service: &str) -> Option<Owned<RunningClient>> {
        self.0.running.get_owned(service)
    }

    /// Returns where a service is reached.
    ///
    /// # Errors
    ///
    /// [`LookupError::Unknown`] with the nearest names where no server publishes it.
    pub fn require(&self, service: &str) -> Result<Owned<RunningClient>, LookupError> {
        self.get(service).ok_or_else(|| LookupError::Unknown {
            kind: "client".into(),
            name: service.into(),
            nearest: nearest(self.0.running.snapshot().names(), service),
        })
    }

    /// Returns what a server publishes, by the name of the service or `router:` and that of a router, and
    /// by that of the server: `DEPLOYMENT.SERVER`, or `SERVER` where only one deployment has it.
    ///
    /// # Errors
    ///
    /// [`LookupError::Unknown`] with the nearest names where that server is not known to publish it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use byname_components::{Client, Clients};
    ///
    /// let clients = Clients::new();
    /// for (server, url) in [("shop.front", "http://10.0.0.1"), ("shop.back", "http://10.0.0.2")] {
    ///     clients.define(Client {
    ///         service: "users".into(),
    ///         server: server.into(),
    ///         url: url.into(),
    ///         trust: None,
    ///         settings: Arc::default(),
    ///     })?;
    /// }
    /// assert_eq!(&*clients.at("users", "back")?.url, "http://10.0.0.2");
    /// let error = clients.at("users", "frnt").unwrap_err();
    /// assert!(error.to_string().contains("did you mean `users@front`"), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(&self, service: &str, server: &str) -> Result<Owned<Client>, LookupError> {
        let definitions = &self.0.definitions;
        let name = format!("{service}@{server}");
        if let Some(client) = definitions.get_owned(&name) {
            return Ok(client);
        }
        let snapshot = definitions.snapshot();
        let mut of_short = snapshot.iter().filter(|(_, client)| {
            let short = client.server.rsplit('.').next();
            *client.service == *service && short == Some(server)
        });
        let found = match (of_short.next(), of_short.next()) {
            (Some((full, _)), None) => definitions.get_owned(full),
            _ => None,
        };
        found.ok_or_else(|| {
            let names = snapshot.iter().flat_map(|(name, client)| {
                let short = client.server.rsplit('.').next().unwrap_or_default();
                [name.to_owned(), format!("{}@{short}", client.service)]
            });
            LookupError::Unknown {
                kind: "client".into(),
                nearest: nearest(names.collect::<Vec<_>>().iter(), &name),
                name: name.into(),
            }
        })
    }

    /// Returns one whole set, by service.
    #[must_use]
    pub fn list(&self) -> Snapshot<RunningClient> {
        self.0.running.snapshot()
    }

    /// Begins to observe: returns the present set and every rebuild from there.
    pub fn subscribe(
        &self,
        options: impl Into<byname_registry::Options>,
    ) -> (Snapshot<RunningClient>, Subscription<RunningClient>) {
        self.0.running.subscribe(options)
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("definitions", &self.0.definitions)
            .field("running", &self.0.running)
            .finish_non_exhaustive()
    }
}

/// A definition, and where it stands.
struct Published {
    client: Client,
    place: Place,
}

/// Why no server was chosen.
enum Refused {
    Wrong(Problem),
    /// There are several, and no rule.
    Undecided(Problem),
}

/// Chooses of those that publish a service: the current server, the one a rule names, the only one.
fn choose<'a>(
    service: &str,
    publishers: &'a [Published],
    current: Option<&str>,
    rule: Option<Entry<Arc<str>>>,
) -> Result<&'a Published, Refused> {
    let by = |server: &str| {
        publishers
            .iter()
            .find(|publisher| &*publisher.client.server == server)
    };
    if let Some(rule) = rule
        && let Some(server) = rule.value()
    {
        // A rule that can never apply is told wherever it is looked at.
        let named = by(server);
        let Some(named) = named else {
            let servers = publishers.iter().map(|publisher| &publisher.client.server);
            let mut problem = Problem::error(format!(
                "`{service}` is to be reached at server `{server}`, which does not publish it"
            ))
            .nearest(&nearest(servers, server))
            .at(rule.place().clone(), "the server is chosen here");
            for publisher in publishers {
                problem = publisher.tell(problem);
            }
            return Err(Refused::Wrong(problem));
        };
        return Ok(current.and_then(by).unwrap_or(named));
    }
    if let Some(own) = current.and_then(by) {
        return Ok(own);
    }
    if let [only] = publishers {
        return Ok(only);
    }
    let servers: Vec<_> = publishers
        .iter()
        .map(|publisher| format!("`{}`", publisher.client.server))
        .collect();
    let mut problem = Problem::error(format!(
        "{} is published by {} servers, {}, and nothing says which to use",
        called(service),
        servers.len(),
        servers.join(" and ")
    ))
    .help(format!(
        "publish it on one server only, or say which one is to be used: under `clients`, or as \
         `{service}@SERVER` where it is needed"
    ));
    for publisher in publishers {
        problem = publisher.tell(problem);
    }
    Err(Refused::Undecided(problem))
}

impl Published {
    fn tell(&self, problem: Problem) -> Problem {
        let Client {
            service, server, ..
        } = &self.client;
        let what = match service.strip_prefix(ROUTER) {
            Some(router) => format!("server `{server}` has router `{router}` here"),
            None => format!("server `{server}` publishes `{service}` here"),
        };
        problem.at(self.place.clone(), what)
    }
}

/// What a service or a router is called in a message.
pub(crate) fn called(service: &str) -> String {
    match service.strip_prefix(ROUTER) {
        Some(router) => format!("router `{router}`"),
        None => format!("service `{service}`"),
    }
}

/// Rules for services that nobody publishes.
fn unused_rules(
    rules: &Snapshot<Arc<str>>,
    chosen: &BTreeMap<Arc<str>, RunningClient>,
    definitions: &Snapshot<Client>,
) -> Vec<Problem> {
    let published = |service: &str| {
        chosen.contains_key(service) || definitions.iter().any(|(_, c)| &*c.service == service)
    };
    rules
        .entries()
        .filter(|(service, _)| !published(service))
        .map(|(service, rule)| {
            Problem::error(format!(
                "a server is chosen for service `{service}`, which no server publishes"
            ))
            .nearest(&nearest(chosen.keys(), service))
            .at(rule.place().clone(), "the server is chosen here")
        })
        .collect()
}

fn bad_url(published: &Published, what: &str) -> Problem {
    let Client {
        service,
        server,
        url,
        ..
    } = &published.client;
    Problem::error(format!(
        "`{service}` on server `{server}` cannot be reached at `{url}`: {what}"
    ))
    .at(published.place.clone(), "")
    .help(
        "write it as `http://host:port` or `https://host:port`, with a path if there is one, or as \
         `unix:/path/of.sock`",
    )
}

/// What keeps a text from being a URL that a service can be reached at, if anything.
pub(crate) fn not_a_url(url: &str) -> Option<&'static str> {
    if let Some(rest) = url.strip_prefix("unix:") {
        return not_a_socket(rest);
    }
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = rest else {
        return Some("it does not begin with `http://`, `https://` or `unix:`");
    };
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("there is a blank in it");
    }
    if url.contains(['?', '#']) {
        return Some("a query or a fragment cannot be part of it");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Some("a user's name or password cannot be part of it");
    }
    // What stands in brackets is an address that has colons of its own.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Some("there is no host in it");
    }
    if !(host.starts_with('[') && host.ends_with(']')) && host.contains(':') {
        return Some("there is more than one port in it");
    }
    match port {
        Some(port) if !matches!(port.parse::<u16>(), Ok(1..)) => {
            Some("the port is no number from 1 to 65535")
        }
        _ => None,
    }
}

/// What keeps a text from being the path of a socket's file, with a path behind `:/` or without.
fn not_a_socket(rest: &str) -> Option<&'static str> {
    let (file, base) = rest.split_at(rest.find(":/").unwrap_or(rest.len()));
    if file.is_empty() || file.ends_with('/') || file.contains('\0') {
        return Some("there is no path of a socket in it");
    }
    if file.len() > LONGEST_SOCKET {
        return Some("the path of a socket has at most 107 bytes");
    }
    if base.contains(['?', '#']) {
        return Some("a query or a fragment cannot be part of it");
    }
    let blank = base.chars().any(|c| c.is_whitespace() || c.is_control());
    blank.then_some("there is a blank in it")
}

/// The longest path that fits into the address of a socket (unix(7), `sun_path`), without its end.
const LONGEST_SOCKET: usize = 107;

fn unpublished(error: &TransactionError<ChangeError>) -> Problems {
    Problem::error(format!("the clients could not be published: {error}")).into()
}
