#![cfg(unix)]

use std::io::Write;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use proptest::prelude::*;

use super::super::command::Command;
use super::super::quote::quote;
use super::ConnectionError;
use super::arguments::{Destination, arguments};
use super::failure::classify;
use super::options::{HostKeys, SshOptions};
use super::script::{self, Mark};

fn shell(line: &str, stdin: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let mut child = Process::new("/bin/sh")
        .args(["-c", line])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), output.stdout, said)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_shell_takes_quoted_words_as_they_are(words in prop::collection::vec("[^\\x00]{0,12}|['\"\\\\$`!\n -]{0,8}", 0..12)) {
        let command = Command::new("printf").arg("%s\\0").args(words.clone());
        let line = script::line(&command, None, &Mark::new(1));
        let (code, stdout, said) = shell(&line, b"");
        // Without a word printf writes its format once.
        let each = words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat());
        let expected: Vec<u8> = if words.is_empty() { vec![0] } else { each.collect() };
        prop_assert_eq!((code, said.as_str()), (Some(0), ""));
        prop_assert_eq!(stdout, expected);
    }
}

#[test]
fn quoting_leaves_nothing_out() {
    assert_eq!(quote(""), "''");
    assert_eq!(quote("a"), "'a'");
    assert_eq!(quote("'"), r"''\'''");
    assert_eq!(quote("''"), r"''\'''\'''");
    assert_eq!(quote("a'b\n$c"), "'a'\\''b\n$c'");
}

#[test]
fn no_builtin_of_the_shell_stands_in_for_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("echo");
    std::fs::write(&program, "#!/bin/sh\nprintf 'the program'\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, executable).unwrap();
    let line = script::line(&Command::new("echo").arg("a builtin"), None, &Mark::new(1));
    let path = quote(folder.path().to_str().unwrap());
    let (code, stdout, _) = shell(&format!("PATH={path}:$PATH; {line}"), b"");
    assert_eq!((code, &*stdout), (Some(0), &b"the program"[..]));
}

#[test]
fn a_mark_is_found_when_something_was_written_after_it() {
    let mark = Mark::new(7);
    let whole = "byname:0000000000000007:ended;";
    assert_eq!(
        mark.take(format!("x{whole}y").as_bytes()).as_deref(),
        Some("ended")
    );
    assert_eq!(mark.take(b"byname:0000000000000008:ended;"), None);
    assert_eq!(mark.take(b"byname:0000000000000007:end"), None);
    let mut output = format!("x{whole}y").into_bytes();
    mark.strip("ended", &mut output);
    assert_eq!(output, b"xy");
    assert!(whole.len() <= mark.most());
}

#[test]
fn less_than_was_sent_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "old").unwrap();
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let write = |size: &str| {
        let line = format!(
            "sh -c {} sh {} {size} ''",
            quote(script::WRITE),
            quote(file.to_str().unwrap())
        );
        shell(&line, b"short")
    };
    let (code, _, said) = write("10");
    assert_eq!(
        (code, said.as_str()),
        (Some(1), "less arrived than was sent\n")
    );
    assert_eq!(
        (std::fs::read(&file).unwrap(), names()),
        (b"old".to_vec(), 1)
    );
    assert_eq!(write("5").0, Some(0));
    assert_eq!(
        (std::fs::read(&file).unwrap(), names()),
        (b"short".to_vec(), 1)
    );
}

fn words(
    host: &str,
    key: Option<&str>,
    options: &SshOptions,
    control: Option<&str>,
) -> Vec<String> {
    let to = Destination {
        host: &host.parse().unwrap(),
        key,
        options,
        connect_time: Duration::from_secs(3),
        control: control.map(Into::into),
        log: Path::new("/run/log"),
    };
    let words = arguments(&to).unwrap();
    words
        .into_iter()
        .map(|word| word.into_string().unwrap())
        .collect()
}

#[test]
fn every_option_is_said_and_the_host_comes_last() {
    let mut options = SshOptions {
        known_hosts: Some("/data/known %h".into()),
        ..SshOptions::default()
    };
    let found = words(
        "ops@[::1]:2222",
        Some("/keys/a b"),
        &options,
        Some("/run/c"),
    );
    assert_eq!(
        found[found.len() - 6..],
        ["-l", "ops", "-p", "2222", "--", "::1"]
    );
    for expected in [
        "BatchMode=yes",
        "ForwardAgent=no",
        "ForwardX11=no",
        "ClearAllForwardings=yes",
        "ConnectTimeout=3",
        "ControlMaster=auto",
        "ControlPath=\"/run/c\"",
        "ControlPersist=60",
        "IdentitiesOnly=yes",
        "IdentityFile=\"/keys/a b\"",
        "ServerAliveInterval=5",
        "StrictHostKeyChecking=accept-new",
        "UserKnownHostsFile=\"/data/known %%h\"",
    ] {
        let at = found.iter().position(|word| word == expected);
        assert!(
            at.is_some_and(|at| found[at - 1] == "-o"),
            "{expected}: {found:?}"
        );
    }
    options.host_keys = HostKeys::Known;
    options.known_hosts = None;
    options.config = Some("/c".into());
    let found = words("alpha", None, &options, None);
    assert_eq!(found[found.len() - 2..], ["--", "alpha"]);
    assert_eq!(found[..3], ["-T", "-F", "/c"]);
    for expected in [
        "StrictHostKeyChecking=yes",
        "ControlMaster=no",
        "ControlPath=none",
    ] {
        assert!(found.iter().any(|word| word == expected), "{expected}");
    }
    for unexpected in ["IdentitiesOnly=yes", "-l", "-p"] {
        assert!(!found.iter().any(|word| word == unexpected), "{unexpected}");
    }
    options.known_hosts = Some("/a\"b".into());
    let to = Destination {
        host: &"alpha".parse().unwrap(),
        key: None,
        options: &options,
        connect_time: Duration::ZERO,
        control: None,
        log: Path::new("/log"),
    };
    assert!(matches!(
        arguments(&to),
        Err(ConnectionError::Invalid { .. })
    ));
}

#[test]
fn what_ssh_says_is_understood() {
    let kind = |log: &str| match classify(log, Duration::from_secs(1)) {
        ConnectionError::Unreachable { reason } => format!("unreachable: {reason}"),
        ConnectionError::Denied { reason } => format!("denied: {reason}"),
        ConnectionError::HostKey { reason } => format!("host key: {reason}"),
        ConnectionError::Timeout { doing, .. } => format!("timeout: {doing}"),
        ConnectionError::Lost { reason } => format!("lost: {reason}"),
        other => panic!("{other}"),
    };
    for (log, expected) in [
        (
            "ssh: connect to host a port 1: Connection refused\r\n",
            "unreachable: ssh: connect to host a port 1: Connection refused",
        ),
        (
            "ssh: Could not resolve hostname nowhere: Name or service not known\r\n",
            "unreachable: ssh: Could not resolve hostname nowhere: Name or service not known",
        ),
        (
            "a@b: Permission denied (publickey).\r\n",
            "denied: a@b: Permission denied (publickey).",
        ),
        (
            "@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@@@\nHost key verification failed.\n",
            "host key: Host key verification failed.",
        ),
        (
            "Connection timed out during banner exchange\n",
            "timeout: connecting",
        ),
        (
            "client_loop: send disconnect: Broken pipe\n",
            "lost: client_loop: send disconnect: Broken pipe",
        ),
        ("", "lost: ssh ended and did not say why"),
    ] {
        assert_eq!(kind(log), expected);
    }
}
