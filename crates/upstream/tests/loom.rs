//! Models of the pieces: every interleaving of their atomics, within the bound on preemptions.
//!
//! `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=2 cargo test -p byname-upstream --test loom --release`.
//! Time stands still but where a model moves it, so that nothing is decided by a clock.
#![cfg(loom)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use byname_upstream::{
    Balance, Balancer, Breaker, BreakerOptions, BreakerState, Budget, BudgetOptions, HealthOptions,
    HealthState, InFlight, PassiveHealth,
};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

const SECOND: Duration = Duration::from_secs(1);

fn breaker(failures: u32, trials: u32, successes: u32, now: Instant) -> Breaker {
    let options = BreakerOptions {
        failures,
        open: SECOND,
        open_max: 60 * SECOND,
        trials,
        successes,
    };
    Breaker::new(options, now)
}

/// One that is open, and when it lets trials through.
fn opened(trials: u32, successes: u32) -> (Arc<Breaker>, Instant) {
    let now = Instant::now();
    let breaker = breaker(1, trials, successes, now);
    breaker.admit_from(now).expect("closed").failure(now);
    (Arc::new(breaker), now + SECOND)
}

/// Runs `run` in two threads, and here.
fn three(run: impl Fn(usize) -> usize + Clone + Send + 'static) -> usize {
    let others: Vec<_> = (1..3)
        .map(|at| {
            let run = run.clone();
            thread::spawn(move || run(at))
        })
        .collect();
    let here = run(0);
    let there = others.into_iter().map(|other| other.join().expect("ran"));
    here + there.sum::<usize>()
}

fn two(run: impl Fn(usize) -> usize + Clone + Send + 'static) -> usize {
    let other = run.clone();
    let other = thread::spawn(move || other(1));
    run(0) + other.join().expect("ran")
}

/// Adds one in two steps, of which another may see nothing: none is lost only where each comes after the
/// other, and sees it.
fn add_in_two_steps(count: &AtomicUsize) {
    let before = count.load(Ordering::Relaxed);
    count.store(before + 1, Ordering::Relaxed);
}

fn half_open(trials: u32, successes: u32) -> BreakerState {
    BreakerState::HalfOpen { trials, successes }
}

#[test]
fn half_open_never_has_more_trials_out_than_it_may_and_loses_no_place() {
    loom::model(|| {
        let (breaker, now) = opened(2, 9);
        let out = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&breaker);
        three(move |_| {
            let Ok(trial) = shared.admit_from(now) else {
                return 0;
            };
            assert!(trial.is_trial());
            assert!(out.fetch_add(1, Ordering::SeqCst) < 2);
            out.fetch_sub(1, Ordering::SeqCst);
            drop(trial);
            1
        });
        assert_eq!(breaker.state(now), half_open(0, 0));
        let again: Vec<_> = (0..3)
            .filter_map(|_| breaker.admit_from(now).ok())
            .collect();
        assert_eq!(again.len(), 2);
    });
}

#[test]
fn of_all_at_once_exactly_the_trials_are_let_through() {
    loom::model(|| {
        let (breaker, now) = opened(2, 9);
        let shared = Arc::clone(&breaker);
        let kept = Arc::new(std::sync::Mutex::new(Vec::new()));
        let keeps = Arc::clone(&kept);
        let admitted = three(move |_| match Breaker::admit(Arc::clone(&shared), now) {
            Ok(trial) => {
                keeps.lock().expect("whole").push(trial);
                1
            }
            Err(_) => 0,
        });
        assert_eq!(admitted, 2);
        assert_eq!(breaker.state(now), half_open(2, 0));
        kept.lock().expect("whole").clear();
        assert_eq!(breaker.state(now), half_open(0, 0));
    });
}

#[test]
fn a_place_that_a_failure_freed_lets_nobody_into_the_period_it_ended() {
    loom::model(|| {
        let (breaker, now) = opened(1, 9);
        let shared = Arc::clone(&breaker);
        let admitted = three(move |_| match shared.admit_from(now) {
            Ok(trial) => {
                trial.failure(now);
                1
            }
            Err(_) => 0,
        });
        assert_eq!(admitted, 1);
        let left = 2 * SECOND;
        assert_eq!(breaker.state(now), BreakerState::Open { left });
        assert!(breaker.admit_from(now + left).is_ok());
    });
}

#[test]
fn who_takes_a_trials_place_sees_what_the_trial_before_did() {
    loom::model(|| {
        let (breaker, now) = opened(1, 9);
        let (seen, shared) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&breaker));
        let sees = Arc::clone(&seen);
        let admitted = two(move |_| {
            let Ok(trial) = shared.admit_from(now) else {
                return 0;
            };
            add_in_two_steps(&sees);
            drop(trial);
            1
        });
        assert_eq!(seen.load(Ordering::Relaxed), admitted);
    });
}

#[test]
fn verdicts_that_contradict_each_other_leave_no_state_stuck() {
    loom::model(|| {
        let (breaker, now) = opened(2, 1);
        let shared = Arc::clone(&breaker);
        let turned = two(move |at| {
            let Ok(call) = shared.admit_from(now) else {
                return 0;
            };
            let turned = if at == 0 {
                call.success(now)
            } else {
                call.failure(now)
            };
            usize::from(turned.is_some())
        });
        // Where the success comes first, the failure is one of a closed breaker, and opens it again.
        assert!(turned == 1 || turned == 2);
        let state = breaker.state(now);
        assert!(matches!(
            state,
            BreakerState::Closed { failures: 0 } | BreakerState::Open { .. }
        ));
        let later = now + 60 * SECOND;
        let call = breaker.admit_from(later).expect("never stuck");
        call.success(later);
        let closed = BreakerState::Closed { failures: 0 };
        assert_eq!(breaker.state(later), closed);
    });
}

#[test]
fn so_many_failures_open_it_once() {
    loom::model(|| {
        let now = Instant::now();
        let breaker = Arc::new(breaker(3, 1, 1, now));
        let shared = Arc::clone(&breaker);
        let opened = three(move |_| {
            let call = shared.admit_from(now);
            let turned = call.expect("closed before the third").failure(now);
            usize::from(turned.is_some())
        });
        assert_eq!(opened, 1);
        let left = SECOND;
        assert_eq!(breaker.state(now), BreakerState::Open { left });
    });
}

#[test]
fn a_verdict_of_an_earlier_period_never_counts_in_the_trials() {
    loom::model(|| {
        let now = Instant::now();
        let breaker = Arc::new(breaker(1, 1, 2, now));
        let slow = Breaker::admit(Arc::clone(&breaker), now).expect("closed");
        breaker.admit_from(now).expect("closed").failure(now);
        let later = now + SECOND;
        let other = thread::spawn(move || slow.failure(later).is_some());
        breaker.admit_from(later).expect("half open").success(later);
        assert!(!other.join().expect("ran"));
        assert_eq!(breaker.state(later), half_open(0, 1));
    });
}

fn budget(share: f64, floor: u32) -> (Arc<Budget>, Instant) {
    let now = Instant::now();
    let options = BudgetOptions {
        share,
        floor,
        kept: 10,
    };
    (Arc::new(Budget::new(options, now)), now)
}

fn rest(budget: &Budget, now: Instant) -> usize {
    (0..10).filter(|_| budget.withdraw(now)).count()
}

#[test]
fn the_budget_gives_out_what_calls_put_in_and_loses_none() {
    loom::model(|| {
        let (budget, now) = budget(0.5, 0);
        budget.deposit();
        let shared = Arc::clone(&budget);
        let taken = three(move |_| {
            shared.deposit();
            usize::from(shared.withdraw(now))
        });
        // Four calls at a half each.
        assert_eq!(taken + rest(&budget, now), 2);
    });
}

#[test]
fn the_floor_is_given_out_once() {
    loom::model(|| {
        let (budget, now) = budget(0.0, 2);
        let shared = Arc::clone(&budget);
        let taken = three(move |_| usize::from(shared.withdraw(now)));
        assert_eq!(taken, 2);
        assert_eq!(rest(&budget, now), 0);
    });
}

#[test]
fn what_is_in_flight_never_exceeds_its_bound_and_sees_who_was_before() {
    loom::model(|| {
        let flight = Arc::new(InFlight::new(1));
        let (inside, shared) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&flight));
        let adds = Arc::clone(&inside);
        let entered = three(move |_| {
            let Some(place) = InFlight::enter(&*shared) else {
                return 0;
            };
            add_in_two_steps(&adds);
            drop(place);
            1
        });
        assert!((1..=3).contains(&entered));
        assert_eq!(inside.load(Ordering::Relaxed), entered);
        assert_eq!(flight.count(), 0);
        assert!(InFlight::enter(&*flight).is_some());
    });
}

fn health(failures: u32, least: u32) -> (Arc<PassiveHealth>, Instant) {
    let now = Instant::now();
    let options = HealthOptions {
        failures,
        least,
        out: SECOND,
        ..HealthOptions::default()
    };
    (Arc::new(PassiveHealth::new(options, now)), now)
}

#[test]
fn so_many_failures_leave_a_peer_out_once() {
    loom::model(|| {
        let (health, now) = health(2, 100);
        let shared = Arc::clone(&health);
        let out = three(move |_| usize::from(shared.failure(now).is_some()));
        assert_eq!(out, 1);
        assert_eq!(health.step(now), Some(0));
        let back = HealthState::Well { failures: 0 };
        assert_eq!(health.state(now + SECOND), back);
    });
}

#[test]
fn a_window_counts_every_call() {
    loom::model(|| {
        let (health, now) = health(100, 4);
        let earlier = now;
        health.success(earlier);
        // The same tenth of the next round: two threads begin it anew at once.
        let later = now + 10 * SECOND;
        let shared = Arc::clone(&health);
        let out = two(move |_| usize::from(shared.failure(later).is_some()));
        assert_eq!(out, 0, "two of the least four");
        assert_eq!(health.failure(later), None);
        assert_eq!(health.failure(later), Some(SECOND), "the fourth");
    });
}

#[test]
fn one_that_is_taken_back_while_it_fails_is_well_or_left_out_anew() {
    loom::model(|| {
        let (health, now) = health(1, 100);
        health.failure(now);
        let shared = Arc::clone(&health);
        let out = two(move |at| {
            if at == 0 {
                shared.readmit(now);
                return 0;
            }
            usize::from(shared.failure(now).is_some())
        });
        let step = (out == 1).then_some(1);
        assert_eq!(health.step(now), step);
    });
}

#[test]
fn every_turn_is_given_once() {
    loom::model(|| {
        let turns = Arc::new(Balancer::new(Balance::RoundRobin));
        let given = three(move |_| 1 << (4 * turns.choose(3, |_| 0).expect("three")));
        assert_eq!(given, 0x111);
    });
}
