//! The latest changes of all registries, and who follows them.

mod collect;
mod ring;
mod services;
mod stream;

pub(super) use collect::{Collector, Follows, Source};
pub(super) use ring::{Noted, Ring};
pub(super) use stream::{From, events};
