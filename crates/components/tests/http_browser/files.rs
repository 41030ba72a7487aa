//! An application of a single page.

use std::fs;

use byname_components::{App, Registrar};
use byname_testkit::browser::Browser;
use serde_json::json;

use crate::rig::{Saw, Site};

const PAGE: &str = "<!doctype html><html lang=en><title>app</title><link rel=icon href='data:,'>\
<p id=here></p><script src=/app/assets/app.js defer></script>";

/// Long enough to be compressed.
fn script() -> String {
    let long = "// The same line, again and again.\n".repeat(200);
    format!("{long}document.getElementById('here').textContent = location.pathname;\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_the_application_and_what_is_unchanged_is_not_sent_again() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("assets")).unwrap();
    fs::write(folder.path().join("index.html"), PAGE).unwrap();
    fs::write(folder.path().join("assets/app.js"), script()).unwrap();
    let text = format!(
        "middleware:
  saw: {{}}
  zip: {{ type: compression }}
routers:
  site:
    routes:
      - {{ prefix: /app, files: {{ folder: {:?}, fallback: index.html }} }}
servers:
  main:
    middleware: [saw, zip]
    listeners: {{ one: {{ address: '127.0.0.1:0', routers: [site] }} }}
",
        folder.path()
    );
    let saw = Saw::default();
    let seen = saw.clone();
    let site = Site::of(
        App::from_text(&text).register(|registrar: &mut Registrar<'_>| saw.register(registrar)),
    )
    .await;
    let origin = site.origin("one").await;

    browser.go_to(&format!("{origin}/app/users/7"));
    assert_eq!(browser.text("#here"), "/app/users/7");
    assert_eq!(
        seen.take(),
        [
            ("GET".to_owned(), "/app/users/7".to_owned(), false, 200),
            (
                "GET".to_owned(),
                "/app/assets/app.js".to_owned(),
                false,
                200
            ),
        ]
    );
    let sizes = browser.run(
        "const [entry] = performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('app.js'));
         return [entry.encodedBodySize, entry.decodedBodySize]",
        &[],
    );
    assert_eq!(sizes[1], script().len());
    assert!(sizes[0].as_u64().unwrap() < 500, "{sizes}");

    // A script that is not there is not the page, as an older version of the page would run it.
    let missing = browser.run(
        "const script = document.createElement('script');
         script.src = '/app/assets/app-of-yesterday.js';
         const failed = new Promise(done => { script.onerror = () => done('failed'); script.onload = () => done('loaded'); });
         document.head.append(script);
         const answer = await fetch('/app/assets/none.json');
         return [await failed, answer.status, answer.headers.get('content-type')]",
        &[],
    );
    assert_eq!(missing, json!(["failed", 404, "application/problem+json"]));
    seen.take();

    browser.reload();
    assert_eq!(browser.text("#here"), "/app/users/7");
    assert_eq!(
        seen.take(),
        [
            ("GET".to_owned(), "/app/users/7".to_owned(), true, 304),
            ("GET".to_owned(), "/app/assets/app.js".to_owned(), true, 304),
        ]
    );

    // A new version is there at once.
    let changed = format!("{}document.title = 'changed';\n", script());
    fs::write(folder.path().join("assets/app.js"), changed).unwrap();
    browser.reload();
    assert_eq!(browser.run("return document.title", &[]), "changed");
    assert_eq!(seen.take()[1].3, 200);
}
