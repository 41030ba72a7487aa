//! Static files, and applications of a single page.
