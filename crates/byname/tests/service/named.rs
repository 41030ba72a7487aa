//! A service at a server that is named: of several that publish it, exactly that one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use byname::{App, BoxError, ErrorKind, Registrar, Running, need};

use crate::names::{self, Asking, Names};

/// Something that needs the names of two servers.
struct Both(Arc<dyn Names>, Arc<dyn Names>);

fn app(file: &str, server: &str) -> App {
    names::app(file, server).register(|registrar: &mut Registrar<'_>| {
        let needs = (need("names@one"), need("names@two"));
        registrar.factory("both", needs, |(): (), one, two| async {
            Ok::<_, BoxError>(Arc::new(Both(one, two)))
        });
    })
}

/// Two that publish names, and nothing that says which of them is used.
fn file(urls: [&str; 2]) -> String {
    let [one, two] = urls;
    format!(
        "
values: {{ by: nobody }}
services:
  names: {{}}
  both: {{}}
  asking: {{ needs: {{ names: names@two }} }}
deployments:
  d:
    servers:
      one: {{ url: '{one}', services: [both], publish: [names], listeners: {{ at: {{ address: 127.0.0.1:0 }} }}, values: {{ by: one }} }}
      two: {{ url: '{two}', services: [], publish: [names], listeners: {{ at: {{ address: 127.0.0.1:0 }} }}, values: {{ by: two }} }}
      jobs: {{ services: [both, asking] }}
      idle: {{ services: [] }}
"
    )
}

async fn url(running: &Running, server: &str) -> String {
    let name = format!("deployments.d.servers.{server}.listeners.at");
    let listener = running
        .service::<byname::http::Server>(&name)
        .await
        .expect("a listener");
    let bound = listener
        .address()
        .and_then(byname::http::listen::Bound::tcp);
    format!("http://{}", bound.expect("an address"))
}

async fn said(names: &Arc<dyn Names>) -> String {
    names.get_name("a".to_owned()).await.expect("a name")
}

const NOWHERE: &str = "http://127.0.0.1:1";

#[tokio::test(flavor = "multi_thread")]
async fn a_need_at_a_server_is_met_by_exactly_that_server() {
    let two = app(&file([NOWHERE; 2]), "d.two").start().await.unwrap();
    let url_of_two = url(&two, "two").await;
    let one = app(&file([NOWHERE, &url_of_two]), "d.one")
        .start()
        .await
        .unwrap();
    let url_of_one = url(&one, "one").await;
    let jobs = app(&file([&url_of_one, &url_of_two]), "d.jobs");
    let jobs = jobs.start().await.unwrap();
    let both = jobs.service::<Both>("both").await.unwrap();
    assert_eq!(
        [said(&both.0).await, said(&both.1).await],
        ["a by one", "a by two"]
    );
    // The file directs a need there.
    let asking = jobs.service::<Asking>("asking").await.unwrap();
    assert_eq!(said(&asking.0).await, "a by two");
    assert!(Arc::ptr_eq(&asking.0, &both.1), "one client at a server");
    // On the server itself it is the object.
    let both = one.service::<Both>("both").await.unwrap();
    let object = one.service::<dyn Names>("names").await.unwrap();
    assert!(Arc::ptr_eq(&both.0, &object));
    assert_eq!(said(&both.1).await, "a by two");
    for running in [jobs, one, two] {
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_at_a_server_is_found_while_it_runs() {
    let two = app(&file([NOWHERE; 2]), "d.two").start().await.unwrap();
    let url = url(&two, "two").await;
    let idle = app(&file([NOWHERE, &url]), "d.idle").start().await.unwrap();
    let names = idle.service_at::<dyn Names>("names", "two").await.unwrap();
    assert_eq!(said(&names).await, "a by two");
    // By whatever name, it is made once.
    let others = [
        idle.service_at::<dyn Names>("names", "d.two")
            .await
            .unwrap(),
        idle.service::<dyn Names>("names@two").await.unwrap(),
        idle.service::<dyn Names>("names@d.two").await.unwrap(),
    ];
    assert!(others.iter().all(|other| Arc::ptr_eq(other, &names)));
    let one = idle.service_at::<dyn Names>("names", "one").await.unwrap();
    let error = one.get_name("a".to_owned()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for (service, server, near) in [
        ("names", "tow", "did you mean `names@two`"),
        ("names", "idle", "there is no client `names@idle`"),
        ("nmes", "two", "did you mean `names@two`"),
    ] {
        let error = idle.service_at::<dyn Names>(service, server).await;
        let error = error.map(|_| ()).expect_err("nobody").to_string();
        assert!(error.contains(near), "{error}");
    }
    let wrong = idle.service_at::<u8>("names", "two").await;
    assert!(
        wrong
            .map(|_| ())
            .expect_err("no `u8`")
            .to_string()
            .contains("dyn")
    );
    // On the server itself it is the object.
    let object = two.service::<dyn Names>("names").await.unwrap();
    let own = two.service_at::<dyn Names>("names", "two").await.unwrap();
    assert!(Arc::ptr_eq(&own, &object));
    idle.stop().await.unwrap();
    two.stop().await.unwrap();
}

/// What is only there for who names it is not made, and not drawn.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_names_is_not_there() {
    let idle = app(&file([NOWHERE; 2]), "d.idle").start().await.unwrap();
    let listed = idle.services().list();
    let names: Vec<_> = listed.entries().map(|(name, _)| name).collect();
    assert!(names.is_empty(), "{names:?}");
    assert_eq!(idle.graph().len(), 0);
    idle.stop().await.unwrap();
}

#[test]
fn who_says_no_server_is_told_that_there_are_several() {
    let file = file([NOWHERE; 2]).replace("names: names@two", "");
    let told = app(&file, "d.jobs").check();
    assert_eq!(told.errors(), 1, "{told}");
    let told = told.to_string();
    for word in [
        "service `names` is published by 2 servers, `d.one` and `d.two`",
        "the application:10:",
        "the application:11:",
        "names@SERVER",
    ] {
        assert!(told.contains(word), "`{word}` is not in:\n{told}");
    }
}

#[test]
fn a_server_that_does_not_publish_it_is_told_with_both_places() {
    for (meant, words) in [
        (
            "names@tow",
            &["did you mean `names@two`", "the application:11:"][..],
        ),
        ("names@idle", &["not at a server `idle`", "`one`, `two`"]),
        ("nmes@two", &["did you mean `names@two`"]),
        ("names@", &["not at a server ``"]),
    ] {
        let file = file([NOWHERE; 2]).replace("names: names@two", &format!("names: '{meant}'"));
        let told = app(&file, "d.jobs").check();
        assert_eq!(told.errors(), 1, "{told}");
        let told = told.to_string();
        for word in [&["which nothing provides", "the application:6:"][..], words].concat() {
            assert!(told.contains(word), "`{word}` is not in:\n{told}");
        }
    }
    // A need for something else at a server is told what it is there.
    let file = file([NOWHERE; 2]).replace("names: names@two", "names: both@two");
    assert!(app(&file, "d.jobs").check().is_fatal());
}

#[test]
fn a_server_without_a_url_is_told_to_who_names_it() {
    let file = file(["", NOWHERE]).replace("url: '', ", "");
    let told = app(&file, "d.jobs").check();
    assert_eq!(told.errors(), 1, "{told}");
    assert!(
        told.to_string()
            .contains("nothing says where service `names` is reached")
    );
    let told = app(&file, "d.idle").check();
    assert_eq!(told.errors(), 0, "{told}");
}
