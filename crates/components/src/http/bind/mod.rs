//! What a handler is given of a request: typed, checked, and described.
