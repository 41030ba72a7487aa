//! Prefixes, groups, routers of code and of the file, kinds of modules, changed and hidden routes.

use crate::rig::Site;

const FILE: &str = "
routers:
  api:
    prefix: /api
    routes:
      - router: shop
        change:
          'GET /items/{id}': { path: '/item/{id}' }
          POST /items: { hide: true }
      - prefix: /extra
        routes:
          - router: opaque
          - prefix: /echo
            echo: { text: hears }
servers:
  main:
    listeners:
      one: { address: 127.0.0.1:0, routers: [api] }
";

#[tokio::test(flavor = "multi_thread")]
async fn routes_are_where_the_file_puts_them() {
    let site = Site::of(FILE).await;
    assert_eq!(site.get("/api/items").text(), "all of toys");
    assert_eq!(site.get("/api/item/a%2Fb").text(), "a/b of toys");
    assert_eq!(site.get("/api/items/7").status, 404, "it was moved");
    assert_eq!(
        site.ask("POST", "/api/items", &[], "x").status,
        405,
        "it was hidden"
    );
    assert_eq!(site.get("/api/extra/inner/deep").text(), "deep");
    assert_eq!(
        site.get("/api/extra/echo/any/thing").text(),
        "hears /any/thing"
    );
    site.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_route_answers_is_refused_as_a_problem() {
    let site = Site::of(FILE).await;
    let nothing = site.get("/nothing");
    assert_eq!(nothing.status, 404);
    assert_eq!(
        nothing.header("content-type"),
        Some("application/problem+json")
    );
    let other = site.ask("DELETE", "/api/items", &[], "");
    assert_eq!(
        (other.status, other.header("allow")),
        (405, Some("GET, HEAD, OPTIONS"))
    );
    assert_eq!(
        other.header("content-type"),
        Some("application/problem+json")
    );
    let options = site.ask("OPTIONS", "/api/items", &[], "");
    assert_eq!(
        (options.status, options.header("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );
    // It asks about the server as a whole (RFC 9110, section 9.3.7).
    assert_eq!(site.ask("OPTIONS", "*", &[], "").status, 204);
    site.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get_and_no_content() {
    let site = Site::of(FILE).await;
    let (get, head) = (
        site.get("/api/items"),
        site.ask("HEAD", "/api/items", &[], ""),
    );
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert_eq!(head.body, b"");
    site.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn several_listeners_have_their_own_routers() {
    let site = Site::of(
        "
servers:
  main:
    listeners:
      one: { address: 127.0.0.1:0, routers: [shop] }
      two: { address: 127.0.0.1:0, routers: [opaque], openapi: false }
",
    )
    .await;
    let second = site
        .app
        .service::<byname_components::http::Server>("servers.main.listeners.two");
    let second = second.await.unwrap().address().unwrap().tcp().unwrap();
    assert_eq!(site.get("/items").text(), "all of toys");
    assert_eq!(site.get("/inner/deep").status, 404);
    let at_second = |path| byname_testkit::http::get(second, path);
    assert_eq!(at_second("/inner/deep").text(), "deep");
    assert_eq!(at_second("/items").status, 404);
    assert_eq!(site.get("/openapi.json").status, 200);
    assert_eq!(at_second("/openapi.json").status, 404);
    site.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_cannot_bind_fails_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let file = format!(
        "servers: {{ main: {{ listeners: {{ one: {{ address: '{address}', routers: [shop] }} }} }} }}"
    );
    let error = crate::rig::app(&file)
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains(&address.to_string()), "{error}");
    assert!(error.contains("servers.main.listeners.one"), "{error}");
}

/// In a predecessor `/api/*` had `/apiary/secret` too.
#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_ends_at_a_slash() {
    let site = Site::of(
        "
routers: { api: { routes: [{ prefix: /api, echo: { text: hears } }] } }
servers: { main: { listeners: { one: { address: 127.0.0.1:0, routers: [api] } } } }
",
    )
    .await;
    assert_eq!(site.get("/api").status, 200);
    assert_eq!(site.get("/api/secret").text(), "hears /secret");
    for path in ["/apiary/secret", "/apiary", "/ap", "/API"] {
        assert_eq!(site.get(path).status, 404, "{path}");
    }
    site.app.stop().await.unwrap();
}

/// An empty segment right behind the prefix was lost: two paths that differ reached one file, and what
/// stands before it by path was passed by.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_mounted_has_the_rest_of_the_path_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("x")).unwrap();
    std::fs::write(folder.path().join("a.txt"), "the file").unwrap();
    std::fs::write(folder.path().join("x/y"), "the other").unwrap();
    let site = Site::of(&format!(
        "
routers:
  all:
    routes:
      - {{ prefix: /f, files: {{ folder: '{}' }} }}
      - {{ prefix: /e, echo: {{ text: hears }} }}
      - {{ prefix: /o, router: opaque }}
servers: {{ main: {{ listeners: {{ one: {{ address: 127.0.0.1:0, routers: [all] }} }} }} }}
",
        folder.path().display()
    ))
    .await;
    assert_eq!(site.get("/f/a.txt").text(), "the file");
    assert_eq!(site.get("/f/x/y").text(), "the other");
    for path in [
        "/f//a.txt",
        "/f///a.txt",
        "/f//x/y",
        "/f/x//y",
        "//f/a.txt",
        "/f//a.txt?q=/a.txt",
        "/o/inner//deep",
        "/o//inner/deep",
    ] {
        assert_eq!(site.get(path).status, 404, "{path}");
    }
    for (path, rest) in [
        ("/e", "/"),
        ("/e/", "/"),
        ("/e//", "//"),
        ("/e/a", "/a"),
        ("/e//a", "//a"),
        ("/e/a//a", "/a//a"),
        ("/e//e//a", "//e//a"),
        ("/e///e", "///e"),
    ] {
        assert_eq!(site.get(path).text(), format!("hears {rest}"), "{path}");
    }
    site.app.stop().await.unwrap();
}
