//! What goes over the network, seen from each of its ends.

mod calling;
mod described;
mod notes;
mod serving;
