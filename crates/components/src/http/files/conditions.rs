//! Conditional requests (RFC 9110, 13).

use axum::http::{HeaderMap, HeaderName, header};
use std::time::SystemTime;

use super::validators::{Tag, Validators};

/// What the conditions of a request make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// Evaluates the conditions of a `GET` or `HEAD` in the order of 13.2.2, for a file that is there.
pub(super) fn evaluate(headers: &HeaderMap, validators: &Validators) -> Verdict {
    if headers.contains_key(header::IF_MATCH) {
        let strong = |tag: &Tag| !tag.weak && *tag == validators.tag;
        if !any_tag(headers, header::IF_MATCH, strong) {
            return Verdict::Failed;
        }
    } else if let Some(since) = date(headers, header::IF_UNMODIFIED_SINCE)
        && validators.modified.is_some_and(|modified| modified > since)
    {
        return Verdict::Failed;
    }
    if headers.contains_key(header::IF_NONE_MATCH) {
        let weak = |tag: &Tag| tag.opaque == validators.tag.opaque;
        if any_tag(headers, header::IF_NONE_MATCH, weak) {
            return Verdict::NotModified;
        }
    } else if let Some(since) = date(headers, header::IF_MODIFIED_SINCE)
        && validators
            .modified
            .is_some_and(|modified| modified <= since)
    {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether `If-Range` lets the range stand (13.1.5): the same strong tag, or the very date if it is one.
pub(super) fn range_stands(headers: &HeaderMap, validators: &Validators) -> bool {
    let mut values = headers.get_all(header::IF_RANGE).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return !headers.contains_key(header::IF_RANGE);
    };
    let value = value.as_bytes().trim_ascii();
    if value.starts_with(b"\"") || value.starts_with(b"W/") {
        return matches!(
            next_tag(value),
            Some((tag, b"")) if !tag.weak && tag == validators.tag
        );
    }
    let given = str::from_utf8(value).ok();
    let given = given.and_then(|date| httpdate::parse_http_date(date).ok());
    validators.modified_is_strong && given.is_some() && given == validators.modified
}

/// The one valid date of a header; what is none is ignored, as 13.1.3 demands.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut values = headers.get_all(name).into_iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// Whether any tag of a list is so, or the list is `*`.
fn any_tag(headers: &HeaderMap, name: HeaderName, so: impl Fn(&Tag) -> bool) -> bool {
    headers.get_all(name).into_iter().any(|value| {
        let mut rest = value.as_bytes().trim_ascii();
        if rest == b"*" {
            return true;
        }
        while let Some((tag, after)) = next_tag(rest) {
            if so(&tag) {
                return true;
            }
            rest = after.trim_ascii_start();
            rest = rest.strip_prefix(b",").unwrap_or(b"").trim_ascii_start();
        }
        false
    })
}

/// Takes a tag off the beginning of a list.
fn next_tag(text: &[u8]) -> Option<(Tag, &[u8])> {
    let (weak, quoted) = match text.strip_prefix(b"W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let opaque = quoted.strip_prefix(b"\"")?;
    let end = opaque.iter().position(|byte| *byte == b'"')?;
    let (opaque, after) = opaque.split_at(end);
    // What is no UTF-8 is none of our tags, whatever takes the place of its bytes.
    let opaque = String::from_utf8_lossy(opaque).into_owned();
    Some((Tag { opaque, weak }, &after[1..]))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use axum::http::HeaderValue;

    use super::*;

    const EARLIER: &str = "Thu, 01 Jan 1970 00:16:39 GMT";
    const SAME: &str = "Thu, 01 Jan 1970 00:16:40 GMT";
    const LATER: &str = "Thu, 01 Jan 1970 00:16:41 GMT";

    fn validators(weak: bool) -> Validators {
        Validators {
            tag: Tag {
                opaque: "a,b".into(),
                weak,
            },
            modified: Some(UNIX_EPOCH + Duration::from_secs(1000)),
            modified_is_strong: !weak,
        }
    }

    fn headers(given: &[(HeaderName, &str)]) -> HeaderMap {
        let value = |value: &str| HeaderValue::try_from(value).expect("a value");
        let given = given.iter();
        given.map(|(name, v)| (name.clone(), value(v))).collect()
    }

    #[test]
    fn conditions_are_evaluated_in_the_order_of_the_rfc() {
        use Verdict::{Failed, NotModified, Proceed};
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        for (given, strong, weak) in [
            (&[][..], Proceed, Proceed),
            (&[(IF_NONE_MATCH, "\"a,b\"")], NotModified, NotModified),
            (&[(IF_NONE_MATCH, "W/\"a,b\"")], NotModified, NotModified),
            (&[(IF_NONE_MATCH, "*")], NotModified, NotModified),
            (
                &[(IF_NONE_MATCH, "\"x\" , W/\"a,b\"")],
                NotModified,
                NotModified,
            ),
            (&[(IF_NONE_MATCH, "\"x\",,\"y\"")], Proceed, Proceed),
            (
                &[(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a,b\"")],
                NotModified,
                NotModified,
            ),
            (
                &[(IF_NONE_MATCH, "\"a\""), (IF_MODIFIED_SINCE, LATER)],
                Proceed,
                Proceed,
            ),
            (
                &[(IF_NONE_MATCH, "a,b"), (IF_MODIFIED_SINCE, LATER)],
                Proceed,
                Proceed,
            ),
            (&[(IF_NONE_MATCH, "\"a,b")], Proceed, Proceed),
            (&[(IF_MODIFIED_SINCE, SAME)], NotModified, NotModified),
            (&[(IF_MODIFIED_SINCE, LATER)], NotModified, NotModified),
            (&[(IF_MODIFIED_SINCE, EARLIER)], Proceed, Proceed),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Proceed, Proceed),
            (
                &[(IF_MODIFIED_SINCE, SAME), (IF_MODIFIED_SINCE, SAME)],
                Proceed,
                Proceed,
            ),
            (&[(IF_MATCH, "\"a,b\"")], Proceed, Failed),
            (&[(IF_MATCH, "W/\"a,b\"")], Failed, Failed),
            (&[(IF_MATCH, "*")], Proceed, Proceed),
            (&[(IF_MATCH, "\"x\"")], Failed, Failed),
            (&[(IF_MATCH, "nonsense")], Failed, Failed),
            (
                &[(IF_MATCH, "*"), (IF_UNMODIFIED_SINCE, EARLIER)],
                Proceed,
                Proceed,
            ),
            (&[(IF_UNMODIFIED_SINCE, EARLIER)], Failed, Failed),
            (&[(IF_UNMODIFIED_SINCE, SAME)], Proceed, Proceed),
            (&[(IF_UNMODIFIED_SINCE, "never")], Proceed, Proceed),
            (
                &[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a,b\"")],
                Failed,
                Failed,
            ),
        ] {
            let headers = headers(given);
            assert_eq!(evaluate(&headers, &validators(false)), strong, "{given:?}");
            assert_eq!(
                evaluate(&headers, &validators(true)),
                weak,
                "{given:?}, weak"
            );
        }
    }

    #[test]
    fn a_range_stands_only_on_a_strong_validator() {
        for (given, strong) in [
            (&["\"a,b\""][..], true),
            (&["W/\"a,b\""], false),
            (&["\"a\""], false),
            (&["\"a,b\", \"a,b\""], false),
            (&["\"a,b\"", "\"a,b\""], false),
            (&["*"], false),
            (&[SAME], true),
            (&[LATER], false),
            (&[EARLIER], false),
            (&[""], false),
        ] {
            let given: Vec<_> = given.iter().map(|&v| (header::IF_RANGE, v)).collect();
            let headers = headers(&given);
            assert_eq!(
                range_stands(&headers, &validators(false)),
                strong,
                "{given:?}"
            );
            assert!(
                !range_stands(&headers, &validators(true)),
                "{given:?}, weak"
            );
        }
        assert!(range_stands(&HeaderMap::new(), &validators(true)));
    }
}
