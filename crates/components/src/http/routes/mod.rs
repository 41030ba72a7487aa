//! Routes declared in code: known before anything is built.
