//! From the methods of a trait to routes.

mod conventions;
mod methods;
mod overrides;
mod problems;
