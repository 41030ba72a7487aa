//! Services are given what they need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use byname_components::{
    App, BoxError, Context, GetError, Lazy, LookupError, Made, Registrar, all, context, lazy, need,
    optional, value,
};
use serde::Deserialize;

use crate::rig::Thing;

trait Database: Send + Sync {
    fn url(&self) -> String;
}

struct Postgres(String);

impl Database for Postgres {
    fn url(&self) -> String {
        self.0.clone()
    }
}

#[derive(Deserialize, schemars::JsonSchema)]
struct PostgresSettings {
    url: String,
}

async fn postgres(settings: PostgresSettings) -> Result<Arc<dyn Database>, BoxError> {
    Ok(Arc::new(Postgres(settings.url)))
}

struct Orders {
    db: Arc<dyn Database>,
    cache: Option<Arc<Thing>>,
    all: Vec<Arc<str>>,
    limit: u32,
    note: Option<String>,
    later: Lazy<Orders>,
    context: Context,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Empty {}

#[allow(clippy::too_many_arguments, reason = "each kind of need once")]
async fn orders(
    _: Empty,
    db: Arc<dyn Database>,
    cache: Option<Arc<Thing>>,
    all: Vec<(Arc<str>, Arc<dyn Database>)>,
    limit: u32,
    note: Option<String>,
    later: Lazy<Orders>,
    context: Context,
) -> Result<Arc<Orders>, BoxError> {
    Ok(Arc::new(Orders {
        db,
        cache,
        all: all.into_iter().map(|(name, _)| name).collect(),
        limit,
        note,
        later,
        context,
    }))
}

fn module(registrar: &mut Registrar<'_>) {
    registrar.factory("postgres", (), postgres);
    registrar.factory(
        "orders",
        (
            need("db"),
            optional("cache"),
            all(),
            value("limits.max"),
            value("limits.note"),
            lazy("orders"),
            context(),
        ),
        orders,
    );
}

const APP: &str = "
values: { limits: { max: 7 } }
services:
  db: { type: postgres, settings: { url: main } }
  replica: { type: postgres, settings: { url: second } }
  orders: {}
";

#[tokio::test]
async fn each_kind_of_need_is_met() {
    let running = App::from_text(APP).register(module).start().await.unwrap();
    let orders = running.service::<Orders>("orders").await.unwrap();
    assert_eq!(orders.db.url(), "main");
    assert!(orders.cache.is_none());
    assert_eq!(orders.all, ["db".into(), "replica".into()]);
    assert_eq!((orders.limit, &orders.note), (7, &None));
    assert_eq!(orders.context.name(), "orders");
    // A lazy need may even be of the service itself.
    assert!(Arc::ptr_eq(&orders.later.get().await.unwrap(), &orders));
    assert!(Arc::ptr_eq(&orders.later.now().unwrap().unwrap(), &orders));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_need_is_met_by_what_the_file_says() {
    let running = App::from_text(&APP.replace("orders: {}", "orders: { needs: { db: replica } }"))
        .register(module)
        .start()
        .await
        .unwrap();
    let orders = running.service::<Orders>("orders").await.unwrap();
    assert_eq!(orders.db.url(), "second");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_service_can_be_put_in_the_place_of_another() {
    let fake: Arc<dyn Database> = Arc::new(Postgres("fake".into()));
    let running = App::from_text(APP)
        .register(module)
        .with_service("db", fake)
        .service("cache", Arc::new(Thing("cache")))
        .start()
        .await
        .unwrap();
    let orders = running.service::<Orders>("orders").await.unwrap();
    assert_eq!(orders.db.url(), "fake");
    assert_eq!(orders.cache.as_ref().unwrap().0, "cache");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn lookups_are_optional_required_or_by_key() {
    let mut app = App::from_text(APP).register(module);
    let key = app.demand::<dyn Database>("db");
    let running = app.start().await.unwrap();
    let services = running.services();
    assert!(services.get::<Thing>("nothing").unwrap().is_none());
    assert!(matches!(
        services.get::<Thing>("db"),
        Err(LookupError::WrongType { .. })
    ));
    let error = services.require::<Thing>("order").err().unwrap();
    assert_eq!(
        error.to_string(),
        "there is no service `order`; did you mean `orders`?"
    );
    let error = running.service::<Thing>("db").await.unwrap_err();
    assert!(
        matches!(error, GetError::Lookup(LookupError::WrongType { .. })),
        "{error}"
    );
    let db = running.key(&key);
    assert_eq!(
        (db.get().url(), db.read(Database::url)),
        ("main".into(), "main".into())
    );
    // A key shows what stands there now.
    let other: Arc<dyn Database> = Arc::new(Postgres("other".into()));
    services.replace("db", other).unwrap();
    assert_eq!(db.get().url(), "other");
    // And where that is something else, what was there first.
    services.replace("db", Arc::new(Thing("db"))).unwrap();
    assert_eq!(db.get().url(), "main");
    assert_eq!(services.list().entries().count(), 3);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_factory_cannot_keep_the_application_alive() {
    let running = App::from_text(APP).register(module).start().await.unwrap();
    let orders = running.service::<Orders>("orders").await.unwrap();
    assert!(orders.context.app().is_some());
    drop(running);
    assert!(orders.context.app().is_none());
    assert!(matches!(orders.later.get().await, Err(GetError::Gone)));
    orders.context.stopping().await;
}

/// Lokstra ran the factory of a "singleton" once for each caller that came at the same time: 100 of 100.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_askers_of_a_lazy_service_get_one_that_is_built_once() {
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    async fn slow((): ()) -> Result<Arc<Thing>, BoxError> {
        BUILT.fetch_add(1, Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        Ok(Arc::new(Thing("slow")))
    }
    let running = App::from_text("services: { slow: { lazy: true } }")
        .register(|registrar: &mut Registrar<'_>| registrar.factory("slow", (), slow))
        .start()
        .await
        .unwrap();
    assert_eq!(BUILT.load(Ordering::SeqCst), 0, "it is lazy");
    let asking: Vec<_> = (0..100)
        .map(|_| {
            let running = running.clone();
            tokio::spawn(async move { running.service::<Thing>("slow").await.unwrap() })
        })
        .collect();
    let mut services = Vec::new();
    for asker in asking {
        services.push(asker.await.unwrap());
    }
    assert!(
        services
            .iter()
            .all(|service| Arc::ptr_eq(service, &services[0]))
    );
    assert_eq!(BUILT.load(Ordering::SeqCst), 1);
    running.stop().await.unwrap();
}

/// A failed build must not poison the name: Lokstra answered "not found" ever after.
#[tokio::test]
async fn a_lazy_service_that_failed_is_tried_again_and_its_cause_is_kept() {
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    async fn shaky((): ()) -> Result<Arc<Thing>, BoxError> {
        match TRIES.fetch_add(1, Ordering::SeqCst) {
            0 => Err("no route to host".into()),
            1 => panic!("out of luck"),
            _ => Ok(Arc::new(Thing("shaky"))),
        }
    }
    let running = App::from_text("services: { shaky: { lazy: true } }")
        .register(|registrar: &mut Registrar<'_>| registrar.factory("shaky", (), shaky))
        .start()
        .await
        .unwrap();
    let error = running.service::<Thing>("shaky").await.unwrap_err();
    assert!(error.to_string().contains("no route to host"), "{error}");
    let error = running.service::<Thing>("shaky").await.unwrap_err();
    assert!(
        error.to_string().contains("panicked: out of luck"),
        "{error}"
    );
    assert_eq!(running.service::<Thing>("shaky").await.unwrap().0, "shaky");
    running.stop().await.unwrap();
}

/// A cycle that only a factory's body knows is an error that names it, and not a hang.
#[tokio::test]
async fn a_circle_within_factories_is_an_error_that_names_it() {
    async fn one((): (), other: Lazy<Thing>) -> Result<Arc<Thing>, BoxError> {
        other.get().await.map_err(|error| error.to_string())?;
        Ok(Arc::new(Thing("one")))
    }
    let running = App::from_text(
        "services: { a: { type: one, lazy: true, needs: { x: b } }, b: { type: one, lazy: true, needs: { x: a } } }",
    )
    .register(|registrar: &mut Registrar<'_>| registrar.factory("one", (lazy("x"),), one))
    .start()
    .await
    .unwrap();
    let error = running.service::<Thing>("a").await.unwrap_err().to_string();
    assert!(
        error.contains("services/a -> services/b -> services/a"),
        "{error}"
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_made_at_run_time_is_there_only_if_all_went_well() {
    #[derive(Deserialize, schemars::JsonSchema)]
    struct Named {
        ok: bool,
    }
    async fn named(settings: Named, db: Arc<dyn Database>) -> Result<Made<Thing>, BoxError> {
        assert_eq!(db.url(), "main");
        if settings.ok {
            Ok(Made::new(Arc::new(Thing("made"))))
        } else {
            Err("it was told not to".into())
        }
    }
    let running = App::from_text(APP)
        .register(module)
        .register(|registrar: &mut Registrar<'_>| registrar.factory("named", (need("db"),), named))
        .start()
        .await
        .unwrap();
    let settings = |ok: &str| {
        use byname_components::config::{Key, Map, Node, Origin, Source, Value};
        let origin = Origin::of(Source::Code("a test".into()));
        let mut map = Map::default();
        let key = Key {
            name: "ok".into(),
            origin: origin.clone(),
        };
        map.insert(key, Node::scalar(ok, true, origin.clone()));
        Node::new(Value::Map(map), origin)
    };
    let error = running
        .create::<Thing>("x", "named", settings("false"))
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("it was told not to"), "{error}");
    let error = running
        .create::<Orders>("x", "named", settings("true"))
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("not a `"), "{error}");
    let error = running
        .create::<Thing>("x", "nmaed", settings("true"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("did you mean `named`"),
        "{error}"
    );
    assert!(
        running
            .create::<Thing>("x", "named", settings("\"maybe\""))
            .await
            .is_err()
    );
    assert!(!running.services().registry().contains("x"));
    let made = running
        .create::<Thing>("x", "named", settings("true"))
        .await
        .unwrap();
    assert!(Arc::ptr_eq(
        &made,
        &running.services().require("x").unwrap()
    ));
    let error = running
        .create::<Thing>("x", "named", settings("true"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("wiring.rs"),
        "both places are named: {error}"
    );
    running.stop().await.unwrap();
    assert!(
        running
            .create::<Thing>("y", "named", settings("true"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn several_applications_of_one_process_share_nothing() {
    let one = App::from_text(APP).register(module).start().await.unwrap();
    let other = App::from_text(&APP.replace("main", "other"))
        .register(module)
        .start()
        .await
        .unwrap();
    let url = |db: Arc<dyn Database>| db.url();
    assert_eq!(one.services().require("db").map(url).unwrap(), "main");
    assert_eq!(other.services().require("db").map(url).unwrap(), "other");
    one.stop().await.unwrap();
    assert!(!other.is_stopping());
    other.stop().await.unwrap();
}
