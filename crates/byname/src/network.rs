//! `--allow-network`: what each command makes of it, on a disk that says of itself that it is a
//! network's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use byname_store::disk::sim::SimDisk;
use byname_store::{FileOptions, FileStore, StoreError};
use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::{machine, serve, store};

/// The options with which the command opens a registry.
fn options(line: &[&str]) -> FileOptions {
    match Cli::try_parse_from(line).unwrap().command {
        Command::Serve(arguments) => serve::options_of_machines(&arguments),
        Command::Machine(arguments) => machine::options(&arguments.folder),
        Command::Store(arguments) => store::options(&arguments.folder),
        _ => panic!("it opens no registry"),
    }
}

#[test]
fn a_network_file_system_is_used_only_if_it_is_asked_for() {
    let disk = SimDisk::new();
    disk.make_folder(Path::new("/data")).unwrap();
    disk.set_network(Some("nfs"));
    let open = |line: &[&str]| {
        let disk = Arc::new(disk.clone());
        FileStore::open_on(disk, "/data/machines.json", options(line).watch(false))
    };
    for command in [
        &["byname", "serve"][..],
        &["byname", "machine", "list"],
        &["byname", "machine", "remove", "gpu-1"],
        &["byname", "store", "status"],
        &["byname", "store", "clean"],
    ] {
        let refused = open(command).unwrap_err();
        assert!(
            matches!(&refused, StoreError::Network { kind, .. } if kind == "nfs"),
            "{command:?}: {refused}"
        );
        let allowed = [command, &["--allow-network"]].concat();
        assert!(open(&allowed).is_ok(), "{allowed:?}");
    }
}
