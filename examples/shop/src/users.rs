//! Who buys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use byname::{BoxError, ErrorKind, Registrar, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody who buys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Who buys.
#[byname::service]
pub(crate) trait Users {
    /// Adds a user under an id that is free.
    async fn create_user(&self, user: User) -> Result<User, ServiceError>;
    /// Finds a user.
    async fn get_user(&self, id: String) -> Result<User, ServiceError>;
    /// Lists users, ordered by id; those whose name begins so, if that is said.
    async fn list_users(&self, name: Option<String>) -> Result<Vec<User>, ServiceError>;
    /// Takes a user out.
    async fn delete_user(&self, id: String) -> Result<(), ServiceError>;
}

/// Keeps users for as long as the process runs.
#[derive(Debug, Default)]
struct InMemory(Mutex<BTreeMap<String, User>>);

impl InMemory {
    fn users(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, User>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(id: &str) -> ServiceError {
    ServiceError::new(ErrorKind::NotFound, format!("there is no user `{id}`")).with_code("no-user")
}

#[byname::service]
impl Users for InMemory {
    async fn create_user(&self, user: User) -> Result<User, ServiceError> {
        let mut users = self.users();
        if users.contains_key(&user.id) {
            let message = format!("there is a user `{}` already", user.id);
            return Err(ServiceError::new(ErrorKind::Conflict, message).with_code("taken"));
        }
        users.insert(user.id.clone(), user.clone());
        Ok(user)
    }

    async fn get_user(&self, id: String) -> Result<User, ServiceError> {
        self.users().get(&id).cloned().ok_or_else(|| unknown(&id))
    }

    async fn list_users(&self, name: Option<String>) -> Result<Vec<User>, ServiceError> {
        let users = self.users();
        let begins = |user: &&User| {
            name.as_deref()
                .is_none_or(|name| user.name.starts_with(name))
        };
        Ok(users.values().filter(begins).cloned().collect())
    }

    async fn delete_user(&self, id: String) -> Result<(), ServiceError> {
        let gone = self.users().remove(&id);
        gone.map(drop).ok_or_else(|| unknown(&id))
    }
}

/// Registers the service.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Users>();
    registrar.factory("users", (), |(): ()| async {
        let users: Arc<dyn Users> = Arc::new(InMemory::default());
        Ok::<_, BoxError>(users)
    });
}
