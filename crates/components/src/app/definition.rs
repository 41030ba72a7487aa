//! A service as it was declared, in a file or in code.

use std::collections::BTreeMap;
use std::sync::Arc;

use byname_registry::Place;

use crate::config::{Node, Path};
use crate::life::Within;

/// A service as it was declared: which factory makes it, with which settings.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: Arc<str>,
    pub(crate) factory: Arc<str>,
    /// Where the factory was named; where the service was, if it was not.
    pub(crate) factory_place: Place,
    /// `None` where there are none: as an empty map.
    pub(crate) settings: Option<Node>,
    /// What stands in the place of the factory's needs, and where that was said.
    pub(crate) needs: BTreeMap<Arc<str>, (Arc<str>, Place)>,
    pub(crate) lazy: bool,
    pub(crate) within: Within,
    pub(crate) place: Place,
}

impl Definition {
    /// Where its settings are in the configuration.
    pub(crate) fn settings_path(&self) -> Path {
        Path::root()
            .key("services")
            .key(Arc::clone(&self.name))
            .key("settings")
    }
}
