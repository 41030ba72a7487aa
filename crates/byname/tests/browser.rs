//! What the pages of `byname serve` are in a real browser.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use byname_testkit::browser::Browser;
use serde_json::json;
use server::byname;

/// A secret that may be seen nowhere.
const SECRET: &str = "hunter2-in-a-page";

/// A running program, its public address, and that of its admin pages.
struct Site {
    process: Child,
    public: String,
    admin: String,
}

impl Site {
    fn of(mut command: Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut line = || lines.next().expect("it starts").unwrap();
        let (public, admin) = (line(), line());
        Self {
            process,
            public,
            admin,
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The file inside the program, with a secret, and values that a reload changes.
fn text(values: &str) -> String {
    let default = include_str!("../src/serve/default.yaml");
    let text = default.replace(
        "middleware:\n  request-id: {}\n",
        &format!(
            "values: {values}\nmiddleware:\n  request-id: {{}}\n  \
             keys: {{ type: api-key, settings: {{ keys: {{ given: ['ann:{SECRET}'] }} }} }}\n"
        ),
    );
    assert!(text.contains(SECRET));
    text
}

#[test]
fn the_admin_page_shows_what_runs_and_follows_what_changes() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.yaml");
    fs::write(&file, text("{ limit: 1 }")).unwrap();
    let mut command = byname(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command
        .args(["--config", "app.yaml", "--data"])
        .arg(folder.path().join("data"))
        .current_dir(folder.path());
    let site = Site::of(command);
    browser.go_to(&format!("{}/", site.admin));

    assert_eq!(browser.text("h1"), "byname");
    assert_eq!(browser.text("[data-live=health]"), "live ready");
    // The program asks its services itself.
    assert_eq!(browser.text("[data-live=checks]"), "There is none.");
    let services = browser.text("[data-live=services]");
    for service in ["catalog", "machines", "servers.main.listeners.public"] {
        assert!(services.contains(service), "{service} in {services}");
    }
    assert_eq!(browser.text("[data-live='entries values']"), "1");
    let revision = browser.text("[data-live='revision values']");

    // The page is not loaded again: what a script left in it is still there at the end.
    browser.run("window.stayed = true", &[]);
    browser.until(
        "return document.getElementById('live').textContent.includes('follows')",
        &[],
    );
    fs::write(&file, text("{ limit: 1, colour: green }")).unwrap();
    browser.until(
        "return document.querySelector('[data-live=\"entries values\"]').textContent === '2' \
             && document.querySelector('[data-live=changes]').textContent.includes('colour')",
        &[],
    );
    assert_ne!(browser.text("[data-live='revision values']"), revision);
    assert_eq!(browser.run("return window.stayed", &[]), true);

    // Every page that the first one leads to says what it is, and none shows the secret.
    let links = "return Array.from(document.querySelectorAll('a'), a => a.href)";
    let links = browser.run(links, &[]);
    let links = links.as_array().unwrap();
    assert!(links.len() > 20, "{links:?}");
    let looked = "return Promise.all(arguments[0].map(async link => {\
            const answer = await fetch(link, { headers: { accept: 'text/html' } });\
            return [link, answer.status, (await answer.text()).includes(arguments[1])];\
        }))";
    let followed: Vec<_> = links
        .iter()
        .filter(|link| !link.as_str().unwrap().ends_with("/changes"))
        .collect();
    for found in browser
        .run(looked, &[json!(followed), SECRET.into()])
        .as_array()
        .unwrap()
    {
        assert_eq!(
            (&found[1], &found[2]),
            (&json!(200), &json!(false)),
            "{found}"
        );
    }
    let whole = browser.run("return document.documentElement.outerHTML", &[]);
    assert!(!whole.as_str().unwrap().contains(SECRET));
    assert_eq!(browser.console(), []);
    picture(&browser, "admin");

    // A registry, by the keyboard alone.
    browser.run(
        "document.querySelector('main a[href$=\"values\"]').focus()",
        &[],
    );
    browser.press("\u{e007}");
    browser.until(
        "return location.pathname === '/registries/values' && document.readyState === 'complete'",
        &[],
    );
    assert_eq!(browser.text("tbody th"), "colour");
    assert_eq!(browser.text("tbody td"), "value green");
    picture(&browser, "values");
    browser.click("nav a");
    browser.until(
        "return document.querySelector('h1')?.textContent === 'byname'",
        &[],
    );
    assert_eq!(browser.console(), []);
}

#[test]
fn the_page_says_that_nobody_answers_and_goes_on_when_the_program_is_back() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let start = |address: &str| {
        Site::of(byname([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            address,
        ]))
    };
    // Its port stays free while it is away.
    let site = start(&format!("{}:0", byname_testkit::own_loopback()));
    let address = site.admin.strip_prefix("http://").unwrap().to_owned();
    browser.go_to(&site.admin);
    let says = |what: &str| {
        let script = "return document.getElementById('live').textContent.includes(arguments[0])";
        browser.until(script, &[what.into()]);
    };
    says("follows");
    drop(site);
    says("Nobody answers");
    let _again = start(&address);
    says("follows");
}

#[test]
fn what_the_public_listener_describes_is_shown_and_not_saved() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = Site::of(byname(["serve", "--listen", "127.0.0.1:0"]));
    for (path, kind, shown) in [
        ("/openapi.json", "application/json", "\"openapi\""),
        ("/readyz", "application/json", "ready"),
        ("/api/v1/models?limit=1", "application/json", "provider"),
        ("/", "application/problem+json", "404"),
    ] {
        browser.go_to(&format!("{}{path}", site.public));
        assert_eq!(
            browser.run("return document.contentType", &[]),
            kind,
            "{path}"
        );
        assert_eq!(
            browser.run("return location.pathname + location.search", &[]),
            path
        );
        let text = browser.text("body");
        assert!(text.contains(shown), "{path}: {text}");
    }
}

/// Keeps a picture where whoever works at a page asks for it.
fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("BYNAME_PICTURES") {
        let path = std::path::Path::new(&folder).join(format!("{name}.png.base64"));
        fs::write(path, browser.picture()).unwrap();
    }
}
