//! Paths of routes, in the syntax of axum 0.8.

use std::borrow::Cow;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// How long the path of a route may be, in bytes.
const LONGEST: usize = 1024;

/// A parameter of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    /// Whether it takes all the rest, slashes and all.
    pub(crate) rest: bool,
}

/// Lays a prefix before a path: one slash stands between them, and none behind a prefix alone.
///
/// # Examples
///
/// ```
/// use byname_components::http::routes::join;
///
/// assert_eq!(join("/v1/", "/users"), "/v1/users");
/// assert_eq!(join("/v1", "/"), "/v1");
/// assert_eq!(join("/v1", "/users/"), "/v1/users/");
/// assert_eq!(join("", "/"), "/");
/// ```
#[must_use]
pub fn join(prefix: &str, path: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    match path.strip_prefix('/') {
        Some("") if !prefix.is_empty() => prefix.to_owned(),
        // A path without its slash stays wrong, and is told as it was written.
        None if !path.is_empty() => path.to_owned(),
        None => prefix.to_owned(),
        Some(rest) => format!("{prefix}/{rest}"),
    }
}

/// Returns the parameters of a path, in order.
pub(crate) fn parameters(path: &str) -> impl Iterator<Item = Parameter<'_>> {
    path.split('/')
        .filter_map(|segment| parameter(segment).map(|(_, parameter)| parameter))
}

/// What a path matches, whatever its parameters are called.
pub(crate) fn shape(path: &str) -> String {
    let segments = path.split('/').map(|segment| match parameter(segment) {
        None => Cow::Borrowed(segment),
        Some((before, parameter)) => {
            let wild = if parameter.rest { "*" } else { "" };
            format!("{before}{{{wild}}}").into()
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The parameter of a segment, and what stands before it.
fn parameter(segment: &str) -> Option<(&str, Parameter<'_>)> {
    // Braces that stand for themselves are written twice.
    let plain = segment.replace("{{", "  ").replace("}}", "  ");
    let (open, close) = (plain.find('{')?, plain.rfind('}')?);
    let inner = segment.get(open + 1..close)?;
    let name = inner.strip_prefix('*');
    let parameter = Parameter {
        name: name.unwrap_or(inner),
        rest: name.is_some(),
    };
    Some((segment.get(..open)?, parameter))
}

/// Says what is wrong with a path.
pub(crate) fn fault(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return Some("does not begin with `/`".into());
    }
    if path.len() > LONGEST {
        return Some(format!("is longer than {LONGEST} bytes"));
    }
    if let Some(odd) = path.chars().find(|&c| !asked_for(c)) {
        let help = match odd {
            '?' | '#' => String::new(),
            odd => {
                let text = odd.to_string();
                let written = utf8_percent_encode(&text, NON_ALPHANUMERIC);
                format!("; write it `{written}`")
            }
        };
        return Some(format!(
            "contains {odd:?}, which no path of a request contains{help}"
        ));
    }
    if let Some(dots) = path.split('/').find(|it| matches!(*it, "." | "..")) {
        return Some(format!(
            "has the segment `{dots}`, which clients take out of a path"
        ));
    }
    if let Some(old) = path.split('/').find(|it| it.starts_with([':', '*'])) {
        let name = &old[1..];
        let rest = if old.starts_with('*') { "*" } else { "" };
        return Some(format!(
            "has the segment `{old}`; a parameter is written `{{{rest}{name}}}`"
        ));
    }
    if let Err(error) = matchit::Router::new().insert(path, ()) {
        return Some(format!("cannot be routed: {}", wrong(&error)));
    }
    let mut names: Vec<&str> = parameters(path).map(|it| it.name).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(format!("has two parameters `{}`", twice[0]))
}

/// Whether a character can stand in the path of a request as it is, or has a meaning in that of a route.
fn asked_for(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>' | '\\' | '^' | '`' | '|')
}

/// Says what is wrong with a prefix, under which other paths are.
pub(crate) fn prefix_fault(prefix: &str) -> Option<String> {
    let rest = || {
        let rest = parameters(prefix).find(|it| it.rest)?;
        let name = rest.name;
        Some(format!(
            "has the parameter `{{*{name}}}`, which leaves nothing to the paths under it"
        ))
    };
    fault(prefix).or_else(rest)
}

fn wrong(error: &matchit::InsertError) -> &'static str {
    match error {
        matchit::InsertError::InvalidParamSegment => {
            "a segment has one parameter at most, with nothing behind it"
        }
        matchit::InsertError::InvalidCatchAll => {
            "a parameter that takes the rest stands at the end"
        }
        _ => "a parameter is `{name}` or `{*name}`",
    }
}

/// Whether two paths that are right match the same requests with equal precedence.
pub(super) fn same(a: &str, b: &str) -> bool {
    let mut fixed = a.split('/').zip(b.split('/'));
    if fixed.any(|(a, b)| a != b && !a.contains('{') && !b.contains('{')) {
        return false;
    }
    let right = |path| matchit::Router::new().insert(path, ()).is_ok();
    let mut router = matchit::Router::new();
    right(a) && right(b) && router.insert(a, ()).is_ok() && router.insert(b, ()).is_err()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use axum::Router;
    use axum::routing::get;

    use super::*;

    const PATHS: [&str; 17] = [
        "/",
        "/a",
        "/a/",
        "/{a}",
        "/{b}",
        "/{b}/",
        "/{*a}",
        "/a/{b}",
        "/a/{c}/d",
        "/a/{b}/{c}",
        "/a/{*b}",
        "/a/b{c}",
        "/a/b{*c}",
        "/a/bc",
        "/{{a}}",
        "/{a}/b",
        "/{b}/c/{d}",
    ];

    #[test]
    fn two_paths_are_the_same_where_axum_refuses_them() {
        for (at, a) in PATHS.into_iter().enumerate() {
            for b in &PATHS[at + 1..] {
                let both = catch_unwind(|| {
                    let router: Router = Router::new();
                    let _ = router.route(a, get(|| async {})).route(b, get(|| async {}));
                });
                assert_eq!(same(a, b), both.is_err(), "{a} {b}");
                assert_eq!(same(a, b), same(b, a), "{a} {b}");
            }
            assert!(same(a, a), "{a}");
        }
    }

    #[test]
    fn a_path_is_wrong_where_axum_refuses_it() {
        for path in PATHS.into_iter().chain([
            "", "a", "/:a", "/*a", "/{a", "/a}", "/{}", "/{*}", "/{a}{b}", "/{a}b", "/{*a}/b",
            "/{a*}", "/{{a}", "/{a:b}",
        ]) {
            let built = catch_unwind(|| {
                let router: Router = Router::new();
                let _ = router.route(path, get(|| async {}));
            });
            assert_eq!(fault(path).is_some(), built.is_err(), "{path}");
        }
    }

    #[test]
    fn a_shape_is_a_path_without_names() {
        for (path, expected) in [
            ("/a/{b}/c", "/a/{}/c"),
            ("/{*b}", "/{*}"),
            ("/x-{b}/y{*c}", "/x-{}/y{*}"),
            ("/{{b}}", "/{{b}}"),
        ] {
            assert_eq!(shape(path), expected);
        }
    }

    #[test]
    fn a_path_that_no_request_can_have_is_wrong() {
        for (path, told) in [
            (
                "/a b",
                "contains ' ', which no path of a request contains; write it `%20`",
            ),
            (
                "/\u{e4}",
                "contains '\u{e4}', which no path of a request contains; write it `%C3%A4`",
            ),
            ("/a?b", "contains '?', which no path of a request contains"),
            (
                "/a/../b",
                "has the segment `..`, which clients take out of a path",
            ),
        ] {
            assert_eq!(fault(path).as_deref(), Some(told));
        }
        assert_eq!(fault("/%C3%A4/~a/.b/...;c=1,d@e!$&'()*+:"), None);
    }

    #[test]
    fn a_prefix_leaves_something_to_the_paths_under_it() {
        let told = "has the parameter `{*b}`, which leaves nothing to the paths under it";
        assert_eq!(prefix_fault("/a/{*b}").as_deref(), Some(told));
        assert_eq!(prefix_fault("/a/{b}"), None);
        assert!(prefix_fault("/{}").is_some());
    }

    #[test]
    fn parameters_are_found_and_braces_that_stand_for_themselves_are_not() {
        let names = |path| {
            parameters(path)
                .map(|it| (it.name, it.rest))
                .collect::<Vec<_>>()
        };
        assert_eq!(names("/a/{b}/c-{d}"), [("b", false), ("d", false)]);
        assert_eq!(names("/{*rest}"), [("rest", true)]);
        assert_eq!(names("/{{a}}/b"), []);
    }
}
