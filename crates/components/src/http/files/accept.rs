//! What the client would like to have.

use axum::http::{HeaderMap, HeaderName, header};

use super::settings::Coding;

/// Each element of a list header with its weight in thousandths (RFC 9110, 12.4.2). A weight that is
/// none is the least, which is also what it would be in a list that was cut off.
fn weighted(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = (&str, u16)> {
    let values = headers.get_all(name).into_iter();
    let elements = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    elements.filter_map(|element| {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let q = parts.filter_map(|part| part.split_once('='));
        let mut q = q.filter(|(key, _)| key.trim().eq_ignore_ascii_case("q"));
        let q = q.next().map(|(_, q)| weight(q.trim()).unwrap_or(0));
        Some((name, q.unwrap_or(1000)))
    })
}

/// `0` to `1` with at most three digits behind the dot.
fn weight(text: &str) -> Option<u16> {
    let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
    if behind.len() > 3 || !behind.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let behind: u16 = format!("{behind:0<3}").parse().ok()?;
    match whole {
        "0" => Some(behind),
        "1" if behind == 0 => Some(1000),
        _ => None,
    }
}

/// Whether `text/html` is accepted by name. What a script or a picture is asked for with, `*/*`, does
/// not count.
pub(in crate::http) fn html(headers: &HeaderMap) -> bool {
    weighted(headers, header::ACCEPT)
        .any(|(name, q)| q > 0 && name.eq_ignore_ascii_case("text/html"))
}

/// Which of these codings are accepted rather than none at all, the best first; the order given decides
/// between equals (RFC 9110, 12.5.3).
pub(super) fn codings(headers: &HeaderMap, offered: &[Coding]) -> Vec<Coding> {
    let mut any = None;
    let mut identity = None;
    let mut named: Vec<(&str, u16)> = Vec::new();
    for (name, q) in weighted(headers, header::ACCEPT_ENCODING) {
        match name {
            "*" => any = Some(q),
            name if name.eq_ignore_ascii_case("identity") => identity = Some(q),
            name => named.push((name, q)),
        }
    }
    let q = |coding: Coding| {
        let same = |name: &str| {
            name.eq_ignore_ascii_case(coding.name())
                || coding == Coding::Gzip && name.eq_ignore_ascii_case("x-gzip")
        };
        let named = named.iter().find(|(name, _)| same(name));
        named.map(|(_, q)| *q).or(any).unwrap_or(0)
    };
    let least = identity.unwrap_or(0).max(1);
    let mut accepted: Vec<_> = offered.iter().map(|&coding| (coding, q(coding))).collect();
    accepted.retain(|(_, q)| *q >= least);
    accepted.sort_by_key(|(_, q)| std::cmp::Reverse(*q));
    accepted.into_iter().map(|(coding, _)| coding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let values = values.iter();
        values
            .map(|value| (name.clone(), value.parse().expect("a value")))
            .collect()
    }

    #[test]
    fn html_must_be_named_and_wanted() {
        for (accept, wanted) in [
            ("text/html", true),
            ("application/xml;q=0.9, TEXT/HTML;level=1;q=0.1", true),
            ("text/html;q=0", false),
            ("text/html;q=0.000", false),
            ("*/*", false),
            ("text/*", false),
            ("image/avif,image/webp,*/*;q=0.8", false),
            ("", false),
        ] {
            assert_eq!(
                html(&headers(&header::ACCEPT, &[accept])),
                wanted,
                "{accept}"
            );
        }
        assert!(!html(&HeaderMap::new()));
    }

    #[test]
    fn the_best_coding_comes_first_and_a_refused_one_never() {
        use Coding::{Br, Gzip};
        for (accept, expected) in [
            (&["gzip, br"][..], &[Br, Gzip][..]),
            (&["gzip", "br"], &[Br, Gzip]),
            (&["gzip;q=1, br;q=0.5"], &[Gzip, Br]),
            (&["GZIP"], &[Gzip]),
            (&["x-gzip"], &[Gzip]),
            (&["*"], &[Br, Gzip]),
            (&["br;q=0, *"], &[Gzip]),
            (&["*;q=0"], &[]),
            (&["gzip;q=0.5, identity"], &[]),
            (&["gzip, identity;q=0.5"], &[Gzip]),
            (&["gzip;q=0"], &[]),
            (&["gzip;q=2"], &[]),
            (&["gzip;q=0.0001"], &[]),
            (&["gzip; q=0.001"], &[Gzip]),
            (&["deflate"], &[]),
            (&[""], &[]),
        ] {
            let headers = headers(&header::ACCEPT_ENCODING, accept);
            assert_eq!(codings(&headers, &[Br, Gzip]), expected, "{accept:?}");
        }
        assert_eq!(codings(&HeaderMap::new(), &[Br, Gzip]), []);
    }
}
