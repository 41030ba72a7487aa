//! The end of a process whose disk hangs.
//!
//! After a second signal the runtime was dropped, which waits for every blocking task: a process that read
//! from a disk that was gone stayed until it was killed. So each of these is a process of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{App, BoxError, Made, Registrar};

/// Says which of the processes is run.
const RUN: &str = "BYNAME_TEST_ENDING";

fn tell(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\n{line}").unwrap();
    stdout.flush().unwrap();
}

/// What the others start: with a blocking task that never ends, and a stop that may.
#[test]
fn the_process() {
    let Ok(stop) = std::env::var(RUN) else {
        return;
    };
    let module = move |registrar: &mut Registrar<'_>| {
        registrar.factory("reader", (), move |(): ()| {
            let stop = stop.clone();
            async move {
                tokio::task::spawn_blocking(|| {
                    loop {
                        std::thread::park();
                    }
                });
                let made = Made::new(Arc::new(())).on_start(|| async {
                    tell("started");
                    Ok(())
                });
                Ok::<_, BoxError>(made.on_stop(move || async move {
                    tell("stopping");
                    if stop == "hangs" {
                        std::future::pending::<()>().await;
                    }
                    Ok(())
                }))
            }
        });
    };
    let app = App::from_text("services: { reader: {} }").register(module);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let code = runtime.block_on(app.run_whole([]));
    tell(&format!("returned {code:?}"));
    drop(runtime);
}

struct Process {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Process {
    fn start(stop: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "app::run::ending::the_process"])
            .env(RUN, stop)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Waits until it says this.
    fn says(&mut self, expected: &str) -> String {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if line.starts_with(expected) {
                return line;
            }
            line.clear();
        }
        panic!("it has ended without `{expected}`");
    }

    fn terminate(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for its end, with its code and what it wrote of errors.
    fn ended(mut self) -> (Option<i32>, String) {
        let until = Instant::now() + byname_testkit::PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it has not ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut errors = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), errors)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SECOND: &str = "error: stopped at once by a second signal (SIGTERM)\n";

#[test]
fn a_second_signal_ends_a_process_whose_blocking_task_hangs() {
    let mut process = Process::start("hangs");
    process.says("started");
    process.terminate();
    process.says("stopping");
    process.terminate();
    let (code, errors) = process.ended();
    assert_eq!((code, errors.contains(SECOND)), (Some(1), true), "{errors}");
}

#[test]
fn a_second_signal_ends_a_process_that_has_stopped_and_waits_for_a_blocking_task() {
    let mut process = Process::start("ends");
    process.says("started");
    process.terminate();
    let returned = process.says("returned");
    assert!(returned.contains("(0)"), "{returned}");
    process.terminate();
    let (code, errors) = process.ended();
    assert_eq!((code, errors.contains(SECOND)), (Some(1), true), "{errors}");
}
