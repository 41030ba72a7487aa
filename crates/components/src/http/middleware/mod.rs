//! What comes with it to stand before a handler.
