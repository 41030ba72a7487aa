//! A connection to this machine.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod promises;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use byname_machines::{
    Bounds, Command, Connection, ConnectionError, Definition, Kind, LocalConnection, Machine,
    MachineName, Options, Status, connect,
};
use tempfile::TempDir;

fn here() -> (LocalConnection, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut definition = Definition::local();
    definition.folder = Some(folder.path().to_str().unwrap().to_owned());
    let machine = Machine::unkept(MachineName::new("here").unwrap(), definition);
    (LocalConnection::new(&machine), folder)
}

#[test]
fn commands() {
    let (here, folder) = here();
    promises::commands(&here, folder.path());
}

#[test]
fn awkward_arguments() {
    let (here, _folder) = here();
    promises::awkward_arguments(&here);
}

#[test]
fn outputs_are_bounded() {
    let (here, _folder) = here();
    promises::outputs_are_bounded(&here);
}

#[test]
fn files() {
    let (here, folder) = here();
    promises::files(&here, folder.path());
}

#[test]
fn a_program_that_is_killed_says_by_which_signal() {
    let (here, _folder) = here();
    let output = here
        .run(&Command::new("sh").args(["-c", "kill -9 $$"]))
        .unwrap();
    assert_eq!(output.status, Status::Signal(9));
    assert_eq!(output.status.code(), 137);
}

/// Whether a process runs; one that has ended and that nobody has waited for does not.
fn runs(pid: &str) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']),
        Err(_) => false,
    }
}

#[cfg(target_os = "linux")]
#[test]
fn when_the_time_is_up_everything_it_started_is_ended() {
    let (here, folder) = here();
    let note = folder.path().join("pids");
    let line = "sleep 1000 & echo $$ $! >pids.new && mv pids.new pids; wait";
    // As long as it takes until it has begun.
    let mut time = Duration::from_millis(100);
    let pids = loop {
        let command = Command::new("sh")
            .args(["-c", line])
            .bounds(Bounds::new().within(time));
        match here.run(&command).unwrap_err() {
            ConnectionError::Timeout { doing, waited } => {
                assert_eq!((doing, waited), ("the command", time));
            }
            other => panic!("{other}"),
        }
        match fs::read_to_string(&note) {
            Ok(pids) => break pids,
            Err(_) => time *= 2,
        }
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    for pid in pids.split_whitespace() {
        while runs(pid) {
            assert!(Instant::now() < deadline, "{pid} runs on");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn what_a_program_left_running_is_not_waited_for() {
    let (here, _folder) = here();
    let begun = Instant::now();
    // It holds the output open for longer than the test may take.
    let output = here
        .run(&Command::new("sh").args(["-c", "sleep 300 & echo $!"]))
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(200));
    let pid = String::from_utf8(output.stdout).unwrap();
    here.run(&Command::new("kill").arg(pid.trim())).unwrap();
}

#[test]
fn a_program_need_not_read_what_it_is_given() {
    let (here, _folder) = here();
    let output = here
        .run(&Command::new("true").stdin(vec![0; 1 << 20]))
        .unwrap();
    assert_eq!(output.status, Status::Code(0));
}

#[test]
fn links_lead_to_the_file_that_is_written_and_its_mode_stays() {
    let (here, folder) = here();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "old").unwrap();
    fs::set_permissions(path("file"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("file", path("link")).unwrap();
    symlink("missing", path("dangling")).unwrap();
    here.write_file("link", b"new", None, Bounds::new())
        .unwrap();
    here.write_file("dangling", b"new", None, Bounds::new())
        .unwrap();
    for name in ["link", "dangling"] {
        assert!(fs::symlink_metadata(path(name)).unwrap().is_symlink());
        assert_eq!(fs::read(path(name)).unwrap(), b"new");
    }
    let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("file"), mode("missing")), (0o640, 0o644));
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_system_does_not_allow_is_a_matter_of_permission() {
    let (here, _folder) = here();
    for path in ["/sys/byname", "/proc/self/../../sys/byname"] {
        let refused = here
            .write_file(path, b"x", None, Bounds::new())
            .unwrap_err();
        assert!(matches!(refused, ConnectionError::Permission { path: of } if of == path));
    }
    assert!(!Path::new("/sys/byname").exists());
}

#[test]
fn a_pipe_is_not_waited_for() {
    let (here, folder) = here();
    here.run(&Command::new("mkfifo").arg("pipe")).unwrap();
    let refused = here.read_file("pipe", Bounds::new()).unwrap_err();
    assert!(matches!(refused, ConnectionError::NotAFile { .. }));
    drop(folder);
}

#[test]
fn a_kind_that_is_not_known_is_refused_by_naming_those_that_are() {
    let pod = Machine::unkept(
        MachineName::new("pod").unwrap(),
        Definition::new(Kind::new("pod").unwrap()),
    );
    let refused = connect(&pod, &Options::new()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot connect to a machine of kind `pod`; the kinds that are known here are `local` and `ssh`"
    );
}
