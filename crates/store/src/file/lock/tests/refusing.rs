//! Who is refused is told why, at once or when patience ends.

use std::io::ErrorKind;

use byname_testkit::{ProcessBarrier, Running, arrive, role};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::watched::Watched;
use super::*;
use crate::StoreError;
use crate::error::Holder;

const PATH: &str = "file::lock::tests::refusing::";

/// Stays until it is killed.
fn stay() -> ! {
    loop {
        std::thread::park();
    }
}

fn start(test: &str, folder: &Path) -> Running {
    let mut barrier = ProcessBarrier::new().unwrap();
    barrier
        .spawn_test(&format!("{PATH}{test}"), &folder.display().to_string())
        .unwrap();
    barrier.release().unwrap().remove(0)
}

fn stop(child: &Running) {
    let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    // The signal is sent; it is waited for here.
    let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
    assert!(status.stopped(), "{status:?}");
}

fn holder_told(lock: &mut FileLock) -> Option<Holder> {
    match once(lock) {
        Err(Refused::GaveUp { waited, holder }) => {
            assert_eq!(waited, Duration::ZERO);
            holder
        }
        other => panic!("{other:?}"),
    }
}

fn assert_names(holder: &Holder, pid: u32) {
    let program = std::env::current_exe().unwrap();
    let program = program.file_name().unwrap().to_string_lossy().into_owned();
    let host = rustix::system::uname();
    assert_eq!(holder.pid, pid);
    assert_eq!(holder.program, program);
    assert_eq!(holder.host, host.nodename().to_string_lossy());
    let shape: String = holder
        .since
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z");
}

#[test]
fn the_lock_of_a_killed_process_is_free_at_once() {
    if let Some(role) = role() {
        let _held = once(&mut lock_in(Path::new(&role))).unwrap();
        arrive().unwrap();
        stay();
    }
    let (_kept, folder) = folder();
    let child = start("the_lock_of_a_killed_process_is_free_at_once", &folder);
    let pid = child.id();
    let mut lock = lock_in(&folder);
    assert_names(&holder_told(&mut lock).unwrap(), pid);
    child.kill().unwrap();
    assert_eq!(read_holder(&RealDisk, &folder).unwrap().pid, pid);
    let held = once(&mut lock).unwrap();
    assert_names(
        &read_holder(&RealDisk, &folder).unwrap(),
        std::process::id(),
    );
    drop(held);
    assert_eq!(read_holder(&RealDisk, &folder), None);
}

#[test]
fn a_stopped_holder_is_named() {
    if let Some(role) = role() {
        let _held = once(&mut lock_in(Path::new(&role))).unwrap();
        arrive().unwrap();
        stay();
    }
    let (_kept, folder) = folder();
    let child = start("a_stopped_holder_is_named", &folder);
    stop(&child);
    let mut lock = lock_in(&folder);
    assert_names(&holder_told(&mut lock).unwrap(), child.id());
    let error = StoreError::from(once(&mut lock).unwrap_err());
    assert!(error.is_retryable());
    let told = error.to_string();
    assert!(told.contains(&format!("(pid {} on ", child.id())), "{told}");
}

#[test]
fn a_process_that_was_stopped_at_the_turnstile_is_named() {
    if let Some(role) = role() {
        let mut arrived = false;
        let _held = lock_in(Path::new(&role)).acquire(&mut |_| {
            if !std::mem::replace(&mut arrived, true) {
                arrive().unwrap();
            }
            Wait::GoOn
        });
        stay();
    }
    let (_kept, folder) = folder();
    let held = once(&mut lock_in(&folder)).unwrap();
    let child = start(
        "a_process_that_was_stopped_at_the_turnstile_is_named",
        &folder,
    );
    stop(&child);
    let mut lock = lock_in(&folder);
    assert_names(&holder_told(&mut lock).unwrap(), std::process::id());
    drop(held);
    // The signal may reach the child only after it has got what was given back; either way it has
    // what is waited for.
    assert_names(&holder_told(&mut lock).unwrap(), child.id());
    child.kill().unwrap();
    once(&mut lock).unwrap();
}

#[test]
fn who_gives_up_tries_no_more() {
    let (_kept, folder) = folder();
    let _held = once(&mut lock_in(&folder)).unwrap();
    for patience in [1, 2, 7] {
        let disk = Arc::new(Watched::default());
        let mut lock = lock_on(disk.clone(), &folder);
        let mut asked = Vec::new();
        let refused = lock.acquire(&mut |waited| {
            assert_eq!(disk.locked(), [TURN], "nothing else is held meanwhile");
            asked.push(waited);
            if asked.len() < patience {
                Wait::GoOn
            } else {
                Wait::GiveUp
            }
        });
        let Err(Refused::GaveUp { waited, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(asked.len(), patience);
        assert_eq!(asked[0], Duration::ZERO);
        assert_eq!(asked.last(), Some(&waited));
        assert!(asked.is_sorted());
        assert_eq!((disk.tries(TURN), disk.tries(LOCK)), (1, patience));
        assert_eq!(disk.locked(), [""; 0]);
    }
}

#[test]
fn who_gives_up_at_the_turnstile_tries_no_more() {
    let (_kept, folder) = folder();
    let turn = RealDisk.open_lock(&folder.join(TURN), ACCESS).unwrap();
    assert!(turn.try_lock().unwrap());
    let disk = Arc::new(Watched::default());
    assert!(is_refused(&mut lock_on(disk.clone(), &folder)));
    assert_eq!((disk.tries(TURN), disk.tries(LOCK)), (1, 0));
}

#[test]
fn what_is_not_contention_is_an_error_at_once() {
    for (name, calls) in [(TURN, (1, 0)), (LOCK, (1, 1))] {
        let (_kept, folder) = folder();
        let disk = Arc::new(Watched::default());
        disk.fail_locking(name);
        let error = error_of(&mut lock_on(disk.clone(), &folder));
        assert_eq!(error, (folder.join(name), ErrorKind::StorageFull));
        assert_eq!((disk.tries(TURN), disk.tries(LOCK)), calls);
        assert_eq!(disk.locked(), [""; 0]);
    }
}

#[test]
fn a_lock_that_cannot_be_unlocked_is_closed() {
    let (_kept, folder) = folder();
    let disk = Arc::new(Watched::default());
    let mut lock = lock_on(disk.clone(), &folder);
    let held = once(&mut lock).unwrap();
    disk.fail_unlocking();
    drop(held);
    once(&mut lock_in(&folder)).unwrap();
    once(&mut lock).unwrap();
}

/// The path and the kind of the error, which must come before anything is waited for.
fn error_of(lock: &mut FileLock) -> (PathBuf, ErrorKind) {
    match lock.acquire(&mut |_| panic!("there is nothing to wait for")) {
        Err(Refused::Io(StoreError::Io { path, source, .. })) => (path, source.kind()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_in_the_place_of_the_lock_is_an_error_at_once() {
    for name in [TURN, LOCK] {
        let (_kept, folder) = folder();
        let path = folder.join(name);
        fs::create_dir(&path).unwrap();
        let expected = (path, ErrorKind::IsADirectory);
        assert_eq!(error_of(&mut lock_in(&folder)), expected);
    }
    let (_kept, folder) = folder();
    let missing = folder.join("missing");
    let expected = (missing.join(TURN), ErrorKind::NotFound);
    assert_eq!(error_of(&mut lock_in(&missing)), expected);
}

#[test]
fn a_lock_that_may_not_be_opened_is_an_error_at_once() {
    for name in [TURN, LOCK] {
        let (_kept, folder) = folder();
        let disk = Arc::new(Watched::default());
        disk.forbid(name);
        let expected = (folder.join(name), ErrorKind::PermissionDenied);
        assert_eq!(error_of(&mut lock_on(disk, &folder)), expected);
    }
}
