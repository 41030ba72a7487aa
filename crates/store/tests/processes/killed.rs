//! Writers that are killed and stopped: what was acknowledged is there, what was not is there wholly
//! or not at all, and nobody waits for the dead.

use std::path::Path;
use std::time::Duration;

use byname_store::{Store, StoreError, Transaction};
use byname_testkit::{Rng, for_seeds};

use crate::child::Child;
use crate::storm::{self, Life};
use crate::{
    add, content, is_full, json, listed, open, open_quietly, paused, place, place_in_memory, seal,
};

/// Checks that nothing is left of those who were killed.
fn check_clean(path: &Path) {
    let store = open(path);
    store.clean().wait().unwrap();
    let inspection = store.inspect().unwrap();
    assert_eq!(inspection.locks.leftovers, []);
    assert_eq!(inspection.locks.held, Some(false));
    assert_eq!(inspection.locks.holder, None);
    assert!(inspection.is_good(), "{inspection:?}");
    let texts = inspection.aside.iter().map(std::fs::read_to_string);
    let texts: Vec<_> = texts.map(Result::unwrap).collect();
    assert_eq!(texts, [""; 0]);
    assert_eq!(listed(path.parent().unwrap()), ["m.json", "m.json.d"]);
    let beside = [
        "aside",
        "leases",
        "lock",
        "previous",
        "revisions",
        "spare",
        "turn",
        "word",
    ];
    let side = listed(&path.with_extension("json.d"));
    assert!(
        side.iter().all(|name| beside.contains(&&**name)),
        "{side:?}"
    );
    let sealed = seal::read(&std::fs::read(path).unwrap());
    assert_eq!(sealed.revision, inspection.committed);
    assert!(store.health().is_good(), "{:?}", store.health());
}

/// What a process that was stopped has, by the calls that it had made.
struct Had(Vec<String>);

impl Had {
    /// Whether the call that does it was made after the last one that undoes it.
    fn last(&self, done: &[&str], undone: &str) -> bool {
        let last = self.0.iter().rev();
        let mut last = last.map(String::as_str);
        last.find(|line| done.contains(line) || *line == undone)
            .is_some_and(|line| line != undone)
    }

    /// Whether nobody else can have the right to write.
    fn right(&self) -> bool {
        self.last(&["call try_lock turn"], "call unlock turn")
            || self.last(&["call try_lock lock"], "call unlock lock")
    }

    /// Whether the lock names it.
    fn note(&self) -> bool {
        self.last(&["call write_note lock"], "call clear_note lock")
    }

    /// Whether its document is in place.
    fn in_place(&self) -> bool {
        let calls = ["exchange", "link", "rename"].map(|call| format!("call {call} m.json"));
        self.0.iter().any(|line| calls.contains(line))
    }

    /// Whether the folder was made durable after its document had been put in place.
    fn is_durable(&self) -> bool {
        let mut after = self
            .0
            .iter()
            .skip_while(|line| *line != "call exchange m.json");
        after.any(|line| line.starts_with("call sync_folder "))
            && self
                .0
                .iter()
                .any(|line| line.starts_with("call sync .m.json"))
    }

    fn is_over(&self) -> bool {
        self.0.iter().any(|line| line.starts_with("acknowledged"))
    }
}

/// Stops a process before each of its calls of one commit, and kills it there.
///
/// While it is stopped, whoever tries once is told at once who has the lock, and whoever waits a
/// little is told after that; nobody hangs. When it has been killed the next commit is made at once.
fn at_every_call(first: bool) {
    let mut at = 0;
    loop {
        let (_folder, path) = place_in_memory();
        let base = if first {
            0
        } else {
            let store = open(&path);
            store.submit(add("other", "1")).wait().unwrap();
            let pair = paused::PAIR
                .iter()
                .fold(Transaction::new(), |pair, name| pair.put(*name, json("1")));
            store.submit(pair).wait().unwrap()
        };
        let before: Vec<_> = content(&open(&path).mirror().snapshot());
        let watching = open_quietly(&path);
        let child = paused::start(&path, 2, at);
        let reached = child.wait_for("a call or the end", |lines| {
            let last = lines.last()?;
            (last.starts_with("stopped") || last.starts_with("acknowledged")).then(|| last.clone())
        });
        let had = Had(child.lines());
        child.stop();
        if !first && watching.committed() > base {
            // Others may take it for acknowledged, so it outlives a power cut.
            assert!(had.is_durable(), "{reached}");
        }
        if had.right() {
            let once = Transaction::new()
                .put("mine", json("3"))
                .wait_at_most(Duration::ZERO);
            let refused = watching.submit(once.clone()).wait();
            let Err(StoreError::Busy { holder, .. }) = refused else {
                panic!("{reached}: {refused:?} although another has the lock");
            };
            let holder = holder.map(|holder| holder.pid);
            assert_eq!(holder, had.note().then(|| child.id()), "{reached}");
            let waits = once.wait_at_most(Duration::from_millis(5));
            let refused = watching.submit(waits).wait();
            let Err(StoreError::Busy { waited, .. }) = refused else {
                panic!("{reached}: {refused:?} although another has the lock");
            };
            assert!(waited >= Duration::from_millis(5));
        }
        child.kill();
        // Tried once: the kernel has released what the process had.
        let mine = add("mine", "3").wait_at_most(Duration::ZERO);
        let revision = watching.submit(mine).wait().unwrap();
        let there = u64::from(had.in_place());
        assert_eq!(revision, base + there + 1, "{reached}");
        let mut expected = before.clone();
        if had.in_place() {
            expected.retain(|(name, ..)| !paused::PAIR.contains(&&**name));
            expected.extend(paused::PAIR.map(|name| (name.to_owned(), "2".into(), base + 1)));
        }
        expected.push(("mine".into(), "3".into(), revision));
        expected.sort();
        assert_eq!(
            content(&watching.mirror().snapshot()),
            expected,
            "{reached}"
        );
        assert_eq!(
            content(&open(&path).mirror().snapshot()),
            expected,
            "{reached}"
        );
        drop(watching);
        check_clean(&path);
        if had.is_over() {
            break;
        }
        at += 1;
    }
    // A commit asks at least for: two locks, a new file, its text, two syncs, the exchange.
    assert!(at > 20, "only {at} calls");
}

#[test]
fn stress_killed_at_every_call_of_a_commit() {
    at_every_call(false);
}

#[test]
fn stress_killed_at_every_call_of_the_first_commit() {
    at_every_call(true);
}

/// Writers are killed and stopped at random, and begin again; the parent keeps what each has said.
fn storm(rng: &mut Rng, path: &Path, writers: usize, blows: usize) {
    let start = |writer: usize, life: usize, seed: u64| {
        let part = format!(
            "storm\twriter\t{}\tw{writer}-{life}\t{seed}",
            path.display()
        );
        let mut child = Child::start(&part);
        child.go();
        child
    };
    // Until the first commit has made the word, who asks what was committed is told to look, by a number
    // that may not have been given yet. The readers compare with it.
    let store = open(path);
    let probe = Transaction::new().put("probe", json("0"));
    assert_eq!(store.submit(probe).wait().unwrap(), 1);
    let beside = ["reader\tlatest", "reader\tcached", "cleaner\t"].map(|who| {
        let (who, mode) = who.split_once('\t').unwrap();
        let mut child = Child::start(&format!("storm\t{who}\t{}\t{mode}", path.display()));
        child.go();
        child
    });
    let mut lives: Vec<Life> = Vec::new();
    let mut running: Vec<_> = (0..writers)
        .map(|writer| (0, start(writer, 0, rng.next_u64())))
        .collect();
    for blow in 0..blows {
        let writer = rng.below(writers);
        let (life, child) = &running[writer];
        let acknowledged = Life::of_lines(&child.lines()).acknowledged();
        child.wait_for_line("acknowledged", acknowledged + 1 + rng.below(6));
        let kind = rng.below(4);
        if kind <= 1 {
            child.stop();
            // It may have the lock: then whoever waits a bounded time is told so.
            let probe = Transaction::new()
                .put("probe", json(&blow.to_string()))
                .wait_at_most(Duration::from_millis(20));
            match store.submit(probe).wait() {
                Ok(_) | Err(StoreError::Busy { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        if kind == 0 {
            child.go_on();
            continue;
        }
        let next = (life + 1, start(writer, life + 1, rng.next_u64()));
        let (_, killed) = std::mem::replace(&mut running[writer], next);
        lives.push(Life::of_lines(&killed.kill()));
        // Nobody has to find out that it is dead.
        store
            .submit(Transaction::new().put("probe", json(&blow.to_string())))
            .wait()
            .unwrap();
    }
    for (_, mut child) in running {
        child.tell("end");
        let life = Life::of_lines(&child.finish());
        lives.push(life);
    }
    for mut child in beside {
        child.tell("end");
        assert_eq!(child.finish().len(), 1);
    }
    let told = storm::check(&lives, &open(path).mirror().snapshot());
    println!("{} lives, {told:?}", lives.len());
    store.refresh().wait().unwrap();
    storm::check(&lives, &store.mirror().snapshot());
    drop(store);
    check_clean(path);
}

#[test]
fn stress_killed_and_stopped_at_random() {
    for_seeds(if is_full() { 20 } else { 1 }, |rng| {
        let (_folder, path) = place();
        storm(rng, &path, 4, if is_full() { 100 } else { 20 });
    });
}

#[test]
fn stress_killed_and_stopped_at_random_in_memory() {
    for_seeds(if is_full() { 20 } else { 2 }, |rng| {
        let (_folder, path) = place_in_memory();
        storm(rng, &path, 5, if is_full() { 200 } else { 12 });
    });
}
