//! Who may ask for what, and how.

use std::sync::Arc;

use byname_components::http::admin::{Admin, AdminError, Listed, Settings, admin};
use byname_components::{App, BoxError, Context, Registrar, Running, context};
use byname_registry::Registry;
use byname_testkit::PATIENCE;

use crate::rig::{Answer, More, SECRET, Thing, ask, get, start, start_with};

/// Asks as a browser does.
async fn get_page(router: &axum::Router, path: &str) -> Answer {
    let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
    ask(router, "GET", path, &[("accept", accept)]).await
}

const PATHS: [&str; 16] = [
    "/",
    "/page.css",
    "/page.js",
    "/registries",
    "/registries/services",
    "/registries/values",
    "/registries/clients",
    "/registries/running-clients",
    "/registries/middleware",
    "/graph?format=text",
    "/health",
    "/livez",
    "/readyz",
    "/metrics",
    "/config",
    "/config?format=json",
];

#[tokio::test]
async fn no_page_shows_a_secret_and_none_is_kept() {
    let (_running, router) = start().await;
    for path in PATHS {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains(SECRET), "{path}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let head = ask(&router, "HEAD", path, &[]).await;
        assert_eq!((head.status, &*head.body), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), answer.header("content-type"));
    }
    let clients = get(&router, "/registries/clients").await;
    assert!(
        clients.body.contains("http://***@10.0.0.9:8080/x"),
        "{}",
        clients.body
    );
}

#[tokio::test]
async fn pages_can_only_be_read() {
    let (_running, router) = start().await;
    for path in PATHS {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let answer = ask(&router, method, path, &[]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
            assert_eq!(answer.json()["status"], 405);
        }
        let answer = ask(&router, "OPTIONS", path, &[]).await;
        assert_eq!((answer.status, &*answer.body), (204, ""), "{path}");
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    }
    let none = get(&router, "/none").await;
    assert_eq!((none.status, &none.json()["status"]), (404, &404.into()));
    assert_eq!(none.header("cache-control"), "no-store");
}

/// A page of another site can have its own name lead to this address, and read what is answered.
#[tokio::test]
async fn a_name_that_somebody_else_made_lead_here_is_refused() {
    let (_running, router) = start_with("{ hosts: [admin.internal] }", More::default()).await;
    for (host, status) in [
        ("127.0.0.1:9000", 200),
        ("localhost", 200),
        ("[::1]:9000", 200),
        ("admin.internal:9000", 200),
        ("evil.example", 403),
        ("evil.example:9000", 403),
    ] {
        for path in ["/registries", "/config", "/metrics", "/none"] {
            let answer = ask(&router, "GET", path, &[("host", host)]).await;
            let expected = if path == "/none" && status == 200 {
                404
            } else {
                status
            };
            assert_eq!(answer.status, expected, "{host} {path}");
        }
    }
    let absolute = get(&router, "http://evil.example/registries").await;
    assert_eq!(absolute.status, 403);
    let (_running, router) = start().await;
    let unknown = ask(&router, "GET", "/", &[("host", "admin.internal")]).await;
    assert_eq!(unknown.status, 403);
}

#[tokio::test]
async fn the_pages_need_no_script_and_nothing_from_elsewhere() {
    let (_running, router) = start().await;
    let page = get(&router, "/").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"));
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    // What the script adds is that it follows: what there is to see is there without it.
    for there in [
        "live ready",
        "db</th><td>running",
        "<td>running-clients</td>",
    ] {
        let text = page
            .body
            .replace("<span class=\"good\">", "")
            .replace("</span>", "");
        assert!(text.contains(there), "{there} in {text}");
    }
    for (path, kind) in [
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
    ] {
        assert_eq!(get(&router, path).await.header("content-type"), kind);
    }
    let page = get_page(&router, "/registries/values").await;
    for page in [&get(&router, "/").await, &page] {
        for absent in ["style=", "onclick", "http:", "https:", "@import", "url("] {
            assert!(!page.body.contains(absent), "{absent}");
        }
        assert_eq!(page.header("content-security-policy"), policy);
        assert!(!page.body.contains(SECRET));
    }
    let nested = axum::Router::new().nest("/admin", router.clone());
    for (router, at, root) in [(&router, "/", ""), (&nested, "/admin", "/admin")] {
        let page = get(router, at).await;
        let links: Vec<_> = page.body.split("href=\"").skip(1).collect();
        // Registries, other pages, the style and the picture of the window, which is none.
        assert_eq!(links.len(), 17 + 8 + 2);
        for link in links {
            let link = link.split('"').next().unwrap();
            if link == "data:," {
                continue;
            }
            // What a reference of the form `./…` is, relative to the path (RFC 3986, 5.2).
            let parent = &at[..=at.rfind('/').unwrap()];
            let path = format!("{parent}{}", link.strip_prefix("./").unwrap());
            assert!(path.starts_with(&format!("{root}/")), "{path}");
            if path.ends_with("/changes") {
                continue;
            }
            assert_eq!(get(router, &path).await.status, 200, "{at} {path}");
        }
    }
}

#[tokio::test]
async fn a_registry_is_a_page_for_those_who_ask_for_one_and_json_for_all_others() {
    let more = More::default();
    more.machines.put("a<b>&\"c\"", 7).unwrap();
    more.machines.put("z", 8).unwrap();
    let (_running, router) = start_with("{}", more).await;
    let page = get_page(&router, "/registries/machines?limit=1").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("vary"), "accept");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.body.contains("a&lt;b&gt;&amp;&quot;c&quot;</th>"));
    assert!(page.body.contains("<span class=\"quiet\">value</span> 7"));
    let next = "href=\"?limit=1&amp;after=a%3Cb%3E%26%22c%22\"";
    assert!(page.body.contains(next), "{}", page.body);
    let last = get_page(&router, "/registries/machines?after=a%3Cb%3E%26%22c%22").await;
    assert!(!last.body.contains("rel=\"next\""), "{}", last.body);
    assert!(last.body.contains("href=\"../\""));
    let json = get(&router, "/registries/machines").await;
    assert_eq!(json.header("content-type"), "application/json");
    assert_eq!(json.header("vary"), "accept");
    assert_eq!(json.json()["count"], 2);
    let missing = get_page(&router, "/registries/none").await;
    assert_eq!(missing.status, 404);
}

/// The pages are a service of the application: if they kept it, it would never be dropped.
#[tokio::test]
async fn the_pages_do_not_keep_the_application() {
    let (running, router) = start().await;
    let service = Arc::downgrade(&running.services().require::<Thing>("db").unwrap());
    assert!(service.upgrade().is_some());
    drop(running);
    // Who notes changes hears of the end, and lets go.
    let gone = async {
        while service.upgrade().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the services are dropped");
    // What pages look like is the same whatever runs.
    let asked = PATHS.iter().filter(|path| !path.starts_with("/page."));
    for path in asked {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.json()["status"], 503);
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_is_told_with_its_setting() {
    let (_running, told) = contexts().await;
    for (settings, setting) in [
        (serde_json::json!({ "hosts": ["a:80"] }), "hosts"),
        (serde_json::json!({ "hosts": [""] }), "hosts"),
        (serde_json::json!({ "page": 0 }), "page"),
        (serde_json::json!({ "page": 1001 }), "page"),
        (serde_json::json!({ "changes": 0 }), "changes"),
        (
            serde_json::json!({ "changes-size": "1KiB" }),
            "changes-size",
        ),
        (serde_json::json!({ "keep-alive": "0s" }), "keep-alive"),
        (serde_json::json!({ "followers": 65_537 }), "followers"),
    ] {
        let read: Settings = serde_json::from_value(settings).unwrap();
        let AdminError { setting: found, .. } = admin(read, told.clone()).unwrap_err();
        assert_eq!(found, setting);
    }
    admin(Settings::default(), told.clone()).unwrap();
    let registry = Registry::from_iter([("a", 1)]);
    let more = |name| Listed::new(name, "thing", &registry, |_, _| serde_json::Map::new());
    for (names, message) in [
        (["more", "services"], "has `services` twice"),
        (["x", "x"], "has `x` twice"),
    ] {
        let more = names.map(more).to_vec();
        let error = Admin::with(Settings::default(), told.clone(), more, Vec::new());
        assert_eq!(error.unwrap_err().message, message);
    }
}

/// An application, and what one of its services was told.
async fn contexts() -> (Running, Context) {
    let app = App::from_text("services: { told: {} }");
    let app = app.register(|registrar: &mut Registrar<'_>| {
        registrar.factory("told", (context(),), |(): (), context: Context| async {
            Ok::<_, BoxError>(Arc::new(context))
        });
    });
    let running = app.start().await.unwrap();
    let told = running.service::<Context>("told").await.unwrap();
    (running, Context::clone(&told))
}
