//! The checker says what a search without any cleverness says, and refuses wrong histories.

use byname_testkit::{
    CheckError, Checker, Contradiction, History, Model, Operation, Recorder, Rng, StartBarrier,
    for_seeds,
    models::{
        Names, NamesOp, NamesRet, Register, RegisterOp, RegisterRet, Whole, WholeOp, WholeRet,
    },
    together,
};
use std::{collections::BTreeMap, sync::Mutex};

use RegisterOp::{CompareAndSet, Read, Write};
use RegisterRet::{Done, Swapped, Value};

type Operations<M> = Vec<Operation<<M as Model>::Op, <M as Model>::Ret>>;

/// Tries every order of every subset, without memory and without dividing by key.
fn brute_force<M: Model>(model: &M, operations: &Operations<M>) -> bool {
    fn go<M: Model>(
        model: &M,
        left: &[&Operation<M::Op, M::Ret>],
        states: &BTreeMap<M::Key, M::State>,
    ) -> bool {
        if left.iter().all(|it| it.ret.is_none()) {
            return true;
        }
        let first = left.iter().filter_map(|it| Some(it.ret.as_ref()?.0)).min();
        (0..left.len()).any(|index| {
            let next = left[index];
            if first.is_some_and(|first| next.call > first) {
                return false;
            }
            let key = model.key(&next.op);
            let state = states
                .get(&key)
                .cloned()
                .unwrap_or_else(|| model.initial(&key));
            let ret = next.ret.as_ref().map(|(_, ret)| ret);
            model.step(&state, &next.op, ret).is_some_and(|state| {
                let mut states = states.clone();
                states.insert(key, state);
                let mut left = left.to_vec();
                left.remove(index);
                go(model, &left, &states)
            })
        })
    }
    go(
        model,
        &operations.iter().collect::<Vec<_>>(),
        &BTreeMap::new(),
    )
}

/// Gives `ops` and their results random times on `processes` processes; some never return.
fn random_times<Op, Ret>(
    rng: &mut Rng,
    processes: usize,
    calls: Vec<(Op, Ret)>,
) -> Vec<Operation<Op, Ret>> {
    let mut free = vec![0; processes];
    let mut operations = Vec::new();
    for (op, ret) in calls {
        let process = rng.below(processes);
        let call = free[process] + rng.below(3) as u64;
        let time = call + 1 + rng.below(6) as u64;
        free[process] = time;
        let ret = (!rng.chance(12)).then_some((time, ret));
        operations.push(Operation {
            process,
            op,
            call,
            ret,
        });
    }
    operations
}

/// Checks `count` random histories of `call`s both ways; both answers must be frequent.
fn agrees<M: Model>(
    model: &M,
    count: u64,
    most: usize,
    mut call: impl FnMut(&mut Rng) -> (M::Op, M::Ret),
) {
    let mut right = 0;
    let mut seeds = 0;
    for_seeds(count, |rng| {
        let length = 1 + rng.below(most);
        let calls = (0..length).map(|_| call(rng)).collect();
        let processes = 1 + rng.below(4);
        let operations = random_times(rng, processes, calls);
        let expected = brute_force(model, &operations);
        let history = History::from_operations(operations.clone());
        match history.check(model) {
            Ok(()) => assert!(expected, "no order, yet none missed: {operations:#?}"),
            Err(CheckError::Contradiction(told)) => {
                assert!(!expected, "an order exists: {operations:#?}\n{told}");
                assert!(
                    told.operations() <= operations.len() && !told.stuck().is_empty(),
                    "{told}"
                );
            }
            Err(error) => panic!("{error}"),
        }
        right += u64::from(expected);
        seeds += 1;
    });
    if seeds == count {
        assert!(
            right > count / 10 && right < count * 9 / 10,
            "{right} of {count} are linearizable"
        );
    }
}

#[test]
fn agrees_with_brute_force_on_registers() {
    agrees(&Register::new(0), 6_000, 7, |rng| match rng.below(5) {
        0 | 1 => (Read, Value(rng.below(3))),
        2 | 3 => (Write(rng.below(3)), Done),
        _ => {
            let (expected, new) = (rng.below(3), rng.below(3));
            (CompareAndSet { expected, new }, Swapped(rng.chance(50)))
        }
    });
}

#[test]
fn agrees_with_brute_force_on_names() {
    agrees(&Names::new(), 6_000, 6, |rng| {
        let name = *rng.pick(&["a", "b"]);
        let value = rng.below(2);
        let revision = 1 + rng.below(5) as u64;
        let mut changed = NamesRet::Changed(revision);
        if rng.chance(25) {
            changed = NamesRet::Refused;
        }
        let read = [
            NamesRet::Absent,
            NamesRet::Value(value),
            NamesRet::Found(revision, value),
        ];
        match rng.below(8) {
            0 | 1 => (NamesOp::Get(name), rng.pick(&read).clone()),
            2 => (NamesOp::Register(name, value), changed),
            3 => (NamesOp::Replace(name, value), changed),
            4 | 5 => (NamesOp::Put(name, value), NamesRet::Changed(revision)),
            6 => (NamesOp::Remove(name), changed),
            _ => (
                NamesOp::CompareAndSet(name, rng.below(4) as u64, value),
                changed,
            ),
        }
    });
}

#[test]
fn agrees_with_brute_force_on_whole_maps() {
    agrees(&Whole::new(), 6_000, 5, |rng| {
        let revision = rng.below(3) as u64;
        let value = |rng: &mut Rng| rng.chance(60).then_some(0);
        match revision {
            0 => (
                WholeOp::GetAll(vec!["a", "b"]),
                WholeRet::Entries(0, vec![None, None]),
            ),
            _ if rng.chance(50) => {
                let (one, two) = (value(rng), value(rng));
                (
                    WholeOp::GetAll(vec!["a", "b"]),
                    WholeRet::Entries(revision, vec![one, two]),
                )
            }
            _ => {
                let changes = vec![("a", value(rng)), ("b", value(rng))];
                (WholeOp::Change(changes), WholeRet::Changed(revision))
            }
        }
    });
}

/// The cut-down history is a contradiction by itself, and its text names what cannot be.
fn contradiction<M: Model>(model: &M, operations: Operations<M>) -> Contradiction {
    match History::from_operations(operations).check(model) {
        Err(CheckError::Contradiction(told)) => *told,
        other => panic!("expected a contradiction, not {other:?}"),
    }
}

fn on<Op, Ret>(process: usize, call: u64, ret: u64, op: Op, value: Ret) -> Operation<Op, Ret> {
    Operation {
        process,
        op,
        call,
        ret: Some((ret, value)),
    }
}

fn pending<Op, Ret>(process: usize, call: u64, op: Op) -> Operation<Op, Ret> {
    Operation {
        process,
        op,
        call,
        ret: None,
    }
}

#[test]
fn a_stale_read_is_refused() {
    let told = contradiction(
        &Register::new(0),
        vec![
            on(0, 0, 1, Write(1), Done),
            on(1, 0, 2, Read, Value(0)),
            on(0, 3, 4, Write(2), Done),
            on(1, 5, 6, Read, Value(2)),
            on(2, 7, 8, Read, Value(1)),
            on(1, 9, 10, Read, Value(2)),
        ],
    );
    assert_eq!(
        told.to_string(),
        "not linearizable: 3 of the 6 operations of () cannot have happened in any order:\n  \
           process 0 [0, 1] Write(1) -> Done\n  \
           process 0 [3, 4] Write(2) -> Done\n  \
           process 2 [7, 8] Read -> Value(1)\n\
         the longest order that is possible, from 0:\n  \
           process 0 Write(1) -> Done, giving 1\n  \
           process 0 Write(2) -> Done, giving 2\n\
         what would have to be next, and cannot be in 2:\n  \
           process 2 Read -> Value(1)\n"
    );
    assert_eq!(
        (told.key(), told.order().len(), told.stuck()[0].process),
        ("()", 2, 2)
    );
}

#[test]
fn reads_that_go_backwards_are_refused() {
    // Both overlap the write, so each result is fine; but not in this order.
    let told = contradiction(
        &Register::new(0),
        vec![
            on(0, 0, 9, Write(1), Done),
            on(1, 1, 2, Read, Value(1)),
            on(1, 3, 4, Read, Value(0)),
        ],
    );
    assert_eq!(told.operations(), 3);
}

#[test]
fn a_read_from_the_future_is_refused() {
    let told = contradiction(
        &Register::new(0),
        vec![on(1, 0, 1, Read, Value(1)), on(0, 2, 3, Write(1), Done)],
    );
    // The write was called only after the read had returned: it is no part of the contradiction.
    assert_eq!((told.operations(), told.order().len()), (1, 0));
}

#[test]
fn a_lost_update_is_refused() {
    // Two read one value, and both replace it: the second must not have succeeded.
    let told = contradiction(
        &Names::new(),
        vec![
            on(0, 0, 1, NamesOp::Put("n", 10), NamesRet::Changed(1)),
            on(
                0,
                2,
                4,
                NamesOp::CompareAndSet("n", 1, 11),
                NamesRet::Changed(2),
            ),
            on(
                1,
                3,
                5,
                NamesOp::CompareAndSet("n", 1, 12),
                NamesRet::Changed(3),
            ),
            on(1, 3, 5, NamesOp::Get("other"), NamesRet::Absent),
        ],
    );
    assert_eq!(
        (told.key(), told.operations(), told.order().len()),
        ("\"n\"", 3, 2)
    );
}

#[test]
fn two_who_both_registered_one_name_are_refused() {
    let told = contradiction(
        &Names::new(),
        vec![
            on(0, 0, 2, NamesOp::Register("n", 1), NamesRet::Changed(1)),
            on(1, 1, 3, NamesOp::Register("n", 2), NamesRet::Changed(2)),
        ],
    );
    assert_eq!(told.stuck().len(), 1);
}

#[test]
fn a_torn_change_is_refused() {
    let change = |value| WholeOp::Change(vec![("a", Some(value)), ("b", Some(value))]);
    let both = || WholeOp::GetAll(vec!["a", "b"]);
    let told = contradiction(
        &Whole::new(),
        vec![
            on(0, 0, 1, change(1), WholeRet::Changed(1)),
            on(0, 2, 7, change(2), WholeRet::Changed(2)),
            on(
                1,
                3,
                4,
                both(),
                WholeRet::Entries(1, vec![Some(2), Some(1)]),
            ),
        ],
    );
    // The change in flight has not returned when the torn read does.
    assert_eq!(told.operations(), 3);
    assert!(told.to_string().contains("(no result known)"), "{told}");
}

#[test]
fn what_has_no_result_may_have_happened_or_not_and_at_any_time() {
    let register = Register::new(0);
    let check = |operations| {
        History::from_operations(operations)
            .check(&register)
            .is_ok()
    };
    for value in [0, 1] {
        assert!(check(vec![
            pending(0, 0, Write(1)),
            on(1, 1, 2, Read, Value(value))
        ]));
    }
    // Once it was seen it has happened; and it has not happened before it was called.
    assert!(!check(vec![
        pending(0, 0, Write(1)),
        on(1, 1, 2, Read, Value(1)),
        on(1, 3, 4, Read, Value(0)),
    ]));
    assert!(!check(vec![
        on(1, 0, 1, Read, Value(1)),
        pending(0, 2, Write(1))
    ]));
    // It may happen after all others.
    assert!(check(vec![
        pending(0, 0, Write(1)),
        on(1, 1, 2, Read, Value(0)),
        on(1, 3, 4, Read, Value(1)),
    ]));
    assert!(check(vec![pending(
        0,
        0,
        CompareAndSet {
            expected: 5,
            new: 6
        }
    )]));
}

#[test]
fn a_change_without_a_result_has_some_revision() {
    let check = |operations| {
        History::from_operations(operations)
            .check(&Names::new())
            .is_ok()
    };
    let unknown = || pending(0, 0, NamesOp::Put("n", 1));
    assert!(check(vec![
        unknown(),
        on(1, 1, 2, NamesOp::Get("n"), NamesRet::Found(7, 1))
    ]));
    assert!(check(vec![
        unknown(),
        on(
            1,
            1,
            2,
            NamesOp::CompareAndSet("n", 3, 2),
            NamesRet::Changed(4)
        ),
    ]));
    // One entry does not have two revisions.
    assert!(!check(vec![
        unknown(),
        on(1, 1, 2, NamesOp::Get("n"), NamesRet::Found(7, 1)),
        on(1, 3, 4, NamesOp::Get("n"), NamesRet::Found(8, 1)),
    ]));
}

#[test]
fn operations_that_touch_in_time_overlap() {
    let register = Register::new(0);
    let touching = vec![on(0, 0, 2, Read, Value(1)), on(1, 2, 3, Write(1), Done)];
    assert!(History::from_operations(touching).check(&register).is_ok());
}

#[test]
fn concurrent_calls_of_a_right_object_pass_and_of_a_racy_one_are_caught() {
    // Between the check and the act the other thread may check, if it is not kept out.
    let history = |kept_out: bool| {
        let (place, owner) = (Mutex::new(0), Mutex::new(()));
        let both_checked = StartBarrier::new(2);
        let recorder = Recorder::new();
        together(2, |index| {
            let mut process = recorder.process();
            let new = index + 1;
            process.call(CompareAndSet { expected: 0, new }, || {
                let alone = kept_out.then(|| owner.lock().unwrap());
                let free = *place.lock().unwrap() == 0;
                if alone.is_none() {
                    both_checked.wait();
                }
                if free {
                    *place.lock().unwrap() = new;
                }
                Swapped(free)
            });
        });
        recorder.history()
    };
    history(true).check(&Register::new(0)).unwrap();
    let caught = history(false).check(&Register::new(0));
    assert!(
        matches!(caught, Err(CheckError::Contradiction(_))),
        "{caught:?}"
    );
}

#[test]
fn concurrent_histories_of_a_right_map_pass_at_length() {
    let map = Mutex::new((0, BTreeMap::new()));
    let recorder = Recorder::new();
    together(4, |index| {
        let mut rng = Rng::seeded(index as u64);
        let mut process = recorder.process();
        for _ in 0..5_000 {
            let name = rng.below(16);
            if rng.chance(60) {
                process.call(NamesOp::Get(name), || {
                    let map = map.lock().unwrap();
                    map.1
                        .get(&name)
                        .map_or(NamesRet::Absent, |&(revision, value)| {
                            NamesRet::Found(revision, value)
                        })
                });
            } else {
                let value = rng.below(10);
                process.call(NamesOp::Put(name, value), || {
                    let mut map = map.lock().unwrap();
                    map.0 += 1;
                    let revision = map.0;
                    map.1.insert(name, (revision, value));
                    NamesRet::Changed(revision)
                });
            }
        }
    });
    let history = recorder.history();
    assert_eq!(history.len(), 20_000);
    history.check(&Names::new()).unwrap();
}

#[test]
fn the_bound_ends_a_search_that_would_not_end() {
    // Every write overlaps every other, and no read is possible: all subsets would be tried.
    let mut operations: Operations<Register<usize>> = (0..40)
        .map(|index| on(index, 0, 100, Write(index + 1), Done))
        .collect();
    operations.push(on(40, 101, 102, Read, Value(0)));
    let history = History::from_operations(operations);
    let error = Checker::new()
        .configurations(10_000)
        .check(&history, &Register::new(0));
    let error = error.unwrap_err();
    assert!(
        matches!(
            &error,
            CheckError::Unfinished {
                configurations: 10_000,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .starts_with("no answer: the operations of () have more than 10000")
    );
}

#[test]
#[should_panic(expected = "an operation cannot return before it is called")]
fn a_return_before_its_call_is_refused() {
    let _history = History::from_operations([on(0, 2, 1, RegisterOp::<u8>::Read, Done::<u8>)]);
}
