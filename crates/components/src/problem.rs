//! What is wrong with an application, all of it at once.

use std::fmt;

use byname_registry::{Place, suggestion};

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It works, but probably not as meant.
    Warning,
    /// Nothing is started.
    Error,
}

/// One thing that is wrong: what, where, and what to do.
///
/// # Examples
///
/// ```
/// use byname_components::{Place, Problem};
///
/// let problem = Problem::error("service `api` needs `bd`, which nothing provides")
///     .at(Place::new("app.yaml:12:9"), "`api` is defined here")
///     .nearest(&["db".into()]);
/// assert_eq!(
///     problem.to_string(),
///     "error: service `api` needs `bd`, which nothing provides; did you mean `db`?\n  \
///      app.yaml:12:9: `api` is defined here",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    severity: Severity,
    message: String,
    places: Vec<(Place, String)>,
    help: Option<String>,
}

impl Problem {
    /// Makes a problem that keeps everything from being started. `message` says what is wrong and what
    /// was expected, without a full stop.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message.into())
    }

    /// Makes a problem that is told and nothing more.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message.into())
    }

    fn new(severity: Severity, message: String) -> Self {
        Self {
            severity,
            message,
            places: Vec::new(),
            help: None,
        }
    }

    /// Adds a place to look at, and what is there (may be empty). The first one is where to begin.
    #[must_use]
    pub fn at(mut self, place: Place, what: impl Into<String>) -> Self {
        self.places.push((place, what.into()));
        self
    }

    /// Adds names that may have been meant to the message.
    #[must_use]
    pub fn nearest(mut self, names: &[String]) -> Self {
        self.message.push_str(&suggestion(names));
        self
    }

    /// Says what to do about it, if the message does not.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Returns how bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the places to look at, and what is there.
    pub fn places(&self) -> impl Iterator<Item = (&Place, &str)> {
        self.places
            .iter()
            .map(|(place, what)| (place, what.as_str()))
    }

    /// Returns what to do about it, where the message does not say.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}", self.message)?;
        for (place, what) in &self.places {
            write!(f, "\n  {place}")?;
            if !what.is_empty() {
                write!(f, ": {what}")?;
            }
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// Everything that was found wrong, in the order in which it was found; may be nothing.
///
/// As an error it is only used with at least one [`Severity::Error`] in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Returns nothing wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Returns whether anything keeps the application from being started.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.errors() > 0
    }

    /// Returns how many keep it from being started.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// Returns how many do not.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.0
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    }

    /// Returns whether there is nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Returns `value`, unless anything is fatal.
    ///
    /// # Errors
    ///
    /// These problems, if one of them is an error.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_fatal() {
            Err(self)
        } else {
            Ok(value)
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.0.extend(problems);
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self(problems.into_iter().collect())
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
