//! One trait, here or there: what a service does, told to those who route it and to those who call it.
