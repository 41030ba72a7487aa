use std::fmt;

/// Is the way from the top of a file to a value, written `openai.models["gpt-4.1"].cost.tiers[0]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPath<'p> {
    parent: Option<&'p KeyPath<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Top,
    Name(&'p str),
    Index(usize),
}

impl<'p> KeyPath<'p> {
    pub(crate) const TOP: KeyPath<'static> = KeyPath {
        parent: None,
        step: Step::Top,
    };

    pub(crate) const fn name(&'p self, name: &'p str) -> KeyPath<'p> {
        KeyPath {
            parent: Some(self),
            step: Step::Name(name),
        }
    }

    pub(crate) const fn index(&'p self, index: usize) -> KeyPath<'p> {
        KeyPath {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, f)?;
        }
        let first = self
            .parent
            .is_none_or(|parent| matches!(parent.step, Step::Top));
        match self.step {
            Step::Top => Ok(()),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Name(name) => {
                let plain = name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
                if plain && !name.is_empty() {
                    write!(f, "{}{name}", if first { "" } else { "." })
                } else {
                    // A name may be as long as the file; what is shown of it is not.
                    let shown: String = name.chars().take(120).collect();
                    write!(f, "[{shown:?}]")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_an_expression() {
        let top = KeyPath::TOP;
        let provider = top.name("fireworks-ai");
        let models = provider.name("models");
        let model = models.name("a/b:c");
        let tiers = model.name("tiers");
        assert_eq!(
            tiers.index(3).to_string(),
            r#"fireworks-ai.models["a/b:c"].tiers[3]"#
        );
        assert_eq!(top.index(0).to_string(), "[0]");
        assert_eq!(top.name("a.b").to_string(), r#"["a.b"]"#);
        assert_eq!(top.name("").to_string(), r#"[""]"#);
        assert_eq!(top.to_string(), "");
    }
}
