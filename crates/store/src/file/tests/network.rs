//! A network file system: refused as it is, used when it is asked for.
//!
//! Which number of the kernel's stands for which file system is tested beside the list; this is what
//! a store makes of the answer.

use std::path::Path;
use std::sync::Arc;

use super::{DOCUMENT, Put, Value, at, disk, options, shown, transaction};
use crate::disk::Disk;
use crate::disk::sim::SimDisk;
use crate::{FileOptions, FileStore, Store, StoreError};

fn open(disk: &SimDisk, path: &str, options: FileOptions) -> Result<FileStore, StoreError> {
    FileStore::open_on(Arc::new(disk.clone()), path, options)
}

fn is_refused(opened: Result<FileStore, StoreError>, document: &str) {
    let error = opened.unwrap_err();
    let StoreError::Network { path, kind } = &error else {
        panic!("{error}");
    };
    assert_eq!((path.as_path(), kind.as_str()), (at(document), "nfs"));
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        format!(
            "{document}: is on a network file system (nfs), where locks and shared memory do not reach \
             other machines; choose a local folder, or allow it explicitly"
        )
    );
}

#[test]
fn a_registry_on_a_network_file_system_is_refused() {
    let disk = disk();
    disk.set_network(Some("nfs"));
    is_refused(open(&disk, DOCUMENT, options()), DOCUMENT);
    assert!(disk.list(at("/data")).unwrap().is_empty());
    // A document that is there already, and whatever it is opened for.
    disk.set_network(None);
    let store = open(&disk, DOCUMENT, options()).unwrap();
    store
        .submit(transaction(&[Put("a", Value(1, 1))]))
        .wait()
        .unwrap();
    drop(store);
    let there = disk.read(at(DOCUMENT)).unwrap();
    disk.set_network(Some("nfs"));
    is_refused(open(&disk, DOCUMENT, options()), DOCUMENT);
    is_refused(open(&disk, DOCUMENT, options().read_only(true)), DOCUMENT);
    is_refused(open(&disk, DOCUMENT, options().for_repair()), DOCUMENT);
    is_refused(
        open(
            &disk,
            DOCUMENT,
            options().allow_network(true).allow_network(false),
        ),
        DOCUMENT,
    );
    assert_eq!(disk.read(at(DOCUMENT)).unwrap(), there);
}

/// The folder that the first commit would make would be on the file system of the one above it.
#[test]
fn a_folder_that_is_missing_on_a_network_file_system_is_refused() {
    let disk = disk();
    disk.set_network(Some("nfs"));
    let document = "/data/state/byname/m.json";
    is_refused(open(&disk, document, options()), document);
    let store = open(&disk, document, options().allow_network(true)).unwrap();
    store
        .submit(transaction(&[Put("a", Value(1, 1))]))
        .wait()
        .unwrap();
    assert!(disk.stat(Path::new(document)).unwrap().is_file);
}

#[test]
fn a_network_file_system_that_is_allowed_is_used_as_any() {
    let disk = disk();
    disk.set_network(Some("nfs"));
    let allowed = || options().allow_network(true);
    let store = open(&disk, DOCUMENT, allowed()).unwrap();
    let other = open(&disk, DOCUMENT, allowed()).unwrap();
    let first = store.submit(transaction(&[Put("a", Value(1, 1))]));
    assert_eq!(first.wait().unwrap(), 1);
    let second = other.submit(transaction(&[Put("b", Value(2, 1))]));
    assert_eq!(second.wait().unwrap(), 2);
    assert_eq!(store.refresh().wait().unwrap(), 2);
    assert_eq!(shown(&store), shown(&other));
    assert_eq!(store.mirror().len(), 2);
}
