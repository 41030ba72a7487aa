//! Reading the fields of an entry: a field that cannot be understood is reported and unknown.

use std::fmt;

use crate::model::{Date, Decimal, Fact, Modality, ModalitySet, NameError};

use super::json::{Member, Node, Value};
use super::path::KeyPath;
use super::report::Reporter;

/// Shows what was found in a message, cut where it is long.
struct Found<'a, 't>(&'a Node<'t>);

impl fmt::Display for Found<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LENGTH: usize = 60;
        match &self.0.value {
            Value::Bool(flag) => write!(f, "{flag}"),
            Value::Number(text) => write!(f, "{}", &text[..text.len().min(LENGTH)]),
            Value::Text(text) => {
                write!(f, "{:?}", text.chars().take(LENGTH).collect::<String>())
            }
            other => f.write_str(other.kind()),
        }
    }
}

impl Reporter<'_> {
    fn expected(&mut self, what: &str, node: &Node<'_>, path: &KeyPath<'_>) {
        self.leave_out(
            node.at,
            path,
            &format_args!("expected {what}, found {}; left out", Found(node)),
        );
    }

    /// Visits the members of an object that are in force, and reports the others.
    pub(crate) fn members<'n, 't>(
        &mut self,
        members: &'n [Member<'t>],
        path: &KeyPath<'_>,
    ) -> impl Iterator<Item = &'n Member<'t>> + use<'n, 't> {
        for member in members.iter().filter(|member| member.superseded) {
            self.duplicate(member.at, &path.name(&member.name));
        }
        members.iter().filter(|member| !member.superseded)
    }

    /// Returns the members of an object; nothing for `null`, and a report for anything else.
    pub(crate) fn object<'n, 't>(
        &mut self,
        node: &'n Node<'t>,
        path: &KeyPath<'_>,
    ) -> &'n [Member<'t>] {
        match &node.value {
            Value::Object(members) => members,
            Value::Null => &[],
            _ => {
                self.expected("an object", node, path);
                &[]
            }
        }
    }

    /// Returns the items of an array; nothing for `null`, and a report for anything else.
    pub(crate) fn array<'n, 't>(
        &mut self,
        node: &'n Node<'t>,
        path: &KeyPath<'_>,
    ) -> &'n [Node<'t>] {
        match &node.value {
            Value::Array(items) => items,
            Value::Null => &[],
            _ => {
                self.expected("an array", node, path);
                &[]
            }
        }
    }

    /// Reads a text of one line; an empty one says nothing.
    pub(crate) fn text(&mut self, node: &Node<'_>, path: &KeyPath<'_>) -> Fact<String> {
        const LENGTH: usize = 512;
        match &node.value {
            Value::Null => Fact::Unknown,
            Value::Text(text) if text.trim().is_empty() => Fact::Unknown,
            Value::Text(text)
                if text.trim().len() <= LENGTH && !text.trim().chars().any(char::is_control) =>
            {
                Fact::Known(text.trim().to_owned())
            }
            _ => {
                self.expected("a text of one line of at most 512 bytes", node, path);
                Fact::Unknown
            }
        }
    }

    /// Reads yes or no.
    pub(crate) fn flag(&mut self, node: &Node<'_>, path: &KeyPath<'_>) -> Fact<bool> {
        match &node.value {
            Value::Null => Fact::Unknown,
            Value::Bool(flag) => Fact::Known(*flag),
            _ => {
                self.expected("true or false", node, path);
                Fact::Unknown
            }
        }
    }

    /// Reads a number of tokens, written as a number or as a string that holds one; 0 says that
    /// there is no such limit.
    pub(crate) fn limit(&mut self, node: &Node<'_>, path: &KeyPath<'_>) -> Fact<u64> {
        if matches!(node.value, Value::Null) {
            return Fact::Unknown;
        }
        match number(node).and_then(Decimal::to_u64) {
            Some(0) => Fact::Absent,
            Some(tokens) => Fact::Known(tokens),
            None => {
                self.expected("a whole number of tokens", node, path);
                Fact::Unknown
            }
        }
    }

    /// Reads a date with or without its day.
    pub(crate) fn date(&mut self, node: &Node<'_>, path: &KeyPath<'_>) -> Fact<Date> {
        match &node.value {
            Value::Null => Fact::Unknown,
            Value::Text(text) if text.is_empty() => Fact::Unknown,
            Value::Text(text) => match text.parse() {
                Ok(date) => Fact::Known(date),
                Err(error) => {
                    self.leave_out(
                        node.at,
                        path,
                        &format_args!("{}: {error}; left out", Found(node)),
                    );
                    Fact::Unknown
                }
            },
            _ => {
                self.expected("a date such as 2024-10-24 or 2024-10", node, path);
                Fact::Unknown
            }
        }
    }

    /// Reads a name of an open vocabulary.
    pub(crate) fn word<T>(
        &mut self,
        node: &Node<'_>,
        path: &KeyPath<'_>,
        read: impl FnOnce(&str) -> Result<T, NameError>,
    ) -> Fact<T> {
        match node.as_text() {
            _ if matches!(node.value, Value::Null) => Fact::Unknown,
            Some("") => Fact::Unknown,
            Some(text) => match read(text) {
                Ok(word) => Fact::Known(word),
                Err(error) => {
                    self.leave_out(node.at, path, &format_args!("{error}; left out"));
                    Fact::Unknown
                }
            },
            None => {
                self.expected("a name", node, path);
                Fact::Unknown
            }
        }
    }

    /// Reads a list of modalities; an empty one says nothing.
    pub(crate) fn modalities(&mut self, node: &Node<'_>, path: &KeyPath<'_>) -> Fact<ModalitySet> {
        let mut modalities = Vec::new();
        for (index, item) in self.array(node, path).iter().enumerate() {
            match item.as_text().and_then(|text| Modality::new(text).ok()) {
                Some(modality) => modalities.push(modality),
                None => self.expected(
                    "the name of a modality such as text",
                    item,
                    &path.index(index),
                ),
            }
        }
        if modalities.is_empty() {
            Fact::Unknown
        } else {
            Fact::Known(modalities.into_iter().collect())
        }
    }

    /// Reads a number that is not negative, exactly.
    pub(crate) fn amount(&mut self, node: &Node<'_>, path: &KeyPath<'_>) -> Option<Decimal> {
        match number(node) {
            Some(amount) if amount.is_negative() => {
                self.leave_out(
                    node.at,
                    path,
                    &format_args!("the price {amount} is below zero; expected 0 or more; left out"),
                );
                None
            }
            Some(amount) => Some(amount),
            None => {
                self.expected("a price: a number of at most 38 digits", node, path);
                None
            }
        }
    }
}

/// Reads a number, written as one or as a string that holds one.
pub(crate) fn number(node: &Node<'_>) -> Option<Decimal> {
    match &node.value {
        Value::Number(text) => text.parse().ok(),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}
