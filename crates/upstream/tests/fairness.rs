//! Whoever is chosen is chosen fairly.
#![cfg(not(loom))]

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use byname_upstream::{Balance, Balancer};
use proptest::prelude::*;

proptest! {
    #[test]
    fn round_robin_gives_each_exactly_its_turn(candidates in 1_usize..50, rounds in 1_usize..20) {
        let turns = Balancer::new(Balance::RoundRobin);
        let mut chosen = vec![0; candidates];
        for _ in 0..rounds * candidates {
            chosen[turns.choose(candidates, |_| unreachable!("no load")).expect("one")] += 1;
        }
        prop_assert_eq!(chosen, vec![rounds; candidates]);
    }

    #[test]
    fn of_two_the_more_loaded_is_never_chosen(
        seed: u64,
        loads in prop::collection::vec(0_usize..5, 1..20),
    ) {
        let balancer = Balancer::seeded(Balance::LeastLoadedOfTwo, seed);
        for _ in 0..50 {
            let asked = RefCell::new(Vec::new());
            let load = |at: usize| {
                asked.borrow_mut().push(at);
                loads[at]
            };
            let chosen = balancer.choose(loads.len(), load).expect("one");
            let asked = asked.into_inner();
            if loads.len() == 1 {
                prop_assert_eq!((chosen, asked.len()), (0, 0));
                continue;
            }
            prop_assert_eq!(asked.len(), 2);
            prop_assert_ne!(asked[0], asked[1]);
            prop_assert!(asked.contains(&chosen));
            prop_assert!(asked.iter().all(|at| loads[chosen] <= loads[*at]));
        }
    }
}

/// With equal loads each of n is drawn evenly: of 60,000 choices, each within a twentieth of its share
/// (more than ten standard deviations). The seed is fixed, so that this is no matter of luck.
#[test]
fn of_equals_each_is_chosen_as_often() {
    for candidates in [2, 3, 7, 10] {
        let balancer = Balancer::seeded(Balance::LeastLoadedOfTwo, 1);
        let mut chosen = vec![0_usize; candidates];
        for _ in 0..60_000 {
            chosen[balancer.choose(candidates, |_| 0).expect("one")] += 1;
        }
        let share = 60_000 / candidates;
        let even = |count: &usize| count.abs_diff(share) <= share / 20;
        assert!(chosen.iter().all(even), "{chosen:?}");
    }
}

/// The most loaded of all is never chosen, since the other of the two has less to do.
#[test]
fn the_most_loaded_of_all_is_never_chosen() {
    let balancer = Balancer::new(Balance::LeastLoadedOfTwo);
    for _ in 0..10_000 {
        let chosen = balancer.choose(5, |at| usize::from(at == 3)).expect("one");
        assert_ne!(chosen, 3);
    }
}

#[test]
fn the_same_seed_chooses_the_same() {
    let chosen = |seed| {
        let balancer = Balancer::seeded(Balance::LeastLoadedOfTwo, seed);
        (0..100)
            .map(|_| balancer.choose(9, |_| 0))
            .collect::<Vec<_>>()
    };
    assert_eq!(chosen(7), chosen(7));
    assert_ne!(chosen(7), chosen(8));
}

#[test]
fn of_nobody_nobody_is_chosen() {
    for balance in [Balance::RoundRobin, Balance::LeastLoadedOfTwo] {
        assert_eq!(Balancer::new(balance).choose(0, |_| 0), None);
    }
}

#[test]
fn concurrent_choosers_share_the_turns_exactly() {
    let turns = Balancer::new(Balance::RoundRobin);
    let chosen: [AtomicUsize; 7] = Default::default();
    byname_testkit::together(4, |_| {
        for _ in 0..700 {
            let at = turns.choose(7, |_| 0).expect("one");
            chosen[at].fetch_add(1, Ordering::Relaxed);
        }
    });
    for count in &chosen {
        assert_eq!(count.load(Ordering::Relaxed), 400);
    }
}
