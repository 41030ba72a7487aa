//! What is owed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use byname::{BoxError, Registrar, ServiceError};

/// What is owed.
#[byname::service(resource = "bill", plural = "bills")]
pub(crate) trait Billing {
    /// Adds to what a user owes, in cents, and returns what that is then.
    #[post("/bills/{user}/charges")]
    async fn charge(&self, user: String, cents: u64) -> Result<u64, ServiceError>;
    /// Tells what a user owes, in cents.
    async fn get_bill(&self, user: String) -> Result<u64, ServiceError>;
}

/// Keeps bills for as long as the process runs.
#[derive(Debug, Default)]
struct InMemory(Mutex<BTreeMap<String, u64>>);

#[byname::service]
impl Billing for InMemory {
    async fn charge(&self, user: String, cents: u64) -> Result<u64, ServiceError> {
        let mut bills = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let owed = bills.entry(user).or_default();
        *owed = owed.saturating_add(cents);
        Ok(*owed)
    }

    async fn get_bill(&self, user: String) -> Result<u64, ServiceError> {
        let bills = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(bills.get(&user).copied().unwrap_or_default())
    }
}

/// Registers the service.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Billing>();
    registrar.factory("billing", (), |(): ()| async {
        let billing: Arc<dyn Billing> = Arc::new(InMemory::default());
        Ok::<_, BoxError>(billing)
    });
}
