//! What a read takes that must see every change that any process had acknowledged before it, when
//! there was none.

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::byname::Byname;
use super::ground::Ground;
use super::keeper::{BEACON, Failure, Peer};
use byname_store::{Durable, Store};

use super::{lmdb, rewrite, sqlite};
use crate::grid::{Grid, Session};
use crate::measure::{Lane, Work};
use crate::report::Report;

const ENTRIES: usize = 1_000;
const COLUMNS: [&str; 2] = ["1 thread", "2 threads"];

pub(super) fn run(
    session: &mut Session,
    report: &mut Report,
    ground: &mut Ground,
) -> io::Result<()> {
    report.say(&format!(
        "### A read that is up to date across processes, when nothing has changed, {} entries",
        crate::sections::count(ENTRIES)
    ))?;
    report.say(
        "Nanoseconds a read and thread. Each looks whether another process has committed, or opens \
         a transaction, which tells; *and get* reads one entry besides.",
    )?;
    let rows = rows(ground).map_err(io::Error::other)?;
    let mut grid = Grid::new(COLUMNS);
    for (name, work) in rows {
        let jobs = [1, 2].map(|threads| Some(session.job(Arc::clone(&work), threads, ENTRIES)));
        grid.row(name, jobs.into());
    }
    let measured = session.run("fresh", grid);
    report.table(&measured, None)
}

fn rows(ground: &mut Ground) -> Result<Vec<(&'static str, Work)>, Failure> {
    let mut rows: Vec<(&str, Work)> = Vec::new();
    let folder = beaconed(ground, Peer::Byname)?;
    let store = Arc::new(Byname::open(&folder)?.into_store());
    let durable: Durable<u64> = Durable::open(Arc::clone(&store) as Arc<dyn Store>)?;
    rows.push((
        "**file store**: the shared word and the revision",
        work(move || u64::from(store.committed() <= store.mirror().revision())),
    ));
    let other = durable.clone();
    rows.push((
        "**file store**: `latest`",
        work(move || other.latest().expect("the store is fresh").revision()),
    ));
    rows.push((
        "**file store**: `latest` and get",
        work(move || {
            let latest = durable.latest().expect("the store is fresh");
            latest.read(BEACON, |value| *value).unwrap_or(1)
        }),
    ));
    let folder = ground.store(Peer::Lmdb, ENTRIES)?;
    let (env, entries) = lmdb::open(&folder)?;
    let mut writer = env.write_txn()?;
    entries.put(&mut writer, BEACON, b"0")?;
    writer.commit()?;
    rows.push((
        "LMDB: the number of the last transaction (it may not be visible yet)",
        work(move || env.info().last_txn_id as u64),
    ));
    rows.push((
        "LMDB: read transaction and get",
        work(move || {
            let read = env.read_txn().and_then(|reader| {
                let value = entries.get(&reader, BEACON)?;
                Ok(value.map_or(0, <[u8]>::len))
            });
            read.expect("LMDB reads") as u64
        }),
    ));
    let folder = beaconed(ground, Peer::Sqlite)?;
    rows.push((
        "SQLite: prepared `PRAGMA data_version`",
        asked(folder.clone(), sqlite::VERSION),
    ));
    rows.push((
        "SQLite: prepared select of one entry",
        asked(
            folder,
            "SELECT length(value) FROM entries WHERE name = 'beacon'",
        ),
    ));
    let folder = beaconed(ground, Peer::Rewrite)?;
    let document = rewrite::document(&folder);
    let kept: HashMap<_, _> = rewrite::read(&document)?.into_iter().collect();
    let seen = stamp(&document)?;
    rows.push((
        "naive: `stat`, and get from a map (misses changes of one tick)",
        work(move || {
            let now = stamp(&document).expect("the document is there");
            assert!(now == seen, "nobody changes it");
            kept.get(BEACON)
                .and_then(serde_json::Value::as_u64)
                .unwrap_or(0)
        }),
    ));
    Ok(rows)
}

/// Gives the folder of a store that has the beacon in it.
fn beaconed(ground: &mut Ground, peer: Peer) -> Result<PathBuf, Failure> {
    let folder = ground.store(peer, ENTRIES)?;
    peer.open(&folder)?.hand()?.put(BEACON, "0")?;
    Ok(folder)
}

fn work(read: impl Fn() -> u64 + Send + Sync + 'static) -> Work {
    Arc::new(move |lane: &mut Lane<'_>| {
        lane.measure(|length| {
            for _ in 0..length {
                black_box(read());
            }
        })
    })
}

/// Asks a question of one number through a connection of the thread's own.
fn asked(folder: PathBuf, question: &'static str) -> Work {
    Arc::new(move |lane: &mut Lane<'_>| {
        let connection = sqlite::connect(&folder).expect("SQLite opens");
        let mut statement = connection.prepare(question).expect("SQLite prepares");
        lane.measure(|length| {
            for _ in 0..length {
                let answer: i64 = statement
                    .query_row([], |row| row.get(0))
                    .expect("SQLite reads");
                black_box(answer);
            }
        })
    })
}

/// What `stat` tells of a version of a file.
fn stamp(path: &PathBuf) -> io::Result<(u64, u64, i64, i64)> {
    let data = fs::metadata(path)?;
    Ok((data.ino(), data.size(), data.mtime(), data.mtime_nsec()))
}
