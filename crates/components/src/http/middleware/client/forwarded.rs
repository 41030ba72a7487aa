//! What proxies write about those for whom they ask.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;

use super::ForwardedBy;

/// The addresses that a header names, the last one first; none in place of each that cannot be read.
pub(super) fn from_the_right(
    by: ForwardedBy,
    headers: &HeaderMap,
) -> impl Iterator<Item = Option<IpAddr>> {
    let mut named = Vec::new();
    match by {
        ForwardedBy::XForwardedFor => {
            for line in headers.get_all("x-forwarded-for") {
                match line.to_str() {
                    Ok(line) => named.extend(line.split(',').map(|each| address(each.trim()))),
                    Err(_) => named.push(None),
                }
            }
        }
        ForwardedBy::Forwarded => {
            for line in headers.get_all(FORWARDED) {
                match line.to_str().ok().and_then(elements) {
                    Some(elements) => named.extend(elements.iter().map(|each| each.whom)),
                    None => named.push(None),
                }
            }
        }
    }
    named.into_iter().rev()
}

/// Whether the last of the proxies says that it was asked over TLS.
pub(super) fn is_secure(by: ForwardedBy, headers: &HeaderMap) -> bool {
    match by {
        ForwardedBy::XForwardedFor => {
            let line = headers.get_all("x-forwarded-proto").iter().next_back();
            let last = line.and_then(|line| line.to_str().ok()?.rsplit(',').next());
            last.is_some_and(|last| last.trim().eq_ignore_ascii_case("https"))
        }
        ForwardedBy::Forwarded => {
            let line = headers.get_all(FORWARDED).iter().next_back();
            let last = line.and_then(|line| elements(line.to_str().ok()?)?.pop());
            last.is_some_and(|last| last.secure)
        }
    }
}

/// An element of `Forwarded`: for whom, and whether over TLS.
#[derive(Clone, Copy, Default)]
struct Element {
    whom: Option<IpAddr>,
    secure: bool,
}

/// Reads an address that may have a port.
fn address(text: &str) -> Option<IpAddr> {
    let address = if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else if let Ok(address) = text.parse::<SocketAddr>() {
        address.ip()
    } else {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        IpAddr::V6(inside.parse().ok()?)
    };
    Some(address.to_canonical())
}

/// Reads a line of `Forwarded` (RFC 7239, section 4). None if it is not well formed anywhere: a quote that somebody left open would hide what was written behind it.
fn elements(line: &str) -> Option<Vec<Element>> {
    let (mut all, mut rest) = (Vec::new(), line);
    loop {
        let (mut element, mut named) = (Element::default(), false);
        loop {
            rest = rest.trim_start_matches([' ', '\t']);
            // Empty pairs and elements are allowed by the list syntax of RFC 9110, section 5.6.1.
            if !rest.is_empty() && !rest.starts_with([',', ';']) {
                let (name, after) = rest.split_once('=')?;
                if name.is_empty() || !name.bytes().all(is_token) {
                    return None;
                }
                let (value, after) = value(after)?;
                if name.eq_ignore_ascii_case("for") {
                    if std::mem::replace(&mut named, true) {
                        return None;
                    }
                    element.whom = address(&value);
                } else if name.eq_ignore_ascii_case("proto") {
                    element.secure = value.eq_ignore_ascii_case("https");
                }
                rest = after.trim_start_matches([' ', '\t']);
            }
            match rest.strip_prefix(';') {
                Some(after) => rest = after,
                None => break,
            }
        }
        all.push(element);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Some(all),
            None => return None,
        }
    }
}

/// Takes a token or a quoted string off the beginning of a text.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.bytes().position(|byte| !is_token(byte));
        let (token, rest) = text.split_at(end.unwrap_or(text.len()));
        return (!token.is_empty()).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            letter => value.push(letter),
        }
    }
    None
}

/// Whether a byte may be in a token (RFC 9110, section 5.6.2). A colon and brackets may not; some
/// proxies write addresses with them unquoted all the same, and those are not believed.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(by: ForwardedBy, lines: &[&'static str]) -> Vec<Option<String>> {
        let name = match by {
            ForwardedBy::XForwardedFor => "x-forwarded-for",
            ForwardedBy::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_static(line));
        }
        let named = from_the_right(by, &headers);
        named
            .map(|each| each.map(|each| each.to_string()))
            .collect()
    }

    #[allow(clippy::unnecessary_wraps, reason = "for the lists below")]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn addresses_are_read_from_the_right_over_all_lines() {
        let lines = &[
            "192.0.2.1, 192.0.2.2:80",
            "[2001:db8::1]:80, 2001:db8::2,[::3]",
        ];
        let expected = [
            "::3",
            "2001:db8::2",
            "2001:db8::1",
            "192.0.2.2",
            "192.0.2.1",
        ];
        assert_eq!(read(ForwardedBy::XForwardedFor, lines), expected.map(some));
        let lines = &["unknown, 192.0.2.1, ", "::ffff:192.0.2.9, 192.0.2.256"];
        let read = read(ForwardedBy::XForwardedFor, lines);
        assert_eq!(
            read,
            [None, some("192.0.2.9"), None, some("192.0.2.1"), None]
        );
    }

    #[test]
    fn elements_are_read_from_the_right_over_all_lines() {
        let lines = &[
            "for=192.0.2.1;proto=https, For=\"[2001:db8::1]:4711\" ; by=x",
            "proto=http, for=\"192.0.2.2:80\", for=unknown, for=\"_a\\\"b\", for=\"192.0.2.3\"",
        ];
        let expected = [
            some("192.0.2.3"),
            None,
            None,
            some("192.0.2.2"),
            None,
            some("2001:db8::1"),
            some("192.0.2.1"),
        ];
        assert_eq!(read(ForwardedBy::Forwarded, lines), expected);
    }

    #[test]
    fn an_open_quote_hides_nothing_that_a_proxy_wrote_behind_it() {
        for line in [
            "for=\", for=192.0.2.1",
            "for=\", for=\"[2001:db8::1]\"",
            "for=192.0.2.1;for=192.0.2.2",
            "for=[2001:db8::1]",
            "for",
            "=x",
            "for=\"a\\",
            "for=192.0.2.1 192.0.2.2",
        ] {
            assert_eq!(read(ForwardedBy::Forwarded, &[line]), [None], "{line}");
        }
    }
}
