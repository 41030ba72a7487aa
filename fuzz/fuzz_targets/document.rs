//! Reads any bytes as a document of the file store.
//!
//! `cargo +nightly fuzz run document`, anywhere in the repository. What is checked of the bytes, and that `cargo
//! test` checks it of the corpus, stands in `crates/store/src/file/document/check.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| byname_store::fuzzing::document(bytes));
