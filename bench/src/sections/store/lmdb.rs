//! LMDB through `heed`, with its default and durable flags.

use std::path::Path;
use std::thread;

use heed::types::{Bytes, Str};
use heed::{CommitOrAbort, Database, Env, EnvOpenOptions, PutFlags};

use super::batch::{Commit, Committer, Job};
use super::keeper::{BEACON, Failure, Hand, Keeper, LOOK};

/// The most that the file can grow to.
const MAP: usize = 1 << 30;

pub(super) type Entries = Database<'static, Str, Bytes>;

/// Opens the environment of a folder for as long as the process lives; it may do so once.
pub(super) fn open(folder: &Path) -> Result<(&'static Env, Entries), Failure> {
    #[expect(
        unsafe_code,
        reason = "memory-mapped files have no safe way to be opened"
    )]
    // SAFETY: nobody but processes of this program, through LMDB, changes or cuts the files; the
    // folder was made for this run and is on a local disk.
    let env = unsafe {
        EnvOpenOptions::new()
            .map_size(MAP)
            .max_readers(256)
            .open(folder)?
    };
    let env: &'static Env = Box::leak(Box::new(env));
    let writer = env.write_txn()?;
    let entries = env
        .create_databases_and_commit(writer, |opener, writer| {
            opener
                .create_database(writer, None)
                .map(CommitOrAbort::<_, ()>::Commit)
        })?
        .unwrap_commit();
    Ok((env, entries))
}

pub(super) struct Lmdb {
    own: Own,
    committer: Option<Committer>,
}

impl Lmdb {
    pub(super) fn open(folder: &Path, batched: bool) -> Result<Self, Failure> {
        let (env, entries) = open(folder)?;
        let own = Own { env, entries };
        Ok(Self {
            committer: batched.then(|| Committer::start(Box::new(own.clone()))),
            own,
        })
    }
}

impl Keeper for Lmdb {
    fn hand(&self) -> Result<Box<dyn Hand + '_>, Failure> {
        match &self.committer {
            Some(committer) => Ok(committer.hand()),
            None => Ok(Box::new(self.own.clone())),
        }
    }

    fn fill(&self, entries: &[(String, String)]) -> Result<(), Failure> {
        let mut writer = self.own.env.write_txn()?;
        for (name, value) in entries {
            self.own.entries.put(&mut writer, name, value.as_bytes())?;
        }
        writer.commit()?;
        Ok(())
    }

    fn follow(
        &self,
        ready: &mut dyn FnMut(),
        heard: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failure> {
        // The number that `info` tells is that of the newest page, which a reader may not see yet.
        let mut seen = self.own.env.read_txn()?.id();
        ready();
        loop {
            let reader = self.own.env.read_txn()?;
            if reader.id() != seen {
                seen = reader.id();
                let value = self.own.entries.get(&reader, BEACON)?;
                if value.is_some_and(|value| !heard(&String::from_utf8_lossy(value))) {
                    return Ok(());
                }
            }
            drop(reader);
            thread::sleep(LOOK);
        }
    }
}

#[derive(Clone)]
struct Own {
    env: &'static Env,
    entries: Entries,
}

impl Hand for Own {
    fn rotate(&mut self, name: &str, value: &str, out: Option<&str>) -> Result<(), Failure> {
        let mut writer = self.env.write_txn()?;
        self.entries
            .put_with_flags(&mut writer, PutFlags::NO_OVERWRITE, name, value.as_bytes())?;
        if let Some(out) = out {
            self.entries.delete(&mut writer, out)?;
        }
        writer.commit()?;
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        let mut writer = self.env.write_txn()?;
        self.entries.delete(&mut writer, name)?;
        writer.commit()?;
        Ok(())
    }

    fn put(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        let mut writer = self.env.write_txn()?;
        self.entries.put(&mut writer, name, value.as_bytes())?;
        writer.commit()?;
        Ok(())
    }
}

impl Commit for Own {
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Result<(), String>>, Failure> {
        let mut writer = self.env.write_txn()?;
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs {
            // A name that is there already is refused before anything is changed.
            let done = match job {
                Job::Rotate { name, value, out } => self
                    .entries
                    .put_with_flags(&mut writer, PutFlags::NO_OVERWRITE, name, value.as_bytes())
                    .and_then(|()| match out {
                        Some(out) => self.entries.delete(&mut writer, out).map(drop),
                        None => Ok(()),
                    }),
                Job::Remove(name) => self.entries.delete(&mut writer, name).map(drop),
                Job::Put(name, value) => self.entries.put(&mut writer, name, value.as_bytes()),
            };
            results.push(done.map_err(|error| error.to_string()));
        }
        writer.commit()?;
        Ok(results)
    }
}
