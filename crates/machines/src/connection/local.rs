use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Connection;
use super::command::{Bounds, Command, check_path};
use super::error::ConnectionError;
use super::output::Output;
use super::process::{Ended, Group, run};
use crate::model::{Definition, Machine, MachineName};

/// Runs things on this machine.
///
/// A program gets the environment of this process, and a process group of its own, which is ended
/// when its time is up. What it left running is not waited for longer than a second. Files are read
/// and written without a bound on time.
#[derive(Clone, Debug)]
pub struct LocalConnection {
    name: MachineName,
    definition: Definition,
}

impl LocalConnection {
    /// Makes one that uses the machine's work folder.
    #[must_use]
    pub fn new(machine: &Machine) -> Self {
        Self {
            name: machine.name.clone(),
            definition: machine.definition.clone(),
        }
    }

    /// Where a path of this machine leads.
    fn find(&self, path: &str) -> Result<PathBuf, ConnectionError> {
        check_path(path)?;
        from_home(&self.definition.path(path))
    }
}

/// The path, with `~` at its beginning replaced by the home of whoever runs this process.
pub(super) fn from_home(path: &str) -> Result<PathBuf, ConnectionError> {
    let rest = match path {
        "~" => "",
        _ => match path.strip_prefix("~/") {
            Some(rest) => rest,
            None => return Ok(PathBuf::from(path)),
        },
    };
    match std::env::home_dir() {
        // What follows further slashes must not be taken for a path from the root.
        Some(home) => Ok(home.join(rest.trim_start_matches('/'))),
        None => Err(ConnectionError::NotFound {
            path: path.to_owned(),
        }),
    }
}

/// What the system says, as it concerns `path`.
fn refused(doing: &str, path: &str, error: io::Error) -> ConnectionError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ConnectionError::NotFound { path }
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ConnectionError::Permission { path }
        }
        io::ErrorKind::IsADirectory => ConnectionError::NotAFile { path },
        _ => ConnectionError::io(format!("{doing} {path:?}"), error),
    }
}

impl Connection for LocalConnection {
    fn machine(&self) -> &MachineName {
        &self.name
    }

    fn run(&self, command: &Command) -> Result<Output, ConnectionError> {
        command.check()?;
        let mut program = process::Command::new(&command.program);
        program.args(&command.args);
        program.envs(command.env.iter().map(|(name, value)| (name, value)));
        let folder = command
            .folder
            .as_ref()
            .map(|folder| self.definition.path(folder));
        if let Some(folder) = folder.as_ref().or(self.definition.folder.as_ref()) {
            let path = from_home(folder)?;
            let there =
                fs::metadata(&path).map_err(|error| refused("looking at", folder, error))?;
            if !there.is_dir() {
                return Err(ConnectionError::NotFound {
                    path: folder.clone(),
                });
            }
            program.current_dir(path);
        }
        let ended = run(&mut program, &command.stdin, command.bounds, Group::Own)
            .map_err(|error| refused("running", &command.program, error))?;
        match ended {
            Ended::Ended(status, stdout, stderr) => Ok(Output {
                status,
                stdout: stdout.bytes,
                stdout_truncated: stdout.truncated,
                stderr: stderr.bytes,
                stderr_truncated: stderr.truncated,
            }),
            Ended::TimedOut => Err(ConnectionError::Timeout {
                doing: "the command",
                waited: command.bounds.time,
            }),
        }
    }

    fn read_file(&self, path: &str, bounds: Bounds) -> Result<Vec<u8>, ConnectionError> {
        let place = self.find(path)?;
        let failed = |error| refused("reading", path, error);
        // Looked at before it is opened: opening a pipe waits for whoever writes to it.
        if !fs::metadata(&place).map_err(failed)?.is_file() {
            return Err(ConnectionError::NotAFile {
                path: path.to_owned(),
            });
        }
        let file = File::open(&place).map_err(failed)?;
        let mut content = Vec::new();
        let most = (bounds.bytes as u64).saturating_add(1);
        file.take(most).read_to_end(&mut content).map_err(failed)?;
        if content.len() > bounds.bytes {
            Err(ConnectionError::TooLarge {
                path: path.to_owned(),
                limit: bounds.bytes,
            })
        } else {
            Ok(content)
        }
    }

    fn write_file(
        &self,
        path: &str,
        content: &[u8],
        mode: Option<u32>,
        _: Bounds,
    ) -> Result<(), ConnectionError> {
        let failed = |error| refused("writing", path, error);
        let place = follow(self.find(path)?).map_err(failed)?;
        let mode = match fs::metadata(&place) {
            Ok(there) if !there.is_file() => {
                return Err(ConnectionError::NotAFile {
                    path: path.to_owned(),
                });
            }
            Ok(there) => mode.or(mode_of(&there)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => mode,
            Err(error) => return Err(failed(error)),
        };
        replace(&place, content, mode.unwrap_or(0o644) & 0o7777).map_err(failed)
    }

    fn exists(&self, path: &str, _: Bounds) -> Result<bool, ConnectionError> {
        match fs::metadata(self.find(path)?) {
            Ok(_) => Ok(true),
            Err(error) => match refused("looking at", path, error) {
                ConnectionError::NotFound { .. } => Ok(false),
                error => Err(error),
            },
        }
    }
}

/// Where a file would stand that is written through symbolic links.
fn follow(mut path: PathBuf) -> io::Result<PathBuf> {
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => {
                // Relative to the folder of the link.
                path.pop();
                path.push(target);
            }
            // Not a link, or nothing at all.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// A file under a name of its own until it is renamed; removed if that does not happen.
struct Unfinished {
    path: PathBuf,
    renamed: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.renamed {
            _ = fs::remove_file(&self.path);
        }
    }
}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!(".byname-{}-{number}.tmp", process::id());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    let path_of_new = folder.join(name);
    let mut file = options.open(&path_of_new)?;
    let mut unfinished = Unfinished {
        path: path_of_new,
        renamed: false,
    };
    file.write_all(content)?;
    set_mode(&file, mode)?;
    file.sync_all()?;
    fs::rename(&unfinished.path, path)?;
    unfinished.renamed = true;
    sync_folder(folder)
}

#[cfg(unix)]
mod system {
    use std::fs::{File, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    pub(super) fn private(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(mode))
    }

    #[allow(clippy::unnecessary_wraps, reason = "there is none on other systems")]
    pub(super) fn mode_of(file: &Metadata) -> Option<u32> {
        Some(file.permissions().mode())
    }

    pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::{File, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    pub(super) fn private(_: &mut OpenOptions) {}

    /// There are no such permissions here.
    pub(super) fn set_mode(_: &File, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn mode_of(_: &Metadata) -> Option<u32> {
        None
    }

    /// Folders cannot be opened here.
    pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }
}

use system::{mode_of, private, set_mode, sync_folder};
