#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod disk;
mod faults;

use std::io;
use std::path::Path;

use super::SimDisk;
use crate::disk::{Access, Disk, NewFile};

const OLD: &[u8] = b"old: 0123456789";
const DOCUMENT: &str = "/data/document";
const PART: &str = "/data/part";
const FOLDER: &str = "/data";
const ACCESS: Access = Access {
    mode: 0o600,
    owner: None,
};

fn at(path: &str) -> &Path {
    Path::new(path)
}

fn new() -> Vec<u8> {
    // More than one sector.
    b"new: ".iter().chain([b'x'; 700].iter()).copied().collect()
}

/// A disk with a folder, and with the old document in it if it is to be.
fn disk(with_old: bool) -> SimDisk {
    let disk = SimDisk::new();
    disk.make_folder(at(FOLDER)).unwrap();
    if with_old {
        disk.overwrite(at(DOCUMENT), OLD).unwrap();
        disk.settle();
    }
    disk
}

fn write_all(file: &mut dyn NewFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.write(bytes)?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// The usual way to replace a file, with or without its two syncs.
fn replace(disk: &SimDisk, sync_file: bool, sync_folder: bool) -> io::Result<()> {
    let mut file = disk.create(at(PART), ACCESS)?;
    write_all(&mut *file, &new())?;
    if sync_file {
        file.sync()?;
    }
    disk.rename(at(PART), at(DOCUMENT))?;
    if sync_folder {
        disk.sync_folder(at(FOLDER))?;
    }
    Ok(())
}

/// What a reader finds.
fn found(disk: &SimDisk) -> &'static str {
    match disk.content(at(DOCUMENT)) {
        None => "missing",
        Some(bytes) if bytes == OLD => "old",
        Some(bytes) if bytes == new() => "new",
        Some(bytes) if bytes.is_empty() => "empty",
        Some(bytes) if bytes.iter().all(|byte| *byte == 0) => "zeros",
        Some(_) => "torn",
    }
}
