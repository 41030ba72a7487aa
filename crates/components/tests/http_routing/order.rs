//! Middleware stands where the file puts it, the server's outermost and the route's innermost.

use crate::rig::Site;

const FILE: &str = "
middleware:
  of-server: { type: mark, settings: { text: server } }
  of-listener: { type: mark, settings: { text: listener } }
  of-router: { type: mark, settings: { text: router } }
  of-group: { type: mark, settings: { text: group } }
  of-item: { type: mark, settings: { text: item } }
  of-route: { type: mark, settings: { text: route } }
routers:
  api:
    middleware: [of-router]
    routes:
      - prefix: /in
        middleware: [of-group]
        routes:
          - router: shop
            middleware: [of-item]
            change: { GET /items: { middleware: [of-route] } }
      - router: opaque
servers:
  main:
    middleware: [of-server]
    listeners:
      one: { address: 127.0.0.1:0, routers: [api], middleware: [of-listener] }
";

fn trail(answer: &byname_testkit::http::Answer) -> Vec<&str> {
    let marks = answer.headers.iter().filter(|(name, _)| name == "trail");
    marks.map(|(_, mark)| mark.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn middleware_stands_from_the_server_down_to_the_route() {
    let site = Site::of(FILE).await;
    // Each adds its mark when the answer comes out: the innermost first.
    let all = ["route", "item", "group", "router", "listener", "server"];
    assert_eq!(trail(&site.get("/in/items")), all);
    assert_eq!(trail(&site.get("/in/items/7")), all[1..]);
    assert_eq!(
        trail(&site.get("/inner/deep")),
        ["router", "listener", "server"]
    );
    assert_eq!(trail(&site.get("/nothing")), ["listener", "server"]);
    site.app.stop().await.unwrap();
}

/// Go appended each route's handler to one list of the router's middleware: with five, seven or nine of
/// them the list had room, and the handler of the last route answered for all.
#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_middlewares_leaves_each_route_its_handler() {
    for count in 0..12 {
        let names: Vec<String> = (0..count).map(|at| format!("m{at}")).collect();
        let defined: Vec<String> = names
            .iter()
            .map(|name| format!("  {name}: {{ type: mark, settings: {{ text: {name} }} }}\n"))
            .collect();
        let file = format!(
            "middleware:\n  unused: {{ type: mark, settings: {{ text: x }} }}\n{}
routers: {{ api: {{ middleware: [{}], routes: [{{ router: shop }}] }} }}
servers: {{ main: {{ listeners: {{ one: {{ address: 127.0.0.1:0, routers: [api] }} }} }} }}",
            defined.concat(),
            names.join(", ")
        );
        let site = Site::of(&file).await;
        assert_eq!(site.get("/items").text(), "all of toys");
        assert_eq!(site.get("/items/7").text(), "7 of toys");
        assert_eq!(site.ask("POST", "/items", &[], "y").text(), "added y");
        assert_eq!(trail(&site.get("/items")).len(), count);
        site.app.stop().await.unwrap();
    }
}
