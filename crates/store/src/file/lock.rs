//! The right to write, among all processes of the machine.
//!
//! Two files beside the document are locked, always in this order:
//!
//! - `turn`, the turnstile: held by the one process that is next, for as long as it waits for
//!   `lock`. A process that gives `lock` back and wants it again queues behind it.
//! - `lock`, the right to write: held for as long as something is written.
//!
//! The kernel is the authority on who holds them and gives them up when their holder dies. What is
//! written in them is for people.
//!
//! Neither is removed when it is given back, nor ever after. Somebody else may remove or replace them,
//! and then a lock on the file that was there says nothing any more. So after locking, the file that is locked must
//! be the one at the path. That alone does not do for `lock`: a newcomer that finds none would make
//! a new one and lock it, while the holder of the old one is still writing. So `lock` has a second
//! name, `spare`:
//!
//! | the file that was opened as `lock`, and is locked | `spare` | then |
//! |---|---|---|
//! | is `lock` | names it too | the right is had |
//! | is `lock` | is missing | `spare` is made to name it, and looked at again |
//! | is `lock` | names another file | `lock` is a new one: it is removed, the other one gets its name back, start over |
//! | is not `lock` any more | | start over |
//!
//! **Invariant:** as long as one of the two names stays, all who come lock the same file. Both are
//! changed only by the one at the turnstile. Who removes the whole folder under a holder takes both:
//! therefore a holder asks [`Held::is_in_place`] before it makes anything visible. Where the file
//! system has no hard links there is no `spare`, and that question is the only defence.

mod bell;
mod holder;
mod pace;
#[cfg(all(test, unix))]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::disk::{Access, Disk, LockFile};
use crate::error::Holder;

use bell::Ear;
pub(crate) use bell::{Bell, Bells};
use holder::Note;
pub(crate) use holder::read_holder;
use pace::Pace;

/// The right to write.
pub(crate) const LOCK: &str = "lock";
/// The second name of [`LOCK`].
pub(crate) const SPARE: &str = "spare";
/// The turnstile.
pub(crate) const TURN: &str = "turn";

/// How often a lock's file may be found replaced before that is an error.
const REPLACEMENTS: usize = 100;

/// Whether to go on waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    GoOn,
    GiveUp,
}

/// Why the right to write was not had.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The caller gave up.
    GaveUp {
        waited: Duration,
        holder: Option<Holder>,
    },
    /// The system refused something; waiting would not have helped.
    Io(StoreError),
}

impl From<Refused> for StoreError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::GaveUp { waited, holder } => Self::Busy { waited, holder },
            Refused::Io(error) => error,
        }
    }
}

/// A file of a lock that is open, and kept so between two uses.
type Kept = Option<Box<dyn LockFile>>;

/// The file store's lock across processes.
#[derive(Debug)]
pub(crate) struct FileLock {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    access: Access,
    note: Note,
    bells: Ringing,
    pace: Pace,
    /// Whether `lock` can have a second name; false once that was refused.
    has_links: bool,
    turn: Home,
    lock: Home,
}

/// Where a lock's open file is when it is not locked.
///
/// **Invariant:** a file in here is not locked by this process. Whoever locks it takes it out, so
/// that nobody can lock it twice: to the kernel the second time would look like the first.
#[derive(Clone, Default)]
struct Home(Arc<Mutex<Kept>>);

impl Home {
    fn take(&self) -> Kept {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, file: Box<dyn LockFile>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    }
}

/// The bells of a registry.
#[derive(Clone)]
struct Ringing(Arc<dyn Bells>);

impl std::fmt::Debug for Ringing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ringing").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home").finish_non_exhaustive()
    }
}

/// A file that is locked by this process; dropping unlocks it.
struct Locked {
    /// There until it is dropped.
    file: Kept,
    home: Home,
    /// Whether there is a note to clear.
    noted: bool,
    bells: Ringing,
    bell: Bell,
}

impl Locked {
    fn new(file: Box<dyn LockFile>, home: &Home, bells: &Ringing, bell: Bell) -> Self {
        Self {
            file: Some(file),
            home: home.clone(),
            noted: false,
            bells: bells.clone(),
            bell,
        }
    }

    /// Writes who holds the lock. The note is for people: without it the lock is as good.
    fn write_note(&mut self, note: &Note) {
        if let Some(file) = &self.file {
            self.noted = true;
            let _ = file.write_note(&note.now());
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else {
            return;
        };
        // Before the unlocking: afterwards the note is another's.
        if self.noted {
            let _ = file.write_note(&[]);
        }
        // What cannot be unlocked must be closed, which unlocks it.
        if file.unlock().is_ok() {
            self.home.put(file);
        } else {
            drop(file);
        }
        self.bells.0.ring(self.bell);
    }
}

/// The right to write, had; dropping gives it back.
pub(crate) struct Held {
    locked: Locked,
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Held {
    /// Whether the file that is locked still has one of its two names: whoever comes now waits for
    /// this holder. If it has not, nothing must be made visible any more.
    pub(crate) fn is_in_place(&self) -> io::Result<bool> {
        let Some(file) = &self.locked.file else {
            return Ok(false);
        };
        for name in [LOCK, SPARE] {
            if is_at(&*self.disk, &**file, &self.folder.join(name))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl FileLock {
    /// Prepares the lock of the store whose side files are in `folder`; opens nothing yet.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        folder: &Path,
        access: Access,
        seed: u64,
        bells: Arc<dyn Bells>,
    ) -> Self {
        Self {
            disk,
            folder: folder.to_path_buf(),
            access,
            note: Note::of_this_process(),
            bells: Ringing(bells),
            pace: Pace::new(seed),
            has_links: true,
            turn: Home::default(),
            lock: Home::default(),
        }
    }

    /// Waits for the right to write.
    ///
    /// `deadline` is called before each pause with the time waited so far, zero the first time, and
    /// says whether to go on: who gives up at zero has tried once. It is called while at most the
    /// turnstile is held, and nothing is tried after it gave up.
    pub(crate) fn acquire(
        &mut self,
        deadline: &mut dyn FnMut(Duration) -> Wait,
    ) -> Result<Held, Refused> {
        let mut waiting = Waiting {
            began: Instant::now(),
            deadline,
            asked: false,
        };
        let mut turn = self.lock_turn(&mut waiting)?;
        let mut locked = self.lock_lock(&mut turn, &mut waiting)?;
        locked.write_note(&self.note);
        drop(turn);
        Ok(Held {
            locked,
            disk: self.disk.clone(),
            folder: self.folder.clone(),
        })
    }

    fn lock_turn(&mut self, waiting: &mut Waiting<'_>) -> Result<Locked, Refused> {
        let path = self.folder.join(TURN);
        let began = Instant::now();
        for _ in 0..REPLACEMENTS {
            let file = match self.turn.take() {
                Some(file) => file,
                None => self
                    .disk
                    .open_lock(&path, self.access)
                    .map_err(|error| refused("opening the turnstile of the lock", &path, error))?,
            };
            loop {
                let ear = Ear::new(&*self.bells.0, Bell::Turn);
                if file
                    .try_lock()
                    .map_err(|error| refused("locking the turnstile of the lock", &path, error))?
                {
                    break;
                }
                waiting.pause(&ear, self.pace.at_turn(began.elapsed()), || {
                    read_holder(&*self.disk, &self.folder)
                        .or_else(|| holder::parse(&file.read_note().ok()?))
                })?;
            }
            let locked = Locked::new(file, &self.turn, &self.bells, Bell::Turn);
            if self.is_locked_at(&locked, &path)? {
                return Ok(locked);
            }
            locked.abandon();
        }
        Err(restless(&path))
    }

    fn lock_lock(
        &mut self,
        turn: &mut Locked,
        waiting: &mut Waiting<'_>,
    ) -> Result<Locked, Refused> {
        let path = self.folder.join(LOCK);
        let began = Instant::now();
        for _ in 0..REPLACEMENTS {
            let file = match self.lock.take() {
                Some(file) => file,
                None => self
                    .disk
                    .open_lock(&path, self.access)
                    .map_err(|error| refused("opening the lock", &path, error))?,
            };
            loop {
                let ear = Ear::new(&*self.bells.0, Bell::Lock);
                if file
                    .try_lock()
                    .map_err(|error| refused("locking the lock", &path, error))?
                {
                    break;
                }
                if !turn.noted {
                    turn.write_note(&self.note);
                }
                waiting.pause(&ear, self.pace.at_lock(began.elapsed()), || {
                    holder::parse(&file.read_note().ok()?)
                })?;
            }
            let locked = Locked::new(file, &self.lock, &self.bells, Bell::Lock);
            if self.is_locked_at(&locked, &path)? && self.is_spared(&locked, &path)? {
                return Ok(locked);
            }
            locked.abandon();
        }
        Err(restless(&path))
    }

    /// Whether the file that is locked is the one at the path.
    fn is_locked_at(&self, locked: &Locked, path: &Path) -> Result<bool, Refused> {
        let Some(file) = &locked.file else {
            return Ok(false);
        };
        is_at(&*self.disk, &**file, path)
            .map_err(|error| refused("looking at the lock", path, error))
    }

    /// Whether `spare` names the file that is locked; makes it do so if it names none. If it names
    /// another, that one becomes `lock`.
    fn is_spared(&mut self, locked: &Locked, path: &Path) -> Result<bool, Refused> {
        let spare = self.folder.join(SPARE);
        if !self.has_links || self.is_locked_at(locked, &spare)? {
            return Ok(true);
        }
        match self.disk.link(path, &spare) {
            Ok(()) => self.is_locked_at(locked, &spare),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.put_spare_back(&spare, path)
                    .map_err(|error| refused("putting the lock back in its place", path, error))?;
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) if lacks_links(&error) => {
                self.has_links = false;
                Ok(true)
            }
            Err(error) => Err(refused("giving the lock its second name", &spare, error)),
        }
    }

    /// Puts `spare` into the place of whatever is called `lock`. In between there is no `lock`, and
    /// whoever comes then does the same.
    fn put_spare_back(&self, spare: &Path, path: &Path) -> io::Result<()> {
        match self.disk.remove(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result?,
        }
        match self.disk.link(spare, path) {
            Err(error) if is_done_or_gone(&error) => Ok(()),
            result => result,
        }
    }
}

impl Locked {
    /// Closes the file, which unlocks it: it is not the one at the path.
    fn abandon(mut self) {
        self.file = None;
    }
}

/// What is left of the caller's patience.
struct Waiting<'a> {
    began: Instant,
    deadline: &'a mut dyn FnMut(Duration) -> Wait,
    /// Whether it was asked already.
    asked: bool,
}

impl Waiting<'_> {
    /// Asks whether to go on, and pauses.
    fn pause(
        &mut self,
        ear: &Ear<'_>,
        pause: Duration,
        holder: impl FnOnce() -> Option<Holder>,
    ) -> Result<(), Refused> {
        let waited = if self.asked {
            self.began.elapsed()
        } else {
            Duration::ZERO
        };
        self.asked = true;
        match (self.deadline)(waited) {
            Wait::GoOn => {
                ear.pause(pause);
                Ok(())
            }
            Wait::GiveUp => Err(Refused::GaveUp {
                waited,
                holder: holder(),
            }),
        }
    }
}

/// Whether `file` is what is at the path.
fn is_at(disk: &dyn Disk, file: &dyn LockFile, path: &Path) -> io::Result<bool> {
    let locked = file.stat()?;
    match disk.stat(path) {
        Ok(there) => Ok(locked.links > 0 && locked.is_same_file(&there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a name is there already, or what it was to name is not.
fn is_done_or_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
    )
}

/// Whether this is how a file system says that it has no hard links, or no more for this file.
fn lacks_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied | io::ErrorKind::TooManyLinks
    )
}

fn refused(doing: &'static str, path: &Path, error: io::Error) -> Refused {
    Refused::Io(StoreError::Io {
        doing,
        path: path.to_path_buf(),
        source: Arc::new(error),
    })
}

fn restless(path: &Path) -> Refused {
    let error = io::Error::other(format!(
        "it was replaced {REPLACEMENTS} times while it was being locked; find out what removes it"
    ));
    refused("locking the lock", path, error)
}
