//! Outlets that count what they are sent.

use std::sync::Arc;
use std::sync::Mutex;

use byname_components::{App, BoxError, Registrar, Running};

use crate::notices::{self, Outlet, Sending};

/// Keeps what it is sent, and fails when it is told to.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<String>>);

impl Kept {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Outlet for Kept {
    fn send(&self, notice: Arc<[u8]>) -> Sending {
        let notice = String::from_utf8_lossy(&notice).into_owned();
        let outcome = match &*notice {
            "fail" => Err(BoxError::from("the line is dead")),
            _ => Ok(()),
        };
        self.0.lock().unwrap().push(notice.clone());
        Box::pin(async move {
            assert_ne!(notice, "panic", "an outlet fell over");
            outcome
        })
    }
}

/// An application of notices and these outlets, `a` to `d`.
pub(crate) async fn start(lists: &str) -> (Running, [Arc<Kept>; 4]) {
    let outlets: [Arc<Kept>; 4] = Default::default();
    let mut app = App::from_text(&format!(
        "services: {{ notices: {{ settings: {{ lists: {lists} }} }} }}"
    ))
    .register(notices::module);
    for (name, outlet) in ["a", "b", "c", "d"].into_iter().zip(&outlets) {
        let outlet: Arc<dyn Outlet> = Arc::<Kept>::clone(outlet);
        app = app.service(name, outlet);
    }
    (app.start().await.unwrap(), outlets)
}

/// The factory of the example's file, with outlets that are kept.
pub(crate) fn streams(registrar: &mut Registrar<'_>) {
    registrar.factory("stream", (), |settings: StreamSettings| async move {
        assert!(settings.prefix.ends_with(": "));
        let outlet: Arc<dyn Outlet> = Arc::new(Kept::default());
        Ok::<_, BoxError>(outlet)
    });
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct StreamSettings {
    prefix: String,
}
