//! Names inside of the folder, from the path of a request.

use percent_encoding::percent_decode_str;

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// From the folder downwards; none for the folder itself. Each may be answered.
    pub(super) names: Vec<String>,
    /// Whether the path ends in a slash.
    pub(super) slash: bool,
}

impl Names {
    /// The last name.
    pub(super) fn last(&self) -> Option<&str> {
        self.names.last().map(String::as_str)
    }

    /// The same, and one name below it.
    pub(super) fn and(&self, name: &str) -> Self {
        let mut names = self.names.clone();
        names.push(name.to_owned());
        Self {
            names,
            slash: false,
        }
    }

    /// The same with this at the end of its last name.
    pub(super) fn with_suffix(&self, suffix: &str) -> Self {
        let mut with = self.clone();
        if let Some(last) = with.names.last_mut() {
            last.push_str(suffix);
        }
        with
    }

    /// The path in the folder, with slashes between.
    pub(super) fn joined(&self) -> String {
        self.names.join("/")
    }
}

/// Reads the path of a request. Nothing if it has a name that may not be answered.
pub(super) fn names(path: &str, dotfiles: &[String]) -> Option<Names> {
    let path = if path.is_empty() { "/" } else { path };
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        let names = Vec::new();
        return Some(Names { names, slash: true });
    }
    let (path, slash) = match path.strip_suffix('/') {
        Some(path) => (path, true),
        None => (path, false),
    };
    let mut names = Vec::new();
    for name in path.split('/') {
        let decoded = percent_decode_str(name).decode_utf8().ok()?;
        if !escapes_are_whole(name) || !may_be_answered(&decoded, dotfiles) {
            return None;
        }
        names.push(decoded.into_owned());
    }
    Some(Names { names, slash })
}

/// Whether every `%` has two hexadecimal digits behind it.
fn escapes_are_whole(name: &str) -> bool {
    name.split('%')
        .skip(1)
        .all(|behind| matches!(behind.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// Whether a file or folder of this name may be answered, on any system: a colon is a drive or a stream
/// on one of them, a trailing dot or space is dropped by it.
pub(super) fn may_be_answered(name: &str, dotfiles: &[String]) -> bool {
    if name.is_empty() || name == "." || name == ".." {
        return false;
    }
    if name.contains(|c: char| matches!(c, '/' | '\\' | ':') || c.is_control()) {
        return false;
    }
    if name.ends_with(['.', ' ']) {
        return false;
    }
    !name.starts_with('.') || dotfiles.iter().any(|allowed| allowed == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Option<(Vec<String>, bool)> {
        names(path, &[".well-known".to_owned()]).map(|names| (names.names, names.slash))
    }

    #[test]
    fn a_path_is_decoded_once_name_by_name() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(read("/"), Some((names(&[]), true)));
        assert_eq!(read(""), Some((names(&[]), true)));
        assert_eq!(read("/a/b"), Some((names(&["a", "b"]), false)));
        assert_eq!(read("/a/b/"), Some((names(&["a", "b"]), true)));
        assert_eq!(
            read("/a%20b/%C3%A9.txt"),
            Some((names(&["a b", "é.txt"]), false))
        );
        assert_eq!(read("/%252e%252e"), Some((names(&["%2e%2e"]), false)));
        assert_eq!(
            read("/.well-known/x"),
            Some((names(&[".well-known", "x"]), false))
        );
        assert_eq!(read("/a...b"), Some((names(&["a...b"]), false)));
    }

    #[test]
    fn a_name_that_may_not_be_answered_refuses_the_whole_path() {
        for path in [
            "//",
            "//a",
            "/a//b",
            "/a//",
            "a",
            "*",
            "/.",
            "/..",
            "/a/../b",
            "/%2e%2e/b",
            "/.%2e/b",
            "/%2E%2E%2Fb",
            "/a%2fb",
            "/a%5cb",
            "/a\\..\\b",
            "/C:/x",
            "/c%3a%5cx",
            "/a%00.txt",
            "/a%0a",
            "/a%7f",
            "/%",
            "/%2",
            "/%zz",
            "/a.",
            "/a%20",
            "/a./b",
            "/...",
            "/.env",
            "/a/.git/config",
            "/%2eenv",
            "/.well-known./x",
            "/.Well-Known/x",
            "/%ff",
            "/%c0%ae%c0%ae/x",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
    }
}
