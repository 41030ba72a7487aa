//! From the routes of a listener or a router to what answers them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dispatch::{Dispatched, Ready, dispatch};
use super::plan::{From, Leaf};
use super::router::Answering;
use super::{Endpoint, Middleware, Mounted};
use crate::context::Context;
use crate::made::BoxError;
use crate::middleware::Middlewares;
use crate::part::Part;
use crate::service::{self, Plan};
use crate::supply::Supply;

/// Routes, and what stands before all of them.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) leaves: Vec<Leaf>,
    /// Published services, by the name of the service.
    pub(super) published: BTreeMap<Arc<str>, Arc<Plan>>,
    /// The outermost first.
    pub(super) around: Vec<Arc<str>>,
}

/// What answers, by the service of the graph that it comes from.
pub(super) type BySource = BTreeMap<Arc<str>, Vec<Endpoint>>;

impl Answers {
    /// Takes what the routes need.
    pub(super) fn by_source(&self, supply: &Supply) -> Result<BySource, BoxError> {
        let mut by_source = BySource::new();
        for leaf in &self.leaves {
            let node = node_of(&leaf.from);
            if by_source.contains_key(&node) {
                continue;
            }
            let gone = || format!("`{node}` is not there any more");
            let part = supply.part(&node).ok_or_else(gone)?;
            let endpoints = self.endpoints(&leaf.from, part).ok_or_else(gone)?;
            by_source.insert(node, endpoints);
        }
        Ok(by_source)
    }

    fn endpoints(&self, from: &From, part: &Part) -> Option<Vec<Endpoint>> {
        Some(match from {
            From::Router { .. } => part.get::<Answering>()?.endpoints.clone(),
            From::Kind { .. } => vec![part.get::<Mounted>()?.endpoint()],
            From::Service { name, .. } => service::endpoints(self.published.get(name)?, part),
        })
    }

    /// Makes what answers all of them, and `others` besides.
    pub(super) async fn endpoint(
        &self,
        by_source: &BySource,
        others: Vec<Ready>,
        context: &Context,
    ) -> Result<Dispatched, BoxError> {
        let app = context.app().ok_or("the application is gone")?;
        let middleware = &app.registries().middleware;
        let mut routes = Vec::with_capacity(self.leaves.len() + others.len());
        for leaf in &self.leaves {
            let (Some(endpoints), at) = (by_source.get(&node_of(&leaf.from)), leaf.from.at())
            else {
                continue;
            };
            let names: Vec<Arc<str>> = leaf.layers.iter().map(|(name, _)| name.clone()).collect();
            routes.push(Ready {
                method: leaf.method.clone(),
                path: leaf.path.as_str().into(),
                endpoint: endpoints.get(at).ok_or("a route has no endpoint")?.clone(),
                layers: layers(middleware, &names).await?,
            });
        }
        routes.extend(others);
        let around = layers(middleware, &self.around).await?;
        Ok(dispatch(routes, &around)?)
    }
}

impl From {
    fn at(&self) -> usize {
        match self {
            Self::Router { at, .. } | Self::Service { at, .. } => *at,
            Self::Kind { .. } => 0,
        }
    }
}

/// The service of the graph that answers.
pub(super) fn node_of(from: &From) -> Arc<str> {
    match from {
        From::Router { node, .. } | From::Kind { node } => Arc::clone(node),
        From::Service { name, .. } => Arc::clone(name),
    }
}

async fn layers(middleware: &Middlewares, names: &[Arc<str>]) -> Result<Vec<Middleware>, BoxError> {
    let mut layers = Vec::new();
    for name in names {
        layers.push(Middleware::clone(
            &*middleware.create::<Middleware>(name).await?,
        ));
    }
    Ok(layers)
}
