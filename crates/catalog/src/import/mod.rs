//! Reading catalogs that others publish.
//!
//! [`load`] takes a file in one of four shapes, recognised by its content: the `api.json` of
//! models.dev, LiteLLM's table of prices and context windows, the answer of OpenRouter's
//! `GET /api/v1/models`, and our own [compact format](compact). A file that is none of these or
//! is broken is refused with file, line and column. In a file that is whole, an entry that cannot
//! be understood is reported and counted, and the others load.
//!
//! # What the importers make of what they find
//!
//! - A price of zero is [`Free`](crate::model::Price::Free), one of `null` is
//!   [`Unpriced`](crate::model::Price::Unpriced), and OpenRouter's `-1` is
//!   [`Varying`](crate::model::Price::Varying). Any other price below zero is left out and
//!   reported. Prices per token become prices per million tokens, exactly.
//! - A limit of 0 tokens is known to be absent. Any other field of `null` is unknown, but for
//!   OpenRouter's `expiration_date`, where it says that no end is planned.
//! - Numbers may be written as numbers or as strings that hold one.
//! - A name that stands more than once in an object is reported; the last one counts.
//! - A field that no importer knows is not kept but counted; prose and links are not kept.
#![allow(
    clippy::doc_markdown,
    reason = "LiteLLM and OpenRouter are names, not code"
)]

pub mod compact;
mod error;
mod fields;
mod json;
mod litellm;
mod merge;
mod models_dev;
mod openrouter;
mod path;
mod position;
mod pricing;
mod report;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, str};

use crate::model::{Offering, Provider};

use compact::Origin;
use json::Node;
use position::{Locator, Position};
use report::Reporter;

pub use error::{ImportError, ImportErrorKind};
pub use merge::{Merged, merge};
pub use report::{Counts, Report, ReportKind, Reports};

/// Is how large a file may be: 64 MiB.
pub const MAX_BYTES: u64 = 64 << 20;

/// Names the shape of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The `api.json` of models.dev.
    ModelsDev,
    /// LiteLLM's table of prices and context windows.
    LiteLlm,
    /// The answer of OpenRouter's `GET /api/v1/models`.
    OpenRouter,
    /// The [compact format](compact).
    Compact,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ModelsDev => "models.dev",
            Self::LiteLlm => "LiteLLM",
            Self::OpenRouter => "OpenRouter",
            Self::Compact => "compact",
        })
    }
}

/// Holds what was read from one file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Import {
    /// Is the shape that the file was recognised to have.
    pub format: Format,
    /// Is the name of the file, as it was given.
    pub source: Arc<str>,
    /// Holds the sources that the file names as its own.
    pub origins: Vec<Origin>,
    /// Holds the offerings, one for each key, in the order of their names.
    pub offerings: Vec<Offering>,
    /// Holds the providers, one for each id, in the order of their ids.
    pub providers: Vec<Provider>,
    /// Holds what was not taken over and why.
    pub reports: Reports,
    /// Counts what happened to the entries.
    pub counts: Counts,
}

/// Reads a file.
///
/// # Errors
///
/// [`ImportError`] if the file cannot be read, is larger than [`MAX_BYTES`], is not UTF-8, breaks
/// off, or has none of the shapes that are known.
pub fn load(path: impl AsRef<Path>) -> Result<Import, ImportError> {
    let path = path.as_ref();
    let unreadable = |error| ImportError::unreadable(path, error);
    let mut bytes = Vec::new();
    // One byte more than is allowed tells a file that is too large, whatever its metadata says.
    let mut file = File::open(path).map_err(unreadable)?.take(MAX_BYTES + 1);
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    parse(&path.to_string_lossy(), &bytes)
}

/// Reads the content of a file; `source` is its name in messages.
///
/// # Errors
///
/// [`ImportError`] if the content is larger than [`MAX_BYTES`], is not UTF-8, breaks off, or has
/// none of the shapes that are known.
///
/// # Examples
///
/// ```
/// use byname_catalog::import::{Format, parse};
///
/// let import = parse("api.json", br#"{"openai": {"models": {"gpt-4o": {"name": "GPT-4o"}}}}"#)?;
/// assert_eq!(import.format, Format::ModelsDev);
/// assert_eq!(import.offerings[0].key.name(), "openai/gpt-4o");
///
/// let error = parse("api.json", b"{\n  \"openai\": {").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "api.json:2:14: not JSON: expected `\"` to begin the name of a member"
/// );
/// # Ok::<(), byname_catalog::import::ImportError>(())
/// ```
pub fn parse(source: &str, bytes: &[u8]) -> Result<Import, ImportError> {
    let source: Arc<str> = source.into();
    if u64::try_from(bytes.len()).map_or(true, |size| size > MAX_BYTES) {
        return Err(ImportError::too_large(source, MAX_BYTES));
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => return Err(not_utf8(source, bytes, error.valid_up_to())),
    };
    let mut reporter = Reporter::new(Arc::clone(&source), text);
    let (mut offerings, mut providers, mut origins) = (Vec::new(), Vec::new(), Vec::new());
    let refuse = |at, kind, message| {
        Err(ImportError::at(
            Arc::clone(&source),
            Locator::new(text).position(at),
            kind,
            message,
        ))
    };
    let format = if compact::looks_like(text) {
        let read = compact::import(
            text,
            &mut reporter,
            &mut offerings,
            &mut providers,
            &mut origins,
        );
        if let Err(refused) = read {
            return refuse(refused.at, ImportErrorKind::Syntax, refused.message);
        }
        Format::Compact
    } else {
        let top = match json::parse(text) {
            Ok(top) => top,
            Err(error) => {
                let message = format!("not JSON: {}", error.message);
                return refuse(error.at, ImportErrorKind::Syntax, message);
            }
        };
        let format = match recognise(&top) {
            Ok(format) => format,
            Err((at, message)) => return refuse(at, ImportErrorKind::UnknownShape, message),
        };
        let import = match format {
            Format::ModelsDev => models_dev::import,
            Format::LiteLlm => litellm::import,
            _ => openrouter::import,
        };
        import(&top, &mut reporter, &mut offerings, &mut providers);
        format
    };
    // Every importer sees to it that no two have one key.
    offerings.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    providers.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let (reports, counts) = reporter.finish();
    Ok(Import {
        format,
        source,
        origins,
        offerings,
        providers,
        reports,
        counts,
    })
}

const EXPECTED: &str = "expected the api.json of models.dev, LiteLLM's price table, OpenRouter's \
                        list of models, or a file that begins with `byname-catalog`";

/// Tells the shape of a file from its entries.
fn recognise(top: &Node<'_>) -> Result<Format, (usize, String)> {
    let Some(members) = top.as_object() else {
        let found = top.value.kind();
        return Err((
            top.at,
            format!("{found} at the top is no catalog; {EXPECTED}"),
        ));
    };
    if let Some(data) = top.member("data")
        && let Some(items) = data.as_array()
    {
        return if items.iter().any(openrouter::looks_like) {
            Ok(Format::OpenRouter)
        } else {
            let message = "no item of `data` is a model with an `id` and a `pricing`";
            Err((data.at, format!("{message}; {EXPECTED}")))
        };
    }
    let of = |looks_like: fn(&Node<'_>) -> bool| {
        members
            .iter()
            .filter(|member| looks_like(&member.value))
            .count()
    };
    let (models_dev, litellm) = (of(models_dev::looks_like), of(litellm::looks_like));
    if models_dev == 0 && litellm == 0 {
        let message = if members.is_empty() {
            "an empty object is no catalog"
        } else {
            "no member is a provider with `models` or an entry with a `litellm_provider`"
        };
        Err((top.at, format!("{message}; {EXPECTED}")))
    } else if models_dev >= litellm {
        Ok(Format::ModelsDev)
    } else {
        Ok(Format::LiteLlm)
    }
}

fn not_utf8(source: Arc<str>, bytes: &[u8], at: usize) -> ImportError {
    // What is before the first wrong byte is UTF-8.
    let valid = str::from_utf8(&bytes[..at]).unwrap_or_default();
    let Position { line, column } = Locator::new(valid).position(valid.len());
    let byte = bytes.get(at).copied().unwrap_or_default();
    ImportError::at(
        source,
        Position { line, column },
        ImportErrorKind::NotUtf8,
        format!("the byte 0x{byte:02X} is not UTF-8 here; expected a text in UTF-8"),
    )
}
