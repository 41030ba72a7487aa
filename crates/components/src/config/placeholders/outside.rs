//! What placeholders stand for outside of the tree: variables, files, resolvers.

use std::fs::File;
use std::io::{self, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use byname_registry::nearest;

use super::super::{Node, Source};
use super::Replacing;
use super::template::is_name;
use crate::Problem;

/// How large a file may be that is a single value.
const MOST_BYTES: u64 = 1024 * 1024;

/// A text that comes from outside.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) text: Arc<str>,
    /// Where from, for origins.
    pub(super) from: String,
    /// How the placeholder is shown: without its default, which may be a secret.
    pub(super) shown: String,
    pub(super) secret: bool,
}

impl Replacing<'_> {
    /// What a placeholder stands for that is not of this tree.
    pub(super) fn outside(&mut self, node: &Node, body: &str) -> Option<Outside> {
        let (word, rest) = match body.split_once(':') {
            Some((word, rest)) => (word, Some(rest)),
            None => (body, None),
        };
        let answer = match rest {
            Some(path) if word == "file" => self.file(node, path),
            Some(key) if self.layers.resolvers.contains_key(word) => self.resolve(word, key),
            Some(_) if word.contains(|c: char| c.is_ascii_lowercase()) || !is_name(word) => {
                let known = self.layers.resolvers.keys().map(String::as_str);
                let names = nearest(known.chain(["file", "cfg"]), word);
                self.problems.push(
                    Problem::error(format!("nothing is known that `${{{word}:…}}` stands for"))
                        .nearest(&names)
                        .at(node.origin.place(), "")
                        .help(
                            "use `file`, `cfg`, a resolver that was added, or a variable in capitals; \
                             a literal `${` is written `$${`",
                        ),
                );
                return None;
            }
            default => self.variable(word, default),
        };
        match answer {
            Ok(outside) => Some(outside),
            Err(why) => {
                self.problem(node, why);
                None
            }
        }
    }

    fn variable(&self, name: &str, default: Option<&str>) -> Result<Outside, String> {
        if !is_name(name) {
            return Err(format!(
                "`${{{name}}}` is no name of a variable; a literal `${{` is written `$${{`"
            ));
        }
        let shown = match default {
            Some(_) => format!("${{{name}:…}}"),
            None => format!("${{{name}}}"),
        };
        let (text, from) = match (
            self.layers.variables.get(std::ffi::OsStr::new(name)),
            default,
        ) {
            (Some(text), _) => {
                let text = text.to_str();
                let text = text.ok_or_else(|| format!("variable {name} is not Unicode"))?;
                (text, format!("environment variable {name}"))
            }
            (None, Some(default)) => (default, "its default".into()),
            (None, None) => {
                return Err(format!(
                    "environment variable {name} is not set, and `${{{name}}}` has no default"
                ));
            }
        };
        Ok(Outside {
            text: text.into(),
            from,
            shown,
            secret: false,
        })
    }

    fn resolve(&mut self, prefix: &str, key: &str) -> Result<Outside, String> {
        let shown = format!("${{{prefix}:{key}}}");
        let asked = (PathBuf::new(), shown.clone());
        if let Some(answer) = self.answers.get(&asked) {
            return answer.clone();
        }
        let resolve = &self.layers.resolvers[prefix];
        let answer = match catch_unwind(AssertUnwindSafe(|| resolve(key))) {
            Ok(Ok(text)) => Ok(Outside {
                text: text.into(),
                from: format!("resolver {prefix}"),
                shown,
                secret: true,
            }),
            Ok(Err(error)) => Err(format!("`{shown}` cannot be resolved: {error}")),
            Err(_) => Err(format!("the resolver of `{shown}` panicked")),
        };
        self.answers.insert(asked, answer.clone());
        answer
    }

    fn file(&mut self, node: &Node, name: &str) -> Result<Outside, String> {
        let folder = match node.origin.source() {
            Source::File(file) => file.parent().unwrap_or(FilePath::new("")),
            _ => FilePath::new(""),
        };
        let shown = format!("${{file:{name}}}");
        if name.is_empty() {
            return Err(format!("`{shown}` names no file"));
        }
        let asked = (folder.to_owned(), shown.clone());
        if let Some(answer) = self.answers.get(&asked) {
            return answer.clone();
        }
        let path = folder.join(name);
        let real = self.layers.base.join(&path);
        self.files.insert(real.clone());
        let answer = match read(&real) {
            Ok(text) => Ok(Outside {
                text: text.into(),
                from: path.display().to_string(),
                shown,
                secret: true,
            }),
            Err(error) => Err(format!("`{shown}` cannot be read: {error}")),
        };
        self.answers.insert(asked, answer.clone());
        answer
    }
}

/// Reads a value; the end of its last line is not part of it.
fn read(path: &FilePath) -> io::Result<String> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut text = Vec::new();
    File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(invalid("it is larger than 1 MiB"));
    }
    let mut text = String::from_utf8(text).map_err(|_| invalid("it is not UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
