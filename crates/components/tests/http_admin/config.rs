//! `/config`.

use crate::rig::{get, start};

#[tokio::test]
async fn the_effective_configuration_is_shown_with_origins_and_without_secrets() {
    let (_running, router) = start().await;
    let yaml = get(&router, "/config").await;
    assert_eq!(yaml.header("content-type"), "text/plain; charset=utf-8");
    assert!(yaml.body.contains("  limit: 7  # "), "{}", yaml.body);
    assert_eq!(
        yaml.body.matches("password: \"***\"  # ").count(),
        5,
        "{}",
        yaml.body
    );
    assert_eq!(get(&router, "/config?format=yaml").await.body, yaml.body);

    let list = get(&router, "/config?format=json").await.json();
    let values = list["values"].as_array().unwrap();
    let of = |path: &str| {
        let found = values.iter().find(|value| value["path"] == path);
        found.unwrap_or_else(|| panic!("{path} is in {values:?}"))
    };
    assert_eq!(of("values.limit")["value"], 7);
    assert_eq!(of("values.limit")["secret"], false);
    assert_eq!(of("values.list[1]")["value"], "two");
    assert!(
        of("values.limit")["origin"]
            .as_str()
            .unwrap()
            .contains(":4:")
    );
    for secret in [
        "values.db.password",
        "services.db.settings.password",
        "services.later.settings.password",
        "middleware.guard.settings.password",
        "middleware.inner.settings.password",
    ] {
        assert_eq!(of(secret)["value"], "***", "{secret}");
        assert_eq!(of(secret)["secret"], true);
    }
    assert_eq!(of("middleware.inner.settings.host")["value"], "d.internal");
}
