//! Connections through the system's `ssh`, to a real `sshd` on the loopback.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod promises;
mod sshd;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use byname_machines::{
    Bounds, Command, Connection, ConnectionError, HostKeys, Machine, MachineName, Output, Progress,
    SshConnection, SshOptions, Status, each, run_many,
};

use sshd::Sshd;

fn with(machine: &Machine, options: &SshOptions) -> SshConnection {
    SshConnection::new(machine, options).unwrap()
}

fn to(sshd: &Sshd) -> SshConnection {
    with(&sshd.machine("alpha"), &sshd.ssh_options())
}

fn refused(machine: &Machine, options: &SshOptions) -> ConnectionError {
    with(machine, options)
        .run(&Command::new("true"))
        .unwrap_err()
}

fn stdout(output: Output) -> String {
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn commands() {
    let Some(sshd) = Sshd::start() else { return };
    let connection = to(&sshd);
    promises::commands(&connection, Path::new(&sshd.path("work")));
}

#[test]
fn awkward_arguments() {
    let Some(sshd) = Sshd::start() else { return };
    promises::awkward_arguments(&to(&sshd));
}

#[test]
fn outputs_are_bounded() {
    let Some(sshd) = Sshd::start() else { return };
    promises::outputs_are_bounded(&to(&sshd));
}

#[test]
fn files() {
    let Some(sshd) = Sshd::start() else { return };
    let connection = to(&sshd);
    promises::files(&connection, Path::new(&sshd.path("work")));
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_machine_does_not_allow_is_a_matter_of_permission() {
    let Some(sshd) = Sshd::start() else { return };
    let error = to(&sshd)
        .write_file("/sys/byname", b"x", None, Bounds::new())
        .unwrap_err();
    assert!(
        matches!(&error, ConnectionError::Permission { path } if path == "/sys/byname"),
        "{error}"
    );
}

#[test]
fn links_lead_to_the_file_that_is_written() {
    let Some(sshd) = Sshd::start() else { return };
    let connection = to(&sshd);
    let work = PathBuf::from(sshd.path("work"));
    std::os::unix::fs::symlink("real\n", work.join("link")).unwrap();
    connection
        .write_file("link", b"new", Some(0o640), Bounds::new())
        .unwrap();
    assert!(
        fs::symlink_metadata(work.join("link"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(fs::read(work.join("real\n")).unwrap(), b"new");
    assert_eq!(
        fs::metadata(work.join("real\n"))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777,
        0o640
    );
}

#[test]
fn a_program_that_ends_with_255_is_no_lost_connection() {
    let Some(sshd) = Sshd::start() else { return };
    for persist in [Some(Duration::from_secs(60)), None] {
        let mut options = sshd.ssh_options();
        options.persist = persist;
        let connection = with(&sshd.machine("alpha"), &options);
        for (line, said) in [("exit 255", ""), ("echo no >&2; exit 255", "no\n")] {
            let output = connection
                .run(&Command::new("sh").args(["-c", line]))
                .unwrap();
            assert_eq!(output.status, Status::Code(255));
            assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
            assert!(!output.stderr_truncated);
        }
        let long = "head -c 5000 /dev/zero >&2; exit 255";
        let bounds = Bounds::new().at_most(4_990);
        let output = connection
            .run(&Command::new("sh").args(["-c", long]).bounds(bounds))
            .unwrap();
        assert_eq!(
            (output.status, output.stderr.len()),
            (Status::Code(255), 4_990)
        );
        assert!(output.stderr_truncated);
        assert!(output.stderr.iter().all(|&byte| byte == 0));
        let output = connection
            .run(&Command::new("sh").args(["-c", "kill -9 $$"]))
            .unwrap();
        assert_eq!(output.status, Status::Code(137));
    }
}

#[test]
fn a_connection_is_used_again_until_another_key_is_asked_for() {
    let Some(sshd) = Sshd::start() else { return };
    let machine = sshd.machine("alpha");
    let connection = with(&machine, &sshd.ssh_options());
    for _ in 0..3 {
        assert_eq!(
            stdout(connection.run(&Command::new("echo").arg("x")).unwrap()),
            "x\n"
        );
    }
    connection
        .write_file("file", b"x", None, Bounds::new())
        .unwrap();
    // Another connection object, in another process say, finds it as well.
    to(&sshd).run(&Command::new("true")).unwrap();
    assert_eq!(sshd.connections(), 1);
    let run = PathBuf::from(sshd.path("run"));
    assert_eq!(
        fs::metadata(&run).unwrap().permissions().mode() & 0o7777,
        0o700
    );
    let kept: Vec<_> = fs::read_dir(&run)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // The socket, and no messages of ssh.
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0].len(), 16, "{kept:?}");
    // Whoever has not that key does not get in through it.
    let mut stranger = machine;
    stranger.definition.key = Some(sshd.path("stranger"));
    let denied = refused(&stranger, &sshd.ssh_options());
    assert!(matches!(denied, ConnectionError::Denied { .. }), "{denied}");
    assert_eq!(sshd.connections(), 2);
}

#[test]
fn without_keeping_it_every_call_makes_a_connection() {
    let Some(sshd) = Sshd::start() else { return };
    let mut options = sshd.ssh_options();
    options.persist = None;
    let connection = with(&sshd.machine("alpha"), &options);
    for _ in 0..2 {
        connection.run(&Command::new("true")).unwrap();
    }
    assert_eq!(sshd.connections(), 2);
}

#[test]
fn a_wrong_key_is_denied_and_a_missing_one_is_told() {
    let Some(sshd) = Sshd::start() else { return };
    let mut machine = sshd.machine("alpha");
    machine.definition.key = Some(sshd.path("stranger"));
    let denied = refused(&machine, &sshd.ssh_options());
    assert!(
        matches!(&denied, ConnectionError::Denied { reason } if reason.contains("Permission denied (publickey")),
        "{denied}"
    );
    assert!(!denied.is_retryable());
    machine.definition.key = Some(sshd.path("no-such-key"));
    let before = sshd.connections();
    let missing = refused(&machine, &sshd.ssh_options());
    assert!(
        matches!(&missing, ConnectionError::Key { path, .. } if *path == sshd.path("no-such-key")),
        "{missing}"
    );
    assert_eq!(sshd.connections(), before);
}

#[test]
fn a_host_key_that_has_changed_is_refused() {
    let Some(sshd) = Sshd::start() else { return };
    sshd.know("other-host");
    let known = fs::read_to_string(sshd.path("known hosts %h")).unwrap();
    for keys in [HostKeys::AcceptNew, HostKeys::Known] {
        let mut options = sshd.ssh_options();
        options.host_keys = keys;
        let changed = refused(&sshd.machine("alpha"), &options);
        assert!(
            matches!(&changed, ConnectionError::HostKey { .. }),
            "{changed}"
        );
    }
    assert_eq!(
        fs::read_to_string(sshd.path("known hosts %h")).unwrap(),
        known
    );
}

#[test]
fn a_new_host_key_is_remembered_or_refused() {
    let Some(sshd) = Sshd::start() else { return };
    let mut options = sshd.ssh_options();
    options.host_keys = HostKeys::Known;
    let unknown = refused(&sshd.machine("alpha"), &options);
    assert!(
        matches!(&unknown, ConnectionError::HostKey { .. }),
        "{unknown}"
    );
    to(&sshd).run(&Command::new("true")).unwrap();
    // Under exactly this name.
    assert!(Path::new(&sshd.path("known hosts %h")).exists());
    with(&sshd.machine("alpha"), &options)
        .run(&Command::new("true"))
        .unwrap();
}

#[test]
fn where_nobody_listens_is_unreachable() {
    let Some(sshd) = Sshd::start() else { return };
    let mut machine = sshd.machine("dead");
    // A port on which nothing is served, and which is not handed out.
    machine.definition.host = Some("127.0.0.1:1".parse().unwrap());
    let error = refused(&machine, &sshd.ssh_options());
    assert!(
        matches!(&error, ConnectionError::Unreachable { reason } if reason.contains("Connection refused")),
        "{error}"
    );
    assert!(error.is_retryable());
}

#[test]
fn a_server_that_says_nothing_runs_out_of_time() {
    let Some(sshd) = Sshd::start() else { return };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut machine = sshd.machine("silent");
    let port = silent.local_addr().unwrap().port();
    machine.definition.host = Some(format!("127.0.0.1:{port}").parse().unwrap());
    let mut options = sshd.ssh_options();
    options.connect_time = Duration::from_secs(1);
    let error = refused(&machine, &options);
    assert!(
        matches!(
            &error,
            ConnectionError::Timeout {
                doing: "connecting",
                ..
            }
        ),
        "{error}"
    );
    // The bound of the call holds even if it is shorter than what ssh can measure.
    let bounds = Bounds::new().within(Duration::from_millis(50));
    let error = with(&machine, &options).exists("x", bounds).unwrap_err();
    assert!(
        matches!(&error, ConnectionError::Timeout { doing: "looking for the file", waited } if *waited == bounds.time),
        "{error}"
    );
}

#[test]
fn a_command_that_hangs_runs_out_of_time_and_the_connection_is_good_afterwards() {
    let Some(sshd) = Sshd::start() else { return };
    let connection = to(&sshd);
    connection.run(&Command::new("true")).unwrap();
    let bounds = Bounds::new().within(Duration::from_millis(300));
    let error = connection
        .run(&Command::new("sleep").arg("60").bounds(bounds))
        .unwrap_err();
    assert!(
        matches!(
            &error,
            ConnectionError::Timeout {
                doing: "the command",
                ..
            }
        ),
        "{error}"
    );
    connection.run(&Command::new("true")).unwrap();
    assert_eq!(sshd.connections(), 1);
}

#[test]
fn a_connection_that_breaks_is_lost() {
    for persist in [Some(Duration::from_secs(60)), None] {
        let Some(sshd) = Sshd::start() else { return };
        let mut options = sshd.ssh_options();
        options.persist = persist;
        let connection = with(&sshd.machine("alpha"), &options);
        let begun = PathBuf::from(sshd.path("work/begun"));
        thread::scope(|scope| {
            let run = scope.spawn(|| {
                let line = "touch begun; cat >/dev/null; sleep 60";
                connection.run(&Command::new("sh").args(["-c", line]))
            });
            let deadline = Instant::now() + Duration::from_secs(60);
            while !begun.exists() {
                assert!(Instant::now() < deadline && !run.is_finished());
                thread::sleep(Duration::from_millis(5));
            }
            sshd.cut();
            let error = run.join().unwrap().unwrap_err();
            assert!(
                matches!(&error, ConnectionError::Lost { .. }),
                "{persist:?}: {error:?}"
            );
        });
        // The next call makes another.
        connection.run(&Command::new("true")).unwrap();
    }
}

#[test]
fn without_ssh_the_tool_is_named() {
    let Some(sshd) = Sshd::start() else { return };
    let mut options = sshd.ssh_options();
    options.program = PathBuf::from("byname-no-such-ssh");
    let error = refused(&sshd.machine("alpha"), &options);
    assert!(
        matches!(&error, ConnectionError::Tool { tool: "ssh" }),
        "{error}"
    );
}

#[test]
fn a_runtime_folder_that_others_may_enter_is_refused() {
    let Some(sshd) = Sshd::start() else { return };
    let run = sshd.path("run");
    fs::create_dir(&run).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
    let error = refused(&sshd.machine("alpha"), &sshd.ssh_options());
    assert!(matches!(&error, ConnectionError::Io { .. }), "{error}");
    fs::remove_dir(&run).unwrap();
    fs::create_dir(sshd.path("elsewhere")).unwrap();
    fs::set_permissions(sshd.path("elsewhere"), fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink(sshd.path("elsewhere"), &run).unwrap();
    let error = refused(&sshd.machine("alpha"), &sshd.ssh_options());
    assert!(matches!(&error, ConnectionError::Io { .. }), "{error}");
    let mut options = sshd.ssh_options();
    options.runtime = Some(PathBuf::from(sshd.path(&"long".repeat(20))));
    let error = refused(&sshd.machine("alpha"), &options);
    assert!(matches!(&error, ConnectionError::Invalid { .. }), "{error}");
    assert_eq!(sshd.connections(), 0);
}

#[test]
fn what_the_server_greets_with_is_not_the_programs() {
    let Some(sshd) = Sshd::start() else { return };
    fs::write(sshd.path("banner"), "Welcome\n").unwrap();
    let config = sshd.path("sshd_config");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("Banner {}\n{text}", sshd.path("banner"))).unwrap();
    let output = to(&sshd).run(&Command::new("true")).unwrap();
    assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b""[..]));
}

#[test]
fn one_machine_that_hangs_does_not_hold_up_the_others_concurrent() {
    let Some(sshd) = Sshd::start() else { return };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut machines: Vec<_> = (0..8)
        .rev()
        .map(|n| sshd.machine(&format!("m{n}")))
        .collect();
    // The fourth of them in order of names.
    machines[4].definition.host = Some(format!("127.0.0.1:{port}").parse().unwrap());
    let mut options = sshd.options();
    // For the silent one; the others answer long before, even where much else is going on.
    options.ssh.connect_time = Duration::from_secs(10);
    let command = Command::new("sh").args(["-c", "echo there"]);
    let (mut running, mut most, mut told) = (0_usize, 0, Vec::new());
    let results = run_many(
        &machines,
        4,
        &options,
        &command,
        |progress| match progress {
            Progress::Started { .. } => {
                running += 1;
                most = most.max(running);
            }
            Progress::Ended {
                machine,
                outcome,
                done,
                total,
                ..
            } => {
                running -= 1;
                told.push((machine.name.clone(), outcome.is_ok()));
                assert_eq!((done, total), (told.len(), 8));
            }
            other => panic!("{other:?}"),
        },
    );
    let names: Vec<_> = results.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]);
    for (name, result) in &results {
        match result {
            Ok(output) => assert_eq!((&*output.stdout, *name == "m3"), (&b"there\n"[..], false)),
            Err(error) => {
                assert!(
                    matches!(error, ConnectionError::Timeout { .. }),
                    "{name}: {error}"
                );
                assert_eq!(name, &"m3");
            }
        }
        assert!(told.contains(&(name.clone(), result.is_ok())));
    }
    assert!((1..=4).contains(&most), "{most}");
    assert_eq!((running, told.len()), (0, 8));
}

#[test]
fn at_most_so_many_at_once_concurrent() {
    let names = |n: usize| MachineName::new(&format!("m{n:02}")).unwrap();
    let local = Machine::local().definition;
    let machines: Vec<_> = (0..20)
        .rev()
        .map(|n| Machine::unkept(names(n), local.clone()))
        .collect();
    for bound in [0, 1, 3, 20, 1_000] {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let deadline = Instant::now() + Duration::from_secs(60);
        let work = |machine: &Machine| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Nobody is done before as many have met as may be under way.
            while most.load(Ordering::SeqCst) < bound.clamp(1, 20) {
                assert!(Instant::now() < deadline, "{most:?} of {bound}");
                thread::yield_now();
            }
            now.fetch_sub(1, Ordering::SeqCst);
            machine.name.to_string()
        };
        let results = each(&machines, bound, work, |_| {});
        let expected: Vec<_> = (0..20).map(|n| (names(n), names(n).to_string())).collect();
        assert_eq!(results, expected);
        assert_eq!(most.into_inner(), bound.clamp(1, 20));
    }
    assert_eq!(each(&[], 4, |_| (), |_| {}), []);
}
