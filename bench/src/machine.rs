//! Says on what and with what the figures were measured.

use std::fs;
use std::process::Command;

/// Versions of the direct dependencies are read from the lock file that the build used.
const LOCK: &str = include_str!("../Cargo.lock");

const PEERS: [&str; 21] = [
    "arc-swap",
    "axum",
    "dashmap",
    "dill",
    "foldhash",
    "froodi",
    "heed",
    "hyper",
    "hyper-util",
    "left-right",
    "moka",
    "papaya",
    "parking_lot",
    "reqwest",
    "rusqlite",
    "scc",
    "sdd",
    "seize",
    "shaku",
    "tokio",
    "tower-http",
];

/// Gives the number of cores that threads can be pinned to.
pub(crate) fn cores() -> usize {
    core_affinity::get_core_ids()
        .map_or(1, |ids| ids.len())
        .max(1)
}

/// Describes machine, compiler and peers as Markdown lines.
pub(crate) fn describe() -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".into());
    let family = field("/proc/cpuinfo", "cpu family").unwrap_or_else(|| "?".into());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "?".into());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("--version").output().map_or_else(
        |_| "rustc not found".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    let peers: Vec<String> = PEERS
        .iter()
        .map(|name| format!("{name} {}", version(name)))
        .collect();
    format!(
        "- machine: {} cores, {cpu} (family {family}), memory {memory}, Linux {}\n\
         - compiler: {rustc}; release, lto fat, one codegen unit, panic abort, default target CPU\n\
         - peers: {}",
        cores(),
        kernel.trim(),
        peers.join(", "),
    )
}

fn field(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn version(package: &str) -> &'static str {
    let head = format!("name = \"{package}\"\n");
    LOCK.split("[[package]]\n")
        .filter(|entry| entry.starts_with(&head))
        .last()
        .and_then(|entry| entry.lines().nth(1))
        .and_then(|line| line.split('"').nth(1))
        .unwrap_or("?")
}
