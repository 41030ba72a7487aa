use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn options() -> HealthOptions {
    HealthOptions {
        failures: 3,
        share: 0.5,
        least: 10,
        window: 10 * SECOND,
        out: SECOND,
        out_max: 3 * SECOND,
    }
}

fn health(options: HealthOptions) -> (PassiveHealth, Instant) {
    assert_eq!(options.wrong(), None);
    let now = Instant::now();
    (PassiveHealth::new(options, now), now)
}

fn fail(health: &PassiveHealth, now: Instant, times: u32) -> Vec<Option<Duration>> {
    (0..times).map(|_| health.failure(now)).collect()
}

#[test]
fn so_many_failures_in_a_row_leave_it_out_and_one_success_begins_anew() {
    let (health, now) = health(options());
    assert_eq!(fail(&health, now, 2), [None, None]);
    assert_eq!(health.state(now), HealthState::Well { failures: 2 });
    health.success(now);
    assert_eq!(health.state(now), HealthState::Well { failures: 0 });
    assert_eq!(fail(&health, now, 3), [None, None, Some(SECOND)]);
    assert_eq!(health.state(now), HealthState::LeftOut { left: SECOND });
    assert_eq!(health.step(now), Some(0));
    assert!(health.is_well(now + SECOND));
}

#[test]
fn what_fails_while_it_is_left_out_does_not_prolong_that() {
    let (health, now) = health(options());
    fail(&health, now, 3);
    assert_eq!(fail(&health, now + SECOND / 2, 100), vec![None; 100]);
    assert_eq!(
        health.state(now + SECOND),
        HealthState::Well { failures: 0 }
    );
}

#[test]
fn the_time_grows_to_its_bound_and_shrinks_when_it_stays_well() {
    let (health, mut now) = health(options());
    for expected in [1, 2, 3, 3] {
        let left_out = fail(&health, now, 3).pop().flatten();
        assert_eq!(left_out, Some(expected * SECOND));
        now += expected * SECOND;
    }
    now += 10 * SECOND;
    assert_eq!(fail(&health, now, 3).pop().flatten(), Some(SECOND));
}

#[test]
fn so_large_a_share_of_a_window_leaves_it_out() {
    let (health, now) = health(options());
    let mut left_out = Vec::new();
    for call in 0..10 {
        if call % 2 == 0 {
            health.success(now);
        } else {
            left_out.push(health.failure(now));
        }
    }
    // The tenth call is the fifth failure: half of the least number.
    assert_eq!(left_out, [None, None, None, None, Some(SECOND)]);
}

#[test]
fn a_share_of_too_few_calls_and_a_share_below_do_not() {
    let (few, now) = health(HealthOptions {
        failures: 100,
        ..options()
    });
    assert_eq!(fail(&few, now, 9), [None; 9]);
    assert_eq!(
        fail(&few, now + 10 * SECOND, 9),
        [None; 9],
        "another window"
    );
    assert_eq!(few.failure(now + 10 * SECOND), Some(SECOND));

    let (below, now) = health(options());
    for _ in 0..20 {
        below.success(now);
        assert_eq!(below.failure(now), None);
        below.success(now);
    }
}

#[test]
fn what_was_counted_before_it_was_left_out_is_not_held_against_it_again() {
    let (health, now) = health(HealthOptions {
        failures: 100,
        ..options()
    });
    assert_eq!(fail(&health, now, 10).pop().flatten(), Some(SECOND));
    let back = now + 2 * SECOND;
    assert_eq!(fail(&health, back, 9), [None; 9]);
    assert_eq!(health.failure(back), Some(2 * SECOND));
}

#[test]
fn one_that_answers_well_while_left_out_is_taken_back_at_once() {
    let (health, now) = health(options());
    fail(&health, now, 3);
    let later = now + SECOND / 10;
    health.readmit(later);
    assert!(health.is_well(later));
    let again = fail(&health, later, 3).pop().flatten();
    assert_eq!(again, Some(2 * SECOND), "it is no first time");
}

#[test]
fn what_was_counted_before_it_was_taken_back_is_not_held_against_it() {
    let (health, now) = health(HealthOptions {
        failures: 100,
        out: 3 * SECOND,
        ..options()
    });
    let now = now + 2 * SECOND;
    assert_eq!(fail(&health, now, 10).pop().flatten(), Some(3 * SECOND));
    let later = now + 2 * SECOND;
    health.readmit(later);
    assert_eq!(fail(&health, later, 9), [None; 9]);
}

#[test]
fn of_a_hundred_concurrent_failures_exactly_one_leaves_it_out() {
    for _ in 0..20 {
        let (health, now) = health(HealthOptions {
            failures: 50,
            least: 1000,
            ..options()
        });
        let left_out: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| fail(&health, now, 25).iter().flatten().count()))
                .collect();
            threads.into_iter().map(|t| t.join().expect("ran")).sum()
        });
        assert_eq!(left_out, 1);
    }
}

#[test]
fn options_out_of_bounds_are_told() {
    let wrong = |change: fn(&mut HealthOptions)| {
        let mut options = options();
        change(&mut options);
        options.wrong().is_some()
    };
    assert!(wrong(|options| options.failures = 0));
    assert!(wrong(|options| options.least = 0));
    assert!(wrong(|options| options.share = 0.0));
    assert!(wrong(|options| options.share = f64::NAN));
    assert!(wrong(|options| options.share = 1.5));
    assert!(wrong(|options| options.window = Duration::ZERO));
    assert!(wrong(|options| options.out = Duration::ZERO));
    assert!(wrong(|options| options.out_max = SECOND / 2));
}
