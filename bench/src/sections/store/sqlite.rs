//! `SQLite`: one connection a thread, or one that a committer uses for all.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::batch::{Commit, Committer, Job};
use super::keeper::{BEACON, Failure, Hand, Keeper, LOOK};

const INSERT: &str = "INSERT INTO entries (name, value) VALUES (?1, ?2)";
const REMOVE: &str = "DELETE FROM entries WHERE name = ?1";
const PUT: &str = "INSERT OR REPLACE INTO entries (name, value) VALUES (?1, ?2)";
pub(super) const GET: &str = "SELECT value FROM entries WHERE name = ?1";
pub(super) const VERSION: &str = "PRAGMA data_version";

/// Opens a connection: write-ahead log, every commit durable, a busy database waited for.
pub(super) fn connect(folder: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open(folder.join("entries.db"))?;
    connection.busy_timeout(Duration::from_mins(1))?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(format!("the journal mode is {mode}, not wal").into());
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, value TEXT NOT NULL) \
         WITHOUT ROWID",
    )?;
    Ok(connection)
}

pub(super) struct Sqlite {
    folder: PathBuf,
    committer: Option<Committer>,
}

impl Sqlite {
    pub(super) fn open(folder: &Path, batched: bool) -> Result<Self, Failure> {
        let connection = connect(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            committer: batched.then(|| Committer::start(Box::new(Own(connection)))),
        })
    }
}

impl Keeper for Sqlite {
    fn hand(&self) -> Result<Box<dyn Hand + '_>, Failure> {
        match &self.committer {
            Some(committer) => Ok(committer.hand()),
            None => Ok(Box::new(Own(connect(&self.folder)?))),
        }
    }

    fn fill(&self, entries: &[(String, String)]) -> Result<(), Failure> {
        let mut connection = connect(&self.folder)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (name, value) in entries {
            transaction
                .prepare_cached(INSERT)?
                .execute(params![name, value])?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn follow(
        &self,
        ready: &mut dyn FnMut(),
        heard: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failure> {
        let connection = connect(&self.folder)?;
        let mut version = connection.prepare(VERSION)?;
        let mut get = connection.prepare(GET)?;
        let mut seen: i64 = version.query_row([], |row| row.get(0))?;
        ready();
        loop {
            let now = version.query_row([], |row| row.get(0))?;
            if now != seen {
                seen = now;
                let value: Option<String> = get.query_row([BEACON], |row| row.get(0)).optional()?;
                if value.is_some_and(|value| !heard(&value)) {
                    return Ok(());
                }
            }
            thread::sleep(LOOK);
        }
    }
}

/// A connection of one's own.
struct Own(Connection);

impl Own {
    fn alone(&mut self, job: Job) -> Result<(), Failure> {
        let results = self.commit(&[job])?;
        for result in results {
            result?;
        }
        Ok(())
    }
}

impl Hand for Own {
    fn rotate(&mut self, name: &str, value: &str, out: Option<&str>) -> Result<(), Failure> {
        let transaction = self
            .0
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction
            .prepare_cached(INSERT)?
            .execute(params![name, value])?;
        if let Some(out) = out {
            transaction.prepare_cached(REMOVE)?.execute([out])?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.alone(Job::Remove(name.to_owned()))
    }

    fn put(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        self.alone(Job::Put(name.to_owned(), value.to_owned()))
    }
}

impl Commit for Own {
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Result<(), String>>, Failure> {
        let transaction = self
            .0
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs {
            // A statement that fails undoes itself and leaves the transaction as it was.
            let done = match job {
                Job::Rotate { name, value, out } => transaction
                    .prepare_cached(INSERT)?
                    .execute(params![name, value])
                    .and_then(|_| match out {
                        Some(out) => transaction.prepare_cached(REMOVE)?.execute([out]),
                        None => Ok(0),
                    }),
                Job::Remove(name) => transaction.prepare_cached(REMOVE)?.execute([name]),
                Job::Put(name, value) => transaction
                    .prepare_cached(PUT)?
                    .execute(params![name, value]),
            };
            results.push(done.map(drop).map_err(|error| error.to_string()));
        }
        transaction.commit()?;
        Ok(results)
    }
}
