//! Paths of routes, in the syntax of axum 0.8.

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
    path.split('/').filter_map(|segment| {
        // Braces that stand for themselves are written twice.
        let plain = segment.replace("{{", "  ").replace("}}", "  ");
        let (open, close) = (plain.find('{')?, plain.rfind('}')?);
        let inner = segment.get(open + 1..close)?;
        let name = inner.strip_prefix('*');
        Some(Parameter {
            name: name.unwrap_or(inner),
            rest: name.is_some(),
        })
    })
}

/// Says what is wrong with a path.
pub(super) fn fault(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return Some("does not begin with `/`".into());
    }
    if path.len() > LONGEST {
        return Some(format!("is longer than {LONGEST} bytes"));
    }
    if let Some(odd) = path
        .chars()
        .find(|&c| c.is_control() || c == '?' || c == '#')
    {
        return Some(format!(
            "contains {odd:?}, which no path of a request contains"
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
