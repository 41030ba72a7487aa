use super::*;
use crate::backend::Backend;
use crate::balance::Balance;
use crate::breaker::BreakerOptions;
use crate::connect::Secure;
use crate::health::HealthOptions;
use crate::options::{Limits, Options};

const SECOND: Duration = Duration::from_secs(1);

/// Peers with one place each, left out for a second after one failure, whose breakers open after two.
fn peers(number: usize, now: Instant) -> Vec<Arc<Peer>> {
    let options = Options::default()
        .health(HealthOptions {
            failures: 1,
            out: SECOND,
            ..HealthOptions::default()
        })
        .breaker(BreakerOptions {
            failures: 2,
            open: 5 * SECOND,
            ..BreakerOptions::default()
        })
        .limits(Limits {
            in_flight: 1,
            ..Limits::default()
        });
    let freed = Arc::default();
    let peer = |at| {
        let backend = Backend::new(&format!("http://{at}")).expect("a backend");
        Peer::new(backend, &options, &Secure::of(&options), &freed, now)
    };
    (0..number).map(peer).collect()
}

fn chosen(peers: &[Arc<Peer>], tried: &[Arc<Peer>], now: Instant) -> Chosen {
    choose(peers, tried, &Balancer::new(Balance::RoundRobin), now)
}

/// The position of the one that was chosen, and whether it is left out.
fn admitted(peers: &[Arc<Peer>], tried: &[Arc<Peer>], now: Instant) -> (usize, bool) {
    let Chosen::Admitted(attempt) = chosen(peers, tried, now) else {
        panic!("nobody was admitted");
    };
    let at = peers
        .iter()
        .position(|peer| Arc::ptr_eq(peer, attempt.peer()));
    (at.expect("one of them"), attempt.is_unwell())
}

fn open(peer: &Arc<Peer>, now: Instant) {
    for _ in 0..2 {
        peer.breaker.admit_from(now).expect("closed").failure(now);
    }
}

#[test]
fn those_that_are_well_come_first_and_of_these_those_not_tried() {
    let now = Instant::now();
    let peers = peers(4, now);
    peers[0].health.failure(now);
    let tried = [Arc::clone(&peers[1])];
    assert_eq!(admitted(&peers, &tried, now), (2, false));
    assert_eq!(admitted(&peers[..2], &tried, now), (1, false), "again");
    assert_eq!(admitted(&peers[..1], &tried, now), (0, true));
}

#[test]
fn where_all_are_left_out_the_least_bad_are_asked() {
    let now = Instant::now();
    let peers = peers(3, now);
    peers[0].health.failure(now);
    let later = now + SECOND;
    for peer in &peers {
        peer.health.failure(later);
    }
    // The first is left out for the second time in a row.
    let turns = Balancer::new(Balance::RoundRobin);
    let mut asked = [0; 3];
    for _ in 0..10 {
        let Chosen::Admitted(attempt) = choose(&peers, &[], &turns, later) else {
            panic!("nobody was admitted");
        };
        let at = peers
            .iter()
            .position(|peer| Arc::ptr_eq(peer, attempt.peer()));
        asked[at.expect("one of them")] += 1;
        assert!(attempt.is_unwell());
    }
    assert_eq!(asked, [0, 5, 5]);
    let _taken = [&peers[1], &peers[2]].map(|peer| Attempt::admit(peer, true, later));
    assert_eq!(
        admitted(&peers, &[], later),
        (0, true),
        "the worst is the last"
    );
}

#[test]
fn one_that_is_left_out_is_not_asked_since_those_that_are_well_are_full() {
    let now = Instant::now();
    let peers = peers(2, now);
    peers[0].health.failure(now);
    let taken = Attempt::admit(&peers[1], false, now).expect("free");
    assert!(matches!(chosen(&peers, &[], now), Chosen::Full));
    assert_eq!(peers[0].in_flight.count(), 0);
    drop(taken);
    assert_eq!(admitted(&peers, &[], now), (1, false));
}

#[test]
fn one_that_is_left_out_is_asked_where_the_breakers_of_those_that_are_well_refuse() {
    let now = Instant::now();
    let peers = peers(2, now);
    peers[0].health.failure(now);
    open(&peers[1], now);
    assert_eq!(admitted(&peers, &[], now), (0, true));
    open(&peers[0], now);
    let Chosen::Refused(after) = chosen(&peers, &[], now + SECOND) else {
        panic!("both are open");
    };
    assert_eq!(after, Some(4 * SECOND));
    assert!(matches!(chosen(&[], &[], now), Chosen::Nobody));
}

#[test]
fn when_breakers_may_admit_again_is_the_soonest_of_them() {
    let now = Instant::now();
    let peers = peers(3, now);
    for (at, peer) in (0..).zip(&peers) {
        open(peer, now + at * SECOND);
    }
    let asked = [&peers[2], &peers[0], &peers[1]].map(Arc::clone);
    let Chosen::Refused(after) = chosen(&asked, &[], now + 3 * SECOND) else {
        panic!("all are open");
    };
    assert_eq!(after, Some(2 * SECOND));
}

#[test]
fn who_is_full_is_no_trial() {
    let now = Instant::now();
    let peers = peers(1, now);
    let taken = Attempt::admit(&peers[0], false, now).expect("free");
    open(&peers[0], now);
    let later = now + 5 * SECOND;
    assert!(matches!(chosen(&peers, &[], later), Chosen::Full));
    let half_open = crate::breaker::BreakerState::HalfOpen {
        trials: 0,
        successes: 0,
    };
    assert_eq!(peers[0].breaker.state(later), half_open);
    drop(taken);
    assert_eq!(admitted(&peers, &[], later), (0, false));
}
