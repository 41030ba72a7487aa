//! Checking and building graphs of services, and how the cost grows.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io;
use std::sync::Arc;

use byname_components::config::Layers;
use byname_components::{App, BoxError, Registrar, need};

use super::ten;
use crate::grid::{Grid, Job, Session};
use crate::measure::{Lane, Work};
use crate::names::Svc;
use crate::report::Report;
use crate::sections::count;

pub(super) const SIZES: [usize; 3] = [10, 1_000, 10_000];
pub(super) const CHECK: &str = "**components**: check, the file included";
pub(super) const START: &str = "**components**: start, the check included";
pub(super) const SECTION: &str = "graphs";

/// A service: itself, and what it needs.
struct Node {
    svc: Svc,
    needs: [Option<Arc<Node>>; 3],
}

impl Node {
    /// Looks at what it holds, so that nobody may leave it out.
    fn id(&self) -> u64 {
        self.svc.id + self.needs.iter().flatten().count() as u64
    }
}

/// The numbers of the services that number `at` of `count` needs: three of the layer before its own,
/// of ten layers; none in the first.
fn needs(at: usize, count: usize) -> Option<[usize; 3]> {
    let layer = (count / 10).max(4);
    let before = (at / layer).checked_sub(1)? * layer;
    Some([0, 1, 2].map(|need| before + (at + need) % layer))
}

/// The file of a graph.
fn text(count: usize) -> Arc<str> {
    let mut text = String::from("services:\n");
    for at in 0..count {
        let _ = match needs(at, count) {
            None => writeln!(text, "  s{at}: {{ type: first }}"),
            Some([a, b, c]) => writeln!(
                text,
                "  s{at}: {{ type: later, needs: {{ a: s{a}, b: s{b}, c: s{c} }} }}"
            ),
        };
    }
    text.into()
}

async fn first((): ()) -> Result<Arc<Node>, BoxError> {
    Ok(Arc::new(Node {
        svc: Svc::new(0),
        needs: [None, None, None],
    }))
}

async fn later((): (), a: Arc<Node>, b: Arc<Node>, c: Arc<Node>) -> Result<Arc<Node>, BoxError> {
    Ok(Arc::new(Node {
        svc: Svc::new(1),
        needs: [Some(a), Some(b), Some(c)],
    }))
}

fn module(registrar: &mut Registrar<'_>) {
    registrar.factory("first", (), first);
    registrar.factory(
        "later",
        (need::<Node>("a"), need::<Node>("b"), need::<Node>("c")),
        later,
    );
}

fn app(text: &str) -> App {
    App::from_text(text).register(module)
}

/// A graph by hand: names, and who needs whom by name.
type ByHand = Vec<(String, Option<[String; 3]>)>;

fn by_hand(count: usize) -> ByHand {
    let name = |at: usize| format!("s{at}");
    // As a file may have them: not in the order in which they are built.
    (0..count)
        .rev()
        .map(|at| (name(at), needs(at, count).map(|needs| needs.map(name))))
        .collect()
}

/// Builds each after what it needs, and nothing else: no check, no life, one after the other.
fn build_by_hand(graph: &ByHand) -> HashMap<&str, Arc<Node>> {
    fn build<'g>(
        name: &'g str,
        graph: &HashMap<&'g str, &'g Option<[String; 3]>>,
        built: &mut HashMap<&'g str, Arc<Node>>,
    ) -> Arc<Node> {
        if let Some(node) = built.get(name) {
            return Arc::clone(node);
        }
        let needs = match graph[name] {
            None => [None, None, None],
            Some(needs) => needs.each_ref().map(|need| Some(build(need, graph, built))),
        };
        let node = Arc::new(Node {
            svc: Svc::new(1),
            needs,
        });
        built.insert(name, Arc::clone(&node));
        node
    }
    let index = graph.iter().map(|(name, needs)| (&**name, needs)).collect();
    let mut built = HashMap::new();
    for (name, _) in graph {
        build(name, &index, &mut built);
    }
    built
}

/// A job that times `run` on what `prepare` makes; a service is an operation.
fn job<T, R>(
    session: &Session,
    count: usize,
    prepare: impl Fn() -> T + Send + Sync + 'static,
    run: impl Fn(T) -> R + Send + Sync + 'static,
) -> Job {
    let work: Work = Arc::new(move |lane: &mut Lane<'_>| lane.batches(count, &prepare, &run));
    session.job(work, 1, count)
}

/// A job that times what `run` does in a runtime.
fn in_runtime<T, R, F>(
    session: &Session,
    count: usize,
    prepare: impl Fn(&tokio::runtime::Runtime) -> T + Send + Sync + 'static,
    run: impl Fn(T) -> F + Send + Sync + 'static,
) -> Job
where
    F: Future<Output = R>,
{
    let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime of one thread");
        lane.batches(
            count,
            || prepare(&runtime),
            |prepared| runtime.block_on(run(prepared)),
        )
    });
    session.job(work, 1, count)
}

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("### Graphs: nanoseconds a service")?;
    report.say(
        "Services in ten layers (ten of them: in three), each of which needs three of the layer \
         before, by name; one thread. The file is one of YAML with a line a service, and is read in \
         each check. *By hand* builds in the same order out of a `HashMap`, and checks nothing. The \
         other containers name services by Rust types, each written out in the program, so that \
         only the graph of ten can be put to them: dill's and froodi's checks include the \
         declaration, shaku is checked by the compiler.",
    )?;
    let mut grid = Grid::new(SIZES.map(|size| format!("{} services", count(size))));
    let ten = |job| vec![Some(job), None, None];
    grid.row(
        "by hand: build",
        SIZES
            .map(|count| {
                Some(job(
                    session,
                    count,
                    move || by_hand(count),
                    |graph| {
                        let built = build_by_hand(&graph);
                        let sum: u64 = built.values().map(|node| node.id()).sum();
                        drop(built);
                        (graph, sum)
                    },
                ))
            })
            .into(),
    );
    grid.row(
        "shaku: build",
        ten(job(
            session,
            10,
            || (),
            |()| ten::shaku::Ten::builder().build(),
        )),
    );
    grid.row(
        "dill: check",
        ten(job(
            session,
            10,
            || (),
            |()| {
                let mut declared = ten::dill::declared();
                black_box(declared.validate().is_ok());
                declared
            },
        )),
    );
    grid.row(
        "dill: build",
        ten(job(
            session,
            10,
            || ten::dill::declared().build(),
            |catalog| {
                ten::dill::all(&catalog);
                catalog
            },
        )),
    );
    grid.row(
        "froodi: check",
        ten(job(session, 10, || (), |()| ten::froodi::declared())),
    );
    grid.row(
        "froodi: build",
        ten(job(session, 10, ten::froodi::declared, |container| {
            ten::froodi::all(&container);
            container
        })),
    );
    let each = |job: fn(&Session, usize, Arc<str>) -> Job| {
        SIZES
            .iter()
            .map(|count| Some(job(session, *count, text(*count))))
            .collect()
    };
    let read = each(|session, count, text| {
        job(
            session,
            count,
            move || Layers::new("BENCH").default_text("the graph", &*text),
            |layers| layers.load().expect("the file is right"),
        )
    });
    let check = each(|session, count, text| {
        job(
            session,
            count,
            move || app(&text),
            |app| {
                let problems = app.check();
                assert!(problems.is_empty(), "{problems}");
                app
            },
        )
    });
    let start = each(|session, count, text| {
        in_runtime(
            session,
            count,
            move |_| app(&text),
            |app| async { app.start().await.expect("all can be built") },
        )
    });
    let stop = each(|session, count, text| {
        in_runtime(
            session,
            count,
            move |runtime| {
                runtime
                    .block_on(app(&text).start())
                    .expect("all can be built")
            },
            |running| async move {
                running.stop().await.expect("all can be stopped");
                running
            },
        )
    });
    grid.row("**components**: the file, read", read);
    grid.row(CHECK, check);
    grid.row(START, start);
    grid.row("**components**: stop", stop);
    let measured = session.run(SECTION, grid);
    report.table(&measured, None)
}
