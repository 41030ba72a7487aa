//! Which routes stand behind middleware whose settings name routes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use byname_registry::nearest;

use super::plan::Leaf;
use super::sections::{ListenerSection, Named};
use crate::app::ServerDefinition;
use crate::config::{Map, Node};
use crate::middleware::Middlewares;
use crate::problem::{Problem, Problems};

/// The type of middleware whose `routes` are called as routes are.
const SLOW_LOG: &str = "slow-log";

/// The paths of routes by the name of the middleware that stands before them, of all servers.
#[derive(Default)]
pub(super) struct Behind(BTreeMap<Arc<str>, BTreeSet<String>>);

impl Behind {
    /// Adds the routes of a listener.
    pub(super) fn add(
        &mut self,
        (server, listener): (&ServerDefinition, &ListenerSection),
        leaves: &[Leaf],
    ) {
        let around: Vec<&Named> = server
            .http
            .middleware
            .iter()
            .chain(&listener.middleware)
            .collect();
        let mut add = |(name, _): &Named, path: &str| {
            let paths = self.0.entry(Arc::clone(name)).or_default();
            paths.insert(path.to_owned());
        };
        for named in &around {
            for path in listener.openapi.iter().map(|described| &described.path) {
                add(named, path);
            }
        }
        for leaf in leaves {
            for named in around.iter().copied().chain(&leaf.layers) {
                add(named, &leaf.path);
            }
        }
    }

    /// Tells routes that settings name, and that do not stand behind the middleware. Of middleware that
    /// stands before nothing, that is told.
    pub(super) fn check(&self, middleware: &Middlewares, problems: &mut Problems) {
        for (name, paths) in &self.0 {
            if middleware.factory_of(name).as_deref() != Some(SLOW_LOG) {
                continue;
            }
            let settings = middleware.settings_of(name);
            let routes = settings.as_ref().and_then(|node| node.get("routes"));
            let routes = routes.and_then(Node::as_map);
            for (key, _) in routes.into_iter().flat_map(Map::iter) {
                if paths.contains(&*key.name) {
                    continue;
                }
                problems.push(
                    Problem::error(format!(
                        "`middleware.{name}.settings.routes` names `{}`, and no such route is behind it",
                        key.name
                    ))
                    .nearest(&nearest(paths.iter(), &key.name))
                    .at(key.origin.place(), ""),
                );
            }
        }
    }
}
