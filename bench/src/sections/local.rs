//! A call of a service of the same process, through the trait that an application handed out.

use std::hint::black_box;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use byname::{App, BoxError, Registrar, ServiceError, need};
use tokio::runtime::Builder;

use crate::allocations;
use crate::grid::{Grid, Session};
use crate::measure::{Lane, Work};
use crate::report::{Report, ratio};

/// Adds up.
#[byname::service]
trait Sums {
    /// Adds to what it was made with.
    async fn add_sum(&self, more: u64) -> Result<u64, ServiceError>;
}

/// The same trait as a macro for asynchronous traits writes it.
trait ByHand: Send + Sync {
    fn add_sum<'a>(
        &'a self,
        more: u64,
    ) -> Pin<Box<dyn Future<Output = Result<u64, ServiceError>> + Send + 'a>>;
}

struct Offset(u64);

#[byname::service]
impl Sums for Offset {
    async fn add_sum(&self, more: u64) -> Result<u64, ServiceError> {
        Ok(self.0.wrapping_add(more))
    }
}

impl ByHand for Offset {
    fn add_sum<'a>(
        &'a self,
        more: u64,
    ) -> Pin<Box<dyn Future<Output = Result<u64, ServiceError>> + Send + 'a>> {
        Box::pin(async move { Ok(self.0.wrapping_add(more)) })
    }
}

/// Something that needs sums.
struct Adding(Arc<dyn Sums>);

fn module(registrar: &mut Registrar<'_>) {
    registrar.interface::<dyn Sums>();
    registrar.factory("sums", (), |(): ()| async {
        let sums: Arc<dyn Sums> = Arc::new(Offset(7));
        Ok::<_, BoxError>(sums)
    });
    registrar.factory("adding", (need("sums"),), |(): (), sums| async {
        Ok::<_, BoxError>(Arc::new(Adding(sums)))
    });
}

const FILE: &str = "
services: { sums: {}, adding: {} }
servers:
  all:
    publish: [sums]
    listeners: { public: { address: 127.0.0.1:0 } }
";

const BASE: &str = "`Arc<dyn Sums>`, made and called directly";
const GIVEN: &str = "**the same, handed out by an application that publishes it**";
const HAND: &str = "a boxed future by hand";
const COLUMN: &str = "a call";

/// How many calls in a row.
type Calls = Arc<dyn Fn(usize) -> u64 + Send + Sync>;

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## A local call")?;
    report.say(
        "A method of a `#[byname::service]` trait that adds two numbers, called through an `Arc<dyn …>` \
         and polled once, since it is ready at once. The application publishes the service on a socket \
         too; who needs it in the same process has the object itself. One thread; in brackets the ratio \
         to the first row.",
    )?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let app = App::from_text(FILE).register(module);
    let running = runtime.block_on(app.start()).map_err(io::Error::other)?;
    let adding = runtime
        .block_on(running.service::<Adding>("adding"))
        .map_err(io::Error::other)?;
    let direct: Arc<dyn Sums> = Arc::new(Offset(7));
    let given = Arc::clone(&adding.0);
    let hand: Arc<dyn ByHand> = Arc::new(Offset(7));
    let rows: [(&str, Calls); 3] = [
        (
            BASE,
            calls(move |more| ready(black_box(&direct).add_sum(more))),
        ),
        (
            GIVEN,
            calls(move |more| ready(black_box(&given).add_sum(more))),
        ),
        (
            HAND,
            calls(move |more| ready(black_box(&hand).add_sum(more))),
        ),
    ];
    let mut grid = Grid::new([COLUMN]);
    let mut allocated = Vec::new();
    for (name, calls) in rows {
        let (_, tally) = allocations::count(|| calls(1_000));
        let each = tally.calls as f64 / 1_000.0;
        allocated.push(vec![name.to_owned(), each.to_string()]);
        let work: Work = Arc::new(move |lane: &mut Lane<'_>| {
            lane.measure(|length| {
                black_box(calls(length));
            })
        });
        grid.row(name, vec![Some(session.job(work, 1, 1))]);
    }
    let measured = session.run("local", grid);
    report.table(&measured, Some(BASE))?;
    report.texts("allocations", &[COLUMN], &allocated)?;
    let [given, direct] = [GIVEN, BASE].map(|row| session.result("local", row, COLUMN));
    if let Some((given, direct)) = given.zip(direct) {
        report.say(&format!(
            "Aim: as long as a direct call. Measured: {}.",
            ratio(given / direct)
        ))?;
    }
    drop(adding);
    runtime.block_on(running.stop()).map_err(io::Error::other)
}

/// Calls again and again; the compiler must not take it out of the loop.
fn calls(once: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Calls {
    Arc::new(move |times| (0..times as u64).fold(0, |sum, at| sum ^ black_box(once(at))))
}

/// Polls a future that is ready at once.
fn ready(call: impl Future<Output = Result<u64, ServiceError>>) -> u64 {
    let mut call = pin!(call);
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(sum)) => sum,
        Poll::Ready(Err(_)) | Poll::Pending => 0,
    }
}
