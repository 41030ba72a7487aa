//! A service as it was declared, in a file or in code.

use std::collections::BTreeMap;
use std::sync::Arc;

use byname_registry::{Place, Registry};

use crate::config::{Node, Path};
use crate::factory::FactoryEntry;
use crate::life::Within;

/// A service as it was declared: which factory makes it, with which settings.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: Arc<str>,
    pub(crate) factory: Arc<str>,
    /// The factory itself, where it is made for this definition and has no name of its own: of a
    /// router, say, whose needs are what it routes to.
    pub(crate) own: Option<Arc<FactoryEntry>>,
    /// Where the factory was named; where the service was, if it was not.
    pub(crate) factory_place: Place,
    /// `None` where there are none: as an empty map.
    pub(crate) settings: Option<Node>,
    /// Where its settings are in the configuration.
    pub(crate) settings_path: Path,
    /// What stands in the place of the factory's needs, and where that was said.
    pub(crate) needs: BTreeMap<Arc<str>, (Arc<str>, Place)>,
    pub(crate) lazy: bool,
    /// Whether it is there only for who names it: it is part of the graph where something needs it, and
    /// else made when it is asked for.
    pub(crate) on_demand: bool,
    pub(crate) within: Within,
    /// Of a router of code: where the file routes to it.
    pub(crate) routed: Option<Place>,
    pub(crate) place: Place,
}

impl Definition {
    /// The factory that makes it, if there is one of that name.
    pub(crate) fn factory(
        &self,
        factories: &Registry<Arc<FactoryEntry>>,
    ) -> Option<Arc<FactoryEntry>> {
        match &self.own {
            Some(own) => Some(Arc::clone(own)),
            None => factories.read(&self.factory, Arc::clone),
        }
    }
}
