//! What can go wrong with a call.

use std::io;

use rustix::io::Errno;

/// The calls that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// [`Disk::read`](crate::disk::Disk::read).
    Read,
    /// [`Disk::stat`](crate::disk::Disk::stat).
    Stat,
    /// [`Disk::resolve`](crate::disk::Disk::resolve).
    Resolve,
    /// [`Disk::create`](crate::disk::Disk::create).
    Create,
    /// [`Disk::sync_file`](crate::disk::Disk::sync_file).
    SyncFile,
    /// [`Disk::sync_folder`](crate::disk::Disk::sync_folder).
    SyncFolder,
    /// [`Disk::rename`](crate::disk::Disk::rename).
    Rename,
    /// [`Disk::exchange`](crate::disk::Disk::exchange).
    Exchange,
    /// [`Disk::link`](crate::disk::Disk::link).
    Link,
    /// [`Disk::remove`](crate::disk::Disk::remove).
    Remove,
    /// [`Disk::create_folder`](crate::disk::Disk::create_folder).
    CreateFolder,
    /// [`Disk::list`](crate::disk::Disk::list).
    List,
    /// [`Disk::open_lock`](crate::disk::Disk::open_lock).
    OpenLock,
    /// [`Disk::open_word`](crate::disk::Disk::open_word).
    OpenWord,
    /// [`Disk::create_word`](crate::disk::Disk::create_word): creating the scratch file.
    CreateWord,
    /// [`Disk::create_word`](crate::disk::Disk::create_word): filling it.
    FillWord,
    /// [`Disk::create_word`](crate::disk::Disk::create_word): renaming it into place.
    PlaceWord,
    /// [`Disk::network`](crate::disk::Disk::network).
    Network,
    /// [`NewFile::write`](crate::disk::NewFile::write).
    Write,
    /// [`NewFile::sync`](crate::disk::NewFile::sync).
    Sync,
    /// [`NewFile::stat`](crate::disk::NewFile::stat), [`LockFile::stat`](crate::disk::LockFile::stat).
    StatOpen,
    /// [`LockFile::try_lock`](crate::disk::LockFile::try_lock).
    TryLock,
    /// [`LockFile::unlock`](crate::disk::LockFile::unlock).
    Unlock,
    /// [`LockFile::write_note`](crate::disk::LockFile::write_note).
    WriteNote,
    /// [`LockFile::read_note`](crate::disk::LockFile::read_note).
    ReadNote,
}

impl Call {
    /// Whether it may change the disk, or what of it is durable: an *operation*.
    #[must_use]
    pub fn is_operation(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::SyncFile
                | Self::SyncFolder
                | Self::Rename
                | Self::Exchange
                | Self::Link
                | Self::Remove
                | Self::CreateFolder
                | Self::OpenLock
                | Self::CreateWord
                | Self::FillWord
                | Self::PlaceWord
                | Self::Write
                | Self::Sync
                | Self::WriteNote
        )
    }

    fn opens(self) -> bool {
        matches!(
            self,
            Self::Read
                | Self::Create
                | Self::SyncFile
                | Self::SyncFolder
                | Self::List
                | Self::OpenLock
                | Self::OpenWord
                | Self::CreateWord
        )
    }

    fn takes_space(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Write
                | Self::Sync
                | Self::SyncFile
                | Self::Rename
                | Self::Link
                | Self::CreateFolder
                | Self::CreateWord
                | Self::FillWord
                | Self::PlaceWord
                | Self::WriteNote
        )
    }
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// `EIO`, and nothing was done. A file or folder whose sync fails so counts as clean afterwards:
    /// a further sync succeeds and writes nothing.
    Input,
    /// `EIO`, though it was done: of a rename or an exchange.
    InputAfterwards,
    /// `ENOSPC`.
    Space,
    /// `EINTR`.
    Interrupted,
    /// `EMFILE`.
    Files,
    /// `EACCES`.
    Access,
    /// A write writes half of what it was given, and says so.
    Short,
    /// A write writes half of what it was given, and the next one fails with `ENOSPC`.
    ShortThenSpace,
}

impl Failure {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Input,
        Self::InputAfterwards,
        Self::Space,
        Self::Interrupted,
        Self::Files,
        Self::Access,
        Self::Short,
        Self::ShortThenSpace,
    ];

    /// Whether a system may let this call fail so.
    #[must_use]
    pub fn befalls(self, call: Call) -> bool {
        match self {
            // Unlocking what is locked, and asking for the kind of file system, do not fail.
            Self::Input => !matches!(call, Call::Unlock | Call::Network),
            Self::InputAfterwards => matches!(call, Call::Rename | Call::Exchange),
            Self::Space => call.takes_space(),
            Self::Interrupted => matches!(
                call,
                Call::Read
                    | Call::Create
                    | Call::Write
                    | Call::Sync
                    | Call::SyncFile
                    | Call::SyncFolder
                    | Call::OpenLock
                    | Call::TryLock
                    | Call::WriteNote
            ),
            Self::Files => call.opens(),
            Self::Access => {
                call.opens()
                    || matches!(
                        call,
                        Call::Stat
                            | Call::Resolve
                            | Call::Rename
                            | Call::Exchange
                            | Call::Link
                            | Call::Remove
                            | Call::CreateFolder
                            | Call::PlaceWord
                    )
            }
            Self::Short | Self::ShortThenSpace => call == Call::Write,
        }
    }

    pub(super) fn error(self) -> io::Error {
        io::Error::from(match self {
            Self::Input | Self::InputAfterwards => Errno::IO,
            Self::Space | Self::Short | Self::ShortThenSpace => Errno::NOSPC,
            Self::Interrupted => Errno::INTR,
            Self::Files => Errno::MFILE,
            Self::Access => Errno::ACCESS,
        })
    }

    /// Whether a sync that fails so has tried to write, and has marked as clean what it tried.
    pub(super) fn cleans(self) -> bool {
        matches!(self, Self::Input | Self::Space)
    }
}

/// A failure to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// At which call, counted from 1 over all calls of all handles.
    pub at: u64,
    /// How it fails.
    pub failure: Failure,
    /// Whether every later call that can fail so does too.
    pub lasting: bool,
}

/// A fault, and whether it strikes at exactly its call or at the first from then on that it befalls.
#[derive(Clone, Copy, Debug)]
struct Plan {
    fault: Fault,
    exact: bool,
}

/// The faults of a disk: those to come, and those that were.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    planned: Vec<Plan>,
    /// The call, which it was, how it failed.
    pub(super) fired: Vec<(u64, Call, Failure)>,
}

impl Faults {
    pub(super) fn plan(&mut self, fault: Fault) {
        let exact = !fault.lasting;
        self.planned.push(Plan { fault, exact });
    }

    pub(super) fn heal(&mut self) {
        self.planned.clear();
    }

    /// Decides whether this call fails.
    pub(super) fn strike(&mut self, number: u64, call: Call) -> Option<Failure> {
        let index = self.planned.iter().position(|Plan { fault, exact }| {
            let due = number == fault.at || (!exact && number > fault.at);
            due && fault.failure.befalls(call)
        })?;
        let Fault {
            failure, lasting, ..
        } = self.planned[index].fault;
        self.fired.push((number, call, failure));
        if failure == Failure::ShortThenSpace {
            self.planned[index] = Plan {
                fault: Fault {
                    at: number + 1,
                    failure: Failure::Space,
                    lasting,
                },
                exact: false,
            };
        } else if !lasting {
            self.planned.remove(index);
        }
        Some(failure)
    }
}
