//! A build belongs to its entry: whoever leaves restarts nothing for the others.

use std::convert::Infallible;

use byname_registry::{BuildStatus, Factory, Registry, Resolve};
use byname_testkit::DropCounter;

use super::rig::{Calls, Gate, address, poll, ready, waiters};

type Never = Infallible;

struct Gated {
    registry: Registry<usize>,
    gate: Gate,
    calls: Calls,
    /// What the future of an attempt holds while it lives.
    held: DropCounter,
}

/// An entry `a` whose build waits at a gate.
fn gated() -> Gated {
    let (registry, gate, calls) = (Registry::new(), Gate::default(), Calls::default());
    let held = DropCounter::new();
    let (door, counted, holds) = (gate.clone(), calls.clone(), held.clone());
    let factory = Factory::future(move |_| {
        let (door, number, part) = (door.clone(), counted.call(), holds.count(()));
        async move {
            let _part = part;
            door.pass().await;
            Ok::<_, Never>(number)
        }
    });
    registry.register_factory("a", factory).unwrap();
    Gated {
        registry,
        gate,
        calls,
        held,
    }
}

fn three(registry: &Registry<usize>) -> Vec<Resolve<usize>> {
    let mut asks: Vec<_> = (0..3).map(|_| registry.resolve_async("a")).collect();
    for ask in &mut asks {
        assert!(poll(ask).is_pending());
    }
    asks
}

#[test]
fn any_waiter_may_leave() {
    for (leaves, who) in ["first", "middle", "last"].into_iter().enumerate() {
        let Gated {
            registry,
            gate,
            calls,
            held,
        } = gated();
        let mut asks = three(&registry);
        let entry = registry.entry("a").unwrap();
        assert_eq!(waiters(&entry), 3);
        drop(asks.remove(leaves));
        assert_eq!(waiters(&entry), 2, "{who}");
        held.assert_live(1);
        gate.open();
        let made: Vec<_> = asks
            .iter_mut()
            .map(|ask| ready(poll(ask)).unwrap())
            .collect();
        assert_eq!((*made[0], *made[1]), (0, 0), "{who}");
        assert_eq!(address(&*made[0]), address(&*made[1]), "{who}");
        assert_eq!(calls.count(), 1, "{who}");
        held.assert_all_dropped();
    }
}

#[test]
fn when_all_have_left_the_next_ask_begins_anew() {
    let Gated {
        registry,
        gate,
        calls,
        held,
    } = gated();
    let asks = three(&registry);
    held.assert_live(1);
    drop(asks);
    held.assert_all_dropped();
    let entry = registry.entry("a").unwrap();
    assert!(matches!(entry.build_status(), Some(BuildStatus::Unbuilt)));
    assert!(registry.get("a").is_none());
    gate.open();
    assert_eq!(*ready(poll(&mut registry.resolve_async("a"))).unwrap(), 1);
    assert_eq!((calls.count(), held.created()), (2, 2));
    held.assert_all_dropped();
}

#[test]
fn an_ask_that_is_never_polled_does_nothing() {
    let Gated {
        registry, calls, ..
    } = gated();
    let entry = registry.entry("a").unwrap();
    let ask = registry.resolve_async("a");
    assert!(matches!(entry.build_status(), Some(BuildStatus::Unbuilt)));
    drop(ask);
    assert_eq!(calls.count(), 0);
}

/// A thread that blocks goes on with the build that a task began and left.
#[test]
fn a_thread_takes_over_from_a_task_that_leaves() {
    let Gated {
        registry,
        gate,
        calls,
        held,
    } = gated();
    let mut task = registry.resolve_async("a");
    assert!(poll(&mut task).is_pending());
    let entry = registry.entry("a").unwrap();
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| *registry.resolve_blocking("a").unwrap());
        super::rig::until(|| waiters(&entry) == 2);
        drop(task);
        gate.open();
        assert_eq!(blocked.join().unwrap(), 0);
    });
    assert_eq!(calls.count(), 1);
    held.assert_all_dropped();
}
