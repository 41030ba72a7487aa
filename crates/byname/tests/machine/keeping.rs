//! Machines of a data folder: added, shown, updated, selected, and asked for the wrong way.

use serde_json::json;

use crate::rig::{Data, stderr, stdout};

#[test]
fn this_machine_is_always_there_and_stays_as_it_is() {
    let data = Data::new();
    let local = json!({"name": "local", "revision": 0, "kind": "local"});
    assert_eq!(data.json(&["list"]), json!([local]));
    assert_eq!(data.json(&["show", "local"]), local);
    let protected = "error: `local` is this machine: it is always there, and cannot be added, \
                     changed or removed; add a machine of kind `local` under another name to say more \
                     of it\n";
    assert_eq!(
        data.refused(&["add", "local", "--kind", "local"]),
        protected
    );
    assert_eq!(
        data.refused(&["update", "local", "--cores", "1"]),
        protected
    );
    assert_eq!(data.refused(&["remove", "local"]), protected);
    assert!(!data.path().exists(), "only a commit makes the folder");
}

#[test]
fn a_machine_is_added_with_everything_and_shown() {
    let data = Data::new();
    let added = data.json(&[
        "add",
        "gpu-1",
        "--host",
        "ops@10.0.0.7:2222",
        "--key",
        "~/.ssh/fleet",
        "--folder",
        "/srv/work",
        "--label",
        "gpu=a100",
        "--label",
        "zone=b",
        "--cores",
        "64",
        "--memory",
        "512GiB",
        "--accelerator",
        "nvidia-a100:8:80GiB",
        "--accelerator",
        "tpu",
        "--model",
        "org/m-2",
        "--model",
        "m-1",
        "--url",
        "https://gpu-1.internal/v1",
        "--note",
        "rack 7\nleft",
    ]);
    let expected = json!({
        "name": "gpu-1", "revision": 1, "kind": "ssh", "host": "ops@10.0.0.7:2222",
        "key": "~/.ssh/fleet", "folder": "/srv/work",
        "labels": {"gpu": "a100", "zone": "b"},
        "capacity": {
            "cores": 64, "memory_bytes": 512_u64 << 30,
            "accelerators": [
                {"kind": "nvidia-a100", "count": 8, "memory_bytes": 80_u64 << 30},
                {"kind": "tpu", "count": 1},
            ],
        },
        "models": ["m-1", "org/m-2"], "url": "https://gpu-1.internal/v1", "notes": "rack 7\nleft",
    });
    assert_eq!(added, expected);
    assert_eq!(data.json(&["show", "gpu-1"]), expected);
    assert_eq!(
        data.said(&["add", "a", "--kind", "local"]),
        "machine a added at revision 2\n"
    );
    assert_eq!(
        data.said(&["list"]),
        "NAME   KIND   HOST               CORES  MEMORY  ACCELERATORS               MODELS  LABELS\n\
         a      local                         ?       ?  ?                               0\n\
         gpu-1  ssh    ops@10.0.0.7:2222     64  512GiB  nvidia-a100:8:80GiB,tpu:1       2  gpu=a100,zone=b\n\
         local  local                         ?       ?  ?                               0\n"
    );
    let shown = data.said(&["show", "gpu-1"]);
    let shown: Vec<_> = shown
        .lines()
        .filter(|line| !line.starts_with("created ") && !line.starts_with("updated "))
        .collect();
    assert_eq!(
        shown,
        [
            "name          gpu-1",
            "revision      1",
            "kind          ssh",
            "host          ops@10.0.0.7:2222",
            "key           ~/.ssh/fleet",
            "folder        /srv/work",
            "labels        gpu=a100,zone=b",
            "cores         64",
            "memory        512GiB",
            "accelerators  nvidia-a100:8:80GiB,tpu:1",
            "models        m-1, org/m-2",
            "url           https://gpu-1.internal/v1",
            "note          rack 7",
            "              left",
        ]
    );
    assert_eq!(
        data.refused(&["add", "gpu-1", "--host", "other"]),
        "error: there is a machine `gpu-1` already, at revision 1; update it, or choose another name\n"
    );
    assert_eq!(data.json(&["show", "gpu-1"]), expected);
}

#[test]
fn the_path_of_a_key_is_that_of_whoever_gave_it() {
    let data = Data::new();
    data.said(&["add", "a", "--host", "h", "--key", "keys/id"]);
    let key = data.json(&["show", "a"])["key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(key.starts_with('/') && key.ends_with("/keys/id"), "{key}");
}

#[test]
fn what_is_not_named_in_an_update_stays() {
    let data = Data::new();
    data.said(&[
        "add",
        "m",
        "--host",
        "h",
        "--label",
        "a=1",
        "--label",
        "b=2",
        "--cores",
        "4",
        "--memory",
        "1GiB",
        "--accelerator",
        "x:2",
        "--accelerator",
        "y",
        "--model",
        "m1",
        "--model",
        "m2",
        "--note",
        "n",
        "--url",
        "http://h",
    ]);
    assert_eq!(
        data.said(&[
            "update", "m", "--host", "h2", "--label", "b=3", "--label", "c=4"
        ]),
        "machine m is now at revision 2\n"
    );
    let capacity = json!({
        "cores": 4, "memory_bytes": 1 << 30,
        "accelerators": [{"kind": "x", "count": 2}, {"kind": "y", "count": 1}],
    });
    assert_eq!(
        data.json(&["show", "m"]),
        json!({
            "name": "m", "revision": 2, "kind": "ssh", "host": "h2",
            "labels": {"a": "1", "b": "3", "c": "4"}, "capacity": capacity,
            "models": ["m1", "m2"], "url": "http://h", "notes": "n",
        })
    );
    // Forgetting comes before setting.
    let updated = data.json(&[
        "update",
        "m",
        "--unset",
        "labels",
        "--label",
        "d=5",
        "--unset",
        "accelerators.x",
        "--accelerator",
        "y:7",
        "--unset",
        "models.m1",
        "--unset",
        "note",
        "--unset",
        "url",
        "--unset",
        "cores",
    ]);
    let expected = json!({
        "name": "m", "revision": 3, "kind": "ssh", "host": "h2", "labels": {"d": "5"},
        "capacity": {"memory_bytes": 1 << 30, "accelerators": [{"kind": "y", "count": 7}]},
        "models": ["m2"],
    });
    assert_eq!(updated, expected);
    assert_eq!(data.json(&["show", "m"]), expected);
    // What changes nothing is no revision.
    assert_eq!(
        data.said(&["update", "m", "--host", "h2"]),
        "machine m is now at revision 3\n"
    );
    assert_eq!(
        data.refused(&["update", "m", "--unset", "host"]),
        "error: machine `m`: host: found \"\", expected [user@]host[:port], because the kind is \
         `ssh`\n"
    );
    assert_eq!(data.json(&["show", "m"]), expected);
}

#[test]
fn a_change_that_expects_a_revision_is_made_at_that_revision_only() {
    let data = Data::new();
    data.said(&["add", "m", "--host", "h"]);
    data.said(&["add", "other", "--host", "h"]);
    assert_eq!(
        data.said(&["update", "m", "--cores", "2", "--if-revision", "1"]),
        "machine m is now at revision 3\n"
    );
    for refused in [
        ["update", "m", "--cores=3", "--if-revision=1"].as_slice(),
        &["remove", "m", "--if-revision", "1"],
    ] {
        assert_eq!(
            data.refused(refused),
            "error: machine `m` is at revision 3, not 1; read it again and decide anew\n"
        );
    }
    assert_eq!(data.json(&["show", "m"])["capacity"]["cores"], 2);
    assert_eq!(
        data.said(&["remove", "m", "--if-revision", "3"]),
        "machine m removed at revision 4\n"
    );
    assert_eq!(data.names(), ["local", "other"]);
}

#[test]
fn a_name_that_is_not_there_is_answered_with_those_that_are_like_it() {
    let data = Data::new();
    data.said(&["add", "gpu-1", "--host", "h"]);
    for verb in [
        ["show", "gpu-2"].as_slice(),
        &["update", "gpu-2", "--cores", "1"],
        &["remove", "gpu-2"],
    ] {
        assert_eq!(
            data.refused(verb),
            "error: there is no machine `gpu-2`; did you mean `gpu-1`?\n"
        );
    }
    assert_eq!(
        data.refused(&["show", "something-else"]),
        "error: there is no machine `something-else`\n"
    );
}

#[test]
fn machines_are_selected_by_their_labels() {
    let data = Data::new();
    data.said(&[
        "add", "a", "--host", "h", "--label", "gpu=a100", "--label", "zone=x",
    ]);
    data.said(&["add", "b", "--host", "h", "--label", "gpu=h100"]);
    data.said(&["add", "c", "--host", "h"]);
    let names = |selector: &str| {
        let list = data.json(&["list", "--label", selector]);
        let names = list
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["name"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("gpu=a100"), "a");
    assert_eq!(names("gpu"), "a b");
    assert_eq!(names("gpu,!zone"), "b");
    assert_eq!(names("gpu!=a100"), "b c local");
    assert_eq!(names("zone=nowhere"), "");
}

#[test]
fn what_is_asked_the_wrong_way_is_exit_code_2() {
    let data = Data::new();
    for wrong in [
        ["add"].as_slice(),
        &["add", "UPPER", "--host", "h"],
        &["add", "-m", "--host", "h"],
        &["add", "m", "--host", "-oProxyCommand=x"],
        &["add", "m", "--host", "h", "--kind", "SSH"],
        &["add", "m", "--host", "h", "--label", "novalue"],
        &["add", "m", "--host", "h", "--cores", "0"],
        &["add", "m", "--host", "h", "--memory", "much"],
        &["add", "m", "--host", "h", "--accelerator", "x:none"],
        &["add", "m", "--host", "h", "--wait", "soon"],
        &["update", "m"],
        &["update", "m", "--unset", "name"],
        &["update", "m", "--cores", "1", "--if-revision", "0"],
        &["list", "--label", "=x"],
        &["list", "--json", "--yaml"],
        &["import", "f", "--existing", "merge"],
        &["forget", "m"],
    ] {
        let output = data.run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert_eq!(stdout(&output), "", "{wrong:?}");
        assert_eq!(stderr(&output).lines().count(), 1, "{wrong:?}");
    }
    assert!(!data.path().exists());
    for (wrong, field) in [
        (
            ["add", "m", "--host", "h", "--url", "ftp://h"].as_slice(),
            "url",
        ),
        (&["add", "m", "--host", "h", "--folder", "work"], "folder"),
        (&["add", "m", "--host", "h", "--label", "k=a b"], "labels.k"),
        (&["add", "m"], "host"),
        (&["add", "m", "--kind", "local", "--host", "h"], "host"),
    ] {
        let said = data.refused(wrong);
        assert!(
            said.starts_with(&format!("error: machine `m`: {field}: found ")),
            "{said}"
        );
    }
    assert_eq!(data.names(), ["local"]);
}
