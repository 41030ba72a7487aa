//! The signals that a program hears.

use std::fmt;
use std::io;

use crate::reload::ReloadReport;
use crate::running::Running;

/// The signals that a program hears: SIGTERM and SIGINT (Ctrl-C), which ask for its end, and SIGHUP,
/// which asks it to read its files again. Where there are no such signals, Ctrl-C alone.
///
/// From its construction on, these no longer end the process by themselves.
///
/// # Examples
///
/// A `main` of one's own, where [`App::run`](crate::App::run) does not do:
///
/// ```no_run
/// use byname_components::{App, BoxError, Signals};
///
/// #[tokio::main]
/// async fn main() -> Result<(), BoxError> {
///     let mut signals = Signals::listen()?;
///     let running = App::from_file("app.yaml")?.start().await?;
///     let signal = running.until_told(&mut signals, |report| println!("{report}")).await;
///     println!("stopping after {signal}");
///     running.stop().await?;
///     Ok(())
/// }
/// ```
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

enum Signal {
    Stop(&'static str),
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no such signal"))]
    Reload,
}

impl Signals {
    /// Begins to hear them, in a tokio runtime.
    ///
    /// # Errors
    ///
    /// The system refuses it.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Begins to hear them, in a tokio runtime.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps, reason = "as on Unix")]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal that asks for the end, and names it.
    pub async fn stop(&mut self) -> &'static str {
        loop {
            if let Signal::Stop(name) = self.next().await {
                return name;
            }
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Stop("SIGINT"),
            _ = self.hangup.recv() => Signal::Reload,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Stop("Ctrl-C"),
            // Nothing can be heard on this system: only the system itself ends the program.
            Err(_) => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signals")
    }
}

impl Running {
    /// Waits for the next signal that asks for the end, and names it.
    ///
    /// At SIGHUP the configuration is [read again](Self::reload) at once, also where its files are not
    /// followed, and `told` is called with what came of it. [`Signals`] has an example.
    pub async fn until_told(
        &self,
        signals: &mut Signals,
        told: impl Fn(&ReloadReport),
    ) -> &'static str {
        loop {
            match signals.next().await {
                Signal::Stop(name) => return name,
                Signal::Reload => tokio::select! {
                    report = self.reload() => told(&report),
                    name = signals.stop() => return name,
                },
            }
        }
    }
}
