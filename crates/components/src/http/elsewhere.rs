//! Clients of what other servers have, as services of the graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use byname_registry::Place;

use super::assemble::{Assembled, Assembling, Published};
use crate::app::{Definition, ServerDefinition};
use crate::clients::Client;
use crate::config::{Node, Origin, Path, Source};
use crate::factory::FactoryEntry;
use crate::need::Declared;
use crate::service;

impl Assembling<'_> {
    /// Puts clients in the place of services that the chosen server does not have, and clients at each
    /// server that publishes one for who names it: `users@front`.
    pub(super) fn clients_of_services(
        &self,
        server: &ServerDefinition,
        published: &BTreeMap<Arc<str>, Published>,
        assembled: &mut Assembled,
    ) {
        let own = |name: &str| {
            let listed = server.services.iter().flatten();
            let mut named = listed.chain(&server.http.publish);
            named.any(|(one, _)| **one == *name)
        };
        for (name, client) in self.clients.list().iter() {
            if client.local || own(name) {
                continue;
            }
            let known = self.gives_way(name).zip(published.get(name));
            let Some((place, one)) = known else {
                continue;
            };
            let client = client.client();
            assembled.elsewhere.insert(name.into());
            assembled
                .definitions
                .push(self.of_service(name.into(), one, &client, place));
        }
        for (name, problem) in self.undecided {
            let known = self.gives_way(name).zip(published.get(name));
            let Some((place, one)) = known.filter(|_| !own(name)) else {
                continue;
            };
            let (place, of) = (place.clone(), one.plan.interface().of());
            let why = problem.clone().into();
            let factory = FactoryEntry::wrong(name, place.clone(), of, why);
            let several = "client of one of several servers";
            let definition = self.definition(Arc::clone(name), several, factory.into(), place);
            assembled.elsewhere.insert(Arc::clone(name));
            assembled.definitions.push(definition);
        }
        let current = server.full_name();
        for (_, entry) in self.clients.definitions().snapshot().entries() {
            let Some(client) = entry.value() else {
                continue;
            };
            let Some(one) = published.get(&client.service) else {
                continue;
            };
            let (name, place) = (name_at(client, server), entry.place());
            let of = one.plan.interface().of();
            let definition = if *client.server == *current {
                let target = Declared::required(Arc::clone(&client.service), of, place.clone());
                self.alias(name, target, place)
            } else {
                self.of_service(name, one, client, place)
            };
            self.add_at(definition, client, of, place, assembled);
        }
    }

    /// Where a service is defined, or given in code, in whose place a client may stand. What takes the
    /// place of others on purpose stays; what is both given and defined is told of elsewhere.
    fn gives_way(&self, name: &str) -> Option<&Place> {
        match (self.given.get(name), self.definitions.get(name)) {
            (None, Some(definition)) => Some(&definition.place),
            (Some(given), None) if !given.replaces => Some(&given.place),
            _ => None,
        }
    }

    /// Adds a client at a server for who names it, by the whole name of the server too.
    pub(super) fn add_at(
        &self,
        mut definition: Definition,
        client: &Client,
        of: crate::part::Type,
        place: &Place,
        assembled: &mut Assembled,
    ) {
        definition.on_demand = true;
        let full: Arc<str> = format!("{}@{}", client.service, client.server).into();
        if full != definition.name {
            let target = Declared::required(Arc::clone(&definition.name), of, place.clone());
            self.add_on_demand(self.alias(full, target, place), assembled);
        }
        self.add_on_demand(definition, assembled);
    }

    /// Adds what is there for who names it, unless the file has something of that name.
    pub(super) fn add_on_demand(&self, mut definition: Definition, assembled: &mut Assembled) {
        let name = &definition.name;
        if !self.definitions.contains_key(name) && !self.given.contains_key(name) {
            definition.on_demand = true;
            assembled.definitions.push(definition);
        }
    }

    /// What stands under another name, itself.
    pub(super) fn alias(&self, name: Arc<str>, target: Declared, place: &Place) -> Definition {
        let to = format!("`{}` itself", target.name());
        let factory = FactoryEntry::alias(&name, place.clone(), target);
        self.definition(name, &to, factory.into(), place.clone())
    }

    fn of_service(
        &self,
        name: Arc<str>,
        one: &Published,
        client: &Client,
        place: &Place,
    ) -> Definition {
        let (plan, service) = (Arc::clone(&one.plan), Arc::clone(&client.service));
        let (of, told) = (plan.interface().of(), client.clone());
        let (upstreams, measured) = (self.registries.upstreams.clone(), Arc::clone(&name));
        let factory = FactoryEntry::remote(&service.clone(), place.clone(), of, move |url| {
            let (upstream, shown) = service::upstream(&service, url, &told)?;
            upstreams.put(&measured, upstream.clone())?;
            let caller = service::HttpCaller::over(&service, upstream).showing(shown);
            Ok(service::client(&plan, Arc::new(caller)))
        });
        self.reached_at(name, factory, client, place)
    }

    /// A client whose settings are the URL that it calls.
    pub(super) fn reached_at(
        &self,
        name: Arc<str>,
        factory: FactoryEntry,
        client: &Client,
        place: &Place,
    ) -> Definition {
        // Where the URL stands: at the server, or at a client that says another.
        let defined = self.clients.definitions().snapshot();
        let defined = defined.entry(&format!("{}@{}", client.service, client.server));
        let server = self
            .servers
            .iter()
            .filter(|other| other.url.as_deref() == Some(&*client.url))
            .find(|other| other.full_name() == *client.server);
        let origin = match (server, &defined) {
            (Some(server), _) => &server.place,
            (None, Some(defined)) => defined.place(),
            (None, None) => place,
        };
        let origin = Origin::of(Source::Code(origin.to_string().into()));
        let of = format!("client of {}", client.server);
        Definition {
            settings: Some(Node::scalar(Arc::clone(&client.url), false, origin)),
            // What is under `services` are the settings of the service itself.
            settings_path: Path::root()
                .key("clients")
                .key(Arc::clone(&name))
                .key("url"),
            ..self.definition(name, &of, factory.into(), place.clone())
        }
    }
}

/// What a client at a server is called: by the server's own name within its deployment.
pub(super) fn name_at(client: &Client, chosen: &ServerDefinition) -> Arc<str> {
    let full = &*client.server;
    let short = full.strip_prefix(&*chosen.deployment);
    let short = short.and_then(|rest| rest.strip_prefix('.'));
    format!("{}@{}", client.service, short.unwrap_or(full)).into()
}
