//! `byname catalog list` and `show`, in every format, against answers kept beside the tests.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod expected;
mod server;

use std::fs;
use std::process::{Output, Stdio};

use expected::expect;
use server::byname;

const CATALOG: &str = r#"{
  "openai": {"name": "OpenAI",
    "models": {
      "gpt-4o": {"name": "GPT-4o", "family": "gpt", "attachment": true, "reasoning": false,
        "tool_call": true, "release_date": "2024-05-13", "knowledge": "2023-10",
        "modalities": {"input": ["text", "image"], "output": ["text"]},
        "limit": {"context": 128000, "output": 16384},
        "cost": {"input": 2.5, "output": 10, "cache_read": 1.25,
          "context_over_200k": {"input": 5}}},
      "gpt-oss": {"name": "no", "limit": {"context": 131072, "output": 0},
        "cost": {"input": 0, "output": 0}, "open_weights": true}}},
  "router": {"models": {
      "openai/gpt-4o": {"name": "Again", "cost": {"input": 3}},
      "模型:free": {"name": "大模型"},
      "shared": {}}},
  "router-b": {"models": {"shared": {}}}
}"#;

/// The catalog of these tests as a file in a folder of its own.
fn file() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    fs::write(&file, CATALOG).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

fn catalog(arguments: &[&str]) -> Output {
    let (_folder, file) = file();
    byname(["catalog"])
        .args(arguments)
        .args(["--catalog", &file])
        .output()
        .unwrap()
}

/// What a command that succeeds writes.
fn text(arguments: &[&str]) -> String {
    expected::text(catalog(arguments))
}

/// What a command that fails says.
fn error(arguments: &[&str]) -> String {
    let output = catalog(arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn lists_are_as_expected() {
    expect("list.txt", &text(&["list"]));
    expect("list.json", &text(&["list", "--json"]));
    expect("list.yaml", &text(&["list", "--yaml"]));
}

#[test]
fn one_offering_is_shown_as_expected() {
    expect("show.txt", &text(&["show", "openai/gpt-4o"]));
    expect("show.json", &text(&["show", "openai/gpt-4o", "--json"]));
    expect("show.yaml", &text(&["show", "openai/gpt-4o", "--yaml"]));
    expect("show-unpriced.txt", &text(&["show", "router/模型:free"]));
    expect("show-free.txt", &text(&["show", "gpt-oss"]));
}

#[test]
fn json_and_yaml_say_what_http_says() {
    let (_folder, file) = file();
    let server = server::Server::serving(&[&file]);
    let listed: serde_json::Value = serde_json::from_str(&text(&["list", "--json"])).unwrap();
    assert_eq!(listed, server.json("/api/v1/models")["data"]);
    let shown: serde_json::Value =
        serde_json::from_str(&text(&["show", "openai/gpt-4o", "--json"])).unwrap();
    assert_eq!(shown, server.json("/api/v1/models/openai/gpt-4o"));
}

#[test]
fn a_list_is_narrowed_as_over_http() {
    let ids = |arguments: &[&str]| -> Vec<String> {
        let all: Vec<serde_json::Value> =
            serde_json::from_str(&text(&[&["list", "--json"], arguments].concat())).unwrap();
        all.iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&["--provider", "openai"]), ["gpt-4o", "gpt-oss"]);
    assert_eq!(ids(&["-q", "GPT-4O"]), ["gpt-4o", "openai/gpt-4o"]);
    assert_eq!(
        ids(&["--provider", "router", "--query", "gpt"]),
        ["openai/gpt-4o"]
    );
    assert_eq!(ids(&["--provider", "nobody"]), [""; 0]);
    let output = catalog(&["list", "--limit", "1"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "there are more; --limit holds them back\n"
    );
}

#[test]
fn a_name_is_found_with_its_provider_or_without() {
    let shown = |arguments: &[&str]| {
        let one: serde_json::Value =
            serde_json::from_str(&text(&[&["show", "--json"], arguments].concat())).unwrap();
        server::key(&one)
    };
    let key = |provider: &str, id: &str| (provider.to_owned(), id.to_owned());
    // `openai/gpt-4o` is also what `router` calls its own; with a provider in front it is this one.
    assert_eq!(shown(&["openai/gpt-4o"]), key("openai", "gpt-4o"));
    assert_eq!(
        shown(&["router/openai/gpt-4o"]),
        key("router", "openai/gpt-4o")
    );
    assert_eq!(
        shown(&["--provider", "router", "openai/gpt-4o"]),
        key("router", "openai/gpt-4o")
    );
    assert_eq!(shown(&["gpt-oss"]), key("openai", "gpt-oss"));
    assert_eq!(shown(&["模型:free"]), key("router", "模型:free"));
    assert_eq!(shown(&["router-b/shared"]), key("router-b", "shared"));
}

#[test]
fn a_name_that_names_several_or_none_is_answered_with_names() {
    assert_eq!(
        error(&["show", "shared"]),
        "error: shared is offered by 2 providers; name one of router/shared, router-b/shared\n"
    );
    assert_eq!(
        error(&["show", "gtp-4o"]),
        "error: there is no gtp-4o; did you mean openai/gpt-4o, router/openai/gpt-4o\n"
    );
    assert_eq!(
        error(&["show", "--provider", "router", "gpt-4o"]),
        "error: there is no router/gpt-4o; did you mean openai/gpt-4o, router/openai/gpt-4o\n"
    );
    assert_eq!(
        error(&["show", "nothing-like-it-at-all"]),
        "error: there is no nothing-like-it-at-all; try byname catalog list -q with a part of its \
         name\n"
    );
}

#[test]
fn the_embedded_data_is_read_when_no_file_is_given() {
    let output = byname(["catalog", "list", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let all: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(all.len() >= 3_000, "{}", all.len());
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::io::Read as _;
    // The whole list is larger than a pipe holds, so the program is still writing when its reader
    // leaves.
    let mut process = byname(["catalog", "list", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = process.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 100]).unwrap();
    drop(stdout);
    let output = process.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
