//! A catalog from files, kept up to date while they change.
//!
//! [`Files::open`] reads the files into a [`Catalog`]; [`Files::follow`] then keeps the catalog at
//! what they say. Each change of a file is one revision that writes only what differs. A file that
//! is broken, or gone, changes nothing: what it said last stays, [`Catalog::files`] says so, and
//! so does the log.
//!
//! # How a change is heard
//!
//! The folders of the files are watched, not the files: an editor that saves by renaming replaces
//! the file, and a swapped symlink (on any part of the path, as Kubernetes does with `..data`)
//! leaves it untouched. Every event only says where to look; whether something changed is decided
//! by the bytes. A poll finds what no event reports.

mod file;
mod publish;
mod status;
mod trail;
mod watch;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use byname_registry::{ChangeError, TransactionError};
use tracing::{error, info, warn};

use self::file::{File, Look};
use self::publish::write;
pub use self::status::{FileState, FileStatus, Trouble};
use self::trail::Trail;
use self::watch::{Ears, Signal, Wake};
use crate::catalog::Catalog;
use crate::import::{self, Import};

/// The files of a catalog, and the catalog that holds what they say.
///
/// # Examples
///
/// ```no_run
/// use byname_catalog::follow::{Files, Options};
///
/// let follower = Files::open(["api.json", "own.json"])?.follow(Options::default())?;
/// let catalog = follower.catalog();
/// println!("{} offerings", catalog.offerings().len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Files {
    catalog: Catalog,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    file: File,
    status: FileStatus,
    /// The last good content. With one file the catalog itself is that, and none is kept.
    content: Option<Import>,
    /// What is known of the content if it has still to be published.
    fresh: Option<Fresh>,
}

#[derive(Debug)]
struct Fresh {
    offerings: usize,
    refused: u64,
}

/// How the files of a catalog are followed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Whether to listen for the system's events. Default: yes.
    pub watch: bool,
    /// How often to look at the files even if there was no event. Default: every 10 seconds.
    pub poll: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            watch: true,
            poll: Some(Duration::from_secs(10)),
        }
    }
}

impl Options {
    /// Looks at the files so often even if there was no event; `None` never does.
    #[must_use]
    pub const fn poll(mut self, interval: Option<Duration>) -> Self {
        self.poll = interval;
        self
    }

    /// Listens for the system's events or does not.
    #[must_use]
    pub const fn watch(mut self, watch: bool) -> Self {
        self.watch = watch;
        self
    }
}

impl Files {
    /// Reads files into a new catalog, as its first revision.
    ///
    /// Where several name the same provider and id, the later one wins.
    ///
    /// # Errors
    ///
    /// [`OpenError`] names every file that cannot be read or understood, with line and column.
    pub fn open<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, OpenError> {
        let mut members = Vec::new();
        let mut refused = Vec::new();
        for (index, path) in paths.into_iter().enumerate() {
            match File::open(path.as_ref()) {
                Ok((file, import)) => members.push(Member::new(index + 1, file, import)),
                Err(state) => refused.push((path.as_ref().to_owned(), state)),
            }
        }
        if !refused.is_empty() {
            return Err(OpenError { refused });
        }
        let mut files = Self {
            catalog: Catalog::new(),
            members,
        };
        // The catalog is new and nobody else has it: nothing can refuse its first revision.
        if let Err(error) = files.publish() {
            error!(%error, "cannot publish the catalog files");
        }
        Ok(files)
    }

    /// Returns the catalog that holds what the files say.
    #[must_use]
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Keeps the catalog at what the files say, in a thread of its own, until the follower is
    /// dropped.
    ///
    /// # Errors
    ///
    /// If the system starts no thread.
    pub fn follow(self, options: Options) -> io::Result<Follower> {
        let catalog = self.catalog.clone();
        let (ears, signals) = Ears::open(options.watch);
        let thread = thread::Builder::new()
            .name("catalog-files".to_owned())
            .spawn(move || self.run(ears, options.poll))?;
        Ok(Follower {
            catalog,
            signals,
            thread: Some(thread),
        })
    }

    fn run(mut self, mut ears: Ears, poll: Option<Duration>) {
        let poll = poll.filter(|poll| !poll.is_zero());
        let mut trail = self.listen(&mut ears);
        // What changed between the first reading and the first listening was not heard.
        self.check();
        loop {
            match ears.wait(poll) {
                Wake::Stop => return,
                Wake::Change => trail = self.listen(&mut ears),
                Wake::Poll if trail != self.trail() => trail = self.listen(&mut ears),
                Wake::Poll => {}
            }
            self.check();
        }
    }

    /// Listens wherever the files are by now.
    ///
    /// A link that is swapped between following it and listening is not heard; so this is done
    /// until the way found is the way listened along. That ends: a poll repairs what is left.
    fn listen(&self, ears: &mut Ears) -> Trail {
        let mut trail = self.trail();
        for _ in 0..3 {
            ears.listen(trail.clone());
            let now = self.trail();
            if now == trail {
                break;
            }
            trail = now;
        }
        trail
    }

    fn trail(&self) -> Trail {
        let mut trail = Trail::default();
        for member in self.members.iter().filter(|member| member.file.followed) {
            trail.extend(member.file.trail());
        }
        trail
    }

    /// Looks at every file and publishes what is new, as one revision.
    fn check(&mut self) {
        let mut changed = Vec::new();
        for (index, member) in self.members.iter_mut().enumerate() {
            if !member.file.followed {
                continue;
            }
            match member.file.look(&member.status.state) {
                Look::Same => {}
                Look::New(content) => {
                    member.renew(*content);
                    changed.push(index);
                }
                Look::Bad(state) => {
                    error!(
                        file = %member.file.given.display(),
                        state = state.word(),
                        error = state.trouble().map(tracing::field::display),
                        good_revision = member.status.good_revision,
                        "a catalog file is not taken over; its last good content stays"
                    );
                    member.status.state = state;
                    self.catalog.set_file(&member.status);
                }
            }
        }
        if changed.is_empty() {
            return;
        }
        if let Err(error) = self.publish() {
            error!(%error, "cannot publish the changed catalog files; trying again later");
            for index in changed {
                self.members[index].file.forget();
            }
        }
    }

    /// Makes the catalog hold what the files say, as one revision, or none if nothing differs.
    fn publish(&mut self) -> Result<(), TransactionError<ChangeError>> {
        let wanted = if let [only] = self.members.as_mut_slice() {
            import::merge(only.content.take())
        } else {
            import::merge(
                self.members
                    .iter()
                    .filter_map(|member| member.content.clone()),
            )
        };
        write(&self.catalog.providers, &wanted.providers, |provider| {
            provider.id.as_str()
        })?;
        let written = write(self.catalog.registry(), &wanted.offerings, |offering| {
            offering.key.name()
        })?;
        if !written.is_empty() {
            info!(
                revision = written.revision,
                offerings = wanted.offerings.len(),
                added = written.added,
                updated = written.updated,
                removed = written.removed,
                "the catalog is what its files say"
            );
        }
        for member in &mut self.members {
            if let Some(fresh) = member.fresh.take() {
                member.status.state = FileState::Good;
                member.status.good_revision = written.revision;
                member.status.offerings = fresh.offerings;
                member.status.refused = fresh.refused;
                self.catalog.set_file(&member.status);
            }
        }
        Ok(())
    }
}

impl Member {
    fn new(position: usize, file: File, content: Import) -> Self {
        let status = FileStatus {
            position,
            path: file.given.clone(),
            state: FileState::Good,
            good_revision: 0,
            offerings: 0,
            refused: 0,
        };
        let mut member = Self {
            file,
            status,
            content: None,
            fresh: None,
        };
        member.renew(content);
        member
    }

    /// Takes over what a look has found; it still has to be published.
    fn renew(&mut self, content: Import) {
        report(&content);
        self.fresh = Some(Fresh {
            offerings: content.offerings.len(),
            refused: content.counts.refused,
        });
        self.content = Some(content);
    }
}

/// Logs what in a file was not understood: every report that was kept, and the number of others.
fn report(content: &Import) {
    for report in content.reports.kept() {
        warn!("{report}");
    }
    let more = content.reports.more();
    if more > 0 {
        warn!(
            file = %content.source,
            entries = content.counts.refused,
            fields = content.counts.fields_left_out,
            "{more} more reports of what was left out of a catalog file"
        );
    }
}

/// Keeps a catalog at what its files say until it is dropped.
///
/// Dropping it waits for its thread, which ends at once or after the file it is reading.
#[derive(Debug)]
#[must_use = "nothing follows the files once this is dropped"]
pub struct Follower {
    catalog: Catalog,
    signals: SyncSender<Signal>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Follower {
    /// Returns the catalog that is kept up to date.
    #[must_use]
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // If the thread is gone already there is nobody to tell, and its panic was shown.
        let _ = self.signals.send(Signal::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The files that are no catalog, and what is wrong with each.
#[derive(Debug)]
pub struct OpenError {
    refused: Vec<(PathBuf, FileState)>,
}

impl OpenError {
    /// Visits the files that were refused, with what is wrong with each.
    pub fn refused(&self) -> impl Iterator<Item = (&Path, &FileState)> {
        self.refused
            .iter()
            .map(|(path, state)| (path.as_path(), state))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, state)) in self.refused.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let Some(trouble) = state.trouble() else {
                continue;
            };
            write!(f, "{}", path.display())?;
            if let Some((line, column)) = trouble.place() {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}", trouble.message())?;
        }
        Ok(())
    }
}

impl Error for OpenError {}
