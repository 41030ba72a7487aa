//! Many processes of the program change the machines of one data folder at once, and are killed while
//! they do: what they acknowledged is there, and what they did not is there wholly or not at all.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it has seen")]
#![cfg(unix)]

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use server::byname;

/// How many processes run at the same time.
const LANES: usize = 16;

/// What is known of an addition from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// The program said so.
    Acknowledged,
    /// It was killed before it said anything.
    Open,
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = byname(["machine"]);
    command.args(arguments).env("BYNAME_DATA", data);
    command
}

/// Numbers that are the same in each run.
fn number(seed: usize) -> usize {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    state ^= state >> 29;
    state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    usize::try_from(state >> 40).unwrap()
}

/// One lane adds one machine after another. Some are killed: at once, or when so many processes of
/// other lanes have ended meanwhile.
fn lane(data: &Path, lane: usize, each: usize, ended: &AtomicUsize) -> Vec<(String, Known)> {
    let mut log = Vec::new();
    for count in 0..each {
        let name = format!("m-{lane}-{count}");
        let host = format!("user@host-{lane}:{}", 1_000 + count);
        let arguments = [
            "add", &name, "--kind", "ssh", "--host", &host, "--wait", "600",
        ];
        let mut child = command(data, &arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let chosen = number(lane * each + count);
        let is_victim = chosen.is_multiple_of(3);
        if is_victim {
            let until = ended.load(Ordering::Acquire) + chosen / 3 % 8;
            while ended.load(Ordering::Acquire) < until && child.try_wait().unwrap().is_none() {
                thread::sleep(std::time::Duration::from_micros(200));
            }
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        ended.fetch_add(1, Ordering::AcqRel);
        let known = if output.status.success() {
            Known::Acknowledged
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(is_victim, "{name}: {}: {said}", output.status);
            Known::Open
        };
        log.push((name, known));
    }
    log
}

#[test]
fn stress_adds_that_are_killed() {
    let full = std::env::var_os("BYNAME_SWEEP").is_some_and(|sweep| sweep == "full");
    let each = if full { 50 } else { 8 };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ended = AtomicUsize::new(0);
    let log: BTreeMap<String, Known> = thread::scope(|scope| {
        let start = |number| {
            let (data, ended) = (&data, &ended);
            scope.spawn(move || lane(data, number, each, ended))
        };
        let lanes: Vec<_> = (0..LANES).map(start).collect();
        let logs = lanes.into_iter().map(|lane| lane.join().unwrap());
        logs.flatten().collect()
    });
    assert_eq!(log.len(), LANES * each);
    // The next one has to wait for nobody that is dead.
    let next = command(&data, &["add", "last", "--kind", "ssh", "--host", "h"])
        .output()
        .unwrap();
    assert!(next.status.success(), "{next:?}");
    let list = command(&data, &["list", "--json"]).output().unwrap();
    assert!(list.status.success(), "{list:?}");
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let found: BTreeMap<&str, &Value> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|machine| (machine["name"].as_str().unwrap(), machine))
        .collect();
    let mut open_there = 0;
    for (name, known) in &log {
        let Some(machine) = found.get(&**name) else {
            assert_eq!(*known, Known::Open, "{name} was acknowledged and is lost");
            continue;
        };
        open_there += usize::from(*known == Known::Open);
        let (lane, count) = name[2..].split_once('-').unwrap();
        let port = 1_000 + count.parse::<usize>().unwrap();
        assert_eq!(
            machine["host"],
            format!("user@host-{lane}:{port}"),
            "{name}"
        );
        assert_eq!(machine["kind"], "ssh");
    }
    let names: BTreeSet<&str> = found.keys().copied().collect();
    let others: Vec<_> = names
        .into_iter()
        .filter(|name| !log.contains_key(*name))
        .collect();
    assert_eq!(others, ["last", "local"]);
    let acknowledged = log.values().filter(|known| **known == Known::Acknowledged);
    println!(
        "{} acknowledged, {} killed, of which {open_there} were done",
        acknowledged.count(),
        log.values().filter(|known| **known == Known::Open).count()
    );
    // Nothing is left that the next ones have not swept.
    let left: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0]);
}
