//! `byname store`.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, Subcommand};

use super::{FolderArguments, FormatArguments, values};

/// Look at the file of a registry, and bring it back when something has happened to it.
///
/// A registry is a document, such as machines.json in the data folder, and what is kept beside it
/// in machines.json.d: earlier revisions, texts that were set aside, the lock. Where an argument
/// is a REGISTRY, a name such as `machines` means the document of that name in the data folder,
/// and anything with a `/` in it or `.json` at its end is a path.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname store status
  byname store verify --json
  byname store restore --revision 41
  byname store status ./backup/machines.json

Exit codes: 0 done, 1 failed, or verify has found something; 2 called the wrong way.")]
pub(crate) struct StoreArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArguments,

    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Tell what there is: the document, its problem if it has one, and what is kept beside it.
    ///
    /// Nothing is written, and nobody who commits is kept waiting.
    #[command(after_help = "Examples:
  byname store status
  byname store status machines --json | jq .state

The state is fresh (nothing yet), whole, edited (by hand, to be taken up by the next commit), broken
(edited by hand, and cannot be read), damaged, or later-format.")]
    Status(LookArguments),

    /// Check the document and every kept revision; exits with 1 if one of them is not in order.
    ///
    /// Nothing is written. An edit by hand that can be taken up is in order.
    #[command(after_help = "Examples:
  byname store verify
  byname store verify && echo in order")]
    Verify(LookArguments),

    /// Bring a kept revision back, as a new revision.
    ///
    /// Without --revision it is the older copy that somebody has put in the document's place or, if
    /// there is none, the newest kept revision. What is in place is set aside.
    #[command(after_help = "Examples:
  byname store restore
  byname store restore machines --revision 41")]
    Restore(RestoreArguments),

    /// Take what is in the document's place as a new revision, whatever its history.
    ///
    /// It must be a document of this format, but may be of another registry or damaged: what it
    /// says is what counts from now on. The text as it was is set aside.
    #[command(after_help = "Examples:
  byname store adopt")]
    Adopt(WriteArguments),

    /// Show who holds the lock, and what writers have left.
    ///
    /// A lock is free as soon as its holder ends, however it ends: there is nothing to break.
    #[command(after_help = "Examples:
  byname store locks")]
    Locks(LookArguments),

    /// Remove what is provably of no use.
    ///
    /// That is: temporaries of writers that were killed, copies that are more than are to be kept or
    /// cannot be relied on, leases that have ended. What a hand may have written is set aside, never
    /// removed. It may run at any time, beside any number of writers.
    #[command(after_help = "Examples:
  byname store clean")]
    Clean(WriteArguments),
}

/// Which registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegistryArgument {
    /// The document of this name in the data folder.
    Name(String),
    /// The document at this path.
    File(PathBuf),
}

impl RegistryArgument {
    fn read(text: OsString) -> Result<Self, String> {
        let bytes = text.as_encoded_bytes();
        let is_path = bytes.ends_with(b".json")
            || bytes
                .iter()
                .any(|byte| std::path::is_separator(char::from(*byte)));
        if is_path {
            return Ok(Self::File(text.into()));
        }
        let is_name = !bytes.is_empty()
            && bytes[0] != b'.'
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
        text.into_string()
            .ok()
            .filter(|_| is_name)
            .map(Self::Name)
            .ok_or_else(|| {
                "expected a name of letters, digits, `.`, `_` and `-`, or a path with a `/` in it \
                 or `.json` at its end"
                    .into()
            })
    }
}

/// A look at a registry.
#[derive(Args, Debug)]
pub(crate) struct LookArguments {
    /// The registry.
    #[arg(
        default_value = "machines",
        value_parser = OsStringValueParser::new().try_map(RegistryArgument::read)
    )]
    pub(crate) registry: RegistryArgument,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

/// A change of a registry.
#[derive(Args, Debug)]
pub(crate) struct WriteArguments {
    #[command(flatten)]
    pub(crate) look: LookArguments,

    /// How long to wait for the right to write; 0 tries once.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "30",
        value_parser = values::seconds
    )]
    pub(crate) wait: Duration,
}

/// `byname store restore`.
#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    pub(crate) write: WriteArguments,

    /// Which kept revision.
    #[arg(long, value_name = "N")]
    pub(crate) revision: Option<NonZeroU64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths() {
        let name = |text: &str| Ok(RegistryArgument::Name(text.to_owned()));
        let file = |text: &str| Ok(RegistryArgument::File(text.into()));
        let read = |text: &str| RegistryArgument::read(text.into());
        for text in ["machines", "a.b", "a_b-1", "json"] {
            assert_eq!(read(text), name(text), "{text}");
        }
        for text in ["machines.json", "./machines", "/", "a/b.json", "../m"] {
            assert_eq!(read(text), file(text), "{text}");
        }
        for text in ["", ".", "..", "a b", "ü", ".hidden"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
