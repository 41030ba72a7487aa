//! Through the system's `ssh`.

mod arguments;
mod failure;
mod options;
mod runtime;
mod script;

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::Path;
use std::process;

use super::Connection;
use super::command::{Bounds, Command, check_path};
use super::error::ConnectionError;
use super::local::from_home;
use super::output::{Output, Status};
use super::process::{Ended, Group, run};
use crate::model::{Host, Invalid, Machine, MachineName};

pub use options::{HostKeys, SshOptions};

use failure::classify;
use runtime::Runtime;
use script::Mark;

/// Runs things on another machine through the system's `ssh`.
///
/// Nothing is ever asked: no password, no passphrase, no question about a host key. Every argument
/// is [quoted](super::quote) for the shell of whoever logs in, which must be a POSIX shell (`sh`,
/// `bash`, `dash`, `ksh`, `zsh`), and programs are run by `env`. Reading and writing files takes `sh`,
/// `head`, `mktemp`, `wc`, `chmod`, `mv` and `ls` on the machine.
///
/// The connection is kept for a while and used again by later calls, in this process and others of
/// the same user (see [`SshOptions::persist`]). What the operator has set up in the files of `ssh`
/// holds, unless [`SshOptions::config`] says otherwise, but for what is set here.
///
/// When the time of a call is up, the `ssh` on this machine is ended. What runs on the other machine
/// is told nothing: it finds its input at an end and its outputs closed, and may run on.
#[derive(Clone, Debug)]
pub struct SshConnection {
    name: MachineName,
    definition: crate::model::Definition,
    host: Host,
    options: SshOptions,
}

impl SshConnection {
    /// Makes a connection. Nothing is sent before the first call.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Invalid`] when the machine has no host.
    pub fn new(machine: &Machine, options: &SshOptions) -> Result<Self, ConnectionError> {
        if let Err(problems) = machine.definition.check() {
            return Err(ConnectionError::Invalid {
                what: "the definition of a machine that is valid",
                value: Invalid::join(&problems),
            });
        }
        let Some(host) = machine.definition.host.clone() else {
            return Err(ConnectionError::Invalid {
                what: "a machine with a host",
                value: machine.name.to_string(),
            });
        };
        Ok(Self {
            name: machine.name.clone(),
            definition: machine.definition.clone(),
            host,
            options: options.clone(),
        })
    }

    /// The key, when there is one and it can be read.
    fn key(&self) -> Result<Option<String>, ConnectionError> {
        let Some(key) = &self.definition.key else {
            return Ok(None);
        };
        let path = from_home(key)?;
        let failed = |reason: &str| ConnectionError::Key {
            path: key.clone(),
            reason: reason.to_owned(),
        };
        match fs::File::open(&path).and_then(|file| file.metadata()) {
            Ok(there) if there.is_file() => {}
            Ok(_) => return Err(failed("it is not a file")),
            Err(error) => return Err(failed(&error.to_string())),
        }
        match path.to_str() {
            Some(path) => Ok(Some(path.to_owned())),
            None => Err(failed("its path is not UTF-8")),
        }
    }

    /// Runs a line of the shell of whoever logs in, which writes the mark if it ended with 255
    /// itself.
    fn shell(
        &self,
        line: &str,
        mark: &Mark,
        stdin: &[u8],
        bounds: Bounds,
        doing: &'static str,
    ) -> Result<(Output, Option<String>), ConnectionError> {
        let key = self.key()?;
        let runtime = Runtime::open(&self.options)?;
        let log = runtime.log();
        let connect_time = self.options.connect_time.min(bounds.time);
        let mut ssh = process::Command::new(&self.options.program);
        ssh.args(arguments::arguments(&arguments::Destination {
            host: &self.host,
            key: key.as_deref(),
            options: &self.options,
            connect_time,
            control: runtime.control(&self.host, key.as_deref(), &self.options)?,
            log: log.path(),
        })?);
        ssh.arg(line);
        // So that its messages are those that are looked for.
        ssh.env("LC_ALL", "C");
        let room = Bounds {
            bytes: bounds.bytes.saturating_add(mark.most()),
            ..bounds
        };
        let ended =
            run(&mut ssh, stdin, room, Group::Shared).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => ConnectionError::Tool { tool: "ssh" },
                _ => ConnectionError::io("running ssh", error),
            })?;
        let Ended::Ended(status, stdout, mut stderr) = ended else {
            return Err(ConnectionError::Timeout {
                doing,
                waited: bounds.time,
            });
        };
        let mut note = None;
        if status == Status::Code(255) {
            note = mark.take(&stderr.tail);
            match &note {
                Some(note) => mark.strip(note, &mut stderr.bytes),
                None => return Err(classify(&read_log(log.path()), connect_time)),
            }
        } else if let Status::Signal(signal) = status {
            return Err(ConnectionError::Lost {
                reason: format!("ssh was ended by signal {signal}"),
            });
        }
        let output = Output {
            status,
            stdout_truncated: stdout.truncated || stdout.bytes.len() > bounds.bytes,
            stdout: cut(stdout.bytes, bounds.bytes),
            stderr_truncated: stderr.truncated || stderr.bytes.len() > bounds.bytes,
            stderr: cut(stderr.bytes, bounds.bytes),
        };
        Ok((output, note))
    }

    /// Runs one of our own scripts with arguments; its code says how it went.
    fn script(
        &self,
        script: &str,
        args: &[&str],
        stdin: &[u8],
        bounds: Bounds,
        doing: &'static str,
    ) -> Result<Output, ConnectionError> {
        let command = Command::new("sh").args(["-c", script, "sh"]);
        let command = command.args(args.iter().copied());
        let mark = Mark::new(RandomState::new().hash_one(doing));
        let line = script::line(&command, None, &mark);
        let (output, note) = self.shell(&line, &mark, stdin, bounds, doing)?;
        match note.as_deref() {
            None | Some(script::ENDED) => Ok(output),
            Some(_) => Err(ConnectionError::NotFound {
                path: "sh".to_owned(),
            }),
        }
    }

    /// Where a path leads, as the scripts take it.
    fn find(&self, path: &str) -> Result<String, ConnectionError> {
        check_path(path)?;
        Ok(script::plain(&self.definition.path(path)))
    }
}

fn cut(mut bytes: Vec<u8>, most: usize) -> Vec<u8> {
    bytes.truncate(most);
    bytes
}

/// What `ssh` itself had to say, at most 64 KiB of it.
fn read_log(path: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        // What could be read is told.
        _ = file.take(64 << 10).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// What the code of a script says of a path.
fn told(code: i32, path: &str, output: &Output, doing: &str) -> ConnectionError {
    let path = path.to_owned();
    match code {
        script::MISSING => ConnectionError::NotFound { path },
        script::FORBIDDEN => ConnectionError::Permission { path },
        script::NOT_A_FILE => ConnectionError::NotAFile { path },
        code => ConnectionError::Failed {
            doing: format!("{doing} {path:?}"),
            reason: match String::from_utf8_lossy(&output.stderr).trim() {
                "" => format!("the machine's shell ended with code {code}"),
                said => said.chars().take(500).collect(),
            },
        },
    }
}

impl Connection for SshConnection {
    fn machine(&self) -> &MachineName {
        &self.name
    }

    fn run(&self, command: &Command) -> Result<Output, ConnectionError> {
        command.check()?;
        let folder = match &command.folder {
            Some(folder) => Some(self.definition.path(folder)),
            None => self.definition.folder.clone(),
        };
        let mark = Mark::new(RandomState::new().hash_one(&command.program));
        let line = script::line(command, folder.as_deref(), &mark);
        let (output, note) =
            self.shell(&line, &mark, &command.stdin, command.bounds, "the command")?;
        let of_folder = || folder.clone().unwrap_or_default();
        match note.as_deref() {
            None | Some(script::ENDED) => Ok(output),
            Some(script::NO_FOLDER) => Err(ConnectionError::NotFound { path: of_folder() }),
            Some(script::CLOSED_FOLDER) => Err(ConnectionError::Permission { path: of_folder() }),
            Some(script::NOT_EXECUTABLE) => Err(ConnectionError::Permission {
                path: command.program.clone(),
            }),
            Some(_) => Err(ConnectionError::NotFound {
                path: command.program.clone(),
            }),
        }
    }

    fn read_file(&self, path: &str, bounds: Bounds) -> Result<Vec<u8>, ConnectionError> {
        let doing = "reading the file";
        let place = self.find(path)?;
        let most = bounds.bytes.saturating_add(1).to_string();
        let room = bounds.at_most(bounds.bytes.saturating_add(1));
        let output = self.script(script::READ, &[&place, &most], &[], room, doing)?;
        match output.status {
            Status::Code(0) if output.stdout.len() > bounds.bytes => {
                Err(ConnectionError::TooLarge {
                    path: path.to_owned(),
                    limit: bounds.bytes,
                })
            }
            Status::Code(0) => Ok(output.stdout),
            status => Err(told(status.code(), path, &output, "reading")),
        }
    }

    fn write_file(
        &self,
        path: &str,
        content: &[u8],
        mode: Option<u32>,
        bounds: Bounds,
    ) -> Result<(), ConnectionError> {
        let place = self.find(path)?;
        let size = content.len().to_string();
        let mode = mode.map(|mode| format!("{:o}", mode & 0o7777));
        let args = [
            place.as_str(),
            size.as_str(),
            mode.as_deref().unwrap_or_default(),
        ];
        let output = self.script(script::WRITE, &args, content, bounds, "writing the file")?;
        match output.status {
            Status::Code(0) => Ok(()),
            status => Err(told(status.code(), path, &output, "writing")),
        }
    }

    fn exists(&self, path: &str, bounds: Bounds) -> Result<bool, ConnectionError> {
        let place = self.find(path)?;
        let doing = "looking for the file";
        let output = self.script(script::EXISTS, &[&place], &[], bounds, doing)?;
        match output.status {
            Status::Code(0) => Ok(true),
            Status::Code(script::MISSING) => Ok(false),
            status => Err(told(status.code(), path, &output, "looking for")),
        }
    }
}

#[cfg(test)]
mod tests;
