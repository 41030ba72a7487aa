//! A server of one module: `cargo run --example extending -- --check`, `-- --set a.b=c`, or as it is,
//! until Ctrl-C ends it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that writes to its terminal"
)]

use std::process::ExitCode;
use std::sync::Arc;

use byname_components::{App, BoxError, Registrar};

#[allow(
    dead_code,
    unreachable_pub,
    reason = "a module says what it offers, whoever takes it"
)]
mod notices;

use notices::{Outlet, Sending};

/// Writes notices to standard output.
struct Stream(String);

impl Outlet for Stream {
    fn send(&self, notice: Arc<[u8]>) -> Sending {
        let line = format!("{}{}", self.0, String::from_utf8_lossy(&notice));
        Box::pin(async move {
            println!("{line}");
            Ok(())
        })
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct StreamSettings {
    prefix: String,
}

async fn stream(settings: StreamSettings) -> Result<Arc<dyn Outlet>, BoxError> {
    Ok(Arc::new(Stream(settings.prefix)))
}

fn streams(registrar: &mut Registrar<'_>) {
    registrar.factory("stream", (), stream);
}

#[tokio::main]
async fn main() -> ExitCode {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/extending/app.yaml");
    match App::from_file(file) {
        Ok(app) => app.register(streams).register(notices::module).run().await,
        Err(problems) => {
            eprintln!("{problems}");
            ExitCode::FAILURE
        }
    }
}
