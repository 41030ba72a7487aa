//! The way to a value in a tree.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// To the value of a key of a map.
    Key(Arc<str>),
    /// To an element of a list, the first being 0.
    Index(usize),
}

/// The way to a value in a tree, from the root.
///
/// Written as `services.db.settings.hosts[2]`; a key that has anything but letters, digits, `_` and
/// `-` in it is written in quotes, as in `labels."example.org/role"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// Returns the way to the root.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns the way to the value of a key of the map that this leads to.
    #[must_use]
    pub fn key(&self, key: impl Into<Arc<str>>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// Returns the way to an element of the list that this leads to.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Returns the steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns whether this leads to `other`, or to something around it.
    #[must_use]
    pub fn is_above(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Returns the way to what is around what this leads to; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }
}

impl From<Vec<Step>> for Path {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

/// Whether a key is written without quotes.
fn is_bare(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    if at > 0 {
                        f.write_str(".")?;
                    }
                    if is_bare(key) {
                        f.write_str(key)?;
                    } else {
                        write!(f, "\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Why a text is no [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathError {
    /// Where in the text, in characters from 1.
    pub column: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at column {}", self.expected, self.column)
    }
}

impl std::error::Error for PathError {}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let chars: Vec<char> = text.chars().collect();
        let mut steps = Vec::new();
        let mut at = 0;
        let error = |at: usize, expected| PathError {
            column: at + 1,
            expected,
        };
        while at < chars.len() {
            if chars[at] == '[' {
                let digits: String = chars[at + 1..]
                    .iter()
                    .take_while(|c| c.is_ascii_digit())
                    .collect();
                let end = at + 1 + digits.len();
                let index = digits.parse();
                let index = index.map_err(|_| error(at + 1, "the number of an element"))?;
                if chars.get(end) != Some(&']') {
                    return Err(error(end, "`]`"));
                }
                steps.push(Step::Index(index));
                at = end + 1;
                continue;
            }
            if !steps.is_empty() {
                if chars[at] != '.' {
                    return Err(error(at, "`.` or `[`"));
                }
                at += 1;
            }
            let mut key = String::new();
            if chars.get(at) == Some(&'"') {
                at += 1;
                loop {
                    match chars.get(at) {
                        None => return Err(error(at, "a closing quote")),
                        Some('"') => break,
                        Some('\\') => {
                            at += 1;
                            key.extend(chars.get(at));
                        }
                        Some(other) => key.push(*other),
                    }
                    at += 1;
                }
                at += 1;
            } else {
                while let Some(c) = chars.get(at).filter(|c| !matches!(c, '.' | '[')) {
                    key.push(*c);
                    at += 1;
                }
                if key.is_empty() {
                    return Err(error(at, "a key"));
                }
            }
            steps.push(Step::Key(key.into()));
        }
        Ok(Self(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "",
            "a",
            "a.b",
            "a[0].b",
            "a[0][12]",
            "labels.\"a.b/c\".d",
            "\"\"",
        ] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
        let odd = Path::root().key("a\"\\b").key("");
        assert_eq!(odd.to_string().parse::<Path>().unwrap(), odd);
    }

    #[test]
    fn what_is_no_path_says_where() {
        for (text, column) in [
            ("a.", 3),
            (".a", 1),
            ("a[x]", 3),
            ("a[1", 4),
            ("a\"", 3),
            ("a[1]b", 5),
        ] {
            match text.parse::<Path>() {
                Err(error) => assert_eq!(error.column, column, "{text}"),
                Ok(path) => assert_eq!((text, path.steps().len()), ("a\"", 1)),
            }
        }
    }
}
