//! The file store of this workspace, opened once a process.

use std::path::{Path, PathBuf};

use byname_store::{Condition, FileOptions, FileStore, Json, Store, Transaction};

use super::keeper::{BEACON, Failure, Hand, Keeper};

/// The most that is put in by one transaction.
const LONGEST: usize = 10_000;

pub(super) struct Byname(FileStore);

/// The path of the document in a folder.
pub(super) fn document(folder: &Path) -> PathBuf {
    folder.join("entries.json")
}

impl Byname {
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let store = FileStore::open(document(folder), FileOptions::new())?;
        Ok(Self(store))
    }

    pub(super) fn into_store(self) -> FileStore {
        self.0
    }
}

impl Keeper for Byname {
    fn hand(&self) -> Result<Box<dyn Hand + '_>, Failure> {
        Ok(Box::new(Own(&self.0)))
    }

    fn fill(&self, entries: &[(String, String)]) -> Result<(), Failure> {
        for part in entries.chunks(LONGEST) {
            let mut transaction = Transaction::new();
            for (name, value) in part {
                transaction = transaction.put(name.as_str(), Json::new(value.as_str())?);
            }
            self.0.submit(transaction).wait()?;
        }
        Ok(())
    }

    fn follow(
        &self,
        ready: &mut dyn FnMut(),
        heard: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), Failure> {
        let mirror = self.0.mirror();
        let mut watch = self.0.watch(mirror.revision());
        ready();
        while watch.recv().is_some() {
            let value = mirror.read(BEACON, |record| record.value.as_str().to_owned());
            if value.is_some_and(|value| !heard(&value)) {
                break;
            }
        }
        Ok(())
    }
}

struct Own<'s>(&'s FileStore);

impl Hand for Own<'_> {
    fn rotate(&mut self, name: &str, value: &str, out: Option<&str>) -> Result<(), Failure> {
        let mut transaction = Transaction::new()
            .when(name, Condition::Absent)
            .put(name, Json::new(value)?);
        if let Some(out) = out {
            transaction = transaction.remove(out);
        }
        self.0.submit(transaction).wait()?;
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.0.submit(Transaction::new().remove(name)).wait()?;
        Ok(())
    }

    fn put(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        let transaction = Transaction::new().put(name, Json::new(value)?);
        self.0.submit(transaction).wait()?;
        Ok(())
    }
}
