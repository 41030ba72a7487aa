//! Which server has which router, and under which prefix.

use std::collections::BTreeMap;
use std::sync::Arc;

use byname_registry::Place;

use super::plan::Leaf;
use crate::app::ServerDefinition;

/// The routers of all servers, as their listeners have them.
#[derive(Default)]
pub(super) struct Mounts {
    /// By server and router: the prefixes, and where the router was put there.
    prefixes: BTreeMap<(Arc<str>, Arc<str>), BTreeMap<String, Place>>,
    /// The routes of the chosen server, by router.
    own: BTreeMap<Arc<str>, Vec<Leaf>>,
}

impl Mounts {
    /// Adds the routes of a listener.
    pub(super) fn add(&mut self, server: &ServerDefinition, leaves: &[Leaf], is_chosen: bool) {
        let server: Arc<str> = server.full_name().into();
        for leaf in leaves {
            for (router, prefix) in &leaf.mounts {
                let key = (Arc::clone(&server), Arc::clone(router));
                let prefixes = self.prefixes.entry(key).or_default();
                let mounted = || leaf.mounted.clone();
                prefixes.entry(prefix.clone()).or_insert_with(mounted);
                if is_chosen {
                    let own = self.own.entry(Arc::clone(router)).or_default();
                    // Another listener may have the same.
                    if !own.iter().any(|one| one.same_as(leaf)) {
                        own.push(leaf.clone());
                    }
                }
            }
        }
    }

    /// The prefixes of a router on a server, and where they come from; none where that has no route of it.
    pub(super) fn of(&self, server: &str, router: &str) -> Vec<(&str, &Place)> {
        let found = self
            .prefixes
            .iter()
            .find(|((one, name), _)| **one == *server && **name == *router);
        let prefixes = found.into_iter().flat_map(|(_, prefixes)| prefixes);
        prefixes
            .map(|(prefix, place)| (prefix.as_str(), place))
            .collect()
    }

    /// The routes of a router of the chosen server.
    pub(super) fn own(&self, router: &str) -> &[Leaf] {
        self.own.get(router).map_or(&[], Vec::as_slice)
    }
}

impl Leaf {
    /// Whether it is the same route under another listener.
    fn same_as(&self, other: &Self) -> bool {
        self.method == other.method && self.path == other.path
    }
}
