//! From the servers and clients that are declared to where each service is reached.

use std::sync::Arc;

use byname_registry::Place;

use super::sections::{ClientSection, Sections, ServerDefinition};
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
    let clients = registries.clients.aside();
    let mut define = |client: Client, place: &Place| {
        let service = Arc::clone(&client.service);
        if let Err(error) = clients.define_at(client, place.clone()) {
            let taken = crate::registrar::taken("client", &service, place.clone(), &error);
            problems.push(taken);
        }
    };
    // Servers of one deployment know each other.
    let neighbours = sections.servers.iter();
    let neighbours = neighbours
        .filter(|server| chosen.is_some_and(|chosen| chosen.deployment == server.deployment));
    for server in neighbours {
        let published = server.published().iter().cloned();
        #[cfg(feature = "http")]
        let published = {
            let routers = server.routers(&sections.routers).into_iter();
            let named = |(router, place)| (format!("{ROUTER}{router}").into(), place);
            published.chain(routers.map(named))
        };
        for (service, place) in published {
            let own = sections
                .clients
                .iter()
                .find(|(name, section, _)| *name == service && is_meant(section, server));
            // A URL that is wrong is wrong where it stands.
            let place = own
                .filter(|(_, section, _)| section.url.is_some())
                .map_or(place, |(_, _, place)| place.clone());
            let section = own.map(|(_, section, _)| section);
            let (url, trust) = reached(section, server);
            let client = Client {
                service: Arc::clone(&service),
                server: name_of(server).to_string().into(),
                url: url.unwrap_or_default(),
                trust,
            };
            define(client, &place);
        }
    }
    for (service, section, place) in &sections.clients {
        let server = sections
            .servers
            .iter()
            .find(|server| is_meant(section, server));
        let Some(server) = server else {
            let names = sections
                .servers
                .iter()
                .map(|server| name_of(server).to_string());
            let near = byname_registry::nearest(names, &section.server);
            problems.push(
                Problem::error(format!(
                    "client `{service}` is of server `{}`, which is not declared",
                    section.server
                ))
                .nearest(&near)
                .at(place.clone(), ""),
            );
            continue;
        };
        let full = name_of(server).to_string();
        let is_published = clients
            .definitions()
            .read(&format!("{service}@{full}"), |_| ())
            .is_some();
        if !is_published {
            // One of which nothing says what it publishes may be anybody's.
            let is_told = !server.published().is_empty()
                || chosen.is_some_and(|chosen| name_of(chosen) == name_of(server));
            let elsewhere = published_of(&clients, service);
            if is_told || !elsewhere.is_empty() {
                problems.push(not_published(service, &full, place, &elsewhere));
                continue;
            }
            let (Some(url), trust) = reached(Some(section), server) else {
                problems.push(
                    Problem::error(format!("nothing says where client `{service}` is reached"))
                        .at(place.clone(), "give the client a `url`")
                        .at(server.place.clone(), "or its server"),
                );
                continue;
            };
            let client = Client {
                service: Arc::clone(service),
                server: full.as_str().into(),
                url,
                trust,
            };
            if let Err(error) = clients.define_at(client, place.clone()) {
                let taken = crate::registrar::taken("client", service, place.clone(), &error);
                problems.push(taken);
                continue;
            }
        }
        // That it is written down is the choice among several that publish it.
        if let Err(error) = clients.prefer_at(service, &full, place.clone()) {
            let taken = crate::registrar::taken("client", service, place.clone(), &error);
            problems.push(taken);
        }
    }
    let current = current.current().map(|name| name.to_string());
    let undecided = clients.rebuild_declared(current.as_deref());
    let undecided = undecided.unwrap_or_else(|wrong| {
        problems.extend(wrong);
        Undecided::new()
    });
    (clients, undecided)
}

/// Where a service is published.
fn published_of(clients: &Clients, service: &str) -> Vec<(Arc<str>, Place)> {
    let definitions = clients.definitions().snapshot();
    let of = definitions.entries().filter_map(|(_, entry)| {
        let client = entry.value().filter(|client| *client.service == *service)?;
        Some((Arc::clone(&client.server), entry.place().clone()))
    });
    of.collect()
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

/// Where a server is reached for a service that a section may be about, and who is trusted there.
fn reached(section: Option<&ClientSection>, server: &ServerDefinition) -> Reached {
    let url = section.and_then(|section| section.url.as_deref().map(Arc::from));
    let trust = section.and_then(|section| section.trust.as_deref().map(Arc::from));
    let trust = trust.or_else(|| server.trust.clone());
    (url.or_else(|| server.url.clone()), trust)
}

type Reached = (Option<Arc<str>>, Option<Arc<std::path::Path>>);

/// Whether a client is of a server.
fn is_meant(section: &ClientSection, server: &ServerDefinition) -> bool {
    name_of(server).to_string() == *section.server || *server.name == *section.server
}
