//! A shop of three services: `shop FILE [--server DEPLOYMENT.SERVER]`.
//!
//! The services call one another through their traits. Which of them are in one process, a file says:
//! `together.yaml` has all of them in one, `apart.yaml` each in its own.
#![forbid(unsafe_code)]

mod billing;
mod orders;
mod users;

use std::process::ExitCode;

use byname::App;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        tracing::error!("expected the file of a deployment, such as together.yaml");
        return ExitCode::from(2);
    };
    let app = match App::from_file(&file) {
        Ok(app) => app,
        Err(problems) => {
            tracing::error!("{problems}");
            return ExitCode::FAILURE;
        }
    };
    app.register(users::module)
        .register(orders::module)
        .register(billing::module)
        .run_with(arguments)
        .await
}
