//! A service that others may call: a trait, and one who does what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use byname::{BoxError, ErrorKind, Registrar, ServiceError};
use byname_registry::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody who was here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Guest {
    /// Its number, from 1.
    pub(crate) id: u64,
    /// What it is called.
    pub(crate) name: String,
}

/// Who was here.
#[byname::service]
pub(crate) trait Guests {
    /// Writes a guest into the book.
    async fn create_guest(&self, name: String) -> Result<Guest, ServiceError>;
    /// Finds a guest by its number.
    async fn get_guest(&self, id: u64) -> Result<Guest, ServiceError>;
}

/// Keeps guests for as long as the process runs.
#[derive(Default)]
struct Book {
    guests: Registry<Guest>,
    last: AtomicU64,
}

#[byname::service]
impl Guests for Book {
    async fn create_guest(&self, name: String) -> Result<Guest, ServiceError> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let guest = Guest { id, name };
        let put = self.guests.put(&id.to_string(), guest.clone());
        put.map_err(ServiceError::internal)?;
        Ok(guest)
    }

    async fn get_guest(&self, id: u64) -> Result<Guest, ServiceError> {
        let found = self.guests.read(&id.to_string(), Guest::clone);
        found.ok_or_else(|| {
            ServiceError::new(ErrorKind::NotFound, format!("there is no guest {id}"))
        })
    }
}

/// Registers the trait, and the factory of who does it.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Guests>();
    registrar.factory("guests", (), |(): ()| async {
        let guests: Arc<dyn Guests> = Arc::new(Book::default());
        Ok::<_, BoxError>(guests)
    });
}
