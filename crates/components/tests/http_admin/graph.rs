//! `/graph`.

use crate::rig::{get, start};

#[tokio::test]
async fn the_graph_is_drawn_in_each_language() {
    let (_running, router) = start().await;
    let json = get(&router, "/graph").await;
    assert_eq!(json.header("content-type"), "application/json");
    let services = json.json()["services"].clone();
    let orders = services.as_array().unwrap().iter();
    let orders = orders.clone().find(|one| one["name"] == "orders").unwrap();
    assert_eq!(orders["state"], "running");
    assert_eq!(orders["needs"][0]["service"], "db");
    for (format, begin) in [("mermaid", "flowchart"), ("dot", "digraph"), ("text", "db")] {
        let answer = get(&router, &format!("/graph?format={format}")).await;
        assert!(answer.body.starts_with(begin), "{}", answer.body);
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert!(answer.body.contains("orders"));
    }
    assert_eq!(get(&router, "/graph?format=json").await.body, json.body);
}
