//! Which trace a request belongs to (W3C Trace Context, level 1).

use std::fmt;

use crate::http::middleware::random::{bits, wide};

/// The place of a request in a trace: in its extensions once it is traced, and in its `traceparent`.
///
/// It is displayed as that header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    parent: Option<u64>,
    flags: u8,
}

/// Whether whoever asked has recorded it.
const SAMPLED: u8 = 1;

impl TraceContext {
    /// Begins a trace.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            // Zero means that there is none.
            trace: wide().max(1),
            span: bits().max(1),
            parent: None,
            flags: SAMPLED,
        }
    }

    /// Continues the trace of a `traceparent`, with a span of its own; none if it cannot be read.
    #[must_use]
    pub fn of(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let version = hex(parts.next()?, 2)?;
        let (trace, parent) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        // A later version may say more; version 255 cannot be.
        let more = parts.next().is_some();
        if version == 0xff || (version == 0 && more) || trace == 0 || parent == 0 {
            return None;
        }
        Some(Self {
            trace,
            span: bits().max(1),
            parent: u64::try_from(parent).ok(),
            // Of the flags only this one has a meaning in the version that is written.
            flags: u8::try_from(flags).ok()? & SAMPLED,
        })
    }

    /// A further span of the same trace, below this one: for a request to another server.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span: bits().max(1),
            parent: Some(self.span),
            ..self
        }
    }

    /// The identity of the trace: 32 digits in hexadecimal.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The identity of the span: 16 digits in hexadecimal.
    #[must_use]
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span)
    }

    /// The identity of the span above, if there is one.
    #[must_use]
    pub fn parent_id(&self) -> Option<String> {
        self.parent.map(|parent| format!("{parent:016x}"))
    }
}

/// Reads a number of exactly so many digits in hexadecimal, in small letters.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != digits || !text.bytes().all(digit) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace, self.span, self.flags
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_is_continued_with_a_span_of_its_own() {
        let one = TraceContext::of(GIVEN).expect("it can be read");
        assert_eq!(one.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(one.parent_id().as_deref(), Some("00f067aa0ba902b7"));
        assert_ne!(one.span_id(), "00f067aa0ba902b7");
        let expected = format!("00-{}-{}-01", one.trace_id(), one.span_id());
        assert_eq!(one.to_string(), expected);
        let below = one.child();
        assert_eq!(
            (below.trace_id(), below.parent_id()),
            (one.trace_id(), Some(one.span_id()))
        );
        let read = TraceContext::of(&TraceContext::begin().to_string());
        assert!(read.is_some());
    }

    #[test]
    fn a_later_version_may_say_more_and_what_is_wrong_is_none() {
        let later = GIVEN.replacen("00", "cc", 1);
        assert!(TraceContext::of(&later).is_some());
        assert!(TraceContext::of(&format!("{later}-more")).is_some());
        for wrong in [
            String::new(),
            format!("{GIVEN}-more"),
            GIVEN.replacen("00", "ff", 1),
            GIVEN.to_uppercase(),
            GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GIVEN.replace("00f067aa", "00f067a"),
            GIVEN.replace("-01", ""),
            GIVEN.replace("-01", "-+1"),
        ] {
            assert!(TraceContext::of(&wrong).is_none(), "{wrong}");
        }
    }
}
