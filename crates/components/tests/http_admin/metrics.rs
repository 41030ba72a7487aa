//! `/metrics`.

use std::collections::BTreeMap;

use byname_components::Check;
use byname_testkit::openmetrics::{Family, read};

use crate::rig::{More, get, start_with};

/// The value of the sample with these labels.
#[track_caller]
fn value(families: &BTreeMap<String, Family>, family: &str, labels: &[(&str, &str)]) -> f64 {
    families[family].value(labels)
}

#[tokio::test]
async fn measurements_are_openmetrics_and_right() {
    let more = More::default();
    more.machines.put("a", 1).unwrap();
    let (running, router) = start_with("{}", more).await;
    let fails = || async { Err::<(), _>("no") };
    running
        .checks()
        .register(Check::new("db", "ping", fails))
        .unwrap();
    get(&router, "/registries").await;
    let answer = get(&router, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let families = read(&answer.body).unwrap();
    let value = |family: &str, labels: &[(&str, &str)]| value(&families, family, labels);
    let entries = |registry| value("byname_registry_entries", &[("registry", registry)]);
    for (registry, count) in [
        ("services", 4.0),
        ("machines", 1.0),
        ("checks", 1.0),
        ("routers", 0.0),
    ] {
        assert!((entries(registry) - count).abs() < 0.1, "{registry}");
    }
    let exactly = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
    exactly(
        value("byname_registry_revision", &[("registry", "machines")]),
        1.0,
    );
    let state = |service, state| {
        let labels = [("service", service), ("byname_service_state", state)];
        value("byname_service_state", &labels)
    };
    exactly(state("db", "running"), 1.0);
    exactly(state("db", "waiting"), 0.0);
    exactly(state("later", "waiting"), 1.0);
    assert_eq!(families["byname_service_state"].samples.len(), 4 * 13);
    assert!(
        value(
            "byname_service_phase_seconds",
            &[("service", "db"), ("phase", "build")]
        ) >= 0.0
    );
    exactly(value("byname_live", &[]), 1.0);
    exactly(value("byname_ready", &[]), 0.0);
    let check = [
        ("check", "db/ping"),
        ("probe", "readiness"),
        ("optional", "false"),
    ];
    exactly(value("byname_check_passing", &check), 0.0);
    assert!(value("byname_check_duration_seconds", &check) >= 0.0);
    assert!(value("byname_start_time_seconds", &[]) > 1e9);
    assert!(value("byname_uptime_seconds", &[]) >= 0.0);
    exactly(value("shop_orders", &[("kind", "a \"b\"\\\n")]), 3.0);
    exactly(value("byname_admin_followers", &[]), 0.0);
    let counted = families["byname_admin_answer_seconds"].samples.iter();
    let counted = counted
        .clone()
        .find(|one| one.name.ends_with("_count"))
        .unwrap();
    exactly(counted.value, 1.0);
    if cfg!(target_os = "linux") {
        assert!(value("process_resident_memory_bytes", &[]) > 1e6);
        assert!(value("process_cpu_seconds", &[]) > 0.0);
        assert!(value("process_open_fds", &[]) >= 3.0);
        assert!(value("process_threads", &[]) >= 1.0);
        assert!(value("process_max_fds", &[]) >= 3.0);
    }
}

#[tokio::test]
async fn what_is_counted_grows() {
    let (running, router) = start_with("{ followers: 1 }", More::default()).await;
    let _first = crate::rig::Events::of(&router, None).await;
    for _ in 0..3 {
        let refused = get(&router, "/changes").await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, "5"));
    }
    let before = running.registries().values.registry().revision();
    running.registries().values.set("more", 1).unwrap();
    let families = read(&get(&router, "/metrics").await.body).unwrap();
    let of = |family: &str| value(&families, family, &[]);
    assert!((of("byname_admin_followers") - 1.0).abs() < 0.1);
    assert!((of("byname_admin_followers_refused") - 3.0).abs() < 0.1);
    let revision = value(
        &families,
        "byname_registry_revision",
        &[("registry", "values")],
    );
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    let expected = before as f64 + 1.0;
    assert!((revision - expected).abs() < 0.1);
}

#[test]
fn the_reader_refuses_what_the_format_does() {
    for text in [
        "",
        "# TYPE a gauge\na 1\n",
        "a 1\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a gauge\na 1\na 1\n# EOF\n",
        "# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n# EOF\n",
        "# TYPE a gauge\na{b=\"\\x\"} 1\n# EOF\n",
        "# TYPE a gauge\na x\n# EOF\n",
        "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
        "# TYPE a gauge\na 1\n# HELP a late\n# EOF\n",
        "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_count 1\n# EOF\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\n# EOF\n",
        "# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\na_count 1\n# EOF\n",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    assert!(read("# EOF\n").unwrap().is_empty());
}
