//! The module in use: by its file, and when something goes wrong.

use byname_components::App;

use crate::notices::{self, Lists, Notices};
use crate::rig::{start, streams};

#[tokio::test]
async fn the_file_of_the_example_starts() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/extending/app.yaml");
    let app = App::from_file(file)
        .unwrap()
        .register(streams)
        .register(notices::module);
    let problems = app.check();
    assert!(problems.is_empty(), "{problems}");
    let running = app.start().await.unwrap();
    let notices = running.services().require::<Notices>("notices").unwrap();
    assert_eq!(notices.publish("fire", b"it burns").await.unwrap(), 2);
    assert_eq!(notices.publish("flood", b"it is wet").await.unwrap(), 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_under_way_at_the_end_is_told_once() {
    let (running, [a, b, ..]) = start("{ service: [a, b] }").await;
    running.stop().await.unwrap();
    assert_eq!(
        (a.all(), b.all()),
        (vec!["going down".to_owned()], vec!["going down".to_owned()])
    );
}

#[tokio::test]
async fn an_outlet_that_fails_or_panics_keeps_the_notice_from_nobody() {
    let (running, [a, b, ..]) = start("{ fire: [a, b] }").await;
    let notices = running.services().require::<Notices>("notices").unwrap();
    let error = notices.publish("fire", b"fail").await.unwrap_err();
    assert_eq!(error.to_string(), "the line is dead");
    let error = notices.publish("fire", b"panic").await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert_eq!((a.count(), b.count()), (2, 2));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn lists_with_an_unknown_outlet_change_nothing() {
    let (running, _) = start("{ fire: [a] }").await;
    let notices = running.services().require::<Notices>("notices").unwrap();
    let lists: Lists = [
        ("fire".into(), vec!["b".into(), "c".into()]),
        ("flood".into(), vec!["e".into()]),
    ]
    .into();
    let error = notices.subscribe(&lists).unwrap_err();
    assert_eq!(error.to_string(), "topic `flood`: there is no outlet `e`");
    assert_eq!(notices.publish("fire", b"it burns").await.unwrap(), 1);
    running.stop().await.unwrap();
}
