//! Names in one process: read without waiting, change whole, build once, observe.
mod sync;
