//! `/health`, `/livez` and `/readyz`.

use byname_components::{Check, Decides};

use crate::rig::{get, start};

#[tokio::test]
async fn what_fails_decides_the_status_and_what_is_optional_does_not() {
    let (running, router) = start().await;
    let checks = running.checks();
    let statuses = async || {
        let mut statuses = Vec::new();
        for path in ["/livez", "/readyz", "/health"] {
            statuses.push(get(&router, path).await.status);
        }
        statuses
    };
    assert_eq!(statuses().await, [200, 200, 200]);
    let fails = || async { Err::<(), _>("password hunter2 was refused") };
    checks
        .register(Check::new("db", "extra", fails).optional())
        .unwrap();
    assert_eq!(statuses().await, [200, 200, 200]);
    checks.register(Check::new("db", "ping", fails)).unwrap();
    assert_eq!(statuses().await, [200, 503, 503]);

    let ready = get(&router, "/readyz").await;
    assert!(!ready.body.contains("refused"), "{}", ready.body);
    let expected = serde_json::json!({
        "passing": false,
        "switched_off": null,
        "checks": [
            { "check": "db/extra", "optional": true, "outcome": "failing" },
            { "check": "db/ping", "optional": false, "outcome": "failing" },
        ],
    });
    assert_eq!(ready.json(), expected);
    let whole = get(&router, "/health").await.json();
    assert_eq!(
        (&whole["live"], &whole["ready"]),
        (&true.into(), &false.into())
    );
    assert_eq!(whole["liveness"], serde_json::json!([]));
    let ping = &whole["readiness"][1];
    assert_eq!(ping["message"], "failing: password hunter2 was refused");
    assert!(ping["took_seconds"].is_f64() && ping["age_seconds"].is_f64());

    checks.remove("db/ping").unwrap();
    checks
        .register(Check::new("db", "alive", fails).decides(Decides::Liveness))
        .unwrap();
    assert_eq!(statuses().await, [503, 200, 503]);
    checks.remove("db/alive").unwrap();
    checks.drain();
    assert_eq!(statuses().await, [200, 503, 503]);
    let ready = get(&router, "/readyz").await.json();
    assert_eq!(ready["switched_off"], "the server is draining");
}

#[tokio::test]
async fn a_check_that_panics_is_told_apart() {
    let (running, router) = start().await;
    let panics = || async {
        assert!(std::hint::black_box(false), "oh");
        Ok::<(), &str>(())
    };
    running
        .checks()
        .register(Check::new("db", "ping", panics))
        .unwrap();
    let whole = get(&router, "/health").await.json();
    assert_eq!(whole["readiness"][0]["outcome"], "panicked");
}
