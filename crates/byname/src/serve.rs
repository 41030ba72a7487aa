//! `byname serve`: an application of `byname-components`: the catalog, the machines, and the routers that
//! answer for them and for the application itself.

mod catalog;
mod components;
mod flags;
mod health;
mod line;
mod listed;
mod machines;
mod told;

use std::io::{self, Write as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use byname_components::http::Server;
use byname_components::{App, Running, Signals};
use tracing::{info, warn};

use crate::app::Declaration;
use crate::cli::ServeArguments;
use crate::failure::Failure;

pub(crate) use self::catalog::NAME as CATALOG;
pub(crate) use self::machines::NAME as MACHINES;

/// What runs where no file says it.
pub(crate) const DEFAULT: &str = include_str!("serve/default.yaml");

/// How often to look at files where nothing says it.
const POLL: Duration = Duration::from_secs(10);

/// Registers everything that a server of this program can be made of.
pub(crate) fn modules(app: App) -> App {
    app.register(catalog::module)
        .register(machines::module)
        .register(components::module)
        .register(health::module)
}

/// Serves until a signal ends it.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    if arguments.print_config {
        return io::stdout()
            .lock()
            .write_all(DEFAULT.as_bytes())
            .map_err(|error| Failure::output(&error));
    }
    let file = arguments.file();
    let declaration = Declaration::new(file, &arguments.layers);
    let declaration = declaration.map_layers(|layers| flags::over(layers, arguments))?;
    let app = declaration.app();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start the server's threads: {error}")))?;
    let (running, outcome) = match runtime.block_on(serve(app, file)) {
        Ok((running, outcome)) => (Some(running), outcome),
        Err(failure) => (None, Err(failure)),
    };
    // What is left at this point was given up on: nothing waits for it any longer.
    runtime.shutdown_background();
    if outcome.is_err() {
        // Nor for a file that is just being read or written: the end of the process ends this thread
        // too.
        thread::spawn(move || drop(running));
    }
    outcome
}

/// The options with which the machines of the application are opened.
#[cfg(test)]
pub(crate) fn options_of_machines(arguments: &ServeArguments) -> byname_store::FileOptions {
    let declaration = Declaration::new(arguments.file(), &arguments.layers);
    let declaration = declaration.map_layers(|layers| flags::over(layers, arguments));
    let config = declaration.unwrap().app().config().unwrap();
    machines::options(&config.read("services.machines.settings").unwrap())
}

/// Starts the application, and ends it when a signal says so.
async fn serve(app: App, file: Option<&Path>) -> Result<(Running, Result<(), Failure>), Failure> {
    // The file inside the program does not change.
    let follows = file.is_some() && is_followed(&app);
    // From here on a signal is heard, and no longer ends the process by itself.
    let mut signals = Signals::listen()
        .map_err(|error| Failure::new(format!("cannot listen for signals: {error}")))?;
    let running = app
        .begin()
        .map_err(|error| told::not_started(&error, file))?;
    let early = tokio::select! {
        up = running.up() => {
            up.map_err(|error| told::not_started(&error, file))?;
            None
        }
        signal = signals.stop() => Some(signal),
    };
    if let Some(signal) = early {
        info!(signal, "stopping in the middle of the start");
        let outcome = end(&running, &mut signals).await;
        return Ok((running, outcome));
    }
    announce(&running);
    let following = follows.then(|| running.follow(POLL, told::reloaded));
    let signal = running.until_told(&mut signals, told::reloaded).await;
    drop(following);
    info!(signal, "stopping: finishing requests in flight");
    let outcome = end(&running, &mut signals).await;
    Ok((running, outcome))
}

/// Stops everything in order, unless a second signal comes.
async fn end(running: &Running, signals: &mut Signals) -> Result<(), Failure> {
    tokio::select! {
        stopped = running.stop() => stopped.map_err(|error| Failure::new(error.to_string())),
        signal = signals.stop() => {
            Err(Failure::new(format!("stopped at once by a second signal ({signal})")))
        }
    }
}

/// Whether `life.reload` lets changes of the file be taken; what else it says is told by the check.
fn is_followed(app: &App) -> bool {
    let config = app.config().ok();
    let read = config.and_then(|config| config.read::<Option<bool>>("life.reload").ok());
    read.flatten().unwrap_or(true)
}

/// Tells where the servers answer; whoever started them may not listen, which is no failure.
fn announce(running: &Running) {
    let mut stdout = io::stdout().lock();
    let urls = running.graph().services().filter_map(|service| {
        // Other services are no servers.
        let server = running.services().get::<Server>(service.name());
        let url = server.ok().flatten()?.address()?.to_string();
        Some((service.name(), url))
    });
    let mut urls: Vec<(&str, String)> = urls.collect();
    // The first line is for programs that ask where the public one answers.
    urls.sort_by_key(|(name, _)| !name.ends_with(".public"));
    for (name, url) in &urls {
        info!(url, name, "serving");
        let _ = writeln!(stdout, "{url}").and_then(|()| stdout.flush());
    }
    if urls.is_empty() {
        warn!("nothing is served: the server has no listener");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_followed_unless_it_says_otherwise() {
        for (text, expected) in [
            ("name: a", true),
            ("life: {}", true),
            ("life: { reload: null }", true),
            ("life: { reload: true }", true),
            ("life: { reload: false }", false),
        ] {
            assert_eq!(is_followed(&App::from_text(text)), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_wrong_with_the_file_inside_the_program() {
        let app = modules(App::from_text(DEFAULT));
        assert_eq!(app.check().to_string(), "");
        let names = [
            CATALOG,
            MACHINES,
            "routers.admin.routes[0]",
            "routers.catalog",
            "routers.components",
            "routers.health",
            "routers.machines",
            "servers.main.listeners.admin",
            "servers.main.listeners.public",
        ];
        let graph = app.graph().1.unwrap();
        let found: Vec<&str> = graph
            .services()
            .map(byname_components::Service::name)
            .collect();
        assert_eq!(found, names);
    }
}
