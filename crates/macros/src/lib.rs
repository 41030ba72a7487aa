//! `#[service]`: one trait, its routes and its client.
#![forbid(unsafe_code)]
