use crate::json::Json;
use crate::lease::LeaseId;

/// What a store keeps under a name. The revision of the entry stands beside it, in the
/// [`Entry`](byname_registry::Entry) of the store's mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The value.
    pub value: Json,
    /// The lease with whose end the entry goes, if any.
    pub lease: Option<LeaseId>,
}

impl Record {
    /// Makes a record without a lease.
    #[must_use]
    pub fn new(value: Json) -> Self {
        Self { value, lease: None }
    }
}
