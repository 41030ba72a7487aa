//! Real processes start together, whatever program they are.

use byname_testkit::{PATIENCE, ProcessBarrier, arrive, role};
use std::{io::ErrorKind, path::Path, time::Duration};

/// The test binary as its own children: none passes the barrier before the last one has come.
#[test]
fn concurrent_children_of_the_test_start_together() {
    if let Some(role) = role() {
        let (folder, number) = role.split_once(' ').unwrap();
        std::fs::write(Path::new(folder).join(number), "").unwrap();
        arrive().unwrap();
        let here = std::fs::read_dir(folder).unwrap().count();
        println!("\nchild {number} saw {here}");
        return;
    }
    let folder = Folder::new("children");
    let mut barrier = ProcessBarrier::new().unwrap();
    for number in 0..6 {
        let role = format!("{} {number}", folder.0.display());
        barrier
            .spawn_test("concurrent_children_of_the_test_start_together", &role)
            .unwrap();
    }
    for (number, child) in barrier.release().unwrap().into_iter().enumerate() {
        let finished = child.wait(PATIENCE).unwrap();
        assert!(finished.status.success(), "{finished:?}");
        let line = format!("child {number} saw 6");
        assert_eq!(
            finished.stdout.lines().filter(|&said| said == line).count(),
            1,
            "{finished:?}"
        );
        assert!(!finished.stdout.contains("ready"), "{finished:?}");
    }
}

#[cfg(unix)]
mod programs {
    use super::*;

    #[test]
    fn any_program_takes_part_with_its_arguments_as_they_are() {
        let mut barrier = ProcessBarrier::new().unwrap();
        barrier
            .spawn_program("printf", ["%s|", "a b", "$HOME", "'", ""])
            .unwrap();
        barrier
            .spawn_program("sh", ["-c", "cat; echo wrong >&2; exit 3"])
            .unwrap();
        barrier
            .spawn_program("/nothing/of/this/name", [""; 0])
            .unwrap();
        let mut children = barrier.release().unwrap().into_iter();
        let mut next = || children.next().unwrap().wait(PATIENCE).unwrap();
        let printed = next();
        assert_eq!(
            (printed.status.code(), &*printed.stdout),
            (Some(0), "a b|$HOME|'||")
        );
        let failed = next();
        assert_eq!(
            (failed.status.code(), &*failed.stderr),
            (Some(3), "wrong\n")
        );
        assert_eq!(next().status.code(), Some(127));
    }

    #[test]
    fn a_child_that_ends_before_the_start_is_an_error_with_its_output() {
        let mut barrier = ProcessBarrier::new().unwrap();
        let mut command = std::process::Command::new("sh");
        barrier
            .spawn(command.args(["-c", "echo no configuration >&2; exit 1"]))
            .unwrap();
        let error = barrier.release().unwrap_err().to_string();
        assert!(
            error.starts_with("`sh` ended before it was ready to start"),
            "{error}"
        );
        assert!(
            error.ends_with(r#"it wrote "", and as errors "no configuration\n""#),
            "{error}"
        );
    }

    #[test]
    fn a_child_that_never_arrives_is_an_error_and_is_killed() {
        let mut barrier = ProcessBarrier::with_limit(Duration::from_millis(1)).unwrap();
        let mut command = std::process::Command::new("sh");
        barrier.spawn(command.args(["-c", "read -r _"])).unwrap();
        let error = barrier.release().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(
            error
                .to_string()
                .starts_with("`sh` did not get ready within 1ms"),
            "{error}"
        );
    }

    #[test]
    fn a_child_that_never_ends_is_an_error() {
        let mut barrier = ProcessBarrier::new().unwrap();
        barrier
            .spawn_program("sh", ["-c", "echo begun; kill -STOP $$"])
            .unwrap();
        let child = barrier.release().unwrap().remove(0);
        let error = child.wait(Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_killed_child_leaves_what_it_wrote() {
        use std::os::unix::process::ExitStatusExt;
        let mut barrier = ProcessBarrier::new().unwrap();
        barrier
            .spawn_program("sh", ["-c", "kill -STOP $$"])
            .unwrap();
        let child = barrier.release().unwrap().remove(0);
        assert!(child.id() > 0);
        assert_eq!(child.kill().unwrap().status.signal(), Some(9));
    }
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let mut barrier = ProcessBarrier::new().unwrap();
    let error = barrier.spawn(&mut std::process::Command::new("/nothing/of/this/name"));
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("cannot start `/nothing/of/this/name`: "),
        "{error}"
    );
}

/// A folder of this test alone, removed at its end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("byname-testkit-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder for temporary files");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
