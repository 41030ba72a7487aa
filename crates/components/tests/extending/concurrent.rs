//! The module under load: what note 003 asks of each module, with exact numbers.

use std::sync::Arc;

use byname_registry::{Event, RecvError};
use tokio::sync::Barrier;

use crate::notices::{Lists, Notices};
use crate::rig::start;

/// Both topics at once: to `a` and `b`, or to `c` and `d`.
fn lists(pair: [&str; 2]) -> Lists {
    let pair: Vec<String> = pair.map(String::from).into();
    [("fire".into(), pair.clone()), ("flood".into(), pair)].into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_notices_reach_one_list_whole_while_lists_are_replaced() {
    const PUBLISHERS: usize = 20;
    const NOTICES: usize = 50;
    const CHANGES: usize = 100;
    let (running, outlets) = start("{ fire: [a, b], flood: [a, b] }").await;
    let notices = running.services().require::<Notices>("notices").unwrap();
    let mut changes = notices.changes();
    let begin = Arc::new(Barrier::new(PUBLISHERS + 1));
    let publishing: Vec<_> = (0..PUBLISHERS)
        .map(|_| {
            let (notices, begin) = (Arc::clone(&notices), Arc::clone(&begin));
            tokio::spawn(async move {
                begin.wait().await;
                for _ in 0..NOTICES {
                    assert_eq!(notices.publish("fire", b"it burns").await.unwrap(), 2);
                }
            })
        })
        .collect();
    begin.wait().await;
    for change in 0..CHANGES {
        let pair = if change % 2 == 0 {
            ["c", "d"]
        } else {
            ["a", "b"]
        };
        notices.subscribe(&lists(pair)).unwrap();
        tokio::task::yield_now().await;
    }
    for publisher in publishing {
        publisher.await.unwrap();
    }
    // Each notice went to both outlets of one list, and to no other.
    let [a, b, c, d] = outlets.each_ref().map(|outlet| outlet.count());
    assert_eq!((a, c), (b, d));
    assert_eq!(a + c, PUBLISHERS * NOTICES);
    // Whoever observes has heard of every change, in order, both topics in one.
    for change in 0..CHANGES as u64 {
        let Ok(Event::Change(heard)) = changes.try_recv() else {
            panic!("change {change} was not heard");
        };
        assert_eq!(heard.covers(), change + 2..=change + 2);
        assert_eq!(heard.entries().len(), 2);
    }
    assert_eq!(changes.try_recv().unwrap_err(), RecvError::Empty);
    running.stop().await.unwrap();
}
