//! Where the parts of a file store are.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The document, and the folder beside it. Symbolic links have been followed.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The document as it was named, for messages.
    pub(crate) named: PathBuf,
    /// The document.
    pub(crate) document: PathBuf,
    /// The folder that it stands in.
    pub(crate) folder: PathBuf,
    /// The folder of what belongs to it.
    pub(crate) side: PathBuf,
}

impl Paths {
    pub(crate) fn new(named: &Path, document: PathBuf) -> Self {
        let folder = match document.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let mut side = document.clone().into_os_string();
        side.push(".d");
        Self {
            named: named.to_path_buf(),
            document,
            folder,
            side: side.into(),
        }
    }

    pub(crate) fn word(&self) -> PathBuf {
        self.side.join("word")
    }

    /// The document that was displaced last.
    pub(crate) fn previous(&self) -> PathBuf {
        self.side.join("previous")
    }

    pub(crate) fn revisions(&self) -> PathBuf {
        self.side.join("revisions")
    }

    pub(crate) fn revision(&self, revision: u64) -> PathBuf {
        self.revisions().join(format!("{revision:020}.json"))
    }

    pub(crate) fn aside(&self) -> PathBuf {
        self.side.join("aside")
    }

    pub(crate) fn leases(&self) -> PathBuf {
        self.side.join("leases")
    }

    /// A path beside the document that no process has used before, nor will.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.join(scratch_name(self.document_name()))
    }

    /// The same in the folder of what belongs to it.
    pub(crate) fn side_scratch(&self) -> PathBuf {
        self.side.join(scratch_name(OsStr::new("side")))
    }

    /// Whether `name` is that of a temporary of this document, or of its folder.
    pub(crate) fn is_scratch(&self, name: &OsStr) -> bool {
        let own = |stem: &OsStr| {
            let mut start = OsString::from(".");
            start.push(stem);
            start.push(".");
            let name = name.as_encoded_bytes();
            name.strip_prefix(start.as_encoded_bytes())
                .and_then(|rest| rest.strip_suffix(b".tmp"))
                .is_some_and(|rest| {
                    let mut parts = rest.split(|byte| *byte == b'-');
                    let number = |part: Option<&[u8]>| {
                        part.is_some_and(|part| {
                            !part.is_empty() && part.iter().all(u8::is_ascii_digit)
                        })
                    };
                    number(parts.next()) && number(parts.next()) && parts.next().is_none()
                })
        };
        own(self.document_name()) || own(OsStr::new("side"))
    }

    fn document_name(&self) -> &OsStr {
        self.document.file_name().unwrap_or(OsStr::new("registry"))
    }
}

/// Process and count make it unique on the machine; the count goes on over all stores of the process.
fn scratch_name(stem: &OsStr) -> OsString {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(stem);
    name.push(format!(".{}-{count}.tmp", std::process::id()));
    name
}

/// The revision that a file among the kept ones is named after.
pub(crate) fn kept_revision(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(".json")?;
    if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporaries_are_told_from_other_names() {
        let paths = Paths::new(Path::new("m.json"), PathBuf::from("/data/m.json"));
        for scratch in [paths.scratch(), paths.side_scratch()] {
            assert!(paths.is_scratch(scratch.file_name().expect("a file")));
        }
        for other in [
            ".m.json.1-2.tmp~",
            ".m.json.1-x.tmp",
            ".m.json.-.tmp",
            "m.json",
            ".m.json.swp",
            ".n.json.1-2.tmp",
        ] {
            assert!(!paths.is_scratch(OsStr::new(other)), "{other}");
        }
    }

    #[test]
    fn no_temporary_has_the_name_of_another() {
        let paths = Paths::new(Path::new("m.json"), PathBuf::from("/data/m.json"));
        let names: std::collections::BTreeSet<_> = (0..100).map(|_| paths.scratch()).collect();
        assert_eq!(names.len(), 100);
        // Nor that of one of another process.
        let process = format!(".m.json.{}-", std::process::id());
        for path in names {
            let name = path
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            assert!(name.starts_with(&process), "{name}");
        }
    }

    #[test]
    fn kept_revisions_are_told_from_other_names() {
        assert_eq!(
            kept_revision(OsStr::new("00000000000000000042.json")),
            Some(42)
        );
        for other in [
            "42.json",
            "00000000000000000042.jsn",
            "0000000000000000004x.json",
            "99999999999999999999.json",
        ] {
            assert_eq!(kept_revision(OsStr::new(other)), None, "{other}");
        }
    }
}
