//! Who may ask for what, and how.

use std::sync::Arc;

use byname_components::http::admin::{Admin, AdminError, Listed, Settings, admin};
use byname_components::{App, BoxError, Context, Registrar, Running, context};
use byname_registry::Registry;
use byname_testkit::PATIENCE;

use crate::rig::{More, SECRET, Thing, ask, get, start, start_with};

const PATHS: [&str; 14] = [
    "/",
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
async fn the_page_needs_no_script_and_nothing_from_elsewhere() {
    let more = More::default();
    let (_running, router) = start_with("{}", more).await;
    let page = get(&router, "/").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    for absent in ["<script", "src=", "http:", "https:", "@import", "url("] {
        assert!(!page.body.contains(absent), "{absent}");
    }
    let nested = axum::Router::new().nest("/admin", router.clone());
    for (router, at, root) in [(&router, "/", ""), (&nested, "/admin", "/admin")] {
        let page = get(router, at).await;
        let links: Vec<_> = page.body.split("href=\"").skip(1).collect();
        assert_eq!(links.len(), 17 + 8);
        for link in links {
            let link = link.split('"').next().unwrap();
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
    for path in PATHS {
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
