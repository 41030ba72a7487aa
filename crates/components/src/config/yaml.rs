//! From the text of a YAML document to a tree.
//!
//! `granit-parser` turns the text into events with positions and the style of every scalar; everything
//! that gives them a meaning is here. The tree is built without recursion, so that no text can exhaust
//! the stack.

use std::collections::HashMap;
use std::sync::Arc;

use byname_registry::Place;
use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, Span};

use super::{Key, Map, Node, Origin, Scalar, Source, Value};
use crate::{Problem, Problems};

/// The longest text, in bytes.
const MOST_BYTES: usize = 10 << 20;
/// How many lists and maps can stand in each other.
const MOST_DEPTH: usize = 100;
/// How many values a document can have, those that aliases stand for included.
const MOST_NODES: usize = 1_000_000;

/// Reads a text as one YAML 1.2 document.
///
/// Scalars keep the text as it stands: only whoever reads them knows their type. A plain `null`, `~` or
/// nothing at all is [`Value::Null`]. Aliases stand for a copy of what they name, origins included. A
/// text without any value is null.
///
/// # Errors
///
/// Every problem with its line and column, counted in characters from 1: wrong YAML (only the first
/// fault can be told), duplicate keys (with both places), merge keys (`<<`), tags, keys that are not a
/// single value, more than one document, YAML 1.1, more than 10 MiB of text, 100 levels or 1,000,000
/// values.
pub fn parse(text: &str, source: &Source) -> Result<Node, Problems> {
    Builder::new(source, true).run(text)
}

/// Reads the value of an argument `--set a.b=value`, or of a variable.
///
/// A list `[…]` or a map `{…}` is YAML and follows the rules of [`parse`]; everything else is a plain
/// scalar with exactly that text, whatever characters are in it. The origin is the whole source.
///
/// # Errors
///
/// As for [`parse`], with the column of the value in the message.
pub fn parse_flow(text: &str, source: &Source) -> Result<Node, Problems> {
    if text.trim_start().starts_with(['[', '{']) {
        Builder::new(source, false).run(text)
    } else {
        Ok(Node::scalar(text, true, Origin::of(source.clone())))
    }
}

/// Whether a plain scalar of this text says that there is nothing.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null")
}

/// A list or a map whose end has not come.
enum Open {
    List(Vec<Node>),
    Map {
        map: Map,
        key: Option<Key>,
        /// What stood where a key was expected was refused: its value is dropped.
        dropped: bool,
    },
}

struct Level {
    open: Open,
    origin: Origin,
    anchor: usize,
    /// How many levels there are in it.
    height: usize,
    /// How many values had been counted when it began.
    before: usize,
}

/// What an anchor names.
struct Anchored {
    node: Node,
    height: usize,
    nodes: usize,
}

struct Builder<'a> {
    source: &'a Source,
    /// Whether values have lines and columns of their own.
    positions: bool,
    problems: Problems,
    levels: Vec<Level>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    nodes: usize,
}

/// The text cannot be read any further; the reason is among the problems.
struct Stop;

impl<'a> Builder<'a> {
    fn new(source: &'a Source, positions: bool) -> Self {
        Self {
            source,
            positions,
            problems: Problems::new(),
            levels: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            nodes: 0,
        }
    }

    fn run(mut self, text: &str) -> Result<Node, Problems> {
        if text.len() > MOST_BYTES {
            let message = format!(
                "the text has {} bytes, more than {MOST_BYTES} (10 MiB)",
                text.len()
            );
            let place = Origin::of(self.source.clone()).place();
            return Err(Problem::error(message).at(place, "").into());
        }
        let options = granit_parser::options! {
            strict_indentation: true,
            emit_unresolved_aliases: true,
            emit_comments: false,
        };
        let parser = Parser::new_from_str_with_options(text, options);
        let mut documents = 0;
        for next in parser {
            let done = match next {
                Ok((event, span)) => {
                    if matches!(event, Event::DocumentStart(..)) {
                        documents += 1;
                    }
                    self.event(event, &span, documents)
                }
                Err(error) => {
                    let message = match error.kind() {
                        ErrorKind::RecursionLimitExceeded => too_deep(),
                        _ => format!("this is not YAML: {}", error.info()),
                    };
                    self.problem(*error.marker(), message);
                    break;
                }
            };
            if done.is_err() {
                break;
            }
        }
        let root = self.root.take();
        let origin = self.origin(Marker::new(0, 1, 0));
        self.problems
            .or(root.unwrap_or_else(|| Node::new(Value::Null, origin)))
    }

    fn event(&mut self, event: Event<'_>, span: &Span, documents: usize) -> Result<(), Stop> {
        let tag = event.tag().is_some();
        if tag {
            let at = span.tag_span().map_or(span.start, |tag| tag.start);
            self.problem(
                at,
                "a tag (`!…`) is not read: the type of a value is decided by whoever reads it; \
                 remove the tag, and quote what is to be a text",
            );
        }
        match event {
            Event::DocumentStart(_, version) => {
                if documents > 1 {
                    self.problem(
                        span.start,
                        "a second document begins here, and only one is read",
                    );
                    return Err(Stop);
                }
                if let Some(version) = version
                    && (version.major, version.minor) != (1, 2)
                {
                    let (major, minor) = (version.major, version.minor);
                    let message =
                        format!("this is said to be YAML {major}.{minor}, and only 1.2 is read");
                    self.problem(span.start, message);
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                // The parser says `~` where nothing stands.
                let absent = plain && span.start.index() == span.end.index();
                let text = if absent { "".into() } else { text };
                if self.wants_key() {
                    self.key(&text, plain, span);
                    return Ok(());
                }
                let value = if plain && is_null(&text) {
                    Value::Null
                } else {
                    let text = Arc::from(&*text);
                    Value::Scalar(Scalar { text, plain })
                };
                self.count(1, span.start)?;
                let node = Node::new(value, self.origin(span.start));
                if anchor != 0 {
                    self.anchor(anchor, &node, 0, 1);
                }
                self.put(node, 0);
                Ok(())
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(Open::List(Vec::new()), anchor, span, "a list")
            }
            Event::MappingStart(_, anchor, _) => {
                let map = Open::Map {
                    map: Map::default(),
                    key: None,
                    dropped: false,
                };
                self.open(map, anchor, span, "a map")
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close();
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                self.problem(
                    span.start,
                    format!("no anchor `&{name}` stands before this alias"),
                );
                self.stand_in(span);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(
            self.levels.last(),
            Some(Level {
                open: Open::Map {
                    key: None,
                    dropped: false,
                    ..
                },
                ..
            })
        )
    }

    fn key(&mut self, text: &str, plain: bool, span: &Span) {
        let wrong = if plain && text == "<<" {
            Some(
                "merge keys (`<<`) are not read: use `include`, layers or an alias for the whole value",
            )
        } else if plain && text.is_empty() {
            Some("a key is missing here")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            self.problem(span.start, wrong);
        }
        let origin = self.origin(span.start);
        let Some(Level {
            open: Open::Map { map, key, dropped },
            ..
        }) = self.levels.last_mut()
        else {
            return;
        };
        if wrong.is_some() {
            *dropped = true;
            return;
        }
        if let Some((first, _)) = map.entry(text) {
            let first = first.origin.clone();
            let problem = Problem::error(format!("the key `{}` is there twice", shown(text)))
                .at(origin.place(), "the second one")
                .at(first.place(), "the first one");
            self.problems.push(problem);
            *dropped = true;
            return;
        }
        *key = Some(Key {
            name: text.into(),
            origin,
        });
    }

    fn open(&mut self, open: Open, anchor: usize, span: &Span, what: &str) -> Result<(), Stop> {
        if self.wants_key() {
            let message = format!("{what} cannot be a key: a key is a single value");
            self.problem(span.start, message);
            // The rest of the map cannot be told from what belongs to the key.
            return Err(Stop);
        }
        if self.levels.len() == MOST_DEPTH {
            self.problem(span.start, too_deep());
            return Err(Stop);
        }
        let before = self.nodes;
        self.count(1, span.start)?;
        self.levels.push(Level {
            open,
            origin: self.origin(span.start),
            anchor,
            height: 0,
            before,
        });
        Ok(())
    }

    fn close(&mut self) {
        let Some(level) = self.levels.pop() else {
            return;
        };
        let value = match level.open {
            Open::List(list) => Value::List(list),
            Open::Map { map, .. } => Value::Map(map),
        };
        let node = Node::new(value, level.origin);
        let height = level.height + 1;
        if level.anchor != 0 {
            self.anchor(level.anchor, &node, height, self.nodes - level.before);
        }
        self.put(node, height);
    }

    fn anchor(&mut self, anchor: usize, node: &Node, height: usize, nodes: usize) {
        let node = node.clone();
        let anchored = Anchored {
            node,
            height,
            nodes,
        };
        self.anchors.insert(anchor, anchored);
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), Stop> {
        if self.wants_key() {
            self.problem(span.start, "an alias cannot be a key: write the key");
            self.stand_in(span);
            return Ok(());
        }
        let Some(anchored) = self.anchors.get(&anchor) else {
            self.problem(span.start, "this alias stands inside of what it names");
            self.stand_in(span);
            return Ok(());
        };
        let (height, nodes) = (anchored.height, anchored.nodes);
        if self.levels.len() + height > MOST_DEPTH {
            self.problem(span.start, too_deep());
            return Err(Stop);
        }
        // Before it is copied: a few lines of aliases can stand for more than fits in memory.
        self.count(nodes, span.start)?;
        let node = self.anchors[&anchor].node.clone();
        self.put(node, height);
        Ok(())
    }

    /// Puts something where a value was refused, so that what comes after it is still in step.
    fn stand_in(&mut self, span: &Span) {
        let origin = self.origin(span.start);
        if self.wants_key() {
            if let Some(Level {
                open: Open::Map { dropped, .. },
                ..
            }) = self.levels.last_mut()
            {
                *dropped = true;
            }
        } else {
            self.put(Node::new(Value::Null, origin), 0);
        }
    }

    fn put(&mut self, node: Node, height: usize) {
        let Some(level) = self.levels.last_mut() else {
            self.root = Some(node);
            return;
        };
        level.height = level.height.max(height);
        match &mut level.open {
            Open::List(list) => list.push(node),
            Open::Map { map, key, dropped } => {
                *dropped = false;
                if let Some(key) = key.take() {
                    map.insert(key, node);
                }
            }
        }
    }

    fn count(&mut self, nodes: usize, at: Marker) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST_NODES {
            let message = format!(
                "there are more than {MOST_NODES} values, those that aliases stand for included"
            );
            self.problem(at, message);
            return Err(Stop);
        }
        Ok(())
    }

    fn origin(&self, at: Marker) -> Origin {
        let source = self.source.clone();
        if self.positions {
            let (line, column) = position(at);
            Origin::at(source, line, column)
        } else {
            Origin::of(source)
        }
    }

    fn problem(&mut self, at: Marker, message: impl Into<String>) {
        let mut message = message.into();
        let (line, column) = position(at);
        let place = if self.positions {
            Origin::at(self.source.clone(), line, column).place()
        } else {
            message.push_str(" (at column ");
            message.push_str(&column.to_string());
            message.push_str(" of the value)");
            Place::new(self.source.to_string())
        };
        self.problems.push(Problem::error(message).at(place, ""));
    }
}

/// Line and column from 1, in characters.
fn position(at: Marker) -> (u32, u32) {
    // The bound on the text keeps both far below the limit of the type.
    let number = |from_parser| u32::try_from(from_parser).unwrap_or(u32::MAX);
    (number(at.line().max(1)), number(at.col() + 1))
}

fn too_deep() -> String {
    format!("lists and maps stand in each other more than {MOST_DEPTH} deep")
}

/// A key as it is shown: on one line, and not too long.
fn shown(key: &str) -> String {
    let mut shown: String = key.chars().take(60).flat_map(char::escape_debug).collect();
    if key.chars().count() > 60 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
