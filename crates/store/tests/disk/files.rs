//! Files, folders and links.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use byname_store::disk::{Access, Disk, RealDisk};

use super::{NOBODY, PRIVATE, as_nobody, fifo, folder, is_root, put, set_mode, with_mode};

#[test]
fn a_new_file_has_exactly_the_mode_it_is_to_have() {
    let (_kept, folder) = folder();
    for mode in [0o600, 0o644, 0o666, 0o660, 0o400, 0o000, 0o777] {
        let path = folder.join(format!("{mode:o}"));
        let file = RealDisk.create(&path, with_mode(mode)).unwrap();
        assert_eq!(file.stat().unwrap().mode, mode);
        assert_eq!(RealDisk.stat(&path).unwrap(), file.stat().unwrap());
    }
}

#[test]
fn root_gives_a_new_file_to_its_owner() {
    if !is_root() {
        super::not_run("root_gives_a_new_file_to_its_owner");
        return;
    }
    let (_kept, folder) = folder();
    let access = Access {
        mode: 0o4640,
        owner: Some((1_234, 5_678)),
    };
    let file = RealDisk.create(&folder.join("file"), access).unwrap();
    let stat = file.stat().unwrap();
    assert_eq!((stat.owner, stat.group, stat.mode), (1_234, 5_678, 0o4640));
}

#[test]
fn what_cannot_be_given_away_is_open_to_nobody_it_was_not_to_be_open_to() {
    as_nobody(
        "files::what_cannot_be_given_away_is_open_to_nobody_it_was_not_to_be_open_to",
        |folder| set_mode(folder, 0o777),
        |folder| {
            let cases = [
                // Neither owner nor group: others and group get what both were to have.
                ((0, 0), 0o664, 0o644),
                ((0, 0), 0o640, 0o600),
                ((0, 0), 0o604, 0o600),
                ((0, 0), 0o6755, 0o755),
                // The group alone.
                ((NOBODY, 0), 0o660, 0o600),
                // The owner alone: the group is what it was to be.
                ((0, NOBODY), 0o4660, 0o660),
                // Nothing is refused.
                ((NOBODY, NOBODY), 0o4640, 0o4640),
            ];
            for (number, (owner, asked, had)) in cases.into_iter().enumerate() {
                let access = Access {
                    mode: asked,
                    owner: Some(owner),
                };
                let path = folder.join(number.to_string());
                let stat = RealDisk.create(&path, access).unwrap().stat().unwrap();
                assert_eq!((stat.owner, stat.group), (NOBODY, NOBODY));
                assert_eq!(stat.mode, had, "{asked:o} for {owner:?}: {:o}", stat.mode);
            }
        },
    );
}

#[test]
fn a_name_that_is_taken_is_not_created() {
    let (_kept, folder) = folder();
    let (file, link) = (folder.join("file"), folder.join("link"));
    put(&RealDisk, &file, b"kept");
    symlink(folder.join("nothing"), &link).unwrap();
    for path in [&file, &link, &folder] {
        let error = RealDisk.create(path, PRIVATE).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
    assert_eq!(RealDisk.read(&file).unwrap().0, b"kept");
    assert!(!folder.join("nothing").exists());
}

#[test]
fn reading_gives_all_bytes_and_what_the_file_was() {
    let (_kept, folder) = folder();
    for length in [0, 1, 4_096, 1_000_003] {
        let path = folder.join(length.to_string());
        let bytes: Vec<u8> = (0..length).map(|n: u32| n.to_le_bytes()[0]).collect();
        put(&RealDisk, &path, &bytes);
        let (read, stat) = RealDisk.read(&path).unwrap();
        assert!(read == bytes, "{length} bytes");
        assert_eq!(stat, RealDisk.stat(&path).unwrap());
        assert_eq!(
            (stat.size, stat.links, stat.is_file),
            (length.into(), 1, true)
        );
    }
}

#[test]
fn what_is_no_file_is_refused_and_waited_for_by_none() {
    let (_kept, folder) = folder();
    let (pipe, link) = (folder.join("pipe"), folder.join("link"));
    fifo(&pipe);
    put(&RealDisk, &folder.join("file"), b"");
    symlink("file", &link).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    let kind = |path: &Path| RealDisk.read(path).unwrap_err().kind();
    let raw = |path: &Path| RealDisk.read(path).unwrap_err().raw_os_error();
    assert_eq!(kind(&folder.join("missing")), ErrorKind::NotFound);
    assert_eq!(kind(&pipe), ErrorKind::InvalidInput);
    assert_eq!(kind(&folder), ErrorKind::IsADirectory);
    assert_eq!(raw(&link), Some(rustix::io::Errno::LOOP.raw_os_error()));
    assert_eq!(
        raw(&folder.join("socket")),
        Some(rustix::io::Errno::NXIO.raw_os_error())
    );
    for path in [&pipe, &link, &folder, &folder.join("socket")] {
        RealDisk.sync_file(path).unwrap_err();
        assert!(!RealDisk.stat(path).unwrap().is_file);
    }
}

#[test]
fn names_are_exchanged_whole() {
    let (_kept, folder) = folder();
    let (one, other) = (folder.join("one"), folder.join("other"));
    put(&RealDisk, &one, b"1");
    put(&RealDisk, &other, b"2");
    match RealDisk.exchange(&one, &other) {
        Ok(()) => {
            assert_eq!(RealDisk.read(&one).unwrap().0, b"2");
            assert_eq!(RealDisk.read(&other).unwrap().0, b"1");
            let error = RealDisk
                .exchange(&one, &folder.join("missing"))
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported),
    }
    assert_eq!(RealDisk.list(&folder).unwrap().len(), 2);
}

#[test]
fn what_cannot_be_exchanged_is_unsupported() {
    // A folder and what is in it cannot change places: EINVAL, as from a file system without
    // exchanges.
    let (_kept, folder) = folder();
    let inner = folder.join("outer/inner");
    fs::create_dir_all(&inner).unwrap();
    let error = RealDisk
        .exchange(&folder.join("outer"), &inner)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn renaming_linking_and_removing_change_names_only() {
    let (_kept, folder) = folder();
    let [a, b, c] = ["a", "b", "c"].map(|name| folder.join(name));
    put(&RealDisk, &a, b"a");
    put(&RealDisk, &b, b"b");
    let stat = RealDisk.stat(&a).unwrap();
    assert_eq!(
        RealDisk.link(&a, &b).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    RealDisk.link(&a, &c).unwrap();
    assert_eq!(RealDisk.stat(&a).unwrap().links, 2);
    RealDisk.rename(&c, &b).unwrap();
    assert!(RealDisk.stat(&b).unwrap().is_same_content(&stat));
    RealDisk.remove(&a).unwrap();
    assert_eq!(RealDisk.remove(&a).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(RealDisk.list(&folder).unwrap(), ["b"]);
    RealDisk.sync_file(&b).unwrap();
    RealDisk.sync_folder(&folder).unwrap();
    assert_eq!(
        RealDisk.sync_folder(&b).unwrap_err().kind(),
        ErrorKind::NotADirectory
    );
}

#[test]
fn links_are_followed_to_where_a_file_is_or_would_be() {
    let (_kept, folder) = folder();
    fs::create_dir(folder.join("data")).unwrap();
    put(&RealDisk, &folder.join("data/file"), b"");
    symlink("data", folder.join("folder")).unwrap();
    symlink("../chain", folder.join("data/up")).unwrap();
    symlink("folder/file", folder.join("chain")).unwrap();
    symlink(folder.join("data/none"), folder.join("dangling")).unwrap();
    symlink("round", folder.join("round")).unwrap();
    let file = folder.join("data/file");
    for path in ["data/file", "folder/file", "data/up", "folder/up", "chain"] {
        assert_eq!(
            RealDisk.resolve(&folder.join(path)).unwrap(),
            file,
            "{path}"
        );
    }
    let none = folder.join("data/none");
    assert_eq!(RealDisk.resolve(&folder.join("dangling")).unwrap(), none);
    assert_eq!(RealDisk.resolve(&folder.join("folder/none")).unwrap(), none);
    let deep = folder.join("not/there/yet");
    assert_eq!(RealDisk.resolve(&deep).unwrap(), deep);
    RealDisk.resolve(&folder.join("round")).unwrap_err();
    let error = RealDisk.resolve(&folder.join("data/..")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let (_kept, folder) = folder();
    put(&RealDisk, &folder.join("0"), b"");
    for n in 1..=41 {
        symlink((n - 1).to_string(), folder.join(n.to_string())).unwrap();
    }
    assert_eq!(
        RealDisk.resolve(&folder.join("40")).unwrap(),
        folder.join("0")
    );
    RealDisk.resolve(&folder.join("41")).unwrap_err();
}

#[test]
fn a_folder_is_created_with_its_mode_and_left_as_it_is() {
    let (_kept, folder) = folder();
    let path = folder.join("side");
    RealDisk.create_folder(&path, 0o2777).unwrap();
    assert_eq!(RealDisk.stat(&path).unwrap().mode, 0o2777);
    RealDisk.create_folder(&path, 0o700).unwrap();
    assert_eq!(RealDisk.stat(&path).unwrap().mode, 0o2777);
    put(&RealDisk, &folder.join("file"), b"");
    let error = RealDisk
        .create_folder(&folder.join("file"), 0o700)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotADirectory);
    let error = RealDisk
        .create_folder(&folder.join("a/b"), 0o700)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn the_kernels_own_file_systems_are_not_on_a_network() {
    #[cfg(target_os = "linux")]
    assert_eq!(RealDisk.network(Path::new("/proc")).unwrap(), None);
    let (_kept, folder) = folder();
    let error = RealDisk.network(&folder.join("missing")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
