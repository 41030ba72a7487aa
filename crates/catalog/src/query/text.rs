//! Finding a piece of text regardless of upper and lower case.

/// A text that is looked for in many others.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    lower: String,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        Self {
            lower: text.to_lowercase(),
        }
    }

    /// Says whether `text` holds the needle, in upper or lower case.
    pub(super) fn is_in(&self, text: &str) -> bool {
        if text.is_ascii() {
            // Lower-casing ASCII yields ASCII of the same length, so no copy is needed, and a
            // needle with other characters cannot be in it.
            let needle = self.lower.as_bytes();
            needle.is_empty()
                || text
                    .as_bytes()
                    .windows(needle.len())
                    .any(|part| part.eq_ignore_ascii_case(needle))
        } else {
            text.to_lowercase().contains(&self.lower)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_in_any_script() {
        for (needle, text) in [
            ("gpt", "openai/GPT-4o"),
            ("GPT-4O", "gpt-4o"),
            ("", ""),
            ("", "anything"),
            ("ÜBER", "Grüber"),
            ("ü", "GRÜBER"),
            ("模型", "大模型"),
            ("4o", "gpt-4o"),
        ] {
            assert!(Needle::new(needle).is_in(text), "{needle} in {text}");
        }
        for (needle, text) in [
            ("x", ""),
            ("gpt-5", "gpt-4"),
            ("ü", "u"),
            ("longer", "long"),
        ] {
            assert!(!Needle::new(needle).is_in(text), "{needle} in {text}");
        }
    }
}
