//! The file of a lock.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;

use byname_store::disk::{Disk, RealDisk};

use super::{PRIVATE, as_nobody, fifo, folder, put, with_mode};

#[test]
fn one_handle_has_the_lock() {
    let (_kept, folder) = folder();
    let path = folder.join("lock");
    let one = RealDisk.open_lock(&path, with_mode(0o640)).unwrap();
    let other = RealDisk.open_lock(&path, PRIVATE).unwrap();
    assert_eq!(RealDisk.stat(&path).unwrap().mode, 0o640);
    assert_eq!(one.stat().unwrap(), other.stat().unwrap());
    assert!(one.try_lock().unwrap());
    assert!(!other.try_lock().unwrap());
    one.unlock().unwrap();
    assert!(other.try_lock().unwrap());
    assert!(!one.try_lock().unwrap());
    drop(other);
    assert!(one.try_lock().unwrap());
}

#[test]
fn a_note_is_read_by_those_who_do_not_have_the_lock() {
    let (_kept, folder) = folder();
    let path = folder.join("lock");
    let lock = RealDisk.open_lock(&path, PRIVATE).unwrap();
    let other = RealDisk.open_lock(&path, PRIVATE).unwrap();
    assert_eq!(other.read_note().unwrap(), b"");
    assert!(lock.try_lock().unwrap());
    let longest = [b'x'; 1_024];
    for note in [&b"somebody"[..], b"me", b"", &longest, b"me again"] {
        lock.write_note(note).unwrap();
        assert_eq!(other.read_note().unwrap(), note);
        let (bytes, _) = RealDisk.read(&path).unwrap();
        assert_eq!(bytes.trim_ascii_end(), note);
    }
    let error = lock.write_note(&[b'x'; 1_025]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(other.read_note().unwrap(), b"me again");
}

#[test]
fn what_is_no_file_is_no_lock() {
    let (_kept, folder) = folder();
    put(&RealDisk, &folder.join("file"), b"");
    fs::create_dir(folder.join("folder")).unwrap();
    fifo(&folder.join("pipe"));
    symlink("file", folder.join("link")).unwrap();
    let kind = |name: &str| {
        let opened = RealDisk.open_lock(&folder.join(name), PRIVATE);
        opened.map(drop).unwrap_err().kind()
    };
    assert_eq!(kind("folder"), ErrorKind::IsADirectory);
    assert_eq!(kind("pipe"), ErrorKind::InvalidInput);
    assert_eq!(kind("missing/lock"), ErrorKind::NotFound);
    let link = RealDisk.open_lock(&folder.join("link"), PRIVATE);
    assert_eq!(
        link.map(drop).unwrap_err().raw_os_error(),
        Some(rustix::io::Errno::LOOP.raw_os_error())
    );
}

#[test]
fn a_lock_that_may_not_be_opened_is_an_error() {
    as_nobody(
        "locks::a_lock_that_may_not_be_opened_is_an_error",
        |folder| {
            super::set_mode(folder, 0o755);
            RealDisk.open_lock(&folder.join("lock"), PRIVATE).unwrap();
        },
        |folder| {
            for name in ["lock", "missing"] {
                let opened = RealDisk.open_lock(&folder.join(name), PRIVATE);
                let error = opened.map(drop).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{name}");
            }
        },
    );
}
