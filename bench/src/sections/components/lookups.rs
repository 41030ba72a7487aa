//! Looking up a service by its type, by name, by a key; and a configuration value, and a middleware.

use std::collections::HashMap;
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use byname_components::{App, Running};
use byname_registry::Registry;
use shaku::HasComponent as _;

use super::configured;
use super::ten::{self, Typed};
use crate::allocations;
use crate::grid::{Grid, Session};
use crate::measure::{Lane, Work};
use crate::names::{Names, Queries, Spread, Svc};
use crate::report::Report;

pub(super) const ARC: &str = "an `Arc` behind `&`";
pub(super) const REGISTRY: &str = "registry of `Arc`s, `read` by name";
pub(super) const KEY: &str = "**components**, by key";
pub(super) const NAME: &str = "**components**, by name";
const COLUMNS: [&str; 4] = [
    "one field, 1 thread",
    "2 threads",
    "as one's own, 1 thread",
    "as one's own, 2 threads",
];
pub(super) const FIELD: &str = COLUMNS[0];
pub(super) const OWN: &str = COLUMNS[2];

/// A way to ask so many times.
pub(super) type Ask = Arc<dyn Fn(usize) -> u64 + Send + Sync>;

/// A row: a name, a read of one field, a read of the whole as one's own.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) field: Option<Ask>,
    pub(super) own: Option<Ask>,
}

/// Asks again and again; the compiler must not take it out of the loop.
pub(super) fn ask(once: impl Fn() -> u64 + Send + Sync + 'static) -> Ask {
    Arc::new(move |times| {
        let mut sum = 0;
        for _ in 0..times {
            sum ^= black_box(once());
        }
        sum
    })
}

/// Asks for one name after the other.
fn ask_names(queries: &Arc<Queries>, once: impl Fn(&str) -> u64 + Send + Sync + 'static) -> Ask {
    let queries = Arc::clone(queries);
    let next = AtomicUsize::new(0);
    Arc::new(move |times| {
        // Threads may begin at the same place, and then ask in step for a moment.
        let mut from = next.load(Ordering::Relaxed) % queries.list.len();
        let mut sum = 0;
        for _ in 0..times {
            sum ^= black_box(once(queries.list[from].name));
            from += 1;
            if from == queries.list.len() {
                from = 0;
            }
        }
        next.store(from, Ordering::Relaxed);
        sum
    })
}

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("### One service of ten")?;
    report.say(
        "Everybody asks for the same one. Nanoseconds a lookup and thread, in brackets the ratio to \
         the first row. The other containers find a service by its Rust type. *One field*: the \
         service is looked at where it is; *as one's own*: an `Arc` of it is taken and dropped.",
    )?;
    measure(session, report, "components", one_of_ten(), ARC)?;
    report.say("### By name, one service of 1,000 after the other")?;
    measure(session, report, "components by name", by_name(), REGISTRY)?;
    report.say("### A configuration value of a hundred, and a middleware of ten")?;
    report.say(
        "The value is a number, read as a `u32`; the file's text of it is kept, and read at each look. \
         The middleware is shared, and taken as one's own.",
    )?;
    let rows = configured::values()
        .into_iter()
        .chain(configured::middleware());
    measure(
        session,
        report,
        "configured",
        rows.collect(),
        configured::FLOOR,
    )
}

fn measure(
    session: &mut Session,
    report: &mut Report,
    section: &str,
    rows: Vec<Row>,
    floor: &str,
) -> io::Result<()> {
    let mut grid = Grid::new(COLUMNS);
    let mut allocations = Vec::new();
    for row in rows {
        let counted = [&row.field, &row.own].map(|ask| {
            let ask = ask.as_ref()?;
            // Whatever a thread sets up once is set up before the count.
            ask(10);
            let (_, tally) = allocations::count(|| ask(1_000));
            Some(tally.calls as f64 / 1_000.0)
        });
        for (column, calls) in [FIELD, OWN].into_iter().zip(counted) {
            if let Some(calls) = calls {
                session.record(&format!("{section}: allocations"), row.name, column, calls);
            }
        }
        let text = |calls: Option<f64>| calls.map_or_else(String::new, |calls| calls.to_string());
        allocations.push(vec![row.name.into(), text(counted[0]), text(counted[1])]);
        let job = |ask: &Option<Ask>, threads| {
            let ask = Arc::clone(ask.as_ref()?);
            let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
                lane.measure(|length| {
                    black_box(ask(length));
                })
            });
            Some(session.job(work, threads, 1_000))
        };
        let jobs = vec![
            job(&row.field, 1),
            job(&row.field, 2),
            job(&row.own, 1),
            job(&row.own, 2),
        ];
        grid.row(row.name, jobs);
    }
    let measured = session.run(section, grid);
    report.table(&measured, Some(floor))?;
    report.texts(
        "allocations of a lookup",
        &["one field", "as one's own"],
        &allocations,
    )
}

/// An application of these services, which runs.
fn running(services: impl IntoIterator<Item = (String, Arc<Svc>)>) -> Running {
    let app = services
        .into_iter()
        .fold(App::new(), |app, (name, service)| {
            app.service(&name, service)
        });
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime of one thread")
        .block_on(app.start())
        .expect("nothing of it can fail")
}

fn one_of_ten() -> Vec<Row> {
    let mut rows = Vec::new();
    let kept = Arc::new(Svc::new(5));
    let other = Arc::clone(&kept);
    rows.push(Row {
        name: ARC,
        field: Some(ask(move || black_box(&kept).id)),
        own: Some(ask(move || black_box(Arc::clone(black_box(&other))).id)),
    });

    let map = Arc::new(ten::map());
    let other = Arc::clone(&map);
    rows.push(Row {
        name: "`HashMap` by type behind `&`",
        field: Some(ask(move || {
            ten::of::<5>(black_box(&map)).map_or(0, |service| service.0.id)
        })),
        own: Some(ask(move || {
            let own: Option<Arc<Typed<5>>> = ten::of::<5>(black_box(&other)).cloned();
            black_box(own).map_or(0, |service| service.0.id)
        })),
    });

    let map = Arc::new(RwLock::new(ten::map()));
    let other = Arc::clone(&map);
    rows.push(Row {
        name: "`HashMap` by type behind `RwLock`",
        field: Some(ask(move || {
            let map = map.read().unwrap_or_else(PoisonError::into_inner);
            ten::of::<5>(&map).map_or(0, |service| service.0.id)
        })),
        own: Some(ask(move || {
            let own: Option<Arc<Typed<5>>> = {
                let map = other.read().unwrap_or_else(PoisonError::into_inner);
                ten::of::<5>(&map).cloned()
            };
            black_box(own).map_or(0, |service| service.0.id)
        })),
    });

    let module = Arc::new(ten::shaku::Ten::builder().build());
    let other = Arc::clone(&module);
    rows.push(Row {
        name: "shaku",
        field: Some(ask(move || {
            let service: &dyn ten::shaku::T5 = black_box(&*module).resolve_ref();
            service.id()
        })),
        own: Some(ask(move || {
            let service: Arc<dyn ten::shaku::T5> = black_box(&*other).resolve();
            black_box(service).id()
        })),
    });

    let catalog = ten::dill::declared().build();
    ten::dill::all(&catalog);
    rows.push(Row {
        name: "dill, `get_one`",
        field: None,
        own: Some(ask(move || {
            let service = black_box(&catalog).get_one::<ten::dill::S5>();
            black_box(service).map_or(0, |service| service.svc.id)
        })),
    });

    let container = ten::froodi::declared();
    ten::froodi::all(&container);
    rows.push(Row {
        name: "froodi, `get`",
        field: None,
        own: Some(ask(move || {
            let service = black_box(&container).get::<ten::froodi::S5>();
            black_box(service).map_or(0, |service| service.svc.id)
        })),
    });

    let names: Vec<String> = (0..10).map(|at| format!("service-{at}")).collect();
    let asked: &'static str = String::leak(names[5].clone());
    let services = || {
        names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.clone(), Arc::new(Svc::new(at))))
    };
    let registry: Registry<Arc<Svc>> = services()
        .map(|(name, service)| (Arc::<str>::from(name), service))
        .collect();
    let other = registry.clone();
    rows.push(Row {
        name: REGISTRY,
        field: Some(ask(move || {
            registry
                .read(black_box(asked), |service| service.id)
                .unwrap_or(0)
        })),
        own: Some(ask(move || {
            let own = other.read(black_box(asked), Arc::clone);
            black_box(own).map_or(0, |service| service.id)
        })),
    });

    let running = running(services());
    let [looking, other] = [running.services().clone(), running.services().clone()];
    let key = running
        .services()
        .key::<Svc>(asked)
        .expect("it is one of the ten");
    let another = key.clone();
    rows.push(Row {
        name: NAME,
        field: Some(ask(move || {
            looking
                .read::<Svc, _>(black_box(asked), |service| service.id)
                .map_or(0, |id| id.unwrap_or(0))
        })),
        own: Some(ask(move || {
            let own = other.get::<Svc>(black_box(asked));
            black_box(own).map_or(0, |service| service.map_or(0, |service| service.id))
        })),
    });
    rows.push(Row {
        name: KEY,
        field: Some(ask(move || black_box(&key).read(|service| service.id))),
        own: Some(ask(move || black_box(black_box(&another).get()).id)),
    });
    rows
}

fn by_name() -> Vec<Row> {
    let names = Names::new(1_000);
    let queries = Arc::new(Queries::new(&names, Spread::Uniform));
    let services: Vec<(String, Arc<Svc>)> = names
        .stored
        .iter()
        .enumerate()
        .map(|(at, name)| (name.to_string(), Arc::new(Svc::new(at))))
        .collect();
    let mut rows = Vec::new();

    let map: Arc<HashMap<String, Arc<Svc>>> = Arc::new(services.iter().cloned().collect());
    let other = Arc::clone(&map);
    rows.push(Row {
        name: "`HashMap` by name behind `&`",
        field: Some(ask_names(&queries, move |name| {
            map.get(name).map_or(0, |service| service.id)
        })),
        own: Some(ask_names(&queries, move |name| {
            black_box(other.get(name).cloned()).map_or(0, |service| service.id)
        })),
    });
    let map: Arc<RwLock<HashMap<String, Arc<Svc>>>> =
        Arc::new(RwLock::new(services.iter().cloned().collect()));
    let other = Arc::clone(&map);
    rows.push(Row {
        name: "`HashMap` by name behind `RwLock`",
        field: Some(ask_names(&queries, move |name| {
            let map = map.read().unwrap_or_else(PoisonError::into_inner);
            map.get(name).map_or(0, |service| service.id)
        })),
        own: Some(ask_names(&queries, move |name| {
            let own = other
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(name)
                .cloned();
            black_box(own).map_or(0, |service| service.id)
        })),
    });
    let registry: Registry<Arc<Svc>> = services
        .iter()
        .map(|(name, service)| (Arc::<str>::from(&**name), Arc::clone(service)))
        .collect();
    let other = registry.clone();
    rows.push(Row {
        name: REGISTRY,
        field: Some(ask_names(&queries, move |name| {
            registry.read(name, |service| service.id).unwrap_or(0)
        })),
        own: Some(ask_names(&queries, move |name| {
            black_box(other.read(name, Arc::clone)).map_or(0, |service| service.id)
        })),
    });
    let running = running(services);
    let [looking, other] = [running.services().clone(), running.services().clone()];
    rows.push(Row {
        name: NAME,
        field: Some(ask_names(&queries, move |name| {
            looking
                .read::<Svc, _>(name, |service| service.id)
                .map_or(0, |id| id.unwrap_or(0))
        })),
        own: Some(ask_names(&queries, move |name| {
            let own = other.get::<Svc>(name);
            black_box(own).map_or(0, |service| service.map_or(0, |service| service.id))
        })),
    });
    rows
}
