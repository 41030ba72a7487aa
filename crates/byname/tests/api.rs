//! Every path and every refusal of the HTTP interface, as a client sees it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use serde_json::{Value, json};
use server::{Response, Server};

const CATALOG: &str = r#"{
  "openai": {"name": "OpenAI", "env": ["OPENAI_API_KEY"], "doc": "https://example.org/docs",
    "models": {
      "gpt-4o": {"name": "GPT-4o", "limit": {"context": 128000, "output": 16384},
        "cost": {"input": 2.5, "output": 10}},
      "gpt-4o-mini": {"name": "GPT-4o mini", "cost": {"input": 0, "output": 0}}}},
  "router": {"models": {
      "openai/gpt-4o": {"name": "Again"},
      "x-ai/grok:free@2": {"name": "Grök"},
      "50%/µ model?&#": {"name": "Awkward"},
      "a//b/../c": {"name": "Slashes"}}}
}"#;

fn served() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.json");
    std::fs::write(&file, CATALOG).unwrap();
    let server = Server::serving(&[&file]);
    (folder, server)
}

fn refusal(response: &Response) -> Value {
    assert_eq!(
        response.header("content-type"),
        Some("application/problem+json")
    );
    let problem = response.json();
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(problem["status"], response.status);
    problem
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

#[test]
fn offerings_are_listed_in_order_with_their_facts() {
    let (_folder, server) = served();
    let all = server.json("/api/v1/models");
    assert_eq!(all["next_cursor"], Value::Null);
    assert_eq!(
        ids(&all),
        [
            "gpt-4o",
            "gpt-4o-mini",
            "50%/µ model?&#",
            "a//b/../c",
            "openai/gpt-4o",
            "x-ai/grok:free@2"
        ]
    );
    let first = &all["data"][0];
    assert_eq!(first["provider"], "openai");
    assert_eq!(first["name"], "GPT-4o");
    assert_eq!(
        first["limits"],
        json!({"context": 128_000, "output": 16_384})
    );
    assert_eq!(
        first["prices"][0]["price"],
        json!({"amount": "2.5", "currency": "USD"})
    );
    // Free is not unpriced, and what nobody has said is not there at all.
    assert_eq!(all["data"][1]["prices"][0]["price"], "free");
    assert_eq!(all["data"][4].get("prices"), None);
    assert_eq!(all["data"][4].get("limits"), None);
}

#[test]
fn filters_work_alone_and_together() {
    let (_folder, server) = served();
    let by = |query: &str| {
        let answer = server.json(&format!("/api/v1/models?{query}"));
        ids(&answer)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(by("provider=openai"), ["gpt-4o", "gpt-4o-mini"]);
    assert_eq!(by("provider=nobody"), [""; 0]);
    assert_eq!(by("provider=open"), [""; 0]);
    assert_eq!(by("provider=router%2Fopenai"), [""; 0]);
    assert_eq!(by("provider="), [""; 0]);
    assert_eq!(by("q=GPT-4O"), ["gpt-4o", "gpt-4o-mini", "openai/gpt-4o"]);
    assert_eq!(by("q=MINI"), ["gpt-4o-mini"]);
    assert_eq!(by("q=gr%C3%96k"), ["x-ai/grok:free@2"]);
    assert_eq!(by("q=gpt-4o+mini"), ["gpt-4o-mini"]);
    assert_eq!(by("q=50%25%2F"), ["50%/µ model?&#"]);
    assert_eq!(by("provider=router&q=gpt&limit=5"), ["openai/gpt-4o"]);
    assert_eq!(by("q="), by("limit=1000"));
}

#[test]
fn one_offering_is_found_whatever_its_id_holds() {
    let (_folder, server) = served();
    for (path, id) in [
        ("openai/gpt-4o", "gpt-4o"),
        ("router/openai/gpt-4o", "openai/gpt-4o"),
        ("router/openai%2Fgpt-4o", "openai/gpt-4o"),
        ("router/x-ai/grok:free@2", "x-ai/grok:free@2"),
        ("router/x-ai%2fgrok%3Afree%402", "x-ai/grok:free@2"),
        ("router/50%25/%C2%B5%20model%3F%26%23", "50%/µ model?&#"),
        ("router/a//b/../c", "a//b/../c"),
        ("router/a%2F%2Fb%2F..%2Fc", "a//b/../c"),
    ] {
        let one = server.json(&format!("/api/v1/models/{path}"));
        assert_eq!(one["id"], id, "{path}");
    }
    let one = server.get("/api/v1/models/openai/gpt-4o");
    assert_eq!(one.header("byname-revision"), Some("1"));
    assert_eq!(
        one.json(),
        server.json("/api/v1/models?q=gpt-4o&limit=1")["data"][0]
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    let (_folder, server) = served();
    for path in [
        "/api/v1/models/openai/gpt-5",
        "/api/v1/models/nobody/gpt-4o",
        "/api/v1/models/openai",
        "/api/v1/models/openai/",
        "/api/v1/models/",
        "/api/v1/nothing",
        "/api/v1",
        "/etc/passwd",
    ] {
        let response = server.get(path);
        assert_eq!(response.status, 404, "{path}");
        assert_eq!(refusal(&response)["title"], "Not Found");
    }
    let problem = refusal(&server.get("/api/v1/models/openai/gpt-5"));
    assert_eq!(
        problem["detail"],
        "the provider `openai` offers no model `gpt-5`"
    );
    // The provider is `router`, and no encoding makes `router/openai` one.
    let response = server.get("/api/v1/models/router%2Fopenai/gpt-4o");
    assert_eq!(response.status, 422);
    assert_eq!(refusal(&response)["errors"][0]["field"], "provider");
}

#[test]
fn a_request_that_is_wrong_is_told_what_is_wrong() {
    let (_folder, server) = served();
    let cursor = "expected the `next_cursor` of an earlier answer, or nothing to begin anew";
    for (path, parameter, message) in [
        (
            "/api/v1/models?colour=red",
            "colour",
            "is not known; expected one of `cursor`, `limit`, `provider`, `q`",
        ),
        (
            "/api/v1/models?limits=1",
            "limits",
            "is not known; did you mean `limit`?",
        ),
        (
            "/api/v1/models?limit=0",
            "limit",
            "is 0; expected at least 1",
        ),
        (
            "/api/v1/models?limit=1001",
            "limit",
            "is 1001; expected at most 1000",
        ),
        (
            "/api/v1/models?limit=-1",
            "limit",
            "is -1; expected at least 1",
        ),
        (
            "/api/v1/models?limit=99999999999999999999",
            "limit",
            "is 1e+20; expected at most 1000",
        ),
        (
            "/api/v1/models?limit=",
            "limit",
            "is a text of 0 characters; expected an integer",
        ),
        (
            "/api/v1/models?limit=5&limit=6",
            "limit",
            "is given several times; expected once",
        ),
        (
            "/api/v1/models?cursor=garbage",
            "cursor",
            &format!("is a text of 7 characters; {cursor}"),
        ),
        (
            "/api/v1/models?cursor=",
            "cursor",
            &format!("is a text of 0 characters; {cursor}"),
        ),
        (
            "/api/v1/models/openai/gpt-4o?limit=5",
            "limit",
            "is not known; none is taken here",
        ),
        (
            "/api/v1/providers?q=a",
            "q",
            "is not known; none is taken here",
        ),
        (
            "/readyz?verbose",
            "verbose",
            "is not known; none is taken here",
        ),
    ] {
        let response = server.get(path);
        assert_eq!(response.status, 422, "{path}");
        let problem = refusal(&response);
        let error = json!({ "in": "query", "field": parameter, "message": message });
        assert_eq!(problem["errors"], json!([error]), "{path}");
        assert_eq!(problem["title"], "Unprocessable Content");
    }
    // Everything that is wrong is told at once.
    let problem = refusal(&server.get("/api/v1/models?limit=0&colour=red&cursor=x"));
    assert_eq!(problem["detail"], "3 fields of the request are wrong");
    for (path, detail) in [
        ("/api/v1/models?q=%ff", "the query is no text (UTF-8)"),
        ("/api/v1/models/openai/%ff", "the path is no text (UTF-8)"),
    ] {
        let response = server.get(path);
        assert_eq!(response.status, 400, "{path}");
        assert_eq!(refusal(&response)["detail"], detail);
    }
}

#[test]
fn only_reading_is_allowed() {
    let (_folder, server) = served();
    for path in [
        "/api/v1/models",
        "/api/v1/models/openai/gpt-4o",
        "/api/v1/providers",
        "/healthz",
        "/readyz",
    ] {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let response = server.request(method, path);
            assert_eq!(response.status, 405, "{method} {path}");
            let mut allowed: Vec<&str> = response
                .header("allow")
                .unwrap()
                .split(',')
                .map(str::trim)
                .collect();
            allowed.sort_unstable();
            assert_eq!(allowed, ["GET", "HEAD", "OPTIONS"]);
            assert_eq!(refusal(&response)["title"], "Method Not Allowed");
        }
        let options = server.request("OPTIONS", path);
        assert_eq!((options.status, &*options.body), (204, ""), "{path}");
        assert_eq!(options.header("allow"), Some("GET, HEAD, OPTIONS"));
        let (get, head) = (server.request("GET", path), server.request("HEAD", path));
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.body, "");
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert_eq!(
            head.header("content-length"),
            Some(get.body.len().to_string().as_str())
        );
        assert_eq!(head.header("content-type"), Some("application/json"));
    }
}

#[test]
fn providers_are_listed_with_what_they_offer() {
    let (_folder, server) = served();
    let expected = json!({"data": [
        {"id": "openai", "name": "OpenAI", "doc": "https://example.org/docs",
         "env": ["OPENAI_API_KEY"], "offerings": 2},
        {"id": "router", "offerings": 4},
    ]});
    assert_eq!(server.json("/api/v1/providers"), expected);
}

#[test]
fn health_and_readiness_are_told() {
    let (_folder, server) = served();
    assert_eq!(server.json("/healthz"), json!({"status": "ok"}));
    let expected = json!({
        "status": "ready", "degraded": false, "revision": 1, "entries": 6,
        "files": [{"position": 1, "file": "api.json", "state": "good", "good_revision": 1,
                   "offerings": 6, "refused": 0}],
        "registries": [{"name": "machines", "revision": 0, "entries": 0, "degraded": false}],
    });
    assert_eq!(server.json("/readyz"), expected);
}

#[test]
fn a_body_that_nobody_reads_is_refused_when_it_is_large() {
    use std::io::Write as _;
    let (_folder, server) = served();
    let mut stream = server.connect();
    let head = "GET /api/v1/models HTTP/1.1\r\nhost: test\r\ncontent-length: 65537\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let response = Response::read(stream);
    assert_eq!(response.status, 413);
    assert_eq!(
        refusal(&response)["detail"],
        "the body of a request may have 65536 bytes"
    );
}

#[test]
fn a_head_that_does_not_end_is_refused() {
    use std::io::{Read as _, Write as _};
    let (_folder, server) = served();
    let mut stream = server.connect();
    let line = format!("x-filler: {}\r\n", "a".repeat(1000));
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: test\r\n")
        .unwrap();
    // The server answers and closes at some point of this; writing may then fail.
    for _ in 0..200 {
        if stream.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    assert!(
        text.is_empty() || text.starts_with("HTTP/1.1 431 "),
        "{text}"
    );
}
