//! A real `sshd` for one test, with keys of its own.

use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use byname_machines::{Definition, Machine, MachineName, Options, SshOptions};
use tempfile::TempDir;

/// Where it may be; it must be run by its whole path.
const PLACES: [&str; 4] = [
    "/usr/sbin/sshd",
    "/usr/local/sbin/sshd",
    "/sbin/sshd",
    "/usr/bin/sshd",
];

/// The program; without it a test fails, unless whoever runs the tests has said that it cannot be
/// installed.
fn program() -> Option<PathBuf> {
    let found = PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    if found.is_none() {
        assert!(
            std::env::var_os("BYNAME_NO_SSHD").is_some_and(|value| value == "1"),
            "there is no sshd; install it (`openssh-server` on Debian), or set BYNAME_NO_SSHD=1"
        );
        #[allow(clippy::print_stderr, reason = "whoever runs the tests is to know")]
        {
            eprintln!("NOT RUN: there is no sshd on this machine");
        }
    }
    found
}

#[derive(Default)]
struct State {
    stopped: bool,
    servers: Vec<Child>,
    connections: Vec<TcpStream>,
}

/// Answers on a free port of the loopback: every connection gets an `sshd` of its own.
pub(crate) struct Sshd {
    pub(crate) folder: TempDir,
    port: u16,
    state: Arc<Mutex<State>>,
    acceptor: Option<JoinHandle<()>>,
}

impl Sshd {
    /// `None` when there is none and that has been allowed.
    pub(crate) fn start() -> Option<Self> {
        let program = program()?;
        // Sockets have short paths only, so not where TMPDIR says.
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        for key in ["host", "other-host", "user", "stranger"] {
            keygen(&folder.path().join(key));
        }
        fs::copy(
            folder.path().join("user.pub"),
            folder.path().join("authorized"),
        )
        .unwrap();
        let config = folder.path().join("sshd_config");
        let at = folder.path().display();
        let text = format!(
            "HostKey {at}/host\nAuthorizedKeysFile {at}/authorized\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nPermitUserEnvironment no\nMaxSessions 100\n"
        );
        fs::write(&config, text).unwrap();
        // Where root's sshd locks in the part of it that speaks to strangers.
        let privileged = Path::new("/run/sshd");
        if is_root() && !privileged.exists() {
            fs::create_dir_all(privileged).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming() {
                let mut state = shared.lock().unwrap();
                if state.stopped {
                    return;
                }
                let stream = stream.unwrap();
                state
                    .servers
                    .push(serve(&program, &config, &stream).unwrap());
                state.connections.push(stream);
            }
        });
        Some(Self {
            folder,
            port,
            state,
            acceptor: Some(acceptor),
        })
    }

    /// How many connections were ever made.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections.len()
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        for connection in &self.state.lock().unwrap().connections {
            _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The machine that answers, with the folder `work` to begin in.
    pub(crate) fn machine(&self, name: &str) -> Machine {
        let mut definition = Definition::ssh(format!("127.0.0.1:{}", self.port).parse().unwrap());
        definition.key = Some(self.path("user"));
        fs::create_dir_all(self.path("work")).unwrap();
        definition.folder = Some(self.path("work"));
        Machine::unkept(MachineName::new(name).unwrap(), definition)
    }

    /// Nothing outside the folder of the test is read or written.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new();
        options.ssh = self.ssh_options();
        options
    }

    pub(crate) fn ssh_options(&self) -> SshOptions {
        let mut options = SshOptions::default();
        options.connect_time = std::time::Duration::from_secs(60);
        options.config = Some(PathBuf::from("none"));
        options.known_hosts = Some(PathBuf::from(self.path("known hosts %h")));
        options.runtime = Some(PathBuf::from(self.path("run")));
        options
    }

    /// Notes `key` as the one that is known for the host.
    pub(crate) fn know(&self, key: &str) {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap();
        let line = format!("[127.0.0.1]:{} {public}", self.port);
        fs::write(self.path("known hosts %h"), line).unwrap();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.state.lock().unwrap().stopped = true;
        // Wakes the acceptor.
        _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            _ = acceptor.join();
        }
        self.cut();
        for server in &mut self.state.lock().unwrap().servers {
            _ = server.kill();
            _ = server.wait();
        }
    }
}

fn serve(program: &Path, config: &Path, stream: &TcpStream) -> io::Result<Child> {
    let (input, output): (OwnedFd, OwnedFd) =
        (stream.try_clone()?.into(), stream.try_clone()?.into());
    Command::new(program)
        .args(["-i", "-e", "-f"])
        .arg(config)
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
}

fn keygen(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}
