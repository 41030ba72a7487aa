//! `/changes`.

use std::time::Duration;

use byname_testkit::PATIENCE;
use tokio::time::timeout;

use crate::rig::{Events, More, start, start_with};

#[tokio::test]
async fn every_change_is_told_with_registry_name_revision_and_kind() {
    let more = More::default();
    let (running, router) = start_with("{}", more.clone()).await;
    let mut events = Events::of(&router, None).await;
    more.machines.put("a", 1).unwrap();
    more.machines.put("a", 2).unwrap();
    more.machines.put_all([("b", 1), ("c", 1)]).unwrap();
    more.machines.remove("a").unwrap();
    let mut told = Vec::new();
    for _ in 0..5 {
        let event = events.next_of("machines").await;
        let revision = event.data["revision"].as_u64().unwrap();
        assert!(event.data["at"].as_f64().unwrap() > 1e9);
        let (_, name, kind) = event.change();
        told.push(format!("{revision} {kind} {name}"));
    }
    told[2..4].sort();
    assert_eq!(
        told,
        [
            "1 added a",
            "2 replaced a",
            "3 added b",
            "3 added c",
            "4 removed a"
        ]
    );
    running.registries().values.set("limit", "unseen").unwrap();
    let event = events.next_of("values").await;
    assert_eq!(event.change(), ("values", "limit", "replaced"));
    assert!(
        !event.data.to_string().contains("unseen"),
        "no value is told"
    );
}

#[tokio::test]
async fn who_comes_late_gets_what_is_kept_and_who_comes_again_goes_on_there() {
    let more = More::default();
    let (_running, router) = start_with("{}", more.clone()).await;
    for name in ["a", "b", "c"] {
        more.machines.put(name, 1).unwrap();
    }
    let mut first = Events::of(&router, None).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let event = first.next_of("machines").await;
        assert_eq!(event.change(), ("machines", name, "added"));
        ids.push(event.id);
    }
    drop(first);
    more.machines.put("d", 1).unwrap();
    let mut again = Events::of(&router, Some(&ids[1])).await;
    for name in ["c", "d"] {
        let event = again.next_of("machines").await;
        assert_eq!(event.change(), ("machines", name, "added"));
    }
}

#[tokio::test]
async fn an_id_of_another_run_is_a_gap_and_then_all_that_is_kept() {
    let more = More::default();
    let (_running, router) = start_with("{}", more.clone()).await;
    more.machines.put("a", 1).unwrap();
    for id in ["1234-5", "nonsense", ""] {
        let mut events = Events::of(&router, Some(id)).await;
        let gap = events.next().await.unwrap();
        assert_eq!(gap.kind, "gap", "{id}");
        assert!(gap.data["missed"].is_null());
        let event = events.next_of("machines").await;
        assert_eq!(event.change(), ("machines", "a", "added"));
    }
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_a_gap_that_says_how_many() {
    let more = More::default();
    let (_running, router) = start_with("{ changes: 3 }", more.clone()).await;
    let mut first = Events::of(&router, None).await;
    more.machines.put("0", 1).unwrap();
    let event = first.next_of("machines").await;
    let seen = if event.kind == "gap" {
        first.next_of("machines").await
    } else {
        event
    };
    // One after another: so many at once would be more than one queue holds.
    for name in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"] {
        more.machines.put(name, 1).unwrap();
        loop {
            let event = first.next().await.unwrap();
            if event.kind == "change" && event.data["name"] == name {
                break;
            }
        }
    }
    let mut again = Events::of(&router, Some(&seen.id)).await;
    let gap = again.next().await.unwrap();
    assert_eq!((&*gap.kind, &gap.data["missed"]), ("gap", &7.into()));
    let mut ids = vec![gap.id];
    for name in ["8", "9", "10"] {
        let event = again.next().await.unwrap();
        assert_eq!(event.change(), ("machines", name, "added"));
        ids.push(event.id);
    }
    // A client that was told only of the gap goes on behind it.
    let mut after = Events::of(&router, Some(&ids[0])).await;
    assert_eq!(
        after.next().await.unwrap().change(),
        ("machines", "8", "added")
    );
}

#[tokio::test]
async fn a_follower_that_does_not_read_holds_nobody_up_and_is_told_what_it_missed() {
    let more = More::default();
    let (_running, router) = start_with("{ changes: 8 }", more.clone()).await;
    let mut slow = Events::of(&router, None).await;
    more.machines.put("first", 1).unwrap();
    while slow.next_of("machines").await.kind != "change" {}
    let mut fast = Events::of(&router, None).await;
    let mut missed = 0;
    let mut seen = 0;
    for i in 0..1000 {
        let name = i.to_string();
        more.machines.put(&name, 1).unwrap();
        loop {
            let event = fast.next().await.unwrap();
            if event.kind == "change" && event.data["name"] == name {
                break;
            }
        }
    }
    let mut last = 0;
    loop {
        let event = slow.next().await.unwrap();
        let number: u64 = event.id.rsplit('-').next().unwrap().parse().unwrap();
        assert!(number > last);
        last = number;
        if event.kind == "gap" {
            missed += event.data["missed"].as_u64().unwrap();
            continue;
        }
        seen += 1;
        if event.data["name"] == "999" {
            break;
        }
    }
    assert_eq!(missed + seen, 1000);
    assert!(missed > 900, "{missed}");
}

#[tokio::test]
async fn more_changes_at_once_than_are_kept_are_said_to_be_lost() {
    let more = More::default();
    let (_running, router) = start_with("{ changes: 4 }", more.clone()).await;
    let mut events = Events::of(&router, None).await;
    // Nothing else runs in between on this thread.
    for i in 0..100 {
        more.machines.put(&i.to_string(), 1).unwrap();
    }
    let event = loop {
        let event = events.next_of("machines").await;
        if event.kind == "change" {
            break event;
        }
    };
    assert_eq!(event.change(), ("machines", "", "lost"));
    assert!(event.data["name"].is_null());
    assert_eq!(event.data["revision"], 100);
    more.machines.put("next", 1).unwrap();
    let event = events.next_of("machines").await;
    assert_eq!(event.change(), ("machines", "next", "added"));
}

#[tokio::test]
async fn long_names_push_others_out() {
    let more = More::default();
    let settings = "{ changes-size: 64KiB }";
    let (_running, router) = start_with(settings, more.clone()).await;
    let mut events = Events::of(&router, None).await;
    for letter in ["a", "b", "c"] {
        more.machines.put(&letter.repeat(30_000), 1).unwrap();
        events.next_of("machines").await;
    }
    let mut late = Events::of(&router, None).await;
    let first = late.next().await.unwrap();
    assert_eq!(first.change().1, "b".repeat(30_000));
}

#[tokio::test]
async fn too_many_followers_are_told_to_come_later_and_one_that_goes_makes_room() {
    let (_running, router) = start_with("{ followers: 2 }", More::default()).await;
    let first = Events::of(&router, None).await;
    let _second = Events::of(&router, None).await;
    let refused = crate::rig::get(&router, "/changes").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "5");
    drop(first);
    let room = async {
        while crate::rig::ask(&router, "HEAD", "/changes", &[])
            .await
            .status
            == 503
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, room).await.expect("room for another");
}

#[tokio::test]
async fn followers_are_let_go_when_the_application_begins_to_stop() {
    let (running, router) = start().await;
    let mut events = Events::of(&router, None).await;
    events.block().await.unwrap();
    let stopping = tokio::spawn(async move { running.stop().await });
    let ended = async { while events.next().await.is_some() {} };
    timeout(PATIENCE, ended)
        .await
        .expect("the end of the stream");
    stopping.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_comment_keeps_a_quiet_connection() {
    let more = More::default();
    let (_running, router) = start_with("{ keep-alive: 7s }", more.clone()).await;
    let mut events = Events::of(&router, None).await;
    more.machines.put("a", 1).unwrap();
    events.next_of("machines").await;
    for _ in 0..3 {
        let begun = tokio::time::Instant::now();
        assert_eq!(events.block().await.unwrap(), ":");
        assert_eq!(begun.elapsed(), Duration::from_secs(7));
    }
}
