//! Sockets, the connections that come through them, and how these end.
