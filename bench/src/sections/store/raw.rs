//! What the disk takes for the least that makes something durable.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::keeper::{Failure, Hand, Keeper};

const BLOCK: usize = 4096;

/// Bytes that are made durable, and how.
pub(super) struct Raw {
    folder: PathBuf,
    /// The size of the file that is replaced; `None` for the overwritten block.
    replaced: Option<usize>,
}

impl Raw {
    /// A block of one file is overwritten in place.
    pub(super) fn overwrite(folder: &Path) -> Result<Self, Failure> {
        let file = File::create(folder.join("block"))?;
        file.write_all_at(&[b'a'; BLOCK], 0)?;
        file.sync_all()?;
        Ok(Self {
            folder: folder.to_owned(),
            replaced: None,
        })
    }

    /// A file of so many bytes is replaced by another.
    pub(super) fn replace(folder: &Path, bytes: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            replaced: Some(bytes),
        }
    }
}

impl Keeper for Raw {
    fn hand(&self) -> Result<Box<dyn Hand + '_>, Failure> {
        let Some(bytes) = self.replaced else {
            let block = File::options()
                .write(true)
                .open(self.folder.join("block"))?;
            return Ok(Box::new(Block(block, 0)));
        };
        Ok(Box::new(Replaced {
            path: self.folder.join(format!("file-{bytes}")),
            folder: File::open(&self.folder)?,
            bytes: vec![b'a'; bytes],
        }))
    }

    fn fill(&self, _: &[(String, String)]) -> Result<(), Failure> {
        Ok(())
    }

    fn follow(&self, _: &mut dyn FnMut(), _: &mut dyn FnMut(&str) -> bool) -> Result<(), Failure> {
        Err("nobody follows a bare file".into())
    }
}

struct Block(File, u8);

impl Hand for Block {
    fn rotate(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<(), Failure> {
        self.1 = self.1.wrapping_add(1);
        self.0.write_all_at(&[self.1; BLOCK], 0)?;
        self.0.sync_data()?;
        Ok(())
    }

    fn remove(&mut self, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn put(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        self.rotate(name, value, None)
    }
}

struct Replaced {
    path: PathBuf,
    folder: File,
    bytes: Vec<u8>,
}

impl Hand for Replaced {
    fn rotate(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<(), Failure> {
        let beside = self.path.with_extension("tmp");
        let mut file = File::create_new(&beside)?;
        file.write_all(&self.bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        self.folder.sync_all()?;
        Ok(())
    }

    fn remove(&mut self, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn put(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        self.rotate(name, value, None)
    }
}
