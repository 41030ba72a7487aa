//! Many writers and followers at the same time.

use std::collections::BTreeSet;

use crate::rig::{Events, More, get, start_with};

const WRITERS: usize = 4;
const EACH: usize = 200;

/// Every follower hears of every change once and in order, whatever comes at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_follower_hears_every_change_once() {
    let more = More::default();
    let settings = "{ changes: 100000, page: 1000 }";
    let (_running, router) = start_with(settings, more.clone()).await;
    let followers = (0..3).map(|_| {
        let router = router.clone();
        tokio::spawn(async move {
            let mut events = Events::of(&router, None).await;
            let mut names = BTreeSet::new();
            let mut last = 0;
            while names.len() < WRITERS * EACH {
                let event = events.next_of("machines").await;
                let (_, name, kind) = event.change();
                assert_eq!(kind, "added");
                let revision = event.data["revision"].as_u64().unwrap();
                assert_eq!(revision, last + 1);
                last = revision;
                assert!(names.insert(name.to_owned()), "{name} twice");
            }
            last
        })
    });
    let followers: Vec<_> = followers.collect();
    let writers = (0..WRITERS).map(|writer| {
        let machines = more.machines.clone();
        std::thread::spawn(move || {
            for i in 0..EACH {
                machines.put(&format!("{writer}-{i}"), 1).unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..20 {
        let told = get(&router, "/registries/machines").await.json();
        assert_eq!(told["count"], told["entries"].as_array().unwrap().len());
        assert_eq!(told["count"], told["revision"]);
    }
    for writer in writers {
        writer.join().unwrap();
    }
    for follower in followers {
        assert_eq!(follower.await.unwrap(), (WRITERS * EACH) as u64);
    }
}
