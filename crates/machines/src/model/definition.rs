use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{Capacity, Host, Invalid, Kind, Labels, Timestamp};

/// What is said of a machine, as it is kept in a document.
///
/// What is empty or not known is left out of the document. Reading checks everything that
/// [`check`](Self::check) does; fields that this program does not know are passed over, and a
/// [`Machines`](crate::Machines) keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Definition {
    /// How it is reached.
    pub kind: Kind,
    /// Where it is; `ssh` needs it, `local` has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// The file on the operator's machine that holds the private key for it, absolute or beginning
    /// with `~/`. The key itself is never kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    // It is nobody else's business, and in no answer.
    #[cfg_attr(feature = "http", schemars(skip))]
    pub key: Option<String>,
    /// The folder on it in which commands run and where relative paths begin, absolute, `~`, or
    /// beginning with `~/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// What it is selected by.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What it has to work with.
    #[serde(skip_serializing_if = "Capacity::is_unknown")]
    pub capacity: Capacity,
    /// The models that it serves.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub models: BTreeSet<String>,
    /// The URL at which it serves them, `http` or `https`, without a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Anything else worth knowing, at most 4,096 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// When it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
}

impl Definition {
    /// Makes one of which only the kind is said.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            host: None,
            key: None,
            folder: None,
            labels: Labels::new(),
            capacity: Capacity::unknown(),
            models: BTreeSet::new(),
            url: None,
            notes: String::new(),
            created: None,
            updated: None,
        }
    }

    /// Makes one of this machine itself.
    #[must_use]
    pub fn local() -> Self {
        Self::new(Kind::LOCAL)
    }

    /// Makes one that is reached through `ssh`.
    #[must_use]
    pub fn ssh(host: Host) -> Self {
        Self {
            host: Some(host),
            ..Self::new(Kind::SSH)
        }
    }

    /// Checks what the types of the fields leave open.
    ///
    /// # Errors
    ///
    /// Every fault there is.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut problems = Vec::new();
        if self.kind == Kind::SSH && self.host.is_none() {
            problems.push(Invalid::new(
                "host",
                "",
                "[user@]host[:port], because the kind is `ssh`",
            ));
        }
        if self.kind == Kind::LOCAL {
            let (host, key) = (self.host.as_ref().map(Host::to_string), self.key.as_ref());
            for (field, value) in [("host", host.as_ref()), ("key", key)] {
                if let Some(value) = value {
                    let expected = "nothing, because the kind is `local`";
                    problems.push(Invalid::new(field, value, expected));
                }
            }
        }
        if let Some(key) = &self.key
            && (!is_path(key) || key == "~" || key.contains("${") || key.contains('"'))
        {
            problems.push(Invalid::new(
                "key",
                key,
                "the path of a private key on this machine, beginning with `/` or `~/`, without \
                 `\"`, `${` and control characters",
            ));
        }
        if let Some(folder) = &self.folder
            && !is_path(folder)
        {
            problems.push(Invalid::new(
                "folder",
                folder,
                "a path on the machine, `~` or beginning with `/` or `~/`, without control characters",
            ));
        }
        self.capacity.check(&mut problems);
        for model in &self.models {
            let bytes = 1..=256;
            if !bytes.contains(&model.len()) || !model.chars().all(is_visible) {
                problems.push(Invalid::new(
                    "models",
                    model,
                    "ids of 1 to 256 bytes without white space and control characters",
                ));
            }
        }
        if self.models.len() > 1_024 {
            let found = self.models.len().to_string();
            problems.push(Invalid::new("models", &found, "at most 1024 of them"));
        }
        if let Some(url) = &self.url {
            check_url(url, &mut problems);
        }
        let shown = |c: char| !c.is_control() || c == '\n' || c == '\t';
        if self.notes.chars().count() > 4_096 || !self.notes.chars().all(shown) {
            problems.push(Invalid::new(
                "notes",
                &self.notes,
                "at most 4096 characters, without control characters other than tabs and line feeds",
            ));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }
}

fn is_visible(character: char) -> bool {
    !character.is_control() && !character.is_whitespace()
}

/// Whether a path says by itself where it begins.
fn is_path(path: &str) -> bool {
    path.len() <= 4_096
        && (path == "~" || path.starts_with('/') || path.starts_with("~/"))
        && !path.chars().any(char::is_control)
}

fn check_url(url: &str, problems: &mut Vec<Invalid>) {
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let valid = url.len() <= 2_048
        && url.chars().all(is_visible)
        && authority.is_some_and(|authority| !authority.contains('@') && is_authority(authority));
    if !valid {
        // What stands before `@` may be a password.
        let shown = match url.rsplit_once('@') {
            Some((_, after)) => format!("…@{after}"),
            None => url.to_owned(),
        };
        problems.push(Invalid::new(
            "url",
            &shown,
            "http:// or https:// with a host, without user and password, at most 2048 bytes",
        ));
    }
}

/// Whether it is a host with or without a port.
fn is_authority(text: &str) -> bool {
    text.parse::<Host>().is_ok_and(|host| host.user().is_none())
}

impl<'de> Deserialize<'de> for Definition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Map::<String, Value>::deserialize(deserializer)?;
        super::read(&map).map_err(|problems| D::Error::custom(Invalid::join(&problems)))
    }
}
