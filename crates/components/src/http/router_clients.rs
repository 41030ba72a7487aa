//! Clients of the routers that servers have, as services of the graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use byname_registry::Place;

use super::RouterClient;
use super::answers::{Answers, node_of};
use super::assemble::{Assembled, Assembling};
use super::elsewhere::name_at;
use super::mounts::Mounts;
use super::plan::Leaf;
use super::router::RouterEntry;
use crate::app::{Definition, ServerDefinition};
use crate::clients::{Client, ROUTER};
use crate::factory::FactoryEntry;
use crate::made::Made;
use crate::need::Declared;
use crate::part::Type;
use crate::problem::Problem;
use crate::service;

impl Assembling<'_> {
    /// Adds a client of each router, for who names it: `router:site`, and `router:site@front`.
    pub(super) fn clients_of_routers(
        &self,
        server: &ServerDefinition,
        mounts: &Mounts,
        assembled: &mut Assembled,
    ) {
        let of = Type::of::<RouterClient>();
        let make = |name: Arc<str>, client: &Client, place: &Place, assembled: &Assembled| {
            let router = client.service.strip_prefix(ROUTER).unwrap_or_default();
            let prefix = match prefix(client, router, mounts, place) {
                Ok(prefix) => prefix,
                Err(problem) => return self.wrong(name, place, *problem),
            };
            if *client.server == server.full_name() {
                let leaves = mounts.own(router);
                self.here(name, client, (router, prefix), leaves, assembled, place)
            } else {
                self.there(name, router, prefix, client, place)
            }
        };
        for (router, place) in self.known_routers() {
            let name: Arc<str> = format!("{ROUTER}{router}").into();
            let definition = if let Some(client) = self.clients.get(&name) {
                make(Arc::clone(&name), &client.client(), &place, assembled)
            } else {
                let problem = self.undecided.get(&name).cloned();
                let problem = problem.unwrap_or_else(|| {
                    Problem::error(format!("no server has router `{router}`"))
                        .at(place.clone(), "it is defined here")
                        .help("list it under a listener's `routers`")
                });
                self.wrong(Arc::clone(&name), &place, problem)
            };
            self.add_on_demand(definition, assembled);
        }
        for (_, entry) in self.clients.definitions().snapshot().entries() {
            let Some(client) = entry.value().filter(|one| one.service.starts_with(ROUTER)) else {
                continue;
            };
            let (name, place) = (name_at(client, server), entry.place());
            let chosen = self.clients.get(&client.service);
            let definition = if chosen.is_some_and(|one| one.server == client.server) {
                // One client for both names.
                let target = Declared::required(Arc::clone(&client.service), of, place.clone());
                self.alias(name, target, place)
            } else {
                make(name, client, place, assembled)
            };
            self.add_at(definition, client, of, place, assembled);
        }
    }

    /// The routers of the file and of code, and where they were defined.
    fn known_routers(&self) -> BTreeMap<Arc<str>, Place> {
        let mut known = BTreeMap::new();
        let in_code = self.registries.routers.list();
        for (name, part) in in_code.iter() {
            if let Some(entry) = part.get::<RouterEntry>() {
                known.insert(name.into(), entry.place().clone());
            }
        }
        for section in self.routers {
            known.insert(Arc::clone(&section.name), section.place.clone());
        }
        known
    }

    fn wrong(&self, name: Arc<str>, place: &Place, problem: Problem) -> Definition {
        let of = Type::of::<RouterClient>();
        let factory = FactoryEntry::wrong(&name, place.clone(), of, problem.into());
        self.definition(name, "client of a router", factory.into(), place.clone())
    }

    fn there(
        &self,
        name: Arc<str>,
        router: &str,
        prefix: Arc<str>,
        client: &Client,
        place: &Place,
    ) -> Definition {
        let (of, called) = (Type::of::<RouterClient>(), client.clone());
        let router: Arc<str> = router.into();
        let (upstreams, measured) = (self.registries.upstreams.clone(), Arc::clone(&name));
        let factory = FactoryEntry::remote(&client.service, place.clone(), of, move |url| {
            let (upstream, shown) = service::upstream(&router, url, &called)?;
            upstreams.put(&measured, upstream.clone())?;
            let client = RouterClient::there(&router, &prefix, upstream).showing(shown);
            Ok(crate::part::Part::new(Arc::new(client)))
        });
        self.reached_at(name, factory, client, place)
    }

    fn here(
        &self,
        name: Arc<str>,
        client: &Client,
        (router, prefix): (&str, Arc<str>),
        leaves: &[Leaf],
        assembled: &Assembled,
        place: &Place,
    ) -> Definition {
        let mut seen = BTreeSet::new();
        let mut needs = Vec::new();
        for leaf in leaves {
            let node = node_of(&leaf.from);
            let made = assembled.definitions.iter().find(|one| one.name == node);
            let factory = made.and_then(|one| one.factory(&self.registries.factories));
            let of = factory.map(|factory| factory.makes());
            if let Some(of) = of.filter(|_| seen.insert(Arc::clone(&node))) {
                needs.push(Declared::required(node, of, leaf.mounted.clone()));
            }
        }
        let answers = Arc::new(Answers {
            leaves: leaves.to_vec(),
            published: BTreeMap::new(),
            around: Vec::new(),
        });
        let (router, settings): (Arc<str>, _) = (router.into(), Arc::clone(&client.settings));
        let factory = FactoryEntry::composed::<RouterClient, _>(&name, place.clone(), needs, {
            move |supply| {
                let (by_source, context) = (answers.by_source(supply)?, supply.context());
                let (answers, router) = (Arc::clone(&answers), Arc::clone(&router));
                let (prefix, shown) = (Arc::clone(&prefix), settings.shown()?);
                Ok(async move {
                    let all = answers.endpoint(&by_source, Vec::new(), &context).await?;
                    let client = RouterClient::here(&router, &prefix, all.endpoint);
                    let client = client.showing(shown);
                    Ok(Made::new(Arc::new(client)))
                })
            }
        });
        self.definition(name, "the router itself", factory.into(), place.clone())
    }
}

/// The one prefix that a server has a router under.
fn prefix(
    client: &Client,
    router: &str,
    mounts: &Mounts,
    place: &Place,
) -> Result<Arc<str>, Box<Problem>> {
    let server = &client.server;
    match mounts.of(server, router).as_slice() {
        [(prefix, _)] => Ok((*prefix).into()),
        [] => {
            let message = format!("server `{server}` has no route of router `{router}`");
            Err(Box::new(Problem::error(message).at(place.clone(), "")))
        }
        several => {
            let named: Vec<_> = several
                .iter()
                .map(|(prefix, _)| format!("`{prefix}`"))
                .collect();
            let mut problem = Problem::error(format!(
                "server `{server}` has router `{router}` under {}, and nothing says which is meant",
                named.join(" and ")
            ))
            .help("put it under one prefix, or give a name of its own to a router that has it");
            for (prefix, place) in several {
                problem = problem.at((*place).clone(), format!("under `{prefix}` here"));
            }
            Err(Box::new(problem))
        }
    }
}

impl ServerDefinition {
    /// The routers that it has, by whatever way, and where its listeners say so.
    pub(crate) fn routers(&self, of_file: &[super::RouterSection]) -> BTreeMap<Arc<str>, Place> {
        let mut found = BTreeMap::new();
        let mut queue: Vec<(Arc<str>, Place)> = self
            .http
            .listeners
            .iter()
            .flat_map(|listener| listener.routers.iter().cloned())
            .collect();
        while let Some((name, place)) = queue.pop() {
            if found.contains_key(&name) {
                continue;
            }
            if let Some(section) = of_file.iter().find(|section| section.name == name) {
                let named = section.body.named().into_iter();
                queue.extend(named.map(|one| (Arc::clone(one), place.clone())));
            }
            found.insert(name, place);
        }
        found
    }
}
