//! Parts of a file (RFC 9110, 14).

use axum::http::{HeaderMap, header};

/// What is to be sent of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// From the first to the last byte, both of which the file has.
    Part {
        first: u64,
        last: u64,
    },
    /// 416.
    Unsatisfiable,
}

/// Reads `Range` for a file of this length. What is malformed, of another unit, or of several parts is
/// answered with the whole file, as 14.2 allows.
pub(super) fn extent(headers: &HeaderMap, length: u64) -> Extent {
    let mut values = headers.get_all(header::RANGE).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Extent::Whole;
    };
    let value = value.to_str().ok().and_then(|value| value.split_once('='));
    let Some((_, set)) = value.filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes")) else {
        return Extent::Whole;
    };
    let mut parts = set
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let (Some(part), None) = (parts.next(), parts.next()) else {
        return Extent::Whole;
    };
    one(part, length).unwrap_or(Extent::Whole)
}

/// Reads one part; nothing if it is malformed.
fn one(part: &str, length: u64) -> Option<Extent> {
    let (first, last) = part.split_once('-')?;
    let end = length.checked_sub(1);
    if first.is_empty() {
        let most = number(last)?;
        return Some(match end {
            Some(last) if most > 0 => Extent::Part {
                first: length.saturating_sub(most),
                last,
            },
            _ => Extent::Unsatisfiable,
        });
    }
    let first = number(first)?;
    let last = if last.is_empty() {
        u64::MAX
    } else {
        number(last)?
    };
    if last < first {
        return None;
    }
    Some(match end {
        Some(end) if first <= end => Extent::Part {
            first,
            last: last.min(end),
        },
        _ => Extent::Unsatisfiable,
    })
}

/// Digits; a number that is too large is the largest.
fn number(digits: &str) -> Option<u64> {
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_is_honoured_and_what_is_no_part_is_ignored() {
        use Extent::{Unsatisfiable, Whole};
        let part = |first, last| Extent::Part { first, last };
        for (range, of_ten, of_none) in [
            ("bytes=0-3", part(0, 3), Unsatisfiable),
            ("bytes=0-0", part(0, 0), Unsatisfiable),
            ("Bytes = 2-5 ", part(2, 5), Unsatisfiable),
            ("bytes=9-", part(9, 9), Unsatisfiable),
            ("bytes=10-", Unsatisfiable, Unsatisfiable),
            ("bytes=5-99", part(5, 9), Unsatisfiable),
            ("bytes=0-99999999999999999999999", part(0, 9), Unsatisfiable),
            (
                "bytes=99999999999999999999999-",
                Unsatisfiable,
                Unsatisfiable,
            ),
            ("bytes=-3", part(7, 9), Unsatisfiable),
            ("bytes=-10", part(0, 9), Unsatisfiable),
            ("bytes=-11", part(0, 9), Unsatisfiable),
            ("bytes=-0", Unsatisfiable, Unsatisfiable),
            ("bytes=,1-2,", part(1, 2), Unsatisfiable),
            ("bytes=0-1,3-4", Whole, Whole),
            ("bytes=5-2", Whole, Whole),
            ("bytes=", Whole, Whole),
            ("bytes=-", Whole, Whole),
            ("bytes=a-b", Whole, Whole),
            ("bytes=+1-2", Whole, Whole),
            ("bytes=1--2", Whole, Whole),
            ("bytes", Whole, Whole),
            ("lines=0-1", Whole, Whole),
        ] {
            let headers = HeaderMap::from_iter([(header::RANGE, range.parse().expect("a value"))]);
            assert_eq!(extent(&headers, 10), of_ten, "{range}");
            assert_eq!(extent(&headers, 0), of_none, "{range}");
        }
        let mut twice = HeaderMap::new();
        twice.append(header::RANGE, "bytes=0-1".parse().expect("a value"));
        twice.append(header::RANGE, "bytes=2-3".parse().expect("a value"));
        assert_eq!(extent(&twice, 10), Whole);
        assert_eq!(extent(&HeaderMap::new(), 10), Whole);
    }
}
