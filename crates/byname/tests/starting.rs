//! What a server says when it cannot start, and what a wrong command line is told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::net::TcpListener;
use std::process::Output;

use server::{Server, byname, ended};

/// The single line on stderr of a command that failed with `code` and wrote nothing else.
fn line(output: &Output, code: i32) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 1, "{error}");
    lines[0].to_owned()
}

#[test]
fn the_address_is_printed_as_a_url() {
    let server = Server::start();
    assert_eq!(
        server.url,
        format!("http://127.0.0.1:{}", server.address.port())
    );
    assert_ne!(server.address.port(), 0);
    assert_eq!(server.json("/healthz")["status"], "ok");
}

#[test]
fn the_embedded_data_is_served_when_nothing_is_given() {
    let server = Server::start();
    let ready = server.json("/readyz");
    assert_eq!(ready["revision"], 1);
    assert_eq!(ready["files"], serde_json::json!([]));
    let entries = usize::try_from(ready["entries"].as_u64().unwrap()).unwrap();
    assert!(entries >= 3_000, "{entries} offerings");
    let names = server.names(1000);
    assert_eq!(names.len(), entries);
    assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
    let counted: u64 = server.json("/api/v1/providers")["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|provider| provider["offerings"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, entries as u64);
}

#[test]
fn a_port_in_use_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = ended(byname(["serve", "--listen", &address]));
    assert_eq!(
        line(&output, 1),
        format!(
            "error: cannot listen on {address}: another program does already; stop it, or choose \
             another port, as 127.0.0.1:0 (any free one)"
        )
    );
}

#[test]
fn an_address_of_another_machine_is_said_in_one_line() {
    // 192.0.2.0/24 is for documentation: no machine has an address in it.
    let output = ended(byname(["serve", "--listen", "192.0.2.1:0"]));
    assert_eq!(
        line(&output, 1),
        "error: cannot listen on 192.0.2.1:0: this machine has no such address; use 127.0.0.1 for \
         this machine only or 0.0.0.0 for all of its addresses"
    );
}

#[test]
fn a_missing_file_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nothing.json");
    let file = file.to_str().unwrap();
    let output = ended(byname([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--catalog",
        file,
    ]));
    assert_eq!(
        line(&output, 1),
        format!("error: {file}: there is no such file")
    );
    let output = byname(["catalog", "list", "--catalog", file])
        .output()
        .unwrap();
    assert_eq!(
        line(&output, 1),
        format!("error: {file}: there is no such file")
    );
    let folder = folder.path().to_str().unwrap();
    let output = byname(["catalog", "list", "--catalog", folder])
        .output()
        .unwrap();
    assert_eq!(
        line(&output, 1),
        format!("error: {folder}: it is a folder; expected a file")
    );
}

#[test]
fn every_file_that_is_refused_is_named_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (good, broken, other) = (at("good.json"), at("broken.json"), at("other.json"));
    std::fs::write(&good, r#"{"p":{"models":{"m":{}}}}"#).unwrap();
    std::fs::write(&broken, "{\n  \"p\": {").unwrap();
    std::fs::write(&other, "[1, 2]").unwrap();
    let output = ended(byname([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--catalog",
        &broken,
        "--catalog",
        &good,
        "--catalog",
        &other,
    ]));
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert_eq!(
        lines[0],
        format!("error: {broken}:2:9: not JSON: expected `\"` to begin the name of a member")
    );
    assert!(
        lines[1].starts_with(&format!(
            "{other}:1:1: an array at the top is no catalog; expected"
        )),
        "{error}"
    );
}

#[test]
fn a_wrong_command_line_is_said_in_one_line() {
    for (arguments, expected) in [
        (
            ["serve", "--prot", "80"].as_slice(),
            "error: unexpected argument '--prot' found; see --help",
        ),
        (
            &["serve", "--listen", "8080"],
            "error: invalid value '8080' for '--listen <ADDR:PORT>': expected an IP address and a \
             port, such as 127.0.0.1:8080 or [::1]:0; see --help",
        ),
        (
            &["serve", "--drain", "-1"],
            "error: unexpected argument '-1' found; see --help",
        ),
        (
            &["serve", "--poll=soon"],
            "error: invalid value 'soon' for '--poll <SECONDS>': expected a number of seconds, \
             such as 10 or 0.5; see --help",
        ),
        (
            &["serve", "--log", "loud"],
            "error: invalid value 'loud' for '--log <LEVEL>': expected a level (error, warn, info, \
             debug, trace, off) or a list such as warn,byname_catalog=debug; see --help",
        ),
        (
            &["catalog", "list", "--limit", "0"],
            "error: invalid value '0' for '--limit <N>': number would be zero for non-zero type; \
             see --help",
        ),
        (
            &["catalog", "list", "--json", "--yaml"],
            "error: the argument '--json' cannot be used with '--yaml'; see --help",
        ),
        (
            &["catalog", "show"],
            "error: the following required arguments were not provided: <PROVIDER/ID>; see --help",
        ),
        (
            &["srve"],
            "error: unrecognized subcommand 'srve'; a similar subcommand exists: 'serve'; see --help",
        ),
    ] {
        let mut command = byname([]);
        command.args(arguments);
        let output = ended(command);
        assert_eq!(line(&output, 2), expected, "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_no_failure() {
    let output = byname(["--version"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, format!("byname {}\n", env!("CARGO_PKG_VERSION")));
    for arguments in [
        ["--help"].as_slice(),
        &["serve", "--help"],
        &["catalog", "--help"],
        &["catalog", "list", "--help"],
        &["catalog", "show", "--help"],
    ] {
        let output = byname([]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stderr, b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Examples:"), "{arguments:?}: {text}");
    }
}

#[test]
fn the_log_is_as_loud_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    std::fs::write(&file, r#"{"p":{"models":{"m":{}, "n": []}}}"#).unwrap();
    let file = file.to_str().unwrap();
    let list = |level: &[&str]| {
        let output = byname(["catalog", "list", "--catalog", file])
            .args(level)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(list(&["--log", "error"]), "");
    let quiet = list(&[]);
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    assert!(
        quiet.contains("WARN") && quiet.contains(&format!("{file}:1:")),
        "{quiet}"
    );
    assert!(
        list(&["--log", "info"]).contains("INFO"),
        "every event is one line"
    );
    assert_eq!(list(&["--log", "byname_catalog=error"]), "");
}

#[test]
fn the_examples_of_the_help_work() {
    let mut ran = 0;
    for arguments in [
        ["--help"].as_slice(),
        &["list", "--help"],
        &["show", "--help"],
    ] {
        let help = byname(["catalog"]).args(arguments).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let examples = help
            .lines()
            .filter_map(|line| line.trim().strip_prefix("byname catalog "));
        // Files of the reader's own and other programs are not at hand here.
        for example in examples.filter(|line| !line.contains("--catalog") && !line.contains('|')) {
            let output = byname(["catalog"])
                .args(example.split(' '))
                .output()
                .unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{example}: {error}");
            assert!(
                String::from_utf8_lossy(&output.stdout).lines().count() > 1,
                "{example}"
            );
            ran += 1;
        }
    }
    assert_eq!(ran, 8, "examples");
}
