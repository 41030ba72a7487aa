//! Looking up a router, a convention and a route by their names, and what share of a core that is at
//! ten thousand requests a second.

use std::collections::HashMap;
use std::hint::black_box;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arc_swap::ArcSwap;
use byname::http::RouterEntry;
use byname::http::routes::Routes;
use byname::service::Convention;
use byname::{App, Registrar};
use byname_registry::Registry;

use crate::grid::{Grid, Session};
use crate::measure::{Lane, Work};
use crate::names::Svc;
use crate::report::{Report, nanos, ratio};

const COLUMNS: [&str; 2] = ["1 thread", "2 threads"];
const FLOOR: &str = "`HashMap` behind `&`";
const ROUTER: &str = "**a router, by name**";
const CONVENTION: &str = "**a convention, by name**";

/// How many requests a second the share of a lookup is told for.
const RATE: f64 = 10_000.0;

/// What a lookup may take of a core at that rate.
const MOST: f64 = 0.01;

type Ask = Arc<dyn Fn(usize) -> usize + Send + Sync>;

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Routers and conventions by name")?;
    report.say(
        "One of ten is asked for by its name, and taken as one's own (an `Arc` of it). Byname does this \
         when it checks a file and makes its routes; the table tells what it would be as a part of every \
         request. Nanoseconds a lookup and thread, in brackets the ratio to the first row.",
    )?;
    let mut grid = Grid::new(COLUMNS);
    let rows = rows();
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    for (name, ask) in rows {
        let job = |threads| {
            let ask = Arc::clone(&ask);
            let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
                lane.measure(|length| {
                    black_box(ask(length));
                })
            });
            Some(session.job(work, threads, 10))
        };
        grid.row(name, vec![job(1), job(2)]);
    }
    let measured = session.run("lookups", grid);
    report.table(&measured, Some(FLOOR))?;
    let share = |name: &&str| {
        let each = session.result("lookups", name, COLUMNS[0])?;
        Some((name.to_string(), each, each * RATE / 1e9))
    };
    let shares: Vec<_> = names.iter().filter_map(share).collect();
    let lines: Vec<Vec<String>> = shares
        .iter()
        .map(|(name, each, share)| {
            vec![
                name.clone(),
                format!("{} ns", nanos(*each)),
                format!("{:.4} %", share * 100.0),
            ]
        })
        .collect();
    let columns = ["a lookup", "of a core at 10,000 requests a second"];
    report.texts("", &columns, &lines)?;
    let met = shares
        .iter()
        .filter(|(name, ..)| [ROUTER, CONVENTION].contains(&&**name))
        .all(|(.., share)| *share <= MOST);
    let slowest = ratio(
        [ROUTER, CONVENTION]
            .iter()
            .filter_map(|row| session.result("lookups", row, COLUMNS[0]))
            .fold(0.0, f64::max)
            / session.result("lookups", FLOOR, COLUMNS[0]).unwrap_or(1.0),
    );
    report.say(&format!(
        "Aim: at most {} % of a core. Met: {}; the slower of the two takes {slowest} of a bare \
         `HashMap`.",
        MOST * 100.0,
        if met { "yes" } else { "**no**" },
    ))
}

fn ask<T>(once: impl Fn(&str) -> Option<Arc<T>> + Send + Sync + 'static) -> Ask
where
    T: ?Sized,
{
    Arc::new(move |times| {
        let mut found = 0;
        for _ in 0..times {
            found += usize::from(black_box(once(black_box(ASKED))).is_some());
        }
        found
    })
}

/// The name that is asked for, of routers and conventions alike.
const ASKED: &str = "names-5";

fn rows() -> Vec<(&'static str, Ask)> {
    let names: Vec<String> = (0..10).map(|at| format!("names-{at}")).collect();
    let values = || {
        let values = names.iter().enumerate();
        values.map(|(at, name)| (name.clone(), Arc::new(Svc::new(at))))
    };
    let map: HashMap<String, Arc<Svc>> = values().collect();
    let (mutex, locked) = (Mutex::new(map.clone()), RwLock::new(map.clone()));
    let swapped = ArcSwap::from_pointee(map.clone());
    let sharded: dashmap::DashMap<String, Arc<Svc>> = values().collect();
    let papaya: papaya::HashMap<String, Arc<Svc>> = values().collect();
    let registry: Registry<Arc<Svc>> = values()
        .map(|(name, value)| (Arc::<str>::from(name), value))
        .collect();
    let app = App::new().register(|registrar: &mut Registrar<'_>| {
        for name in &names {
            let nothing = Routes::new().get("/", async || "");
            registrar.router(name, (), |()| (), nothing);
            registrar.convention(name, byname::service::Rpc);
        }
    });
    let [routers, conventions] = {
        let registries = app.registries();
        [registries.routers.clone(), registries.conventions.clone()]
    };
    vec![
        (FLOOR, ask(move |name| map.get(name).cloned())),
        (
            "std `Mutex<HashMap>`",
            ask(move |name| {
                let map = mutex.lock().unwrap_or_else(PoisonError::into_inner);
                map.get(name).cloned()
            }),
        ),
        (
            "std `RwLock<HashMap>`",
            ask(move |name| {
                let map = locked.read().unwrap_or_else(PoisonError::into_inner);
                map.get(name).cloned()
            }),
        ),
        (
            "arc-swap of a `HashMap`",
            ask(move |name| swapped.load().get(name).cloned()),
        ),
        (
            "dashmap",
            ask(move |name| sharded.get(name).map(|found| Arc::clone(&found))),
        ),
        ("papaya", ask(move |name| papaya.pin().get(name).cloned())),
        (
            "registry of `Arc`s, `read`",
            ask(move |name| registry.read(name, Arc::clone)),
        ),
        (
            ROUTER,
            ask(move |name| routers.get::<RouterEntry>(name).ok().flatten()),
        ),
        (
            CONVENTION,
            ask(move |name| conventions.get::<dyn Convention>(name).ok().flatten()),
        ),
    ]
}
