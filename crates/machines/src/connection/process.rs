//! A program on this machine, with bounds.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::command::Bounds;
use super::output::Status;

/// How much of the end of an output is kept, whatever the bound.
const TAIL: usize = 256;
/// How long the outputs are waited for once the program has ended: something that it left running
/// may hold them open for ever.
const DRAIN: Duration = Duration::from_secs(1);

/// What a program wrote.
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub(super) bytes: Vec<u8>,
    pub(super) truncated: bool,
    /// The last bytes of all.
    pub(super) tail: Vec<u8>,
}

impl Captured {
    fn take(&mut self, bytes: &[u8], most: usize) {
        let kept = bytes.len().min(most - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.truncated |= kept < bytes.len();
        self.tail.extend_from_slice(bytes);
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
    }
}

/// How a program went.
#[derive(Debug)]
pub(super) enum Ended {
    /// It ended.
    Ended(Status, Captured, Captured),
    /// It was ended when its time was up.
    TimedOut,
}

#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "looked at instead, and without groups")
)]
enum Event {
    Exited,
    Drained,
}

/// What is ended with a program whose time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Everything in a process group that is its own.
    Own,
    /// It alone; it stays in the group of this process, and hears what a terminal sends to that.
    Shared,
}

/// Runs a program within bounds.
///
/// # Errors
///
/// Of starting it or waiting for it.
pub(super) fn run(
    command: &mut Command,
    stdin: &[u8],
    bounds: Bounds,
    group: Group,
) -> io::Result<Ended> {
    // None: a time so long that it never comes.
    let deadline = Instant::now().checked_add(bounds.time);
    command
        .stdin(if stdin.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if group == Group::Own {
        own_group(command);
    }
    let mut child = Reaped(command.spawn()?, group);
    let (sender, events) = channel();
    if let Some(mut pipe) = child.0.stdin.take() {
        let bytes = stdin.to_vec();
        // A program need not read what it is given; the pipe closes when all is written.
        spawn("byname-stdin", move || _ = pipe.write_all(&bytes))?;
    }
    let stdout = capture(child.0.stdout.take(), bounds.bytes, &sender)?;
    let stderr = capture(child.0.stderr.take(), bounds.bytes, &sender)?;
    watch(&child.0, sender)?;
    let mut drained = 0;
    loop {
        match next(&events, deadline, system::LOOK) {
            Some(Event::Exited) => break,
            Some(Event::Drained) => drained += 1,
            None if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                child.kill();
                return Ok(Ended::TimedOut);
            }
            None if system::has_ended(&mut child.0) => break,
            None => {}
        }
    }
    let status = child.0.wait()?;
    let until = Instant::now() + DRAIN;
    while drained < 2 && next(&events, Some(until), None).is_some() {
        drained += 1;
    }
    let take = |captured: &Mutex<Captured>| std::mem::take(&mut *lock(captured));
    Ok(Ended::Ended(ended(status), take(&stdout), take(&stderr)))
}

/// The next event; `None` when there is none until the deadline, or for as long as `most`.
fn next(
    events: &Receiver<Event>,
    deadline: Option<Instant>,
    most: Option<Duration>,
) -> Option<Event> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let time = match (left, most) {
        (Some(left), Some(most)) => Some(left.min(most)),
        (left, most) => left.or(most),
    };
    match time {
        Some(time) => events.recv_timeout(time).ok(),
        None => events.recv().ok(),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(())
}

fn lock(captured: &Mutex<Captured>) -> MutexGuard<'_, Captured> {
    captured.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a pipe to its end, and keeps as much as it may.
fn capture(
    pipe: Option<impl Read + Send + 'static>,
    most: usize,
    done: &Sender<Event>,
) -> io::Result<Arc<Mutex<Captured>>> {
    let captured = Arc::new(Mutex::new(Captured::default()));
    let (into, done) = (Arc::clone(&captured), done.clone());
    spawn("byname-output", move || {
        let mut buffer = [0; 16 << 10];
        if let Some(mut pipe) = pipe {
            loop {
                match pipe.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => lock(&into).take(&buffer[..read], most),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        }
        // Nobody may be waiting any more.
        _ = done.send(Event::Drained);
    })?;
    Ok(captured)
}

/// A child that does not outlive what waits for it.
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "looked at instead, and without groups")
)]
struct Reaped(Child, Group);

impl Drop for Reaped {
    fn drop(&mut self) {
        // Ends at once when it has been waited for; otherwise something went wrong on the way.
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            self.kill();
        }
    }
}

#[cfg(unix)]
mod system {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, ExitStatus};

    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

    use super::{Event, Group, Reaped, Sender, Status, io, spawn};

    /// How often to look whether the program has ended: that is told.
    pub(super) const LOOK: Option<Duration> = None;

    pub(super) fn has_ended(_: &mut Child) -> bool {
        false
    }

    pub(super) fn own_group(command: &mut Command) {
        command.process_group(0);
    }

    fn pid(child: &Child) -> Option<Pid> {
        Pid::from_raw(child.id().try_into().ok()?)
    }

    /// Tells when the program has ended, and leaves it to be waited for: until then its id cannot be
    /// that of another, and its group can be ended.
    pub(super) fn watch(child: &Child, done: Sender<Event>) -> io::Result<()> {
        let Some(pid) = pid(child) else {
            return Err(io::Error::other("the program has no process id"));
        };
        spawn("byname-exit", move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
            _ = done.send(Event::Exited);
        })
    }

    impl Reaped {
        /// Ends it, and everything in the process group if that is its own.
        pub(super) fn kill(&mut self) {
            match pid(&self.0) {
                // It has not been waited for, so the id is still its own.
                Some(pid) if self.1 == Group::Own => {
                    _ = kill_process_group(pid, Signal::KILL);
                }
                _ => _ = self.0.kill(),
            }
            _ = self.0.wait();
        }
    }

    pub(super) fn ended(status: ExitStatus) -> Status {
        match (status.code(), status.signal()) {
            (Some(code), _) => Status::Code(code),
            (None, Some(signal)) => Status::Signal(signal),
            (None, None) => Status::Code(-1),
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::process::{Child, Command, ExitStatus};
    use std::time::Duration;

    use super::{Event, Reaped, Sender, Status, io};

    /// How often to look whether the program has ended.
    pub(super) const LOOK: Option<Duration> = Some(Duration::from_millis(10));

    pub(super) fn has_ended(child: &mut Child) -> bool {
        matches!(child.try_wait(), Ok(Some(_)))
    }

    pub(super) fn own_group(_: &mut Command) {}

    /// The program is looked at instead.
    pub(super) fn watch(_: &Child, _: Sender<Event>) -> io::Result<()> {
        Ok(())
    }

    impl Reaped {
        pub(super) fn kill(&mut self) {
            _ = self.0.kill();
            _ = self.0.wait();
        }
    }

    pub(super) fn ended(status: ExitStatus) -> Status {
        Status::Code(status.code().unwrap_or(-1))
    }
}

use system::{ended, own_group, watch};
