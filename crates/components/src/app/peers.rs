//! From the servers and clients that are declared to where each service is reached, and how.

use std::net::IpAddr;
use std::sync::Arc;

use byname_registry::{Place, nearest};

use super::sections::{ClientDefinition, Sections, ServerDefinition};
use super::start::name_of;
use crate::chosen::ServerChoice;
#[cfg(feature = "http")]
use crate::clients::ROUTER;
use crate::clients::{Client, Clients, Undecided};
use crate::problem::{Problem, Problems};
use crate::registries::Registries;

/// Defines the clients, and works out which of them this server uses.
pub(super) fn clients(
    registries: &Registries,
    current: &ServerChoice,
    sections: &Sections,
    chosen: Option<&ServerDefinition>,
    problems: &mut Problems,
) -> (Clients, Undecided) {
    let peers = Peers {
        clients: registries.clients.aside(),
        sections,
        chosen,
    };
    peers.of_neighbours(problems);
    for client in &sections.clients {
        if let Err(problem) = peers.of_client(client, problems) {
            problems.push(*problem);
        }
    }
    let clients = peers.clients;
    let current = current.current().map(|name| name.to_string());
    let undecided = clients.rebuild_declared(current.as_deref());
    let undecided = undecided.unwrap_or_else(|wrong| {
        problems.extend(wrong);
        Undecided::new()
    });
    (clients, undecided)
}

struct Peers<'a> {
    clients: Clients,
    sections: &'a Sections,
    chosen: Option<&'a ServerDefinition>,
}

/// What a server publishes, and where that is said.
type Published = (Arc<str>, Place);

impl Peers<'_> {
    /// Servers of one deployment know each other.
    fn of_neighbours(&self, problems: &mut Problems) {
        let neighbours = self.sections.servers.iter();
        for server in neighbours.filter(|server| self.is_neighbour(server)) {
            let published = server.published().iter().cloned();
            #[cfg(feature = "http")]
            let published = {
                let routers = server.routers(&self.sections.routers).into_iter();
                let named = |(router, place)| (format!("{ROUTER}{router}").into(), place);
                published.chain(routers.map(named))
            };
            for (service, place) in published {
                if let Err(problem) = self.define(at_server(&service, server), &place) {
                    problems.push(*problem);
                }
            }
        }
    }

    /// Lays over the definitions what a client says of them, or makes the one that it is about.
    fn of_client(
        &self,
        client: &ClientDefinition,
        problems: &mut Problems,
    ) -> Result<(), Box<Problem>> {
        let meant = match &client.server {
            Some(server) => vec![self.at_named(client, server)?],
            None => self.at_any(client)?,
        };
        for (server, place) in &meant {
            let definitions = self.clients.definitions();
            let name = format!("{}@{server}", client.name);
            let Some(defined) = definitions.get_owned(&name) else {
                continue;
            };
            let laid = Client {
                service: Arc::clone(&defined.service),
                server: Arc::clone(server),
                url: client.url.clone().unwrap_or_else(|| defined.url.clone()),
                trust: client.trust.clone().or_else(|| defined.trust.clone()),
                settings: Arc::clone(&client.settings),
            };
            // A URL that is wrong is wrong where it stands.
            let place = client.url.as_ref().map_or(place, |_| &client.place);
            let is_own = self
                .chosen
                .is_some_and(|own| name_of(own).to_string() == **server);
            if let Some(shown) = &client.shown
                && laid.settings.is_secret()
                && !is_own
                && is_readable(&laid.url)
            {
                problems.push(readable(client, &laid.url, shown));
            }
            // It is there, and nobody else knows this set yet.
            let _ = definitions.remove(&name);
            self.define(laid, place)?;
        }
        if let (Some(_), [(server, _)]) = (&client.server, meant.as_slice()) {
            // That it is written down is the choice among several that publish it.
            let preferred = self
                .clients
                .prefer_at(&client.name, server, client.place.clone());
            preferred.map_err(|error| Box::new(taken(&client.name, &client.place, &error)))?;
        }
        Ok(())
    }

    /// The server that a client names; what it publishes is defined then.
    fn at_named(&self, client: &ClientDefinition, named: &str) -> Result<Published, Box<Problem>> {
        let (name, place) = (&client.name, &client.place);
        let servers = &self.sections.servers;
        let is_meant = |server: &&ServerDefinition| {
            name_of(server).to_string() == *named || *server.name == *named
        };
        let of_own = servers.iter().filter(|server| self.is_neighbour(server));
        let server = of_own.chain(servers).find(is_meant).ok_or_else(|| {
            let declared = servers.iter().map(|server| name_of(server).to_string());
            Problem::error(format!(
                "client `{name}` is of server `{named}`, which is not declared"
            ))
            .nearest(&nearest(declared, named))
            .at(place.clone(), "")
        })?;
        let full: Arc<str> = name_of(server).to_string().into();
        let published = self.published(name);
        if let Some(found) = published.iter().find(|(other, _)| *other == full) {
            return Ok(found.clone());
        }
        // One of which nothing says what it publishes may be anybody's.
        let is_told = !server.published().is_empty()
            || self
                .chosen
                .is_some_and(|chosen| name_of(chosen) == name_of(server));
        if is_told || !published.is_empty() {
            return Err(not_published(name, &full, place, &published).into());
        }
        if client.url.is_none() && server.url.is_none() {
            let message = format!("nothing says where client `{name}` is reached");
            return Err(Problem::error(message)
                .at(place.clone(), "give the client a `url`")
                .at(server.place.clone(), "or its server")
                .into());
        }
        self.define(at_server(name, server), place)?;
        Ok((full, place.clone()))
    }

    /// All servers that publish what a client is of, where it names none.
    fn at_any(&self, client: &ClientDefinition) -> Result<Vec<Published>, Box<Problem>> {
        let published = self.published(&client.name);
        let place = client.place.clone();
        if published.is_empty() && self.is_published_anywhere(&client.name) {
            // In another deployment: in this one nobody is called.
            return Ok(published);
        }
        if published.is_empty() {
            let definitions = self.clients.definitions().snapshot();
            let mut names: Vec<Arc<str>> = definitions
                .iter()
                .map(|(_, known)| Arc::clone(&known.service))
                .collect();
            names.dedup();
            let message = format!("no server is known to publish `{}`", client.name);
            return Err(Problem::error(message)
                .nearest(&nearest(names.iter(), &client.name))
                .at(place, "")
                .help("say which `server` does")
                .into());
        }
        if published.len() > 1 && (client.url.is_some() || client.trust.is_some()) {
            let message = format!(
                "client `{}` says where a server is reached, and not which of {}",
                client.name,
                published.len()
            );
            let mut problem = Problem::error(message).at(place, "give it a `server`");
            for (server, place) in published {
                problem = problem.at(place, format!("server `{server}` publishes it"));
            }
            return Err(problem.into());
        }
        Ok(published)
    }

    fn define(&self, client: Client, place: &Place) -> Result<(), Box<Problem>> {
        let service = Arc::clone(&client.service);
        let defined = self.clients.define_at(client, place.clone());
        defined
            .map(drop)
            .map_err(|error| taken(&service, place, &error).into())
    }

    /// The servers at which a service is defined.
    fn published(&self, service: &str) -> Vec<Published> {
        let definitions = self.clients.definitions().snapshot();
        let of = definitions.entries().filter_map(|(_, entry)| {
            let client = entry.value().filter(|client| *client.service == *service)?;
            Some((Arc::clone(&client.server), entry.place().clone()))
        });
        of.collect()
    }

    fn is_published_anywhere(&self, service: &str) -> bool {
        let mut servers = self.sections.servers.iter();
        #[cfg(feature = "http")]
        if let Some(router) = service.strip_prefix(ROUTER) {
            let of_file = &self.sections.routers;
            return servers.any(|server| server.routers(of_file).contains_key(router));
        }
        servers.any(|server| server.published().iter().any(|(one, _)| **one == *service))
    }

    fn is_neighbour(&self, server: &ServerDefinition) -> bool {
        self.chosen
            .is_some_and(|chosen| chosen.deployment == server.deployment)
    }
}

/// A service at a server, as the server says.
fn at_server(service: &Arc<str>, server: &ServerDefinition) -> Client {
    Client {
        service: Arc::clone(service),
        server: name_of(server).to_string().into(),
        url: server.url.clone().unwrap_or_default(),
        trust: server.trust.clone(),
        settings: Arc::default(),
    }
}

fn taken(service: &str, place: &Place, error: &byname_registry::ChangeError) -> Problem {
    crate::registrar::taken("client", service, place.clone(), error)
}

/// A client of a server that does not have the service: were it taken, one would be made there that nobody
/// else knows.
fn not_published(
    service: &str,
    server: &str,
    place: &Place,
    elsewhere: &[(Arc<str>, Place)],
) -> Problem {
    let message = format!("server `{server}` does not publish `{service}`");
    let mut problem = Problem::error(message).at(place.clone(), "it is chosen here");
    for (other, place) in elsewhere {
        problem = problem.at(place.clone(), format!("server `{other}` does"));
    }
    problem
}

/// Whether what is sent there can be read on the way: it goes to another machine, and not over TLS.
fn is_readable(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority
        .strip_prefix('[')
        .and_then(|v6| v6.split_once(']'))
    {
        Some((v6, _)) => v6,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    // Names of this machine (RFC 6761, section 6.3).
    let is_here = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback());
    !is_here
}

fn readable(client: &ClientDefinition, url: &str, shown: &Place) -> Problem {
    Problem::warning(format!(
        "what client `{}` shows at `{url}` can be read by the network",
        client.name
    ))
    .at(shown.clone(), "it is shown without encryption")
    .help("reach the server by `https://` or `unix:`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_without_encryption_can_be_read() {
        for url in [
            "http://10.0.0.1:80",
            "http://shop.example/a",
            "http://127.0.0.1.example",
            "http://[::2]:80",
            "http://localhost.example",
        ] {
            assert!(is_readable(url), "{url}");
        }
        for url in [
            "http://127.0.0.1:80/a",
            "http://127.9.9.9",
            "http://[::1]:80",
            "http://LOCALHOST.:80",
            "http://a.localhost",
            "https://10.0.0.1",
            "unix:/run/a.sock",
            "",
        ] {
            assert!(!is_readable(url), "{url}");
        }
    }
}
