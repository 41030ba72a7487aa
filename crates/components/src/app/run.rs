//! A whole `main`: the arguments of the process, the start, the signals, the stop.

use std::process::ExitCode;
use std::time::Duration;

use super::App;
use crate::problem::Problems;
use crate::reload::{ReloadOutcome, ReloadReport};
use crate::running::Running;
use crate::signals::Signals;

const USAGE: &str = "\
Options:
      --server <SERVER>     Which server this process is: DEPLOYMENT.SERVER, or SERVER
      --set <PATH=VALUE>    Lays a value over the configuration; may be repeated
      --environment <NAME>  Lays the files' overlays for this environment over them
      --report              Tells how long the start took, service by service
      --check               Tells everything that is wrong, and starts nothing
      --help                Prints this
";

/// What the arguments of a process ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    server: Option<String>,
    set: Vec<String>,
    environment: Option<String>,
    report: bool,
    check: bool,
    help: bool,
}

impl Arguments {
    fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut read = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, mut value) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (argument.as_str(), None),
            };
            let mut value_of = || {
                let value = value.take().or_else(|| arguments.next());
                value.ok_or_else(|| format!("`{name}` needs a value"))
            };
            match name {
                "--server" => read.server = Some(value_of()?),
                "--set" => read.set.push(value_of()?),
                "--environment" => read.environment = Some(value_of()?),
                "--report" if value.is_none() => read.report = true,
                "--check" if value.is_none() => read.check = true,
                "--help" if value.is_none() => read.help = true,
                _ => return Err(format!("`{argument}` is not an option")),
            }
        }
        Ok(read)
    }
}

impl App {
    /// Runs the application until a signal ends it: a whole `main`.
    ///
    /// Takes the arguments of the process: `--server DEPLOYMENT.SERVER`, `--set a.b=c`,
    /// `--environment NAME`, `--report`, `--check`, `--help`. SIGTERM and SIGINT (Ctrl-C) let it drain and
    /// [stop](Running::stop); a second one ends the process at once, whatever it is doing. At SIGHUP the
    /// configuration is read again. What is wrong is written to standard error, every problem of it.
    /// Meanwhile the files of the configuration are [followed](Running::follow), unless `life.reload` is
    /// false; what comes of each change is logged.
    ///
    /// Returns 0 after an orderly end, 1 if something went wrong, 2 if the arguments are wrong. A runtime
    /// that is dropped then waits for its blocking tasks, as long as the disk takes that one of them
    /// waits for; a signal that comes meanwhile ends the process, with 1.
    pub async fn run(self) -> ExitCode {
        self.run_whole(std::env::args().skip(1)).await
    }

    /// Runs the application as [`run`](Self::run) does, with other arguments than the process's, and
    /// returns after a second signal too: what is left then is for the caller to end, by
    /// `Runtime::shutdown_background` for one.
    pub async fn run_with(self, arguments: impl IntoIterator<Item = String>) -> ExitCode {
        self.run_until_ended(arguments).await.code
    }

    async fn run_whole(self, arguments: impl IntoIterator<Item = String>) -> ExitCode {
        let ended = self.run_until_ended(arguments).await;
        if ended.at_once {
            leave();
        }
        if let Some(signals) = ended.signals {
            end_at_next(signals);
        }
        ended.code
    }

    async fn run_until_ended(mut self, arguments: impl IntoIterator<Item = String>) -> Ended {
        let arguments = match Arguments::read(arguments) {
            Ok(arguments) => arguments,
            Err(message) => {
                say(&format!("error: {message}\n\n{USAGE}"));
                return Ended::with(ExitCode::from(2));
            }
        };
        if arguments.help {
            say(USAGE);
            return Ended::with(ExitCode::SUCCESS);
        }
        for assignment in &arguments.set {
            self = self.set(assignment);
        }
        if let Some(server) = &arguments.server {
            self = self.server(server);
        }
        if let Some(environment) = &arguments.environment {
            self = self.environment(environment);
        }
        if arguments.check {
            let problems = self.check();
            say(&summary(&problems));
            return Ended::with(ExitCode::from(u8::from(problems.is_fatal())));
        }
        // From before the start: a signal in the middle of it ends it in order too.
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => {
                say(&format!("error: cannot listen for signals: {error}\n"));
                return Ended::with(ExitCode::FAILURE);
            }
        };
        let ended = match self.begin() {
            Ok(running) => running.run(&mut signals, arguments.report).await,
            Err(error) => {
                say(&format!("{error}\n"));
                Ended::with(ExitCode::FAILURE)
            }
        };
        Ended {
            signals: Some(signals),
            ..ended
        }
    }
}

/// How an application ended.
struct Ended {
    code: ExitCode,
    /// By a second signal: nothing is waited for any more.
    at_once: bool,
    /// What is heard from here on.
    signals: Option<Signals>,
}

impl Ended {
    fn with(code: ExitCode) -> Self {
        Self {
            code,
            at_once: false,
            signals: None,
        }
    }
}

/// Lets the next signal end the process, also when no runtime is at work any more.
fn end_at_next(mut signals: Signals) {
    let hear = move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        match runtime.enable_all().build() {
            Ok(runtime) => second(runtime.block_on(signals.stop())),
            Err(error) => {
                tracing::warn!(%error, "signals are not heard any more");
                return;
            }
        }
        leave();
    };
    let thread = std::thread::Builder::new().name("signals".into());
    if let Err(error) = thread.spawn(hear) {
        tracing::warn!(%error, "signals are not heard any more");
    }
}

#[allow(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a return from main would wait for what hangs, and who asks twice waits for nothing"
)]
fn leave() -> ! {
    std::process::exit(1)
}

fn second(signal: &str) {
    say(&format!(
        "error: stopped at once by a second signal ({signal})\n"
    ));
}

impl Running {
    /// Starts, waits for a signal, and ends the application; see [`App::run`].
    async fn run(self, signals: &mut Signals, report: bool) -> Ended {
        let signal = tokio::select! {
            up = self.up() => {
                if let Err(error) = up {
                    say(&format!("{error}\n"));
                    return Ended::with(ExitCode::FAILURE);
                }
                if report {
                    say(&format!("{}\n", self.report()));
                }
                #[cfg(feature = "http")]
                crate::http::announce(&self);
                let following = self.0.reload.then(|| self.follow(POLL, log));
                let signal = self.until_told(signals, log).await;
                drop(following);
                signal
            }
            signal = signals.stop() => signal,
        };
        tracing::info!(signal, "stopping");
        tokio::select! {
            stopped = self.stop() => Ended::with(match stopped {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    say(&format!("error: {error}\n"));
                    ExitCode::FAILURE
                }
            }),
            signal = signals.stop() => {
                second(signal);
                Ended { at_once: true, ..Ended::with(ExitCode::FAILURE) }
            }
        }
    }
}

/// How often the files are looked at where the system does not tell of a change.
const POLL: Duration = Duration::from_secs(10);

fn log(report: &ReloadReport) {
    match report.outcome() {
        ReloadOutcome::Unchanged | ReloadOutcome::Applied => tracing::info!("{report}"),
        _ => tracing::warn!("{report}"),
    }
}

/// All problems, and how many they are.
pub(crate) fn summary(problems: &Problems) -> String {
    let count = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    if problems.is_empty() {
        return "nothing is wrong\n".into();
    }
    let (errors, warnings) = (problems.errors(), problems.warnings());
    format!(
        "{problems}\n{}, {}\n",
        count(errors, "error"),
        count(warnings, "warning")
    )
}

fn say(text: &str) {
    use std::io::Write as _;
    // Whoever started the process may not listen, which is no failure.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
#[cfg(all(unix, feature = "http"))]
mod ending;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::read(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn arguments_are_read() {
        assert_eq!(read(&[]), Ok(Arguments::default()));
        assert_eq!(
            read(&[
                "--server",
                "a.b",
                "--set=x.y=1",
                "--set",
                "z=",
                "--environment=prod",
                "--check"
            ]),
            Ok(Arguments {
                server: Some("a.b".into()),
                set: vec!["x.y=1".into(), "z=".into()],
                environment: Some("prod".into()),
                report: false,
                check: true,
                help: false,
            })
        );
        assert_eq!(read(&["--help"]).map(|read| read.help), Ok(true));
        assert_eq!(read(&["--report"]).map(|read| read.report), Ok(true));
        for (arguments, message) in [
            (&["--server"][..], "`--server` needs a value"),
            (&["--sever", "a"], "`--sever` is not an option"),
            (&["--check=yes"], "`--check=yes` is not an option"),
            (&["a"], "`a` is not an option"),
        ] {
            assert_eq!(read(arguments), Err(message.into()));
        }
    }
}
