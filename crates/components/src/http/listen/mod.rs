//! Sockets, the connections that come through them, and how these end.
//!
//! A [`Listener`] is bound from [`Settings`] and answers with an [`Endpoint`](crate::http::Endpoint) once
//! it [serves](Listener::serve). Every connection has a place, of which there are so many; every wait for
//! a peer has an end; and a peer is told what it did wrong wherever HTTP can still say it.
//!
//! **A connection is one task.** It finds out what the peer speaks, drives it, and watches one deadline:
//! that of what the connection is doing now (`Activity`). A client that goes away drops the future that
//! answers it. Going away is closing the connection in the direction of the server: who shuts down only
//! its own half, and waits for an answer, is taken to have gone.
//!
//! **The end.** [`Serving::drain`] refuses new connections, and tells the peers of the others: HTTP/1 by
//! `connection: close` with the present answer, HTTP/2 by GOAWAY, and answers without an end by
//! [`Draining`].

mod activity;
mod address;
mod ahead;
mod answer;
mod body;
mod bound;
mod connection;
mod error;
mod io;
mod open;
mod opening;
mod peers;
mod places;
mod serving;
mod settings;
mod socket;
mod stall;
mod stats;
mod taking;
#[cfg(test)]
mod tests;
mod tls;
#[cfg(unix)]
mod unix;

pub use address::{Address, AddressError};
pub use body::BodyError;
pub use bound::{Bound, Draining, Peer, PeerAddress};
pub use error::{ListenError, Occupant};
pub use serving::{Listener, Serving};
pub use settings::{BodyLimit, Limits, Mode, Protocol, Settings, Timeouts, Tls, Unix};
pub use stats::Stats;
