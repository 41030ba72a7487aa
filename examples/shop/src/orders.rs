//! What is bought.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use byname::{BoxError, ErrorKind, FieldError, FieldPlace, Registrar, ServiceError, need};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::billing::Billing;
use crate::users::Users;

/// What somebody wants to buy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Wish {
    pub(crate) user: String,
    pub(crate) what: String,
    pub(crate) cents: u64,
}

/// What was bought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Order {
    pub(crate) id: u64,
    /// The name of who bought it.
    pub(crate) name: String,
    pub(crate) what: String,
    /// What that user owes now, in cents.
    pub(crate) owed: u64,
}

/// What is bought.
#[byname::service]
pub(crate) trait Orders {
    /// Buys something for a user that there is.
    async fn create_order(&self, wish: Wish) -> Result<Order, ServiceError>;
    /// Finds an order.
    async fn get_order(&self, id: u64) -> Result<Order, ServiceError>;
}

/// Keeps orders for as long as the process runs.
struct InMemory {
    users: Arc<dyn Users>,
    billing: Arc<dyn Billing>,
    orders: Mutex<BTreeMap<u64, Order>>,
}

#[byname::service]
impl Orders for InMemory {
    async fn create_order(&self, wish: Wish) -> Result<Order, ServiceError> {
        if wish.cents == 0 {
            let error = ServiceError::new(ErrorKind::Unprocessable, "nothing is for nothing");
            return Err(error.with_field(FieldError {
                r#in: FieldPlace::Body,
                field: "/cents".to_owned(),
                message: "is 0; expected at least 1".to_owned(),
            }));
        }
        let user = self.users.get_user(wish.user.clone()).await?;
        let owed = self.billing.charge(wish.user, wish.cents).await?;
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let id = orders.len() as u64 + 1;
        let order = Order {
            id,
            name: user.name,
            what: wish.what,
            owed,
        };
        orders.insert(id, order.clone());
        Ok(order)
    }

    async fn get_order(&self, id: u64) -> Result<Order, ServiceError> {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let found = orders.get(&id).cloned();
        found.ok_or_else(|| {
            ServiceError::new(ErrorKind::NotFound, format!("there is no order {id}"))
        })
    }
}

/// Registers the service.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Orders>();
    let needs = (need::<dyn Users>("users"), need::<dyn Billing>("billing"));
    registrar.factory("orders", needs, |(): (), users, billing| async {
        let orders: Arc<dyn Orders> = Arc::new(InMemory {
            users,
            billing,
            orders: Mutex::default(),
        });
        Ok::<_, BoxError>(orders)
    });
}
