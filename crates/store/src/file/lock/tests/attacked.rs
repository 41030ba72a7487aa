//! Somebody removes or replaces the files of the lock: still nobody gets in twice.
//!
//! What went wrong elsewhere: a lock file was unlinked on release, or by a cleaner. One process then
//! locked the file that had no name any more and another the new one, both wrote, and writes that
//! had been acknowledged were lost.

use byname_testkit::together;

use super::watched::Watched;
use super::*;

fn replace(path: &Path) {
    let other = path.with_extension("other");
    fs::write(&other, "").unwrap();
    fs::rename(&other, path).unwrap();
}

fn remove(path: &Path) {
    // Two may want to remove it at once.
    let _ = fs::remove_file(path);
}

#[test]
fn a_lock_file_that_is_removed_or_replaced_while_held_lets_nobody_in() {
    for attack in [remove, replace] {
        for name in [LOCK, SPARE, TURN] {
            let (_kept, folder) = folder();
            let mut lock = lock_in(&folder);
            let held = once(&mut lock).unwrap();
            let made = inode(&folder.join(LOCK));
            attack(&folder.join(name));
            assert!(is_refused(&mut lock_in(&folder)), "{name}");
            assert!(is_refused(&mut lock_in(&folder)), "{name}");
            assert!(held.is_in_place().unwrap(), "{name}");
            assert!(is_refused(&mut lock), "{name}");
            drop(held);
            let held = once(&mut lock_in(&folder)).unwrap();
            assert!(is_refused(&mut lock), "{name}");
            let now = [LOCK, SPARE].map(|name| inode(&folder.join(name)));
            assert_eq!(now[0], now[1]);
            // Who replaces the second name has replaced the lock once it is free.
            assert_eq!(
                now[0] == made,
                (name, attack) != (SPARE, replace as fn(&Path))
            );
            assert!(held.is_in_place().unwrap(), "{name}");
        }
    }
}

#[test]
fn a_holder_whose_folder_was_emptied_is_told() {
    let (_kept, folder) = folder();
    let mut lock = lock_in(&folder);
    let held = once(&mut lock).unwrap();
    for name in [LOCK, SPARE, TURN] {
        remove(&folder.join(name));
    }
    assert!(!held.is_in_place().unwrap());
    drop(held);
    let held = once(&mut lock).unwrap();
    assert!(held.is_in_place().unwrap());
    let mut names = RealDisk.list(&folder).unwrap();
    names.sort();
    assert_eq!(names, [LOCK, SPARE, TURN]);
    assert!(is_refused(&mut lock_in(&folder)));
}

#[test]
fn a_lock_file_that_is_removed_while_waited_for_lets_one_in_after_the_other() {
    for attack in [remove, replace] {
        for name in [LOCK, SPARE, TURN] {
            let (_kept, folder) = folder();
            let mut first = Some(once(&mut lock_in(&folder)).unwrap());
            let mut waiter = lock_in(&folder);
            let mut asked = 0;
            let held = waiter
                .acquire(&mut |waited| {
                    assert!(waited < PATIENCE);
                    asked += 1;
                    match asked {
                        1 => attack(&folder.join(name)),
                        4 => first = None,
                        _ => {}
                    }
                    Wait::GoOn
                })
                .unwrap();
            assert!(asked >= 4, "{name}: it got in while the first was there");
            assert!(first.is_none());
            assert!(held.is_in_place().unwrap());
            assert!(is_refused(&mut lock_in(&folder)), "{name}");
        }
    }
}

/// Each who gets in removes or replaces one file while it is in, and so does each who waits.
fn counted_under(attack: fn(&Path), name: &str) {
    let (_kept, folder) = folder();
    start_count(&folder);
    together(6, |_| {
        let mut lock = lock_in(&folder);
        for _ in 0..20 {
            let mut asked = 0;
            let _held = lock
                .acquire(&mut |waited| {
                    asked += 1;
                    if asked == 1 {
                        remove(&folder.join(name));
                    }
                    assert!(waited < PATIENCE);
                    Wait::GoOn
                })
                .unwrap();
            attack(&folder.join(name));
            count(&folder);
        }
    });
    assert_eq!(counted(&folder), 120, "{name}");
}

#[test]
fn concurrent_writers_lose_nothing_while_the_lock_file_is_removed() {
    counted_under(remove, LOCK);
    counted_under(remove, TURN);
}

#[test]
fn concurrent_writers_lose_nothing_while_the_lock_file_is_replaced() {
    counted_under(replace, LOCK);
    counted_under(replace, TURN);
}

#[test]
fn concurrent_writers_lose_nothing_while_the_second_name_is_removed() {
    counted_under(remove, SPARE);
}

#[test]
fn without_hard_links_the_lock_works_and_a_holder_is_told_that_it_was_removed() {
    let (_kept, folder) = folder();
    let disk = Arc::new(Watched::default());
    disk.refuse_links();
    let mut lock = lock_on(disk.clone(), &folder);
    let held = once(&mut lock).unwrap();
    assert!(held.is_in_place().unwrap());
    assert!(is_refused(&mut lock_on(disk.clone(), &folder)));
    remove(&folder.join(LOCK));
    assert!(!held.is_in_place().unwrap());
    drop(held);
    let held = once(&mut lock).unwrap();
    assert!(held.is_in_place().unwrap());
    assert!(is_refused(&mut lock_on(disk, &folder)));
    assert_eq!(RealDisk.list(&folder).unwrap().len(), 2);
}
