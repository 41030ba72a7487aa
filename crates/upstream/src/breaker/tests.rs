use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn breaker(failures: u32, trials: u32, successes: u32) -> (Breaker, Instant) {
    let options = BreakerOptions {
        failures,
        open: SECOND,
        open_max: 3 * SECOND,
        trials,
        successes,
    };
    assert_eq!(options.wrong(), None);
    let now = Instant::now();
    (Breaker::new(options, now), now)
}

fn fail(breaker: &Breaker, now: Instant, times: u32) {
    for _ in 0..times {
        breaker.admit_from(now).expect("admitted").failure(now);
    }
}

#[test]
fn it_opens_after_so_many_failures_in_a_row() {
    let (breaker, now) = breaker(3, 1, 1);
    fail(&breaker, now, 2);
    breaker.admit_from(now).expect("closed").success(now);
    fail(&breaker, now, 2);
    assert_eq!(breaker.state(now), BreakerState::Closed { failures: 2 });
    let third = breaker.admit_from(now).expect("closed");
    let opened = Some(BreakerState::Open { left: SECOND });
    assert_eq!(third.failure(now), opened);
    let refused = breaker.admit_from(now).map(|_| ()).expect_err("open");
    assert_eq!(refused.after, Some(SECOND));
}

#[test]
fn half_open_admits_its_trials_and_no_more_of_a_hundred_at_once() {
    let (breaker, now) = breaker(1, 3, 3);
    fail(&breaker, now, 1);
    let later = now + SECOND;
    let admitted: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| breaker.admit_from(later).ok()))
            .collect();
        let joined = threads.into_iter().map(|t| t.join().expect("ran"));
        joined.flatten().collect()
    });
    assert_eq!(admitted.len(), 3);
    assert!(admitted.iter().all(Permit::is_trial));
    let half_open = BreakerState::HalfOpen {
        trials: 3,
        successes: 0,
    };
    assert_eq!(breaker.state(later), half_open);
}

#[test]
fn a_failed_trial_opens_it_again_for_twice_as_long_up_to_the_bound() {
    let (breaker, mut now) = breaker(1, 1, 1);
    fail(&breaker, now, 1);
    for (passed, next) in [(1, 2), (2, 3), (3, 3)] {
        now += (passed * SECOND).saturating_sub(SECOND / 1000);
        assert!(breaker.admit_from(now).is_err());
        now += SECOND / 1000;
        let trial = breaker.admit_from(now).expect("half open");
        let opened = Some(BreakerState::Open {
            left: next * SECOND,
        });
        assert_eq!(trial.failure(now), opened);
    }
    now += 3 * SECOND;
    let trial = breaker.admit_from(now).expect("half open");
    let closed = Some(BreakerState::Closed { failures: 0 });
    assert_eq!(trial.success(now), closed);
    fail(&breaker, now, 1);
    assert_eq!(breaker.state(now), BreakerState::Open { left: SECOND });
}

#[test]
fn it_closes_after_so_many_trials_have_succeeded() {
    let (breaker, now) = breaker(1, 1, 3);
    fail(&breaker, now, 1);
    let later = now + SECOND;
    for successes in 0..2 {
        let trial = breaker.admit_from(later).expect("half open");
        assert_eq!(trial.success(later), None, "{successes}");
    }
    breaker.admit_from(later).expect("half open").success(later);
    assert_eq!(breaker.state(later), BreakerState::Closed { failures: 0 });
}

#[test]
fn a_trial_that_is_cancelled_or_panics_gives_its_place_back_and_says_nothing() {
    let (breaker, now) = breaker(1, 1, 1);
    fail(&breaker, now, 1);
    let later = now + SECOND;
    drop(breaker.admit_from(later).expect("half open"));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _trial = breaker.admit_from(later).expect("the place is back");
        panic!("in a trial");
    }));
    assert!(panicked.is_err());
    let state = BreakerState::HalfOpen {
        trials: 0,
        successes: 0,
    };
    assert_eq!(breaker.state(later), state);
}

#[test]
fn a_verdict_of_an_earlier_period_does_not_count() {
    let (breaker, now) = breaker(1, 2, 2);
    let slow = breaker.admit_from(now).expect("closed");
    let slower = breaker.admit_from(now).expect("closed");
    fail(&breaker, now, 1);
    let later = now + SECOND;
    let trial = breaker.admit_from(later).expect("half open");
    assert_eq!(slow.failure(later), None);
    assert_eq!(slower.success(later), None);
    let state = BreakerState::HalfOpen {
        trials: 1,
        successes: 0,
    };
    assert_eq!(breaker.state(later), state);
    drop(trial);
}

#[test]
fn a_trial_that_outlives_its_period_keeps_its_place() {
    let (breaker, now) = breaker(1, 2, 2);
    fail(&breaker, now, 1);
    let later = now + SECOND;
    let hanging = breaker.admit_from(later).expect("half open");
    breaker.admit_from(later).expect("half open").failure(later);
    let again = later + 2 * SECOND;
    let trial = breaker.admit_from(again).expect("half open");
    assert!(breaker.admit_from(again).is_err(), "two are out");
    drop(hanging);
    assert!(breaker.admit_from(again).is_ok());
    drop(trial);
}

#[test]
fn looking_changes_nothing() {
    let (breaker, now) = breaker(1, 1, 1);
    fail(&breaker, now, 1);
    let later = now + SECOND;
    assert!(!breaker.would_admit(now));
    assert!(breaker.would_admit(later));
    assert!(matches!(
        breaker.state(later),
        BreakerState::HalfOpen { .. }
    ));
    assert_eq!(breaker.state(now), BreakerState::Open { left: SECOND });
}

#[test]
fn generations_and_levels_go_round_without_touching_their_neighbours() {
    let (breaker, mut now) = breaker(1, 1, 1);
    fail(&breaker, now, 1);
    for _ in 0..70_000 {
        now += 3 * SECOND;
        breaker.admit_from(now).expect("half open").failure(now);
    }
    let left = 3 * SECOND;
    assert_eq!(breaker.state(now), BreakerState::Open { left });
    now += left;
    breaker.admit_from(now).expect("half open").success(now);
    assert_eq!(breaker.state(now), BreakerState::Closed { failures: 0 });
}

#[test]
fn options_out_of_bounds_are_told() {
    let wrong = |change: fn(&mut BreakerOptions)| {
        let mut options = BreakerOptions::default();
        change(&mut options);
        options.wrong().is_some()
    };
    assert!(wrong(|options| options.failures = 0));
    assert!(wrong(|options| options.trials = 0));
    assert!(wrong(|options| options.successes = 0));
    assert!(wrong(|options| options.open = Duration::ZERO));
    assert!(wrong(|options| options.open_max = Duration::ZERO));
}
