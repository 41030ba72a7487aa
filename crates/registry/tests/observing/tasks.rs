//! Observing in tasks of a runtime.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;

use byname_registry::{Event, Policy, Subscription};
use futures_core::Stream;

use super::rig::{Follower, numbers, state};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

/// The next item, as any combinator of streams asks for it.
async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

#[test]
fn a_stream_of_every_change_ends_with_the_registry() {
    let (runtime, registry) = (runtime(), numbers());
    let (snapshot, mut changes) = registry.subscribe(Policy::DropOldest);
    let heard = runtime.spawn(async move {
        let mut follower = Follower::new(&snapshot);
        while let Some(event) = next(&mut changes).await {
            follower.hear(&event);
        }
        (follower.revision, follower.state, follower.resyncs)
    });
    for n in 1..=500 {
        registry.put(&format!("name-{}", n % 7), n).unwrap();
    }
    let last = state(&registry.snapshot());
    drop(registry);
    assert_eq!(runtime.block_on(heard).unwrap(), (500, last, 0));
}

#[test]
fn a_hundred_tasks_hear_every_change_in_order() {
    let (runtime, registry) = (runtime(), numbers());
    let observers: Vec<_> = (0..100)
        .map(|_| {
            let (snapshot, mut changes) = registry.subscribe(Policy::DropOldest);
            runtime.spawn(async move {
                let mut follower = Follower::new(&snapshot);
                let ran = changes
                    .run_async(|event| {
                        follower.hear(&event);
                        let revision = follower.revision;
                        async move {
                            tokio::task::yield_now().await;
                            match revision {
                                50 => ControlFlow::Break(()),
                                _ => ControlFlow::Continue(()),
                            }
                        }
                    })
                    .await;
                assert_eq!(ran, ControlFlow::Break(()));
                (follower.state, follower.resyncs)
            })
        })
        .collect();
    for n in 1..=50 {
        registry.put(&format!("name-{}", n % 5), n).unwrap();
    }
    let last = state(&registry.snapshot());
    for observer in observers {
        assert_eq!(runtime.block_on(observer).unwrap(), (last.clone(), 0));
    }
}

fn is_a_stream_that_can_be_sent<S: Stream + Send + Unpin + 'static>(_: &S) {}

/// A receive that is cancelled loses nothing.
#[test]
fn a_cancelled_receive_loses_no_change() {
    let (runtime, registry) = (runtime(), numbers());
    let (_, mut changes) = registry.subscribe(Policy::DropOldest);
    runtime.block_on(async {
        for n in 1..=20 {
            // Polled once while there is nothing, then dropped.
            let mut receive = Box::pin(changes.recv_async());
            poll_fn(|cx| {
                assert!(receive.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            drop(receive);
            registry.put("a", n).unwrap();
            let event = changes.recv_async().await;
            let Some(Event::Change(change)) = event else {
                panic!("{event:?}")
            };
            assert_eq!(change.covers(), n..=n);
        }
    });
    is_a_stream_that_can_be_sent::<Subscription<u64>>(&changes);
}
