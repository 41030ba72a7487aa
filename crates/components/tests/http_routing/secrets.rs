//! What a kind of route reads as a secret is shown nowhere, and neither is what nobody can read.

use std::sync::Arc;

use byname_components::config::{PrintOptions, Secret};
use byname_components::http::Mounted;
use byname_components::{App, BoxError, Registrar};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Settings {
    /// It is sent along, and shown to nobody.
    token: Secret<String>,
}

fn module(registrar: &mut Registrar<'_>) {
    registrar.route_kind("far", (), |settings: Settings| async move {
        let token = settings.token.expose().clone();
        let service = tower::service_fn(move |_: axum::extract::Request| {
            std::future::ready(Ok::<_, std::convert::Infallible>(token.clone()))
        });
        Ok::<_, BoxError>(Arc::new(Mounted::new(service)))
    });
}

#[test]
fn secrets_of_kinds_are_masked_at_any_depth() {
    let app = App::from_text(
        "
routers:
  api:
    routes:
      - far: { token: hush-1 }
        prefix: /a
      - prefix: /b
        routes:
          - far: { token: hush-2, wrong: hush-3 }
          - unknown: { what: hush-4 }
            prefix: /c
",
    )
    .register(module);
    let shown = app.config().unwrap().print(&PrintOptions::default());
    assert!(!shown.contains("hush"), "{shown}");
    assert!(shown.contains("/b"), "{shown}");
}
