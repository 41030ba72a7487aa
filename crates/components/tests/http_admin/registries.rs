//! `/registries` and `/registries/{name}`.

use std::collections::BTreeMap;

use crate::rig::{More, get, start, start_with};

#[tokio::test]
async fn every_registry_is_listed_with_its_revision_and_count() {
    let (running, router) = start().await;
    let answer = get(&router, "/registries").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let told = answer.json();
    let list = told["registries"].as_array().unwrap();
    let listed: BTreeMap<_, _> = list
        .iter()
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(listed.len(), list.len());
    let expected = BTreeMap::from([
        ("checks", 0),
        ("client-rules", 0),
        ("clients", 2),
        ("conventions", 2),
        ("current-server", 0),
        ("factories", 3),
        ("interfaces", 0),
        ("kinds", 4),
        ("machines", 0),
        ("middleware", 2),
        ("middleware-factories", 16),
        ("routers", 0),
        ("running-clients", 1),
        ("servers", 0),
        ("services", 4),
        ("states", 4),
        ("values", 7),
    ]);
    assert_eq!(listed, expected);
    let names: Vec<_> = list
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(names.is_sorted());

    let revision = || running.registries().values.registry().revision();
    let before = revision();
    running.registries().values.set("more", 1).unwrap();
    let told = get(&router, "/registries").await.json();
    let values = told["registries"].as_array().unwrap().last().unwrap();
    assert_eq!(values["count"], 8);
    assert_eq!(values["revision"], before + 1);
}

#[tokio::test]
async fn an_entry_says_where_it_is_from_and_what_it_is() {
    let (running, router) = start().await;
    let told = get(&router, "/registries/services").await.json();
    assert_eq!(told["kind"], "service");
    assert_eq!(told["count"], 4);
    assert_eq!(told["revision"], running.services().registry().revision());
    assert!(told["next"].is_null());
    let entries = told["entries"].as_array().unwrap();
    let of = |name: &str| entries.iter().find(|entry| entry["name"] == name).unwrap();
    assert!(of("db")["type"].as_str().unwrap().ends_with("::Thing"));
    assert_eq!(of("db")["build"], "built");
    assert!(of("db")["revision"].as_u64().unwrap() > 0);
    assert!(
        of("db")["place"].as_str().unwrap().contains(":12:"),
        "{}",
        of("db")
    );
    assert_eq!(of("later")["build"], "unbuilt");
    assert!(of("later")["type"].is_null());

    let states = get(&router, "/registries/states").await.json();
    let states = states["entries"].as_array().unwrap();
    let values: Vec<_> = states
        .iter()
        .map(|state| state["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["running", "waiting", "running", "running"]);
    let factories = get(&router, "/registries/factories").await.json();
    let orders = &factories["entries"][2];
    assert_eq!(orders["needs"][0]["name"], "db");
    let middleware = get(&router, "/registries/middleware").await.json();
    assert_eq!(middleware["entries"][1]["factory"], "guard");
}

#[tokio::test]
async fn values_are_shown_as_a_program_would_read_them() {
    let (_running, router) = start().await;
    let told = get(&router, "/registries/values").await.json();
    let values: BTreeMap<_, _> = told["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["name"].as_str().unwrap().to_owned(),
                entry["value"].clone(),
            )
        })
        .collect();
    let expected = serde_json::json!({
        "limit": 7,
        "exact": "7",
        "half": 0.5,
        "on": true,
        "name": "a b",
        "list": [1, "two"],
        "db": { "password": "***", "host": "db.internal" },
    });
    assert_eq!(serde_json::to_value(values).unwrap(), expected);
}

#[tokio::test]
async fn a_large_registry_comes_in_pages_that_follow_one_another() {
    let more = More::default();
    let names: Vec<_> = (0..25).map(|i| format!("m {i:02}&é/%")).collect();
    for name in &names {
        more.machines.put(name, 1).unwrap();
    }
    let (_running, router) = start_with("{ page: 10 }", more.clone()).await;
    let mut found = Vec::new();
    let mut path = "/registries/machines".to_owned();
    let mut sizes = Vec::new();
    loop {
        let told = get(&router, &path).await.json();
        assert_eq!(told["count"], 25);
        let entries = told["entries"].as_array().unwrap();
        sizes.push(entries.len());
        for entry in entries {
            assert_eq!(entry["called"], entry["name"]);
            found.push(entry["name"].as_str().unwrap().to_owned());
        }
        match told["next"].as_str() {
            Some(next) => path = format!("/registries/machines{next}"),
            None => break,
        }
    }
    assert_eq!((found, sizes), (names, vec![10, 10, 5]));
    let count = async |path: &str| {
        let told = get(&router, path).await.json();
        (
            told["entries"].as_array().unwrap().len(),
            told["next"].is_null(),
        )
    };
    assert_eq!(count("/registries/machines?limit=25").await, (25, true));
    assert_eq!(count("/registries/machines?limit=24").await, (24, false));
    assert_eq!(count("/registries/machines?after=zzz").await, (0, true));
    assert_eq!(
        count("/registries/machines?limit=1000&after=m+20").await,
        (5, true)
    );
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told_with_its_parameter() {
    let (_running, router) = start().await;
    for (path, status, field) in [
        ("/registries/none", 404, None),
        ("/registries/%ff", 404, None),
        ("/registries/services?limit=0", 422, Some("limit")),
        ("/registries/services?limit=1001", 422, Some("limit")),
        ("/registries/services?limit=-1", 422, Some("limit")),
        ("/registries/services?limit=1&limit=2", 422, Some("limit")),
        ("/registries/services?limt=1", 422, Some("limt")),
        ("/registries?limit=1", 422, Some("limit")),
        ("/graph?format=svg", 422, Some("format")),
        ("/config?format=xml", 422, Some("format")),
        ("/metrics?x", 422, Some("x")),
        ("/health?x", 422, Some("x")),
        ("/livez?x", 422, Some("x")),
        ("/changes?x", 422, Some("x")),
        ("/?x", 422, Some("x")),
        ("/registries/services?after=%ff", 400, None),
    ] {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["field"].as_str(), field, "{path}");
    }
}
