//! The named parts of a server, declared in one file, wired once, started and stopped in order; and one
//! trait for a service, whether it is in this process or in another.
//!
//! This is all of `byname_components`, with the attribute [`macro@service`].
//!
//! # Examples
//!
//! ```
//! use byname::{ErrorKind, ServiceError};
//!
//! #[byname::service]
//! pub trait Users {
//!     /// Finds the name of a user.
//!     async fn get_user(&self, id: u64) -> Result<String, ServiceError>;
//! }
//!
//! struct Ada;
//!
//! #[byname::service]
//! impl Users for Ada {
//!     async fn get_user(&self, id: u64) -> Result<String, ServiceError> {
//!         match id {
//!             1 => Ok("Ada".to_owned()),
//!             _ => Err(ServiceError::new(ErrorKind::NotFound, "there is no such user")),
//!         }
//!     }
//! }
//!
//! use byname::service::{Overrides, Rest, Service, plan};
//!
//! let users = std::sync::Arc::new(<dyn Users as Service>::interface());
//! let plan = plan(&users, &Rest, "rest", &Overrides::default())?;
//! let (name, method, path) = plan.routes().next().expect("a route");
//! assert_eq!(format!("{name}: {method} {path}"), "get_user: GET /users/{id}");
//! # Ok::<(), byname::Problems>(())
//! ```
#![forbid(unsafe_code)]

pub use byname_components::*;
pub use byname_macros::service;
