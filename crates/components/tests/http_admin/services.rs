//! Registries that services keep for themselves.

use std::sync::Arc;

use axum::Router;
use byname_components::config::{Node, Origin, Source};
use byname_components::http::admin::{Admin, Listed, Settings};
use byname_components::{App, BoxError, Context, Made, Registrar, Running, context};
use byname_registry::Registry;
use serde_json::Map;

use crate::rig::{Events, ask, get};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(default)]
struct Lists {
    /// What it lists its registry as.
    lists: Vec<String>,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            lists: vec!["things".to_owned()],
        }
    }
}

/// A service with a registry of its own.
struct Keeper {
    things: Registry<u32>,
}

/// What is known to be in use as long as anybody keeps a registry that is told by it.
type Kept = Arc<()>;

fn listed(name: &str, things: &Registry<u32>, kept: &Kept) -> Listed {
    let kept = Arc::clone(kept);
    Listed::new(name, "thing", things, move |_, value| {
        let _ = &kept;
        Map::from_iter([("value".to_owned(), (*value).into())])
    })
}

fn module(kept: &Kept) -> impl FnOnce(&mut Registrar<'_>) + use<> {
    let kept = Arc::clone(kept);
    move |registrar: &mut Registrar<'_>| {
        registrar.factory("keeper", (), move |Lists { lists }: Lists| {
            let kept = Arc::clone(&kept);
            async move {
                let things = Registry::new();
                things.put("first", 1)?;
                let keeper = Arc::new(Keeper { things });
                let made = Made::new(Arc::clone(&keeper));
                let lists = lists.iter().map(|name| listed(name, &keeper.things, &kept));
                Ok::<_, BoxError>(lists.fold(made, Made::listed))
            }
        });
        registrar.factory(
            "admin",
            (context(),),
            |settings: Settings, context: Context| async {
                let admin = byname_components::http::admin::admin(settings, context)?;
                Ok::<_, BoxError>(Arc::new(admin))
            },
        );
    }
}

async fn start(kept: &Kept) -> (Running, Router) {
    let app = App::from_text(
        "
services:
  a: { type: keeper }
  b: { type: keeper, settings: { lists: [things, others] } }
  late: { type: keeper, lazy: true }
  pages: { type: admin }
",
    );
    let running = app.register(module(kept)).start().await.unwrap();
    let admin = running.service::<Admin>("pages").await.unwrap();
    let router = admin.router();
    (running, router)
}

async fn keeper(running: &Running, name: &str) -> Arc<Keeper> {
    running.service::<Keeper>(name).await.unwrap()
}

/// The names with a `/` that are listed.
async fn names(router: &Router) -> Vec<String> {
    let told = get(router, "/registries").await.json();
    let list = told["registries"].as_array().unwrap().iter();
    let names = list.map(|one| one["name"].as_str().unwrap().to_owned());
    names.filter(|name| name.contains('/')).collect()
}

#[tokio::test]
async fn a_registry_of_a_service_is_shown_like_those_of_the_application() {
    let (running, router) = start(&Kept::default()).await;
    let b = keeper(&running, "b").await;
    for at in 0..9 {
        b.things.put(&format!("t{at}"), at).unwrap();
    }
    let told = get(&router, "/registries").await.json();
    let list = told["registries"].as_array().unwrap();
    let one = list.iter().find(|one| one["name"] == "b/things").unwrap();
    let expected = serde_json::json!({
        "name": "b/things", "kind": "thing", "revision": b.things.revision(), "count": 10,
    });
    assert_eq!(*one, expected);

    for path in ["/registries/b/things", "/registries/b%2Fthings"] {
        let told = get(&router, &format!("{path}?limit=4&after=t1"))
            .await
            .json();
        assert_eq!(
            (&told["name"], &told["count"]),
            (&"b/things".into(), &10.into())
        );
        let found: Vec<_> = told["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                (
                    entry["name"].as_str().unwrap(),
                    entry["value"].as_u64().unwrap(),
                )
            })
            .collect();
        assert_eq!(found, [("t2", 2), ("t3", 3), ("t4", 4), ("t5", 5)]);
        assert_eq!(told["next"], "?limit=4&after=t5");
    }
    // A page leads back to the first one from where it is asked for.
    for (path, base) in [
        ("/registries/b/things", "../../"),
        ("/registries/b%2Fthings", "../"),
        ("/registries/services", "../"),
    ] {
        let page = ask(&router, "GET", path, &[("accept", "text/html")]).await;
        assert_eq!(page.status, 200, "{path}");
        let style = format!("href=\"{base}page.css\"");
        assert!(page.body.contains(&style), "{path}: {}", page.body);
    }
    let page = ask(&router, "GET", "/", &[("accept", "text/html")]).await;
    assert!(page.body.contains("href=\"./registries/b%2Fthings\""));
    assert!(page.body.contains("data-live=\"entries b/things\">10<"));
    let metrics = get(&router, "/metrics").await.body;
    let revision = b.things.revision();
    for line in [
        "byname_registry_entries{registry=\"b/things\"} 10\n".to_owned(),
        format!("byname_registry_revision{{registry=\"b/things\"}} {revision}\n"),
    ] {
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    assert_eq!(get(&router, "/registries/b/none").await.status, 404);
    assert_eq!(get(&router, "/registries/b/things/").await.status, 404);
}

#[tokio::test]
async fn services_that_give_their_registries_one_name_have_each_their_own() {
    let (running, router) = start(&Kept::default()).await;
    let expected = ["a/things", "b/others", "b/things"];
    assert_eq!(names(&router).await, expected);
    let (a, b) = (keeper(&running, "a").await, keeper(&running, "b").await);
    a.things.put("of a", 7).unwrap();
    b.things.put("of b", 8).unwrap();
    for (path, name) in [("a/things", "of a"), ("b/things", "of b")] {
        let told = get(&router, &format!("/registries/{path}")).await.json();
        let names: Vec<_> = told["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["first", name]);
    }
    let mut events = Events::of(&router, None).await;
    assert_eq!(
        events.next_of("a/things").await.change(),
        ("a/things", "of a", "added")
    );
    let mut events = Events::of(&router, None).await;
    assert_eq!(
        events.next_of("b/things").await.change(),
        ("b/things", "of b", "added")
    );
}

#[tokio::test]
async fn a_service_that_comes_later_is_shown_and_followed_from_then_on() {
    let (running, router) = start(&Kept::default()).await;
    assert!(!names(&router).await.contains(&"late/things".to_owned()));
    let late = keeper(&running, "late").await;
    let settings = Node::empty(Origin::of(Source::Code("a test".into())));
    let made = running
        .create::<Keeper>("made", "keeper", settings)
        .await
        .unwrap();
    let expected = [
        "a/things",
        "b/others",
        "b/things",
        "late/things",
        "made/things",
    ];
    assert_eq!(names(&router).await, expected);
    let mut events = Events::of(&router, None).await;
    // Whoever follows is there before the change.
    while events.next_of("services").await.change().1 != "made" {}
    late.things.put("new", 2).unwrap();
    made.things.put("new", 2).unwrap();
    made.things.remove("first").unwrap();
    assert_eq!(
        events.next_of("late/things").await.change(),
        ("late/things", "new", "added")
    );
    assert_eq!(
        events.next_of("made/things").await.change(),
        ("made/things", "new", "added")
    );
    assert_eq!(
        events.next_of("made/things").await.change(),
        ("made/things", "first", "removed")
    );
}

#[tokio::test]
async fn nothing_stays_of_a_service_that_has_stopped() {
    let kept = Kept::default();
    let (running, router) = start(&kept).await;
    assert!(Arc::strong_count(&kept) > 3);
    let in_factory = 2;
    running.stop().await.unwrap();
    assert_eq!(names(&router).await, [""; 0]);
    assert_eq!(get(&router, "/registries/a/things").await.status, 404);
    let metrics = get(&router, "/metrics").await.body;
    assert!(!metrics.contains("things"), "{metrics}");
    // What told of the entries is gone with the service: neither the pages nor what notes changes has it.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Arc::strong_count(&kept), in_factory);
}

#[tokio::test]
async fn a_service_that_lists_a_name_twice_or_with_a_slash_is_not_built() {
    for (names, told) in [
        ("[x, x]", "it lists two registries as `x`"),
        (
            "[x/y]",
            "it lists a registry as `x/y`; expected a name without `/`",
        ),
        (
            "['']",
            "it lists a registry as ``; expected a name without `/`",
        ),
    ] {
        let text = format!("services: {{ a: {{ type: keeper, settings: {{ lists: {names} }} }} }}");
        let app = App::from_text(&text).register(module(&Kept::default()));
        let error = app.start().await.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        // So is one that was made before.
        let keeper = Arc::new(Keeper {
            things: Registry::new(),
        });
        let names: Vec<String> = match names {
            "[x, x]" => vec!["x".into(), "x".into()],
            "[x/y]" => vec!["x/y".into()],
            _ => vec![String::new()],
        };
        let kept = Kept::default();
        let lists = names.iter().map(|name| listed(name, &keeper.things, &kept));
        let made = lists.fold(Made::new(Arc::clone(&keeper)), Made::listed);
        let error = App::new()
            .service("a", made)
            .start()
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn what_the_pages_are_given_has_no_name_that_a_service_could_have() {
    let app =
        App::from_text("services: { pages: {} }").register(|registrar: &mut Registrar<'_>| {
            registrar.factory("pages", (context(),), |(): (), context: Context| async {
                let listed = listed("a/things", &Registry::new(), &Kept::default());
                let admin = Admin::with(Settings::default(), context, vec![listed], Vec::new())?;
                Ok::<_, BoxError>(Arc::new(admin))
            });
        });
    let error = app.start().await.unwrap_err().to_string();
    let expected = "`registries` has `a/things`; a name with `/` is that of a service's own";
    assert!(error.contains(expected), "{error}");
}
