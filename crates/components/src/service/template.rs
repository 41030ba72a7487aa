//! The path of a route, and how values stand in it.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 3986, section 2.3, says is never reserved.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How much room a path that is written has to begin with, in bytes.
const ROOM: usize = 64;

/// Encodes a text so that it can stand anywhere in a path or a query.
pub(super) fn encode(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, STRICT)
}

/// A path with parameters, each a whole segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Fixed(String),
    Parameter(String),
}

impl Template {
    /// Reads `/users/{id}`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the end of a sentence.
    pub(super) fn read(path: &str) -> Result<Self, String> {
        let Some(segments) = path.strip_prefix('/') else {
            return Err("does not begin with `/`".into());
        };
        let mut template = Self(Vec::new());
        if segments.is_empty() {
            return Ok(template);
        }
        for text in segments.split('/') {
            let segment = segment(text)?;
            if let Segment::Parameter(name) = &segment
                && template.parameters().any(|other| other == name)
            {
                return Err(format!("has two parameters `{name}`"));
            }
            template.0.push(segment);
        }
        Ok(template)
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(&**name),
            Segment::Fixed(_) => None,
        })
    }

    /// Whether both match the same paths.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same = |pair: (&Segment, &Segment)| match pair {
            (Segment::Fixed(one), Segment::Fixed(other)) => one == other,
            (Segment::Parameter(_), Segment::Parameter(_)) => true,
            _ => false,
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }

    /// The parameter that this has behind all of another one, if that is all that it has more.
    pub(super) fn parameter_below(&self, above: &Self) -> Option<&str> {
        let (last, before) = self.0.split_last()?;
        match last {
            Segment::Parameter(name) if *before == above.0 => Some(name),
            _ => None,
        }
    }

    /// Renames the parameters to those of another that matches the same paths. Returns the old names and
    /// the new ones.
    pub(super) fn rename(&mut self, like: &Self) -> Vec<(String, String)> {
        let mut renamed = Vec::new();
        for (segment, like) in self.0.iter_mut().zip(&like.0) {
            if let (Segment::Parameter(name), Segment::Parameter(like)) = (segment, like)
                && name != like
            {
                renamed.push((std::mem::replace(name, like.clone()), like.clone()));
            }
        }
        renamed
    }

    /// The fixed segments of other paths that stand where this one has the parameter: a request with
    /// such a value would be taken for one of those.
    pub(super) fn rivals<'a>(
        &'a self,
        parameter: &'a str,
        others: impl Iterator<Item = &'a Self>,
    ) -> Vec<String> {
        let is_it =
            |segment: &Segment| matches!(segment, Segment::Parameter(name) if name == parameter);
        let Some(at) = self.0.iter().position(is_it) else {
            return Vec::new();
        };
        let can_be = |pair: (&Segment, &Segment)| match pair {
            (Segment::Fixed(one), Segment::Fixed(other)) => one == other,
            _ => true,
        };
        let mut rivals: Vec<String> = others
            .filter(|other| self.0.iter().zip(&other.0).take(at).all(can_be))
            .filter_map(|other| match other.0.get(at) {
                Some(Segment::Fixed(text)) => Some(text.clone()),
                _ => None,
            })
            .collect();
        rivals.sort_unstable();
        rivals.dedup();
        rivals
    }

    /// Writes a path, with the values of its parameters.
    pub(super) fn fill<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        use fmt::Write as _;
        let mut path = String::with_capacity(ROOM);
        for segment in &self.0 {
            path.push('/');
            match segment {
                Segment::Fixed(text) => path.push_str(text),
                Segment::Parameter(name) => write!(path, "{}", encode(value(name)?)).ok()?,
            }
        }
        if path.is_empty() {
            path.push('/');
        }
        Some(path)
    }
}

fn segment(text: &str) -> Result<Segment, String> {
    let inside = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    if let Some(name) = inside {
        let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        return if !name.is_empty() && name.chars().all(good) {
            Ok(Segment::Parameter(name.to_owned()))
        } else {
            Err(format!("has a parameter `{{{name}}}`, which is no name"))
        };
    }
    // What a router or a proxy would read otherwise is not written.
    let odd = |letter: char| !letter.is_ascii_alphanumeric() && !"-_.~!$&'()+,;=@".contains(letter);
    match text {
        "" => Err("has an empty segment".into()),
        "." | ".." => Err(format!("has a segment `{text}`")),
        _ if text.contains(odd) => Err(format!(
            "has a segment `{text}`; a segment is a parameter in braces, or letters, digits and the \
             signs that are never encoded"
        )),
        _ => Ok(Segment::Fixed(text.to_owned())),
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Fixed(text) => write!(f, "/{text}"),
            Segment::Parameter(name) => write!(f, "/{{{name}}}"),
        })
    }
}

/// What stands in a path for a value.
///
/// A value that is empty, `.` or `..` would be taken out of a path by whatever normalises it (RFC 3986,
/// section 5.2.4); one that is a fixed segment of another route would be taken for that. Such a value
/// has a `~` before it, and so has one that is such a value behind any number of `~`. All others stand
/// as they are.
pub(super) fn guard(value: &str, rivals: &[String]) -> String {
    if is_guarded(value, rivals) {
        format!("~{value}")
    } else {
        value.to_owned()
    }
}

/// The value that [`guard`] was given.
pub(super) fn unguard<'a>(text: &'a str, rivals: &[String]) -> &'a str {
    match text.strip_prefix('~') {
        Some(value) if is_guarded(value, rivals) => value,
        _ => text,
    }
}

fn is_guarded(value: &str, rivals: &[String]) -> bool {
    let mut value = value;
    loop {
        if matches!(value, "" | "." | "..") || rivals.iter().any(|rival| rival == value) {
            return true;
        }
        match value.strip_prefix('~') {
            Some(rest) => value = rest,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(path: &str) -> Template {
        Template::read(path).expect("a path")
    }

    #[test]
    fn a_path_is_written_as_it_was_read() {
        for path in ["/", "/users", "/users/{id}", "/a/{b}/c.d/{e_1}"] {
            assert_eq!(template(path).to_string(), path);
        }
        for wrong in [
            "",
            "users",
            "/users/",
            "//",
            "/a//b",
            "/.",
            "/a/../b",
            "/{}",
            "/{*rest}",
            "/{a}.json",
            "/{a}/{a}",
            "/a b",
            "/a%20b",
            "/ä",
            "/:id",
            "/*all",
            "/a?b",
            "/a#b",
        ] {
            assert!(Template::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fixed_segment_of_another_route_is_a_rival() {
        let one = template("/users/{id}");
        let others = [
            "/users",
            "/users/search",
            "/users/{id}/all",
            "/users/by-name/{name}",
            "/o/x",
        ];
        let others: Vec<Template> = others.into_iter().map(template).collect();
        assert_eq!(one.rivals("id", others.iter()), ["by-name", "search"]);
        assert_eq!(one.rivals("other", others.iter()), [""; 0]);
    }

    proptest! {
        #[test]
        fn every_value_survives_a_path(value in "(~{0,3}(\\.{0,3}|search)|.*)") {
            let rivals = ["search".to_owned()];
            let guarded = guard(&value, &rivals);
            prop_assert_eq!(unguard(&guarded, &rivals), value);
            prop_assert!(!["", ".", "..", "search"].contains(&&*guarded));
            let encoded = encode(&guarded).to_string();
            prop_assert!(!encoded.contains(['/', '?', '#', '%'])
                || encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!encoded.contains(['/', '?', '#']));
        }
    }
}
