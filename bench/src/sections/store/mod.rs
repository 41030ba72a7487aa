//! Durable registries beside other stores: adds by threads and by processes, reads that are up to
//! date across processes, and when others hear.

use std::io;

use crate::grid::Session;
use crate::report::Report;

mod adds;
mod batch;
mod byname;
mod clock;
mod crew;
mod fresh;
mod ground;
mod heard;
mod keeper;
mod lmdb;
mod raw;
mod rewrite;
mod sqlite;
pub(crate) mod worker;

use adds::Adds;
use ground::Ground;

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    let mut ground = Ground::new()?;
    report.say("## Durable registries")?;
    report.say(&ground.describe()?)?;
    report.say(&format!(
        "- SQLite {}: write-ahead log, `synchronous=FULL`, `busy_timeout` 60 s. LMDB {}: default \
         flags. *Batched*: threads hand in what they want done, one thread of the process commits \
         what was handed in while the commit before it ran. The naive store: `flock` on a file \
         beside it, the document read and parsed, changed, written beside, `fsync`, rename, `fsync` \
         of the folder.",
        rusqlite::version(),
        {
            let version = ::heed::lmdb_version();
            format!("{}.{}.{}", version.major, version.minor, version.patch)
        },
    ))?;
    report.say(
        "An add puts a value of about 100 bytes under a fresh name and takes the same worker's last \
         one out, in one transaction, and waits until that is durable: the number of entries stays \
         within one a worker. Each worker adds without a pause. Processes are separate processes, \
         one thread each. Windows are of 0.25 s (10,000 entries: 0.5 s; 100,000: 1.5 s; with 4 \
         processes twice, with 16 eight times as long) after 60 ms of the same load, five of each, \
         interleaved; rates are medians, latencies are those of all adds that began in a window, \
         however late they ended. In brackets the ratio to the first row.",
    )?;
    let adds = Adds::measure(session, &mut ground)?;
    report.say(&adds.account(&ground))?;
    adds.tables(session, report)?;
    fresh::run(session, report, &mut ground)?;
    heard::run(session, report, &mut ground)
}
