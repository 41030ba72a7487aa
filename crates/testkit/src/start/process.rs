//! The barrier for real processes.

use crate::{
    PATIENCE,
    sync::{lock, wait_until},
};
use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// What a child writes, as a line of its own on standard output, when it is ready to start.
const READY: &str = "byname-testkit: ready";

/// The environment variable that tells a child started by [`ProcessBarrier::spawn_test`] its role.
const ROLE: &str = "BYNAME_TESTKIT_ROLE";

/// Releases child processes at the same moment.
///
/// All children share one pipe as their standard input. Each says on standard output that it is
/// ready and then reads; [`release`](Self::release) waits until all are ready and closes the pipe,
/// which every one of them sees at once. No child can start early, and none waits on a clock.
///
/// There are three ways to take part: a program of one's own calls [`arrive`]; any other program
/// is started with [`spawn_program`](Self::spawn_program); a test plays both sides with
/// [`spawn_test`](Self::spawn_test).
///
/// Dropping the barrier before the release, or a [`Running`] before its end, kills the children.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use byname_testkit::{PATIENCE, ProcessBarrier};
///
/// let mut barrier = ProcessBarrier::new()?;
/// for name in ["a", "b"] {
///     barrier.spawn_program("echo", [name])?;
/// }
/// let mut said = Vec::new();
/// for child in barrier.release()? {
///     let finished = child.wait(PATIENCE)?;
///     assert!(finished.status.success());
///     said.push(finished.stdout);
/// }
/// assert_eq!(said, ["a\n", "b\n"]);
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ProcessBarrier {
    stdin: PipeReader,
    /// Open until the release; a child holds no copy of it, because it is closed on exec.
    held: PipeWriter,
    children: Vec<Running>,
    limit: Duration,
}

impl ProcessBarrier {
    /// Makes a barrier that waits [`PATIENCE`] at most until all children are ready.
    ///
    /// # Errors
    ///
    /// If the system gives no pipe.
    pub fn new() -> io::Result<Self> {
        Self::with_limit(PATIENCE)
    }

    /// Makes a barrier that waits `limit` at most until all children are ready.
    ///
    /// # Errors
    ///
    /// If the system gives no pipe.
    pub fn with_limit(limit: Duration) -> io::Result<Self> {
        let (stdin, held) = io::pipe()?;
        Ok(Self {
            stdin,
            held,
            children: Vec::new(),
            limit,
        })
    }

    /// Starts `command`, which must call [`arrive`]; its three standard streams are the barrier's.
    ///
    /// # Errors
    ///
    /// If the program cannot be started.
    pub fn spawn(&mut self, command: &mut Command) -> io::Result<()> {
        command
            .stdin(self.stdin.try_clone()?)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let name = command.get_program().to_string_lossy().into_owned();
        let spawned = command.spawn();
        // The command would otherwise keep a copy of the pipe for as long as it lives.
        command.stdin(Stdio::null());
        let error = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot start `{name}`: {error}"))
        };
        self.children
            .push(Running::new(spawned.map_err(error)?, name));
        Ok(())
    }

    /// Starts any program with its arguments; it is loaded up to the last step before its start.
    ///
    /// A shell stands in for it until the release and then becomes it. The program finds its
    /// standard input at the end.
    ///
    /// # Errors
    ///
    /// If the shell cannot be started. A program that does not exist shows as exit status 127.
    #[cfg(unix)]
    pub fn spawn_program<A: AsRef<OsStr>>(
        &mut self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<()> {
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("echo '{READY}'; read -r _; exec \"$0\" \"$@\""));
        shell.arg(program).args(arguments);
        self.spawn(&mut shell)
    }

    /// Starts this test binary again as a child that runs only `test`, in the role `role`.
    ///
    /// `test` is the full path of a test function of the same binary. That function looks at
    /// [`role`]: `None` means that it is the ordinary run and plays the parent.
    ///
    /// # Errors
    ///
    /// If the binary cannot be started.
    pub fn spawn_test(&mut self, test: &str, role: &str) -> io::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(ROLE, role);
        self.spawn(&mut command)
    }

    /// Waits until all children are ready, releases them together, and hands them over in the
    /// order they were started.
    ///
    /// # Errors
    ///
    /// If a child ends, or the limit passes, before it is ready; all children are killed then. The
    /// error tells what that child wrote.
    pub fn release(self) -> io::Result<Vec<Running>> {
        let Self {
            stdin,
            held,
            children,
            limit,
        } = self;
        let deadline = Instant::now() + limit;
        for child in &children {
            child.wait_ready(deadline, limit)?;
        }
        drop(held);
        drop(stdin);
        Ok(children)
    }
}

/// A child process behind its [`ProcessBarrier`]; killed when dropped before its end.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
    output: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    read: Mutex<Reading>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Reading {
    ready: bool,
    stdout: String,
    stderr: String,
    /// How many of the two streams have ended.
    ended: u8,
}

/// What a child process left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output, without the line that says it was ready.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Running {
    fn new(mut child: Child, name: String) -> Self {
        let output = Arc::new(Output::default());
        let read = |stream: Option<Box<dyn Read + Send>>, is_stdout: bool| {
            let output = output.clone();
            thread::spawn(move || output.read(stream, is_stdout));
        };
        read(
            child.stdout.take().map(|stream| Box::new(stream) as _),
            true,
        );
        read(
            child.stderr.take().map(|stream| Box::new(stream) as _),
            false,
        );
        Self {
            child,
            name,
            output,
        }
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process at once (SIGKILL where there are signals) and returns what it left.
    ///
    /// # Errors
    ///
    /// If the process cannot be killed or waited for.
    pub fn kill(mut self) -> io::Result<Finished> {
        self.child.kill()?;
        self.wait(PATIENCE)
    }

    /// Waits until the process has ended and all it wrote is read.
    ///
    /// # Errors
    ///
    /// If that does not come about within `limit`; the process is killed then, and the error tells
    /// what it had written.
    pub fn wait(mut self, limit: Duration) -> io::Result<Finished> {
        let deadline = Instant::now() + limit;
        let read = lock(&self.output.read);
        let read = wait_until(&self.output.changed, read, deadline, |read| read.ended == 2);
        if read.ended < 2 {
            return Err(timed_out(&self.name, "end", limit, &read));
        }
        drop(read);
        // Both streams have ended, so the process is in its last moments, or it closed them itself.
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() >= deadline {
                return Err(timed_out(
                    &self.name,
                    "end",
                    limit,
                    &lock(&self.output.read),
                ));
            }
            thread::park_timeout(Duration::from_micros(200));
        };
        let mut read = lock(&self.output.read);
        let (stdout, stderr) = (
            std::mem::take(&mut read.stdout),
            std::mem::take(&mut read.stderr),
        );
        Ok(Finished {
            status,
            stdout,
            stderr,
        })
    }

    fn wait_ready(&self, deadline: Instant, limit: Duration) -> io::Result<()> {
        let read = lock(&self.output.read);
        let over = |read: &Reading| read.ready || read.ended == 2;
        let read = wait_until(&self.output.changed, read, deadline, over);
        match (read.ready, read.ended) {
            (true, _) => Ok(()),
            (false, 2) => Err(io::Error::other(format!(
                "`{}` ended before it was ready to start; a program that is started with `spawn` \
                 must call `byname_testkit::arrive`; {}",
                self.name,
                read.told()
            ))),
            (false, _) => Err(timed_out(&self.name, "get ready", limit, &read)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // The process may have ended in between; both results leave nothing to do.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Reading {
    fn told(&self) -> String {
        format!(
            "it wrote {:?}, and as errors {:?}",
            self.stdout, self.stderr
        )
    }
}

fn timed_out(name: &str, what: &str, limit: Duration, read: &Reading) -> io::Error {
    let message = format!("`{name}` did not {what} within {limit:?}; {}", read.told());
    io::Error::new(io::ErrorKind::TimedOut, message)
}

impl Output {
    /// Reads `stream` to its end, line by line.
    fn read(&self, stream: Option<Box<dyn Read + Send>>, is_stdout: bool) {
        let mut stream = stream.map(BufReader::new);
        let mut line = Vec::new();
        while let Some(reader) = &mut stream {
            line.clear();
            // A stream that cannot be read has nothing more to say, as one at its end.
            let length = reader.read_until(b'\n', &mut line).unwrap_or(0);
            if length == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            let mut read = lock(&self.read);
            // libtest writes "test name ... " before what a test prints, without a line's end.
            if let Some(before) = text
                .trim_end()
                .strip_suffix(READY)
                .filter(|_| is_stdout && !read.ready)
            {
                read.ready = true;
                read.stdout.push_str(before);
            } else if is_stdout {
                read.stdout.push_str(&text);
            } else {
                read.stderr.push_str(&text);
            }
            drop(read);
            self.changed.notify_all();
        }
        lock(&self.read).ended += 1;
        self.changed.notify_all();
    }
}

/// Says that this process is ready, and waits until its parent's [`ProcessBarrier`] releases it.
///
/// To be called once, by the child. It reads standard input to the end and writes one line.
///
/// # Errors
///
/// If standard input cannot be read or standard output cannot be written.
pub fn arrive() -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{READY}")?;
    stdout.flush()?;
    drop(stdout);
    io::copy(&mut io::stdin().lock(), &mut io::sink()).map(drop)
}

/// Returns the role this process was started in by [`ProcessBarrier::spawn_test`], if it was.
///
/// # Examples
///
/// A test that is its own child process:
///
/// ```no_run
/// # use byname_testkit::{PATIENCE, ProcessBarrier, arrive, role};
/// // #[test]
/// fn several_processes() -> std::io::Result<()> {
///     if let Some(role) = role() {
///         arrive()?;
///         println!("I am {role}"); // the child's part
///         return Ok(());
///     }
///     let mut barrier = ProcessBarrier::new()?;
///     for child in 0..4 {
///         barrier.spawn_test("several_processes", &format!("writer {child}"))?;
///     }
///     for child in barrier.release()? {
///         assert!(child.wait(PATIENCE)?.status.success());
///     }
///     Ok(())
/// }
/// ```
#[must_use]
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}
