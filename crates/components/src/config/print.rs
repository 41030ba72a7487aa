//! The effective configuration as YAML.

use std::fmt::Write as _;

use super::effective::Config;
use super::{Node, Origin, Path, Scalar, Value};

/// What stands for a secret.
pub(super) const MASK: &str = "\"***\"";

/// How a configuration is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrintOptions {
    /// Whether a comment behind each value says where it comes from, and what it was laid over. True by
    /// default.
    pub origins: bool,
}

impl Default for PrintOptions {
    fn default() -> Self {
        Self { origins: true }
    }
}

impl Config {
    /// Returns the effective configuration as YAML, the same text for the same configuration, with the
    /// origin of each value as a comment. Secrets are printed as `***`: those of files and resolvers, and
    /// those that were [marked](Self::with_secrets). Without secrets it reads as the same tree; a text
    /// that came from outside and would read as anything else is printed in quotes.
    ///
    /// # Examples
    ///
    /// ```
    /// use byname_components::config::{Layers, PrintOptions};
    ///
    /// let text = "name: shop\nports: [80, 443]";
    /// let layers = Layers::new("SHOP").default_text("shop", text).set("name=store");
    /// assert_eq!(
    ///     layers.load()?.print(&PrintOptions::default()),
    ///     "name: store  # --set name=…, over default of shop:1:7\n\
    ///      ports:  # default of shop:2:8\n  - 80  # default of shop:2:9\n  - 443  # default of shop:2:13\n",
    /// );
    /// # Ok::<(), byname_components::Problems>(())
    /// ```
    #[must_use]
    pub fn print(&self, options: &PrintOptions) -> String {
        let mut printing = Printing {
            config: self,
            options,
            text: String::new(),
        };
        printing.node(self.root(), self.part(), 0, "");
        printing.text
    }
}

struct Printing<'a> {
    config: &'a Config,
    options: &'a PrintOptions,
    text: String,
}

impl Printing<'_> {
    /// Prints a value behind what leads to it on its line: a key or a dash, with the indentation.
    /// `indent` is that of its own lines.
    fn node(&mut self, node: &Node, path: &Path, indent: usize, lead: &str) {
        if self.config.is_secret(node, path) {
            return self.line(lead, MASK, Some(node));
        }
        match &node.value {
            Value::Null => self.line(lead, "null", Some(node)),
            // At the begin of a line these would begin or end a document.
            Value::Scalar(scalar)
                if lead.is_empty() && ["---", "..."].iter().any(|s| scalar.text.starts_with(s)) =>
            {
                self.line(lead, &quoted(&scalar.text), Some(node));
            }
            Value::Scalar(scalar) => self.line(lead, &written(scalar), Some(node)),
            Value::List(list) if list.is_empty() => self.line(lead, "[]", Some(node)),
            Value::Map(map) if map.is_empty() => self.line(lead, "{}", Some(node)),
            Value::List(list) => {
                if !lead.is_empty() {
                    self.line(lead, "", Some(node));
                }
                for (at, node) in list.iter().enumerate() {
                    let lead = format!("{:indent$}-", "");
                    self.node(node, &path.index(at), indent + 2, &lead);
                }
            }
            Value::Map(map) => {
                if !lead.is_empty() {
                    // The keys say where they come from, each for itself.
                    let whole = node.origin.placeholder().is_some().then_some(node);
                    self.line(lead, "", whole);
                }
                for (key, node) in map.iter() {
                    let lead = format!("{:indent$}{}:", "", key_written(&key.name));
                    let path = path.key(std::sync::Arc::clone(&key.name));
                    self.node(node, &path, indent + 2, &lead);
                }
            }
        }
    }

    fn line(&mut self, lead: &str, text: &str, node: Option<&Node>) {
        self.text.push_str(lead);
        if !lead.is_empty() && !text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
        if let (true, Some(node)) = (self.options.origins, node) {
            self.text.push_str("  # ");
            self.origin(&node.origin);
            for covered in &node.overridden {
                self.text.push_str(", over ");
                self.origin(covered);
            }
        }
        self.text.push('\n');
    }

    /// Prints an origin, which a file with an odd name must not end.
    fn origin(&mut self, origin: &Origin) {
        for c in origin.to_string().chars() {
            if is_printable(c) {
                self.text.push(c);
            } else {
                let _ = write!(self.text, "{}", c.escape_unicode());
            }
        }
    }
}

/// A value on one line, secrets masked.
pub(super) fn shown(node: &Node, path: &Path, is_secret: &dyn Fn(&Node, &Path) -> bool) -> String {
    if is_secret(node, path) {
        return MASK.to_owned();
    }
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Scalar(scalar) if scalar.text.contains([',', '[', ']', '{', '}']) => {
            quoted(&scalar.text)
        }
        Value::Scalar(scalar) => written(scalar),
        Value::List(list) => {
            let list = list.iter().enumerate();
            let list: Vec<_> = list
                .map(|(at, node)| shown(node, &path.index(at), is_secret))
                .collect();
            format!("[{}]", list.join(", "))
        }
        Value::Map(map) => {
            let entry = |(key, node): (&super::Key, &Node)| {
                let path = path.key(std::sync::Arc::clone(&key.name));
                let value = shown(node, &path, is_secret);
                format!("{}: {value}", key_written(&key.name))
            };
            format!(
                "{{{}}}",
                map.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn written(scalar: &Scalar) -> String {
    if scalar.plain && is_plain(&scalar.text) {
        scalar.text.to_string()
    } else {
        quoted(&scalar.text)
    }
}

fn key_written(key: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let begins = key.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if begins && key.chars().all(good) && key != "null" {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// Whether a text reads as itself where it stands without quotes.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let begins = match first {
        '-' | '?' | ':' => chars.next().is_some_and(|c| !c.is_whitespace()),
        _ => !",[]{}#&*!|>'\"%@`".contains(first),
    };
    begins
        && text.trim() == text
        && text.chars().all(is_printable)
        && !matches!(text, "null" | "~")
        && !text.contains(": ")
        && !text.ends_with(':')
        && !text.contains(" #")
}

fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_printable(c) => quoted.push(c),
            c if c <= '\u{ffff}' => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}
