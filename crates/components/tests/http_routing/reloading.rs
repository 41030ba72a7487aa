//! A file that says something of middleware, clients and listeners can be changed while it runs.

use std::fs;

use byname_components::http::Server;
use byname_components::{App, PartOutcome, ReloadOutcome, ReloadReport};

use crate::rig::module;

const FILE: &str = "
middleware: { m: { type: mark, settings: { text: first } } }
routers: { api: { middleware: [m], routes: [{ prefix: /echo, echo: { text: hears } }] } }
clients: { other: { server: far } }
servers:
  far: { url: 'http://10.0.0.1' }
  main:
    listeners:
      one: { address: 127.0.0.1:0, routers: [api], limits: { connections: 7 } }
";

/// What came of the file at the start was there when it was read again: each middleware and each client was
/// then registered twice, and no change was ever taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_laid_over_what_code_registered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.yaml");
    fs::write(&file, FILE).unwrap();
    let app = App::from_file(&file)
        .unwrap()
        .register(module)
        .server("main");
    let app = app.start().await.unwrap();
    let name = "servers.main.listeners.one";
    assert_eq!(app.reload().await.outcome(), ReloadOutcome::Unchanged);

    fs::write(&file, FILE.replace("connections: 7", "connections: 9")).unwrap();
    let report = app.reload().await;
    assert_eq!(report.outcome(), ReloadOutcome::Applied, "{report}");
    let [part] = report.parts() else {
        panic!("{report}");
    };
    assert_eq!(&*part.name, name);
    assert!(matches!(part.outcome, PartOutcome::Took), "{report}");

    // What answers, and where, is for a restart; nothing is half done.
    for (from, to) in [
        ("routers: [api]", "routers: []"),
        ("address: 127.0.0.1:0", "address: 127.0.0.1:1"),
    ] {
        fs::write(&file, FILE.replace(from, to)).unwrap();
        let report = app.reload().await;
        assert_eq!(report.outcome(), ReloadOutcome::Refused, "{to}: {report}");
    }
    fs::write(&file, FILE.replace("text: first", "text: second")).unwrap();
    let report = app.reload().await;
    assert_eq!(report.outcome(), ReloadOutcome::Applied, "{report}");
    let waits = |report: &ReloadReport, name: &str| {
        let mut parts = report.parts().iter();
        parts.any(|part| &*part.name == name && matches!(part.outcome, PartOutcome::NeedsRestart))
    };
    assert!(waits(&report, "middleware.m"), "{report}");
    let drain = "limits: { connections: 7 }, timeouts: { drain: 1s }";
    fs::write(&file, FILE.replace("limits: { connections: 7 }", drain)).unwrap();
    let report = app.reload().await;
    assert_eq!(report.outcome(), ReloadOutcome::Applied, "{report}");
    assert!(waits(&report, name), "{report}");

    // It is among the servers that there are, with the address that it has.
    let listed = app.registries().servers.require::<Server>(name).unwrap();
    assert!(listed.address().unwrap().tcp().is_some());
    app.stop().await.unwrap();
}

/// One changed setting of a middleware was told as `middleware`, and a listener that was not there yet as one
/// that goes on as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_names_the_smallest_thing_and_what_a_restart_does_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.yaml");
    fs::write(&file, FILE).unwrap();
    let app = App::from_file(&file)
        .unwrap()
        .register(module)
        .server("main");
    let app = app.start().await.unwrap();
    let one = "one: { address: 127.0.0.1:0, routers: [api], limits: { connections: 7 } }";
    let two = "two: { address: 127.0.0.1:0, routers: [api] }";
    let both = format!("{one}\n      {two}");
    let echo = "{ prefix: /echo, echo: { text: hears } }";
    let more = "{ prefix: /more, echo: { text: sees } }";
    let routes = [echo, more].join(", ");
    for (from, to, expected) in [
        (
            "text: first",
            "text: second",
            &["`middleware.m` goes on as it is until a restart"][..],
        ),
        (
            "middleware: { m: ",
            "middleware: { n: { type: mark, settings: { text: n } }, m: ",
            &["`middleware.n` is added by a restart"],
        ),
        (
            one,
            &both,
            &["`servers.main.listeners.two` is added by a restart"],
        ),
        (
            one,
            &one.replace("one:", "three:"),
            &[
                "`servers.main.listeners.one` is taken away by a restart",
                "`servers.main.listeners.three` is added by a restart",
            ],
        ),
        (
            echo,
            &routes,
            &[
                "`routers.api` goes on as it is until a restart",
                "`routers.api.routes[1]` is added by a restart",
            ],
        ),
        (
            "prefix: /echo",
            "prefix: /other",
            &["`routers.api` goes on as it is until a restart"],
        ),
        (
            "text: hears",
            "text: says",
            &["`routers.api.routes[0]` goes on as it is until a restart"],
        ),
        (
            "url: 'http://10.0.0.1'",
            "url: 'http://10.0.0.2'",
            &["`servers.far.url` goes on as it is until a restart"],
        ),
        (
            "clients: ",
            "life: { parallel: 3 }\nclients: ",
            &["`life.parallel` goes on as it is until a restart"],
        ),
    ] {
        assert!(FILE.contains(from), "{from}");
        fs::write(&file, FILE.replacen(from, to, 1)).unwrap();
        let report = app.reload().await;
        assert_eq!(report.outcome(), ReloadOutcome::Applied, "{report}");
        let told: Vec<_> = report.parts().iter().map(ToString::to_string).collect();
        assert_eq!(told, expected, "{from} -> {to}");
        fs::write(&file, FILE).unwrap();
        app.reload().await;
    }
    app.stop().await.unwrap();
}
