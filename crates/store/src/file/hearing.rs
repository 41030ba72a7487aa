//! Hearing of what happens in a folder.
//!
//! On Linux this asks inotify itself, and for little: not for the opening and reading of files.
//! Where everybody who hears of a change opens the document, everybody would hear of everybody.

use std::io;
use std::sync::Arc;

use super::shared::Shared;
use crate::disk::Stat;

/// Hears what happens in a folder: in this one, and not in another that takes its name.
pub(super) struct Hearing {
    ear: ear::Ear,
    folder: Option<Stat>,
}

impl Hearing {
    /// Begins to hear what happens to the document of `shared`, in the folder that is `folder` now; its
    /// loader is nudged each time.
    pub(super) fn begin(shared: &Arc<Shared>, folder: Option<Stat>) -> io::Result<Self> {
        let weak = Arc::downgrade(shared);
        let nudge = move || {
            if let Some(shared) = weak.upgrade() {
                shared.loader.nudge();
            }
        };
        let name = shared.paths.document.file_name().unwrap_or_default();
        Ok(Self {
            ear: ear::Ear::new(&shared.paths.folder, name, nudge)?,
            folder,
        })
    }

    /// To be called when a nudge has been taken: only then it hears on.
    pub(super) fn listen(&self) {
        self.ear.listen();
    }

    /// Whether it still hears, and hears what happens in this folder.
    pub(super) fn is_of(&self, folder: &Stat) -> bool {
        !self.ear.is_deaf() && self.folder.is_some_and(|heard| heard.is_same_file(folder))
    }
}

#[cfg(target_os = "linux")]
mod ear {
    use std::ffi::OsStr;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::JoinHandle;

    use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use rustix::io::Errno;

    /// Bytes that are taken from the kernel at once: some dozens of events.
    const BUFFER: usize = 4_096;

    /// A thread that hears; dropping ends it.
    pub(super) struct Ear {
        state: Arc<State>,
        thread: Option<JoinHandle<()>>,
    }

    /// What the thread and its owner tell each other.
    struct State {
        /// Wakes the thread.
        wake: OwnedFd,
        /// It has nudged, and waits until that is taken: what happens meanwhile stays with the kernel,
        /// and wakes nobody.
        resting: AtomicBool,
        ended: AtomicBool,
        /// Nothing more is heard.
        deaf: AtomicBool,
    }

    impl Ear {
        pub(super) fn new(
            folder: &Path,
            name: &OsStr,
            nudge: impl Fn() + Send + 'static,
        ) -> io::Result<Self> {
            let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
                .map_err(|error| explain(error, Errno::MFILE, "max_user_instances"))?;
            // What replaces a file, what writes into it once it is closed, and what takes it away.
            let what = WatchFlags::CLOSE_WRITE
                | WatchFlags::CREATE
                | WatchFlags::MOVED_TO
                | WatchFlags::MOVED_FROM
                | WatchFlags::DELETE
                | WatchFlags::ATTRIB
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            inotify::add_watch(&events, folder, what)
                .map_err(|error| explain(error, Errno::NOSPC, "max_user_watches"))?;
            let state = Arc::new(State {
                wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
                resting: AtomicBool::new(false),
                ended: AtomicBool::new(false),
                deaf: AtomicBool::new(false),
            });
            let (shared, name) = (Arc::clone(&state), name.to_os_string());
            let thread = std::thread::Builder::new()
                .name("byname-hear".into())
                .spawn(move || {
                    hear(&events, &shared, &name, &nudge);
                    if !shared.ended.load(Ordering::Acquire) {
                        shared.deaf.store(true, Ordering::Release);
                        nudge();
                    }
                })?;
            Ok(Self {
                state,
                thread: Some(thread),
            })
        }

        /// Goes on hearing: what was nudged for is being looked after.
        pub(super) fn listen(&self) {
            if self.state.resting.swap(false, Ordering::AcqRel) {
                self.state.wake();
            }
        }

        /// Whether nothing more is heard: a folder that is removed takes what was asked of it along,
        /// and the next folder may have its number.
        pub(super) fn is_deaf(&self) -> bool {
            self.state.deaf.load(Ordering::Acquire)
        }
    }

    impl Drop for Ear {
        fn drop(&mut self) {
            self.state.ended.store(true, Ordering::Release);
            self.state.wake();
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
        }
    }

    impl State {
        fn wake(&self) {
            // Refused only when the thread is long awake: the counter is full.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }

        /// Forgets that it was woken.
        fn awake(&self) {
            let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        }
    }

    fn explain(error: Errno, exhausted: Errno, setting: &str) -> io::Error {
        let told = io::Error::from(error);
        if error != exhausted {
            return told;
        }
        let reason = format!("{told}; the limit is fs.inotify.{setting}");
        io::Error::new(told.kind(), reason)
    }

    /// Hears until it is ended, or nothing more can be heard.
    fn hear(events: &OwnedFd, state: &State, name: &OsStr, nudge: &impl Fn()) {
        let mut buffer = [const { MaybeUninit::uninit() }; BUFFER];
        let mut reader = inotify::Reader::new(events, &mut buffer);
        loop {
            let mut ready = [
                PollFd::new(&state.wake, PollFlags::IN),
                PollFd::new(events, PollFlags::IN),
            ];
            let count = if state.resting.load(Ordering::Acquire) {
                1
            } else {
                2
            };
            match poll(&mut ready[..count], None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return,
            }
            if !ready[0].revents().is_empty() {
                state.awake();
                if state.ended.load(Ordering::Acquire) {
                    return;
                }
                continue;
            }
            let mut concerned = false;
            loop {
                match reader.next() {
                    Ok(event) if event.events().contains(ReadFlags::IGNORED) => return,
                    // An event without a name is of the folder itself, or of events that were lost.
                    Ok(event) => {
                        let file = event.file_name();
                        concerned |= file.is_none_or(|file| file.to_bytes() == name.as_bytes());
                    }
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => {}
                    Err(_) => return,
                }
            }
            if concerned {
                // Before the nudge: it may be taken at once.
                state.resting.store(true, Ordering::Release);
                nudge();
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod ear {
    use std::ffi::OsStr;
    use std::io;
    use std::path::Path;

    use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

    pub(super) struct Ear {
        _watcher: RecommendedWatcher,
    }

    impl Ear {
        /// The library hears on by itself.
        pub(super) fn listen(&self) {}

        /// The library tells of what it loses as of a change.
        pub(super) fn is_deaf(&self) -> bool {
            false
        }

        pub(super) fn new(
            folder: &Path,
            name: &OsStr,
            nudge: impl Fn() + Send + 'static,
        ) -> io::Result<Self> {
            let (of, name) = (folder.to_path_buf(), name.to_os_string());
            let heard = move |event: notify::Result<Event>| {
                let concerns = match &event {
                    Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
                    Ok(event) => {
                        event.need_rescan()
                            || event
                                .paths
                                .iter()
                                .any(|path| *path == of || path.file_name() == Some(&name))
                    }
                    Err(_) => true,
                };
                if concerns {
                    nudge();
                }
            };
            let watcher = notify::recommended_watcher(heard).and_then(|mut watcher| {
                watcher.watch(folder, RecursiveMode::NonRecursive)?;
                Ok(watcher)
            });
            match watcher {
                Ok(watcher) => Ok(Self { _watcher: watcher }),
                Err(error) => Err(match error.kind {
                    notify::ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
                    notify::ErrorKind::Io(error) => error,
                    other => io::Error::other(notify::Error::new(other)),
                }),
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::ffi::OsStr;
    use std::fs;
    use std::path::Path;
    use std::sync::mpsc::{Receiver, channel};

    use byname_testkit::PATIENCE;

    use super::ear::Ear;

    fn ear_in(folder: &Path) -> (Ear, Receiver<()>) {
        let (send, nudges) = channel();
        let ear = Ear::new(folder, OsStr::new("m.json"), move || send.send(()).unwrap());
        (ear.unwrap(), nudges)
    }

    fn save(folder: &Path) {
        fs::write(folder.join("new"), "{}").unwrap();
        fs::rename(folder.join("new"), folder.join("m.json")).unwrap();
    }

    #[test]
    fn what_others_read_or_write_elsewhere_is_not_heard() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("folder");
        fs::create_dir(&folder).unwrap();
        save(&folder);
        let (ear, nudges) = ear_in(&folder);
        for _ in 0..3 {
            fs::read(folder.join("m.json")).unwrap();
            fs::write(folder.join("another.json"), "{}").unwrap();
        }
        fs::rename(&folder, base.path().join("moved")).unwrap();
        nudges.recv_timeout(PATIENCE).unwrap();
        drop(ear);
        assert_eq!(nudges.iter().count(), 0, "it heard more than the move");
    }

    #[test]
    fn what_happens_until_a_nudge_is_taken_is_heard_then() {
        let folder = tempfile::tempdir().unwrap();
        let (ear, nudges) = ear_in(folder.path());
        for _ in 0..3 {
            save(folder.path());
            nudges.recv_timeout(PATIENCE).unwrap();
            // Nobody has taken it yet, so these are not told one by one.
            for _ in 0..5 {
                save(folder.path());
            }
            ear.listen();
            nudges.recv_timeout(PATIENCE).unwrap();
            ear.listen();
        }
        drop(ear);
        assert_eq!(nudges.iter().count(), 0);
    }

    #[test]
    fn a_folder_that_goes_is_the_last_that_is_heard() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let (ear, nudges) = ear_in(&folder);
        assert!(!ear.is_deaf());
        fs::remove_dir(&folder).unwrap();
        for () in &nudges {
            if ear.is_deaf() {
                break;
            }
            ear.listen();
        }
        assert!(ear.is_deaf());
    }
}
