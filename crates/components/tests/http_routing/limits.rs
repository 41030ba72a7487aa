//! Which of several limits of a body holds, and who refuses what is longer.

use crate::rig::Site;

fn file(listener: &str, small: &str) -> String {
    format!(
        "
middleware:
  seen: {{ type: mark, settings: {{ text: seen }} }}
  small: {{ type: body-limit, settings: {{ max: {small} }} }}
routers:
  site:
    routes:
      - {{ prefix: /small, middleware: [small], routes: [{{ router: shop }}] }}
      - {{ prefix: /other, routes: [{{ router: shop }}] }}
servers:
  main:
    middleware: [seen]
    listeners:
      one: {{ address: 127.0.0.1:0, routers: [site], limits: {{ body: {listener} }} }}
"
    )
}

/// Status, whether middleware before the refusal saw it, whether the connection is closed, and what is
/// told.
fn sent(site: &Site, path: &str, length: usize) -> (u16, bool, bool, String) {
    let answer = site.ask("POST", path, &[], &"x".repeat(length));
    let seen = answer.header("trail") == Some("seen");
    let text = answer.text();
    let problem: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let told = problem["detail"].as_str().unwrap_or(text).to_owned();
    let told = if answer.status == 200 {
        String::new()
    } else {
        told
    };
    (
        answer.status,
        seen,
        answer.header("connection") == Some("close"),
        told,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smaller_limit_holds_and_that_of_the_listener_is_before_all_middleware() {
    let site = Site::of(&file("16B", "8B")).await;
    let fits = sent(&site, "/small/items", 8);
    assert_eq!((fits.0, fits.1), (200, true));
    let (status, seen, _, told) = sent(&site, "/small/items", 9);
    assert_eq!(
        (status, seen, &*told),
        (413, true, "the body is larger than 8B")
    );
    assert_eq!(sent(&site, "/other/items", 16).0, 200);
    for path in ["/small/items", "/other/items"] {
        let told = "the body of a request may have 16 bytes".to_owned();
        assert_eq!(sent(&site, path, 17), (413, false, true, told), "{path}");
    }
    site.app.stop().await.unwrap();
    // A larger one behind the listener's changes nothing.
    let site = Site::of(&file("16B", "1MiB")).await;
    assert_eq!(sent(&site, "/small/items", 17).0, 413);
    site.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reads_a_body_whole_takes_two_mebibytes_unless_a_body_limit_says_more() {
    const LONG: usize = 3 << 20;
    let site = Site::of(&file("unlimited", "4MiB")).await;
    assert_eq!(sent(&site, "/other/items", LONG).0, 413);
    assert_eq!(sent(&site, "/small/items", LONG).0, 200);
    site.app.stop().await.unwrap();
}
