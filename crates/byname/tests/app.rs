//! `byname check`, `graph`, `config` and `plan`: what they say of a server's file, whole, against
//! answers kept beside the tests.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod expected;
mod server;

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

use expected::expect;
use server::{Server, byname, ended};

/// A server with services by other names than their factories', one of them lazy.
const SHOP: &str = "\
name: shop
include: [base.yaml]
services:
  models:
    type: catalog
    settings: { files: ['${MODELS:models.json}'], poll: 30s }
  spare: { type: catalog, lazy: true }
routers:
  all:
    routes:
      - { router: catalog, prefix: /api/v1, needs: { catalog: models } }
      - { router: components, prefix: /api/v1 }
servers:
  main:
    listeners:
      web: { address: 127.0.0.1:0 }
";

/// What lies below.
const BASE: &str = "\
services:
  fleet: { type: machines }
servers:
  main: { listeners: { web: { routers: [all], limits: { connections: 64 }, timeouts: { drain: 1m } } } }
";

/// A catalog of nothing.
const MODELS: &str = r#"{"p":{"models":{"m":{}}}}"#;

/// A folder with these files beside `base.yaml` and `models.json`.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("base.yaml", BASE), ("models.json", MODELS)]
        .iter()
        .chain(files)
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The program in a folder.
fn run(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = byname([]);
    command.args(arguments).current_dir(folder.path());
    command
}

/// What a command that succeeds writes.
fn text(command: Command) -> String {
    expected::text(ended(command))
}

/// What a command that fails writes to both.
fn failed(command: Command) -> (String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = ended(command);
    let error = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{error}");
    (String::from_utf8(stdout).unwrap(), error)
}

#[test]
fn a_file_with_which_nothing_is_wrong_is_said_to_be_so() {
    let folder = folder(&[("app.yaml", SHOP)]);
    for arguments in [&["check", "app.yaml"][..], &["check"]] {
        assert_eq!(text(run(&folder, arguments)), "nothing is wrong\n");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let wrong = "\
nmae: shop
services:
  models: { type: catalogue }
  fleet: { type: machines, settings: { poll: 10, folder: [a] } }
routers:
  all:
    routes:
      - { router: catalog, needs: { catalog: model, machine: fleet } }
      - { router: machines }
servers:
  main:
    listeners:
      web: { address: a host, limits: { conections: 5 }, timeouts: { drain: yes }, routers: [all] }
";
    let folder = folder(&[("app.yaml", wrong)]);
    let (told, error) = failed(run(&folder, &["check", "app.yaml"]));
    // Where the program itself is in the tree is of no interest to this.
    let own = told.lines().filter(|line| !line.contains(".rs:"));
    expect(
        "check.txt",
        &own.fold(String::new(), |all, line| all + line + "\n"),
    );
    let errors = told.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(
        error,
        format!("error: app.yaml: {} errors, 0 warnings\n", errors.count())
    );
    // A server says the same and does not start.
    let (nothing, error) = failed(run(&folder, &["serve", "--config", "app.yaml"]));
    assert_eq!(nothing, "");
    assert!(error.starts_with(&told), "{error}");
}

#[test]
fn a_warning_keeps_nothing_from_being_started() {
    let shop = SHOP.replace(
        "    listeners:\n",
        "    services: [fleet]\n    listeners:\n",
    );
    let folder = folder(&[("app.yaml", &shop)]);
    let told = text(run(&folder, &["check", "app.yaml"]));
    assert_eq!(
        told,
        "warning: service `spare` is used by no server\n  \
         app.yaml:7:3: it is defined here\n  \
         help: list it under a server's `services`, or take it out\n"
    );
    let (told, _) = failed(run(&folder, &["check", "app.yaml", "--server", "mian"]));
    assert!(
        told.starts_with(
            "error: there is no server `mian`; did you mean `default.main`?\n  base.yaml:4:3: "
        ),
        "{told}"
    );
}

#[test]
fn a_file_that_is_not_there_is_said_so() {
    let folder = folder(&[]);
    for command in ["check", "graph", "config"] {
        let (told, error) = failed(run(&folder, &[command, "nothing.yaml"]));
        assert!(
            format!("{told}{error}").contains("nothing.yaml"),
            "{command}: {told}{error}"
        );
    }
    let output = ended(run(&folder, &["plan", "nothing.yaml"]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_graph_is_drawn_in_every_format() {
    let folder = folder(&[("app.yaml", SHOP)]);
    for (format, name) in [
        ("text", "graph.txt"),
        ("dot", "graph.dot"),
        ("mermaid", "graph.mermaid"),
        ("json", "graph.json"),
    ] {
        let found = text(run(&folder, &["graph", "app.yaml", "--format", format]));
        expect(name, &found);
    }
}

#[test]
fn the_graph_shows_the_states_of_a_server_that_runs() {
    let folder = folder(&[("app.yaml", SHOP)]);
    let server = Server::of(run(&folder, &["serve", "--config", "app.yaml"]));
    let arguments = ["graph", "app.yaml", "--url", &server.url];
    expect("graph-states.txt", &text(run(&folder, &arguments)));

    // Another file than the one that runs.
    let other = "services: { models: { type: catalog }, new: { type: catalog } }";
    fs::write(folder.path().join("other.yaml"), other).unwrap();
    let output = ended(run(&folder, &["graph", "other.yaml", "--url", &server.url]));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "models (catalog): running\nnew (catalog): not on the server\n"
    );
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "warning: the server has a service `fleet`, which the file has not\n\
         warning: the server has a service `routers.all.routes[0]`, which the file has not\n\
         warning: the server has a service `routers.components`, which the file has not\n\
         warning: the server has a service `servers.main.listeners.web`, which the file has not\n\
         warning: the server has a service `spare`, which the file has not\n"
    );
}

#[test]
fn a_server_that_does_not_answer_is_said_so() {
    let folder = folder(&[("app.yaml", SHOP)]);
    let ask = |url: &str| failed(run(&folder, &["graph", "app.yaml", "--url", url])).1;
    for url in ["https://127.0.0.1:1", "127.0.0.1:8080", "http://", "x"] {
        assert_eq!(
            ask(url),
            format!(
                "error: cannot ask {url}: expected the address of a server, such as \
                 http://127.0.0.1:8080\n"
            )
        );
    }
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = ask(&url);
    assert!(
        error.starts_with(&format!("error: cannot ask {url}: ")),
        "{error}"
    );
    let server = Server::start();
    assert_eq!(
        ask(&format!("{}/else", server.url)),
        format!(
            "error: cannot ask {}/else: it answers 404 Not Found; is it a server of this program?\n",
            server.url
        )
    );
}

#[test]
fn the_configuration_is_shown_with_where_it_comes_from() {
    let overlay = "servers: { main: { listeners: { web: { limits: { connections: 128 } } } } }\n";
    let folder = folder(&[("app.yaml", SHOP), ("app.prod.yaml", overlay)]);
    let arguments = [
        "config",
        "app.yaml",
        "--environment",
        "prod",
        "--set",
        "services.spare.lazy=false",
    ];
    let mut command = run(&folder, &arguments);
    command.env("MODELS", "a: b.json # no comment");
    command.env("BYNAME__SERVICES__MODELS__SETTINGS__POLL", "1h");
    expect("config.yaml", &text(command));
    expect(
        "config-plain.yaml",
        &text(run(&folder, &["config", "app.yaml", "--plain"])),
    );
}

#[test]
fn what_comes_from_a_file_of_secrets_is_not_shown() {
    let settings = "servers: { main: { listeners: { web: { address: '${file:listen.txt}' } } } }\n";
    let folder = folder(&[
        ("app.yaml", SHOP),
        ("app.prod.yaml", settings),
        ("listen.txt", "127.0.0.1:4711"),
    ]);
    let shown = text(run(
        &folder,
        &["config", "app.yaml", "--environment", "prod"],
    ));
    assert!(!shown.contains("4711"), "{shown}");
    assert!(shown.contains("address: \"***\""), "{shown}");
    let old = SHOP.replace("address: 127.0.0.1:0", "address: '${file:listen.txt}'");
    fs::write(folder.path().join("old.yaml"), old).unwrap();
    let told = text(run(&folder, &["plan", "old.yaml", "app.yaml"]));
    assert!(!told.contains("4711"), "{told}");
    assert!(
        told.contains("~ servers.main.listeners.web.address: \"***\" -> \"***\""),
        "{told}"
    );
}

#[test]
fn the_schema_is_written() {
    let folder = folder(&[]);
    assert_eq!(
        text(run(&folder, &["config", "--schema"])),
        include_str!("../schema/app.json")
    );
}

#[test]
fn a_plan_tells_what_a_change_would_do() {
    let new = SHOP.replace("poll: 30s", "poll: 1m").replace(
        "  spare: { type: catalog, lazy: true }\n",
        "  new: { type: catalog }\n",
    ) + "life: { parallel: 4 }\nvalues: { limit: 3 }\n";
    let folder = folder(&[("app.yaml", SHOP), ("new.yaml", &new)]);
    let plan = ["plan", "app.yaml", "new.yaml"];
    expect("plan.txt", &text(run(&folder, &plan)));
    let json = [&plan[..], &["--json"]].concat();
    expect("plan.json", &text(run(&folder, &json)));
    let same = ["plan", "app.yaml", "app.yaml"];
    assert_eq!(text(run(&folder, &same)), "6 services stay as they are\n");
}

#[test]
fn a_plan_tells_a_change_that_is_taken_from_one_that_is_not() {
    let more = SHOP.replace(
        "127.0.0.1:0 }",
        "127.0.0.1:0, limits: { connections: 65 } }",
    );
    let other = more.replace("127.0.0.1:0,", "127.0.0.1:1,");
    let wired = SHOP.replace("catalog: models", "catalog: spare");
    let folder = folder(&[
        ("app.yaml", SHOP),
        ("more.yaml", &more),
        ("other.yaml", &other),
        ("wired.yaml", &wired),
    ]);
    let plan = |new: &str| text(run(&folder, &["plan", "app.yaml", new]));
    assert_eq!(
        plan("more.yaml"),
        "reload  servers.main.listeners.web\n        \
         ~ servers.main.listeners.web.limits.connections: 64 -> 65\n\
         5 services stay as they are\n"
    );
    assert_eq!(
        plan("other.yaml"),
        "rebuild servers.main.listeners.web\n        \
         ~ servers.main.listeners.web.address: 127.0.0.1:0 -> 127.0.0.1:1\n        \
         ~ servers.main.listeners.web.limits.connections: 64 -> 65\n\
         5 services stay as they are\n"
    );
    assert_eq!(
        plan("wired.yaml"),
        "rebuild routers.all.routes[0]\n        \
         ~ routers.all.routes[0].needs.catalog: models -> spare\n        \
         is built of `spare`\n\
         rebuild servers.main.listeners.web\n        \
         is built of `routers.all.routes[0]`, which is rebuilt\n\
         4 services stay as they are\n"
    );
}

/// What is no service's was told by its section, and a listener that is taken away also as a change of all
/// servers.
#[test]
fn a_plan_names_the_smallest_thing_as_a_reload_does() {
    let old = format!("{SHOP}middleware: {{ one: {{ type: recover }} }}\n");
    let web = "      web: { address: 127.0.0.1:0 }\n";
    assert!(SHOP.contains(web));
    let further = format!("{web}      further: {{ address: 127.0.0.1:0, routers: [all] }}\n");
    let changed =
        format!("{SHOP}middleware: {{ one: {{ type: compression }}, two: {{ type: recover }} }}\n");
    let further = old.replace(web, &further);
    let folder = folder(&[
        ("app.yaml", &old),
        ("changed.yaml", &changed),
        ("further.yaml", &further),
    ]);
    let plan = |old: &str, new: &str| text(run(&folder, &["plan", old, new]));
    assert_eq!(
        plan("app.yaml", "changed.yaml"),
        "restart middleware.one\n        \
         ~ middleware.one.type: recover -> compression\n\
         restart middleware.two\n        \
         + middleware.two: {type: recover}\n\
         6 services stay as they are\n"
    );
    assert_eq!(
        plan("further.yaml", "app.yaml"),
        "stop    servers.main.listeners.further\n6 services stay as they are\n"
    );
}
