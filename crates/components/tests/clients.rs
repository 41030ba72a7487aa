//! Where services of other servers are reached, and which server this is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use byname_components::{
    Client, Clients, LookupError, Place, Problems, RunningClient, ServerChoice, ServerName,
};
use byname_registry::{Event, Policy, Snapshot};
use byname_testkit::together;

fn client(service: &str, server: &str, url: &str) -> Client {
    Client {
        service: service.into(),
        server: server.into(),
        url: url.into(),
        trust: None,
        settings: std::sync::Arc::default(),
    }
}

fn defined(all: &[(&str, &str, &str)]) -> Clients {
    let clients = Clients::new();
    for (line, (service, server, url)) in all.iter().enumerate() {
        let place = Place::new(format!("app.yaml:{}:3", line + 1));
        clients
            .define_at(client(service, server, url), place)
            .unwrap();
    }
    clients
}

fn set(snapshot: &Snapshot<RunningClient>) -> Vec<(String, String, bool)> {
    snapshot
        .iter()
        .map(|(service, client)| {
            assert_eq!(service, &*client.service);
            (service.to_owned(), client.url.to_string(), client.local)
        })
        .collect()
}

const TWO: [(&str, &str, &str); 3] = [
    ("orders", "main", "http://10.0.0.1:8080"),
    ("mail", "jobs", "https://jobs.example/mail"),
    ("api", "main", "http://10.0.0.1:8080"),
];

#[test]
fn what_the_current_server_publishes_is_local() {
    let clients = defined(&TWO);
    assert!(clients.get("orders").is_none());
    let of = |service: &str, url: &str, local| (service.to_owned(), url.to_owned(), local);
    for (current, main, jobs) in [
        (Some("main"), true, false),
        (Some("jobs"), false, true),
        (Some("other"), false, false),
        (None, false, false),
    ] {
        clients.rebuild(current).unwrap();
        assert_eq!(
            set(&clients.list()),
            [
                of("api", "http://10.0.0.1:8080", main),
                of("mail", "https://jobs.example/mail", jobs),
                of("orders", "http://10.0.0.1:8080", main),
            ]
        );
    }
    let error = clients.require("order").unwrap_err();
    assert_eq!(
        error,
        LookupError::Unknown {
            kind: "client".into(),
            name: "order".into(),
            nearest: vec!["orders".into()],
        }
    );
    assert_eq!(&*clients.require("orders").unwrap().server, "main");
}

/// The predecessor took whichever of two servers its map happened to yield first.
#[test]
fn two_publishers_without_a_rule_are_a_problem_with_both() {
    let both = [
        ("orders", "b", "http://b:1"),
        ("orders", "a", "http://a:1"),
        ("mail", "a", "http://a:1"),
    ];
    for _ in 0..50 {
        let clients = defined(&both);
        let problems = clients.rebuild(Some("web")).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "error: service `orders` is published by 2 servers, `a` and `b`, and nothing says which \
             to use\n  app.yaml:2:3: server `a` publishes `orders` here\n  app.yaml:1:3: server `b` \
             publishes `orders` here\n  help: publish it on one server only, or say which one is to \
             be used: under `clients`, or as `orders@SERVER` where it is needed"
        );
        assert_eq!(set(&clients.list()), []);
        clients.prefer("orders", "b").unwrap();
        clients.rebuild(Some("web")).unwrap();
        assert_eq!(&*clients.get("orders").unwrap().url, "http://b:1");
        // No network lies between a server and its own service.
        clients.rebuild(Some("a")).unwrap();
        assert!(clients.get("orders").unwrap().local);
    }
}

#[test]
fn every_problem_is_told_and_the_former_set_stays() {
    let clients = defined(&TWO);
    let revision = clients.rebuild(Some("web")).unwrap();
    let before = set(&clients.list());
    clients
        .define(client("orders", "third", "http://third"))
        .unwrap();
    clients
        .define(client("stats", "jobs", "10.0.0.1:80"))
        .unwrap();
    clients
        .prefer_at("mail", "jbos", Place::new("app.yaml:7:3"))
        .unwrap();
    clients
        .prefer_at("malls", "jobs", Place::new("app.yaml:8:3"))
        .unwrap();
    let problems = clients.rebuild(Some("web")).unwrap_err();
    let messages: Vec<_> = problems
        .iter()
        .map(byname_components::Problem::message)
        .collect();
    assert_eq!(
        messages,
        [
            "`mail` is to be reached at server `jbos`, which does not publish it; did you mean \
             `jobs`?",
            "service `orders` is published by 2 servers, `main` and `third`, and nothing says which \
             to use",
            "`stats` on server `jobs` cannot be reached at `10.0.0.1:80`: it does not begin with \
             `http://`, `https://` or `unix:`",
            "a server is chosen for service `malls`, which no server publishes",
        ]
    );
    assert_eq!(set(&clients.list()), before);
    assert_eq!(clients.list().revision(), revision);
}

/// The predecessor joined texts to addresses and found out when it called them.
#[test]
fn a_url_is_looked_at_before_it_is_called() {
    for url in [
        "http://h",
        "https://h:1/",
        "unix:/run/a.sock",
        "unix:a.sock:/v1",
        "http://10.0.0.1:65535/a/b",
        "http://[::1]",
        "http://[::1]:8080",
    ] {
        let clients = defined(&[("s", "a", url)]);
        assert_eq!(clients.rebuild(None), Ok(1), "{url}");
    }
    for url in [
        "",
        "h:80",
        "http://",
        "http:///a",
        "http://:80",
        "http://h10.0.0.1:80:90",
        "http://localhost:3001:3001",
        "http://h:0",
        "http://h:65536",
        "http://h:",
        "http://a b",
        "http://u:p@h",
        "http://h?a=b",
        "ftp://h",
    ] {
        let clients = defined(&[("s", "a", url)]);
        assert!(clients.rebuild(None).is_err(), "{url}");
        // The server itself does not call it.
        assert_eq!(clients.rebuild(Some("a")), Ok(1), "{url}");
    }
}

#[test]
fn one_rebuild_is_one_revision_and_nothing_new_is_none() {
    let clients = defined(&TWO);
    let (first, mut heard) = clients.subscribe(Policy::DropOldest);
    assert!(first.is_empty());
    assert_eq!(clients.rebuild(Some("main")), Ok(1));
    assert_eq!(clients.rebuild(Some("main")), Ok(1));
    assert_eq!(clients.rebuild(Some("jobs")), Ok(2));
    clients.definitions().remove("mail@jobs").unwrap();
    assert_eq!(clients.rebuild(Some("jobs")), Ok(3));
    let mut changed = Vec::new();
    while let Ok(Event::Change(change)) = heard.try_recv() {
        let names = change.entries().iter().map(|entry| entry.name().to_owned());
        changed.push((change.covers(), names.collect::<Vec<_>>()));
    }
    let all: Vec<String> = ["api", "mail", "orders"].map(str::to_owned).into();
    assert_eq!(
        changed,
        [
            (1..=1, all.clone()),
            (2..=2, all),
            (3..=3, vec!["mail".to_owned()])
        ]
    );
}

/// Ends those who wait for it, also when it is dropped by a panic.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The predecessor emptied the set and filled it again, name by name, while it was read.
#[test]
fn a_hundred_concurrent_readers_see_one_generation_each_time() {
    const GENERATIONS: usize = 100;
    // Each generation is at other addresses; every third service is there in every second one only.
    let services =
        |generation: usize| (0..12).filter(move |at| at % 3 != 0 || generation.is_multiple_of(2));
    let generation = |generation: usize| -> BTreeMap<String, String> {
        services(generation)
            .map(|at| (format!("s{at}"), format!("http://h{generation}:1/{at}")))
            .collect()
    };
    let (clients, done) = (Clients::new(), AtomicBool::new(false));
    let publish = |number: usize| {
        let definitions = clients.definitions();
        // The definitions may change in steps: nobody reads them.
        for name in definitions.snapshot().names() {
            definitions.remove(name).unwrap();
        }
        for (service, url) in generation(number) {
            clients.define(client(&service, "far", &url)).unwrap();
        }
        assert_eq!(clients.rebuild(Some("near")), Ok(number as u64));
    };
    publish(1);
    let looks = AtomicUsize::new(0);
    together(101, |thread| {
        if thread == 0 {
            let _done = Done(&done);
            (2..=GENERATIONS).for_each(publish);
            return;
        }
        let mut last = 0;
        loop {
            let over = done.load(Ordering::Acquire);
            let snapshot = clients.list();
            let number = usize::try_from(snapshot.revision()).unwrap();
            let seen: BTreeMap<_, _> = snapshot
                .iter()
                .map(|(service, client)| (service.to_owned(), client.url.to_string()))
                .collect();
            assert_eq!(seen, generation(number));
            assert!(clients.get("s1").is_some());
            assert!(last <= number);
            last = number;
            looks.fetch_add(1, Ordering::Relaxed);
            if over {
                assert_eq!(number, GENERATIONS);
                break;
            }
        }
    });
    assert!(looks.into_inner() >= 100);
}

/// Of rebuilds at once each publishes all definitions that were there when it was asked for.
#[test]
fn concurrent_rebuilds_lose_no_definition() {
    let clients = Clients::new();
    together(50, |at| {
        let name = format!("s{at}");
        clients.define(client(&name, "far", "http://far")).unwrap();
        clients.rebuild(None).unwrap();
        assert!(clients.get(&name).is_some());
    });
    assert_eq!(clients.list().len(), 50);
}

fn declared() -> Vec<(ServerName, Place)> {
    [("shop", "main"), ("shop", "jobs"), ("test", "main")]
        .into_iter()
        .enumerate()
        .map(|(line, (deployment, server))| {
            let place = Place::new(format!("app.yaml:{}:5", line + 1));
            (ServerName::new(deployment, server), place)
        })
        .collect()
}

fn only(problems: &Problems) -> String {
    assert_eq!(problems.iter().count(), 1);
    problems.to_string()
}

#[test]
fn a_server_is_chosen_by_its_whole_name_or_by_one_that_is_its_own() {
    let (choice, declared) = (ServerChoice::new(), declared());
    assert_eq!(choice.current(), None);
    for (asked, chosen) in [
        ("test.main", ServerName::new("test", "main")),
        ("jobs", ServerName::new("shop", "jobs")),
    ] {
        let chosen = Some(chosen);
        assert_eq!(choice.choose(&declared, Some(asked)).unwrap(), chosen);
        assert_eq!(choice.current(), chosen);
    }
    let one = &declared[..1];
    let main = Some(ServerName::new("shop", "main"));
    assert_eq!(choice.choose(one, None).unwrap(), main);
    assert_eq!(choice.choose(&[], None).unwrap(), None);
    assert_eq!(choice.current(), None);
}

/// The predecessor took the server that a map yielded first.
#[test]
fn an_unknown_or_ambiguous_server_is_a_problem_with_the_candidates() {
    let (choice, declared) = (ServerChoice::new(), declared());
    choice.choose(&declared, Some("jobs")).unwrap();
    let ambiguous = choice.choose(&declared, Some("main")).unwrap_err();
    assert_eq!(
        only(&ambiguous),
        "error: `main` is the name of 2 servers\n  app.yaml:1:5: `shop.main` is declared here\n  \
         app.yaml:3:5: `test.main` is declared here\n  help: choose one with --server: shop.main, \
         test.main"
    );
    let none = choice.choose(&declared, None).unwrap_err();
    assert_eq!(
        only(&none),
        "error: there are 3 servers, and nothing says which one this process is\n  app.yaml:1:5: \
         `shop.main` is declared here\n  app.yaml:2:5: `shop.jobs` is declared here\n  \
         app.yaml:3:5: `test.main` is declared here\n  help: choose one with --server: shop.main, \
         shop.jobs, test.main"
    );
    for (asked, meant) in [
        ("shop.job", "; did you mean `shop.jobs`?"),
        ("jobz", "; did you mean `shop.jobs`?"),
        ("maim", "; did you mean `shop.main` or `test.main`?"),
        ("elsewhere", ""),
    ] {
        let unknown = choice.choose(&declared, Some(asked)).unwrap_err();
        let message = unknown.iter().next().unwrap().message();
        assert_eq!(message, format!("there is no server `{asked}`{meant}"));
        assert_eq!(unknown.iter().next().unwrap().places().count(), 3);
    }
    assert_eq!(
        only(&choice.choose(&[], Some("main")).unwrap_err()),
        "error: there is no server `main`\n  help: no servers are declared; leave the choice out, or \
         declare them"
    );
    // What was chosen stays.
    assert_eq!(choice.current().unwrap().to_string(), "shop.jobs");
}
