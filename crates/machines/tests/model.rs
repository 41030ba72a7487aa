//! What a machine can be, and what it looks like as JSON.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use byname_machines::{Accelerator, Definition, Host, Kind, Labels, Machine, MachineName};
use serde_json::{Value, json};

fn problems(value: Value) -> Vec<String> {
    let error = serde_json::from_value::<Definition>(value).unwrap_err();
    error.to_string().split("; ").map(str::to_owned).collect()
}

#[test]
fn names_are_bounded() {
    let longest = "a".repeat(63);
    for name in ["a", "0", "local", "gpu-1.eu_west", "a-", longest.as_str()] {
        assert_eq!(MachineName::new(name).unwrap().as_str(), name);
    }
    let long = "a".repeat(64);
    for name in [
        "", "-a", ".a", "_a", "A", "a b", "a:b", "a/b", "ä", "a\n", &long,
    ] {
        let error = MachineName::new(name).unwrap_err();
        assert_eq!(error.field, "name", "{name:?}");
    }
    assert_eq!(
        MachineName::new("A").unwrap_err().to_string(),
        "name: found \"A\", expected 1 to 63 of a-z, 0-9, `.`, `_`, `-`, beginning with a letter or digit"
    );
}

#[test]
fn hosts_are_taken_apart_and_written_as_they_were() {
    for (text, user, name, port) in [
        ("alpha", None, "alpha", None),
        ("ops@alpha.example", Some("ops"), "alpha.example", None),
        ("ops@alpha:22", Some("ops"), "alpha", Some(22)),
        ("10.0.0.1:65535", None, "10.0.0.1", Some(65535)),
        ("a.b+c_d-e@h", Some("a.b+c_d-e"), "h", None),
        ("ops@[::1]", Some("ops"), "::1", None),
        ("ops@[fe80::1]:2222", Some("ops"), "fe80::1", Some(2222)),
    ] {
        let host: Host = text.parse().unwrap();
        assert_eq!((host.user(), host.name(), host.port()), (user, name, port));
        assert_eq!(host.to_string(), text);
    }
}

#[test]
fn what_could_be_taken_for_something_else_is_no_host() {
    for text in [
        "",
        "@",
        "@alpha",
        "ops@",
        "-oProxyCommand=id",
        "ops@-oProxyCommand=id",
        "-l@alpha",
        "ops@@alpha",
        "a@b@c",
        "alpha:",
        "alpha:0",
        "alpha:+22",
        "alpha:65536",
        "alpha:22:22",
        "::1",
        "[::1",
        "[::1]22",
        "[alpha]",
        "[::1]:",
        "al pha",
        "alpha\n",
        "alpha\0",
        "ops @alpha",
        "a..b",
        ".a",
        "a.",
        "a/b",
        "alpha;id",
        "$(id)@alpha",
        "`id`",
        "o'ps@alpha",
        "älpha",
        "%h",
    ] {
        let error = text.parse::<Host>().unwrap_err();
        assert_eq!(error.field, "host", "{text:?}");
    }
}

#[test]
fn a_kind_that_is_not_known_is_kept() {
    assert_eq!(Kind::new("ssh").unwrap(), Kind::SSH);
    let pod = Kind::new("k8s-pod").unwrap();
    assert!(!pod.is_known());
    assert_eq!(pod.as_str(), "k8s-pod");
    for text in ["", "SSH", "8", "-a", "a b", &"a".repeat(33)] {
        assert!(Kind::new(text).is_err(), "{text:?}");
    }
}

#[test]
fn labels_are_bounded() {
    let mut labels = Labels::new();
    assert_eq!(labels.insert("gpu", "a100").unwrap(), None);
    assert_eq!(labels.insert("gpu", "").unwrap(), Some("a100".to_owned()));
    assert_eq!(labels.insert("example.org/zone", "eu:1").unwrap(), None);
    for (key, value) in [
        ("", ""),
        ("-a", ""),
        ("a=b", ""),
        ("a,b", ""),
        ("!a", ""),
        ("a b", ""),
        ("a", "b,c"),
        ("a", "b=c"),
        ("a", "b c"),
        ("a", "ä"),
        (&*"a".repeat(64), ""),
        ("a", &*"a".repeat(129)),
    ] {
        assert!(labels.insert(key, value).is_err(), "{key}={value}");
    }
    for n in 2..64 {
        labels.insert(&format!("l{n}"), "").unwrap();
    }
    assert_eq!(labels.len(), 64);
    assert_eq!(
        labels.insert("more", "").unwrap_err().to_string(),
        "labels: found \"more\", expected at most 64 labels"
    );
    labels.insert("gpu", "h100").unwrap();
}

fn full() -> Definition {
    let mut machine = Definition::ssh("ops@alpha.example:2222".parse().unwrap());
    machine.key = Some("~/.ssh/fleet".to_owned());
    machine.folder = Some("/srv/work".to_owned());
    machine.labels.insert("gpu", "a100").unwrap();
    machine.capacity.cores = Some(64);
    machine.capacity.memory_bytes = Some(1 << 39);
    machine.capacity.accelerators = Some(vec![Accelerator {
        kind: "nvidia-a100".to_owned(),
        count: 8,
        memory_bytes: Some(80 << 30),
    }]);
    machine.models.insert("llama-3.3-70b".to_owned());
    machine.url = Some("http://alpha.example:8000/v1".to_owned());
    machine.notes = String::from("Rack 7,\nsecond from below");
    machine.created = Some("2026-11-21T04:50:54Z".parse().unwrap());
    machine.updated = Some("2026-11-22T00:00:00Z".parse().unwrap());
    machine
}

#[test]
fn the_json_form_is_stable_and_read_again() {
    let text = serde_json::to_string_pretty(&full()).unwrap();
    assert_eq!(
        text,
        r#"{
  "kind": "ssh",
  "host": "ops@alpha.example:2222",
  "key": "~/.ssh/fleet",
  "folder": "/srv/work",
  "labels": {
    "gpu": "a100"
  },
  "capacity": {
    "cores": 64,
    "memory_bytes": 549755813888,
    "accelerators": [
      {
        "kind": "nvidia-a100",
        "count": 8,
        "memory_bytes": 85899345920
      }
    ]
  },
  "models": [
    "llama-3.3-70b"
  ],
  "url": "http://alpha.example:8000/v1",
  "notes": "Rack 7,\nsecond from below",
  "created": "2026-11-21T04:50:54Z",
  "updated": "2026-11-22T00:00:00Z"
}"#
    );
    assert_eq!(serde_json::from_str::<Definition>(&text).unwrap(), full());
}

#[test]
fn for_programs_name_and_revision_come_first() {
    assert_eq!(
        serde_json::to_string(&Machine::local()).unwrap(),
        r#"{"name":"local","revision":0,"kind":"local"}"#
    );
}

#[test]
fn what_is_not_known_and_what_is_not_there_are_two_things() {
    let unknown: Definition = serde_json::from_value(json!({"kind": "local"})).unwrap();
    assert_eq!(unknown.capacity.accelerators, None);
    let none = json!({"kind": "local", "capacity": {"accelerators": []}});
    let read: Definition = serde_json::from_value(none.clone()).unwrap();
    assert_eq!(read.capacity.accelerators, Some(vec![]));
    assert_eq!(serde_json::to_value(&read).unwrap(), none);
    // `null` is as good as nothing.
    let null = json!({"kind": "local", "host": null, "labels": null, "capacity": {"cores": null}});
    assert_eq!(serde_json::from_value::<Definition>(null).unwrap(), unknown);
}

#[test]
fn every_fault_is_told_with_field_value_and_what_was_expected() {
    let found = problems(json!({
        "kind": "ssh",
        "host": "-oProxyCommand=id",
        "key": "fleet",
        "folder": 7,
        "labels": {"a b": "", "gpu": 8, "zone": "e u"},
        "capacity": {"cores": 0, "memory_bytes": -1, "accelerators": [{"kind": "a b", "count": 0}, 3, {}]},
        "models": ["", 1],
        "url": "ftp://alpha",
        "notes": "\u{7}",
        "created": "yesterday",
    }));
    let fields: Vec<_> = found
        .iter()
        .map(|text| text.split(':').next().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "host",
            "folder",
            "labels",
            "labels.gpu",
            "labels.zone",
            "capacity.memory_bytes",
            "capacity.accelerators[1]",
            "capacity.accelerators[2].kind",
            "capacity.accelerators[2].count",
            "models[1]",
            "created",
            "key",
            "capacity.cores",
            "capacity.accelerators[0].kind",
            "capacity.accelerators[0].count",
            "models",
            "url",
            "notes",
        ],
        "{found:#?}"
    );
    assert_eq!(found[1], "folder: found \"7\", expected a string");
}

#[test]
fn kind_and_host_must_fit() {
    assert_eq!(
        problems(json!({"kind": "ssh"})),
        ["host: found \"\", expected [user@]host[:port], because the kind is `ssh`"]
    );
    assert_eq!(
        problems(json!({"kind": "local", "host": "a", "key": "/k"})),
        [
            "host: found \"a\", expected nothing, because the kind is `local`",
            "key: found \"/k\", expected nothing, because the kind is `local`"
        ]
    );
    assert_eq!(
        problems(json!({"host": "a"})),
        ["kind: found \"\", expected `local`, `ssh` or another kind"]
    );
    // Of a kind that is not known nothing is asked.
    let pod = json!({"kind": "pod"});
    assert!(serde_json::from_value::<Definition>(pod).is_ok());
}

#[test]
fn a_password_in_a_url_is_refused_and_not_repeated() {
    let found = problems(json!({"kind": "local", "url": "http://me:hunter2@alpha/v1"}));
    assert_eq!(
        found,
        [
            "url: found \"…@alpha/v1\", expected http:// or https:// with a host, without user and \
          password, at most 2048 bytes"
        ]
    );
    for url in [
        "http://",
        "alpha:80",
        "http://a b",
        "http://-a",
        "http:///v1",
        "HTTP://a",
    ] {
        assert_eq!(
            problems(json!({"kind": "local", "url": url})).len(),
            1,
            "{url}"
        );
    }
    for url in ["http://a", "https://a.b:80/v1?x=y#z", "http://[::1]:8000"] {
        let value = json!({"kind": "local", "url": url});
        assert!(serde_json::from_value::<Definition>(value).is_ok(), "{url}");
    }
}
