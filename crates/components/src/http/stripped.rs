//! What of a path is left behind the prefix of a mount.

use axum::extract::{OriginalUri, Request};
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Gives a mount the rest of the path as it stands.
///
/// The router takes an empty first segment away with the prefix: `/f//a` came as `/a`, so that what
/// stands before `/f/a` by its path could be passed by.
pub(super) fn as_it_stands(mut request: Request) -> Request {
    let lost = {
        let whole = request.extensions().get::<OriginalUri>();
        whole.is_some_and(|whole| has_lost_a_slash(whole.0.path(), request.uri().path()))
    };
    if lost && let Some(uri) = with_a_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// Whether what stands before the rest ends with the slash that the rest should begin with.
fn has_lost_a_slash(whole: &str, rest: &str) -> bool {
    whole
        .strip_suffix(rest)
        .is_some_and(|prefix| prefix.ends_with('/'))
}

fn with_a_slash(uri: &Uri) -> Option<Uri> {
    let rest = format!("/{}", uri.path_and_query()?);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(whole: &str, rest: &str) -> String {
        let whole: Uri = whole.parse().expect("a path");
        let mut request = Request::new(axum::body::Body::empty());
        *request.uri_mut() = rest.parse().expect("a path");
        request.extensions_mut().insert(OriginalUri(whole));
        as_it_stands(request).uri().to_string()
    }

    #[test]
    fn an_empty_first_segment_stays() {
        for (whole, rest, expected) in [
            ("/f", "/", "/"),
            ("/f/", "/", "/"),
            ("/f//", "/", "//"),
            ("/f/a", "/a", "/a"),
            ("/f//a", "/a", "//a"),
            ("/f///a", "//a", "///a"),
            ("/f//a?q=/a", "/a?q=/a", "//a?q=/a"),
            ("/f/a//a", "/a//a", "/a//a"),
            ("/f/a/", "/a/", "/a/"),
            ("http://h/f//a", "http://h/a", "http://h//a"),
        ] {
            assert_eq!(left(whole, rest), expected, "{whole}");
        }
    }
}
