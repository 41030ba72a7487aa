//! One at a time, each in turn.

use std::sync::{Condvar, Mutex};

use byname_testkit::{ProcessBarrier, arrive, role, together};

use super::super::bell::{Bell, Bells};
use super::*;

const PATH: &str = "file::lock::tests::exclusive::";

/// Starts this test in `processes` children; each gets its number and the folder.
fn in_processes(test: &str, processes: usize, child: fn(usize, &Path), parent: fn(&Path)) {
    if let Some(role) = role() {
        let (number, folder) = role.split_once(' ').unwrap();
        arrive().unwrap();
        child(number.parse().unwrap(), Path::new(folder));
        return;
    }
    let (_kept, folder) = folder();
    start_count(&folder);
    let mut barrier = ProcessBarrier::new().unwrap();
    for number in 0..processes {
        let role = format!("{number} {}", folder.display());
        barrier.spawn_test(&format!("{PATH}{test}"), &role).unwrap();
    }
    for child in barrier.release().unwrap() {
        let finished = child.wait(PATIENCE).unwrap();
        assert!(finished.status.success(), "{finished:?}");
    }
    parent(&folder);
}

fn count_times(times: usize, folder: &Path) {
    let mut lock = lock_in(folder);
    for _ in 0..times {
        let _held = patiently(&mut lock);
        count(folder);
    }
}

#[test]
fn concurrent_threads_with_handles_of_their_own_lose_nothing() {
    let (_kept, folder) = folder();
    start_count(&folder);
    together(8, |_| count_times(50, &folder));
    assert_eq!(counted(&folder), 400);
}

/// Bells for those who wait for nothing else.
#[derive(Default)]
struct OnlyBells {
    rung: Mutex<[u32; 2]>,
    more: Condvar,
}

impl Bells for OnlyBells {
    fn rung(&self, bell: Bell) -> Option<u32> {
        Some(self.rung.lock().unwrap()[bell as usize])
    }

    fn wait(&self, bell: Bell, rung: u32, _: Duration) {
        let counts = self.rung.lock().unwrap();
        let waiting = |counts: &mut [u32; 2]| counts[bell as usize] == rung;
        let waited = self.more.wait_timeout_while(counts, PATIENCE, waiting);
        assert!(!waited.unwrap().1.timed_out(), "{bell:?} did not ring");
    }

    fn ring(&self, bell: Bell) {
        self.rung.lock().unwrap()[bell as usize] += 1;
        self.more.notify_all();
    }
}

#[test]
fn concurrent_waiters_hear_of_every_release() {
    let (_kept, folder) = folder();
    start_count(&folder);
    let bells = Arc::new(OnlyBells::default());
    together(8, |_| {
        let (disk, bells) = (Arc::new(RealDisk), Arc::clone(&bells));
        let mut lock = FileLock::new(disk, &folder, ACCESS, 1, bells);
        for _ in 0..50 {
            let _held = patiently(&mut lock);
            count(&folder);
        }
    });
    assert_eq!(counted(&folder), 400);
}

#[test]
fn concurrent_processes_5_by_10_lose_nothing() {
    in_processes(
        "concurrent_processes_5_by_10_lose_nothing",
        5,
        |_, folder| count_times(10, folder),
        |folder| assert_eq!(counted(folder), 50),
    );
}

#[test]
fn concurrent_processes_8_by_50_lose_nothing() {
    in_processes(
        "concurrent_processes_8_by_50_lose_nothing",
        8,
        |_, folder| count_times(50, folder),
        |folder| assert_eq!(counted(folder), 400),
    );
}

#[allow(clippy::print_stdout, reason = "it is for who runs the tests")]
#[test]
fn concurrent_processes_all_make_progress() {
    in_processes(
        "concurrent_processes_all_make_progress",
        4,
        |number, folder| {
            let mut lock = lock_in(folder);
            for _ in 0..100 {
                let _held = patiently(&mut lock);
                let path = folder.join("turns");
                let mut turns = fs::read(&path).unwrap_or_default();
                turns.push(u8::try_from(number).unwrap());
                fs::write(path, turns).unwrap();
            }
        },
        |folder| {
            let turns = fs::read(folder.join("turns")).unwrap();
            let of = |turns: &[u8]| {
                let mut each = [0; 4];
                for &number in turns {
                    each[usize::from(number)] += 1;
                }
                each
            };
            assert_eq!(of(&turns), [100; 4]);
            // Told, not required: how even it was until the first had finished.
            let first = (1..=turns.len())
                .find(|&end| of(&turns[..end]).contains(&100))
                .unwrap();
            println!("when the first had 100 turns: {:?}", of(&turns[..first]));
        },
    );
}

#[test]
fn a_held_lock_is_not_had_again_by_its_own_handle() {
    let (_kept, folder) = folder();
    let mut lock = lock_in(&folder);
    let held = once(&mut lock).unwrap();
    assert!(is_refused(&mut lock));
    drop(held);
    let first = once(&mut lock).unwrap();
    assert!(is_refused(&mut lock));
    drop(lock);
    assert!(is_refused(&mut lock_in(&folder)));
    drop(first);
    once(&mut lock_in(&folder)).unwrap();
}

#[test]
fn the_files_of_the_lock_are_made_once_and_stay() {
    let (_kept, folder) = folder();
    let mut lock = lock_in(&folder);
    drop(once(&mut lock).unwrap());
    let inodes = |folder: &Path| [LOCK, SPARE, TURN].map(|name| inode(&folder.join(name)));
    let made = inodes(&folder);
    assert_eq!(made[0], made[1]);
    for _ in 0..10 {
        let held = once(&mut lock).unwrap();
        assert_eq!(inodes(&folder), made);
        assert!(held.is_in_place().unwrap());
        drop(held);
        drop(once(&mut lock_in(&folder)).unwrap());
        assert_eq!(inodes(&folder), made);
    }
    assert_eq!(RealDisk.list(&folder).unwrap().len(), 3);
    assert_eq!(RealDisk.stat(&folder.join(LOCK)).unwrap().links, 2);
}
