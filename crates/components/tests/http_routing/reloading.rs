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
    assert!(waits(&report, "middleware"), "{report}");
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
