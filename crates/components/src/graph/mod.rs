//! Which service needs which: resolved once, and the source of every order.

mod circle;
mod render;

use std::collections::HashMap;
use std::sync::Arc;

use byname_registry::Place;

use crate::need::NeedKind;
use crate::part::Type;

pub use render::Format;

/// The services of a server and what they need of each other.
///
/// It never changes: start, stop, health and what is drawn all go by the same one.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Service>,
    index: HashMap<Arc<str>, usize>,
    /// Each after all that are built before it; those that may go in any order by name.
    order: Vec<usize>,
}

/// A service of a [`Graph`].
#[derive(Clone, Debug)]
pub struct Service {
    pub(crate) name: Arc<str>,
    /// The factory that makes it; `None` for one that was given as it is.
    pub(crate) factory: Option<Arc<str>>,
    pub(crate) of: Type,
    pub(crate) place: Place,
    pub(crate) lazy: bool,
    pub(crate) edges: Vec<Edge>,
}

/// That a service needs another.
#[derive(Clone, Debug)]
pub struct Edge {
    pub(crate) to: usize,
    pub(crate) kind: NeedKind,
    /// The name that the factory declared.
    pub(crate) need: Arc<str>,
    /// Where the name was declared, or redirected.
    pub(crate) place: Place,
}

impl Service {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the factory that makes it; `None` if it was given as it is.
    #[must_use]
    pub fn factory(&self) -> Option<&str> {
        self.factory.as_deref()
    }

    /// Returns the name of the Rust type that it is looked up as.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.of.name()
    }

    /// Returns where it was defined.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns whether it is built only when it is asked for.
    #[must_use]
    pub fn is_lazy(&self) -> bool {
        self.lazy
    }
}

impl Edge {
    /// Returns how the need is met.
    #[must_use]
    pub fn kind(&self) -> NeedKind {
        self.kind
    }

    /// Returns the name that the factory declared; empty for one of all of a type.
    #[must_use]
    pub fn need(&self) -> &str {
        &self.need
    }

    /// Returns where it was declared, or redirected.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// Services that need each other to be built, in the shortest circle that there is among them: each
/// with the edge to the next, and the last to the first.
pub(crate) type Circle = Vec<(usize, Edge)>;

impl Graph {
    /// Orders services, or tells all circles among them (one of each knot).
    pub(crate) fn new(nodes: Vec<Service>) -> Result<Self, (Vec<Service>, Vec<Circle>)> {
        let index = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| (Arc::clone(&node.name), at))
            .collect();
        let Some(order) = order(&nodes) else {
            let circles = circle::circles(&nodes);
            return Err((nodes, circles));
        };
        Ok(Self {
            nodes,
            index,
            order,
        })
    }

    /// Returns the services, each after all that are built before it.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.order.iter().map(|at| &self.nodes[*at])
    }

    /// Returns a service.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.index.get(name).map(|at| &self.nodes[*at])
    }

    /// Returns what a service needs, with the service that meets each need, in the order of the
    /// factory's declarations.
    pub fn needs<'g>(
        &'g self,
        service: &'g Service,
    ) -> impl Iterator<Item = (&'g Edge, &'g Service)> {
        service
            .edges
            .iter()
            .map(|edge| (edge, &self.nodes[edge.to]))
    }

    /// Returns how many services there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(crate) fn nodes(&self) -> &[Service] {
        &self.nodes
    }

    pub(crate) fn at(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Whether each is built at the start: it is not lazy, or is one of `also`, or is needed by one that
    /// is built.
    pub(crate) fn eager(&self, also: &[Arc<str>]) -> Vec<bool> {
        let mut eager: Vec<bool> = self.nodes.iter().map(|node| !node.lazy).collect();
        for at in also.iter().filter_map(|name| self.at(name)) {
            eager[at] = true;
        }
        for at in self.order.iter().rev() {
            if eager[*at] {
                for edge in before(&self.nodes[*at]) {
                    eager[edge.to] = true;
                }
            }
        }
        eager
    }
}

/// The edges to what is built before.
fn before(node: &Service) -> impl Iterator<Item = &Edge> {
    node.edges.iter().filter(|edge| edge.kind.is_built_before())
}

/// Kahn's algorithm; among those that are free the least name comes first. `None` if there is a
/// circle.
fn order(nodes: &[Service]) -> Option<Vec<usize>> {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    let mut left = vec![0_usize; nodes.len()];
    let mut after = vec![Vec::new(); nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        for edge in before(node) {
            left[at] += 1;
            after[edge.to].push(at);
        }
    }
    let mut free: BinaryHeap<_> = (0..nodes.len())
        .filter(|at| left[*at] == 0)
        .map(|at| Reverse((&nodes[at].name, at)))
        .collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse((_, at))) = free.pop() {
        order.push(at);
        for next in &after[at] {
            left[*next] -= 1;
            if left[*next] == 0 {
                free.push(Reverse((&nodes[*next].name, *next)));
            }
        }
    }
    (order.len() == nodes.len()).then_some(order)
}
