use serde::Serialize;

use super::Invalid;
use super::labels::check_value;

/// What a machine has to work with. What is `None` is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Capacity {
    /// How many cores it has, at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schemars(range(min = 1)))]
    pub cores: Option<u32>,
    /// How much memory it has, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schemars(range(min = 1)))]
    pub memory_bytes: Option<u64>,
    /// Its accelerators; a list that is empty says that it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerators: Option<Vec<Accelerator>>,
}

impl Capacity {
    /// Makes one of which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn check(&self, problems: &mut Vec<Invalid>) {
        if self.cores == Some(0) {
            problems.push(Invalid::new(
                "capacity.cores",
                "0",
                "at least 1, or nothing when it is not known",
            ));
        }
        if self.memory_bytes == Some(0) {
            problems.push(Invalid::new(
                "capacity.memory_bytes",
                "0",
                "at least 1, or nothing when it is not known",
            ));
        }
        for (index, accelerator) in self.accelerators.iter().flatten().enumerate() {
            let outer = format!("capacity.accelerators[{index}]");
            accelerator.check(&outer, problems);
        }
    }
}

/// Accelerators of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Accelerator {
    /// What it is, `nvidia-a100` say: 1 to 128 letters, digits and any of `._:/@+-`.
    #[cfg_attr(feature = "http", schemars(length(min = 1)))]
    pub kind: String,
    /// How many of them there are, at least one.
    #[cfg_attr(feature = "http", schemars(range(min = 1)))]
    pub count: u32,
    /// How much memory each has, in bytes; `None` when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schemars(range(min = 1)))]
    pub memory_bytes: Option<u64>,
}

impl Accelerator {
    fn check(&self, outer: &str, problems: &mut Vec<Invalid>) {
        if self.kind.is_empty() || check_value("", &self.kind).is_err() {
            problems.push(Invalid::new(
                format!("{outer}.kind"),
                &self.kind,
                "1 to 128 letters, digits, `.`, `_`, `:`, `/`, `@`, `+`, `-`",
            ));
        }
        if self.count == 0 {
            problems.push(Invalid::new(
                format!("{outer}.count"),
                "0",
                "at least 1 (leave out what is not there)",
            ));
        }
        if self.memory_bytes == Some(0) {
            problems.push(Invalid::new(
                format!("{outer}.memory_bytes"),
                "0",
                "at least 1, or nothing when it is not known",
            ));
        }
    }
}
