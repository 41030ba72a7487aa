//! JSON (RFC 8259) with the place of every value, its numbers as they are written, and every
//! member of an object, also those that share a name.

use std::borrow::Cow;
use std::collections::HashSet;

/// Is a value and where it begins.
#[derive(Debug)]
pub(crate) struct Node<'t> {
    pub(crate) at: usize,
    pub(crate) value: Value<'t>,
}

#[derive(Debug)]
pub(crate) enum Value<'t> {
    Null,
    Bool(bool),
    Number(&'t str),
    Text(Cow<'t, str>),
    Array(Vec<Node<'t>>),
    Object(Vec<Member<'t>>),
}

#[derive(Debug)]
pub(crate) struct Member<'t> {
    pub(crate) at: usize,
    pub(crate) name: Cow<'t, str>,
    pub(crate) value: Node<'t>,
    /// Tells that a later member of the object has the same name.
    pub(crate) superseded: bool,
}

/// Says where a text stops being JSON and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) message: &'static str,
}

/// How deep values may lie in one another: far more than any published shape, far less than the
/// stack holds.
const MAX_DEPTH: usize = 64;
/// How many values a text may hold, so that a small text cannot take a large memory.
const MAX_NODES: usize = 4_000_000;

impl Value<'_> {
    /// Names the type of the value for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl<'t> Node<'t> {
    pub(crate) fn as_object(&self) -> Option<&[Member<'t>]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Node<'t>]> {
        match &self.value {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the member of an object that is in force under a name.
    pub(crate) fn member(&self, name: &str) -> Option<&Node<'t>> {
        let members = self.as_object()?;
        members
            .iter()
            .rfind(|member| member.name == name)
            .map(|member| &member.value)
    }
}

/// Reads a whole text as one value.
pub(crate) fn parse(text: &str) -> Result<Node<'_>, SyntaxError> {
    let mut parser = Parser {
        text,
        at: 0,
        nodes: 0,
    };
    parser.skip_space();
    let node = parser.value(0)?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.error("expected the end of the file after the value"));
    }
    Ok(node)
}

struct Parser<'t> {
    text: &'t str,
    // Always at the beginning of a character: only ASCII is stepped over one byte at a time.
    at: usize,
    nodes: usize,
}

impl<'t> Parser<'t> {
    fn error(&self, message: &'static str) -> SyntaxError {
        SyntaxError {
            at: self.at,
            message,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node<'t>, SyntaxError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.error("expected at most 4,000,000 values in one file"));
        }
        let at = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(_) => return Err(self.error("expected a JSON value")),
            None => return Err(self.error("expected a JSON value, found the end of the file")),
        };
        Ok(Node { at, value })
    }

    fn word(&mut self, word: &'static str, value: Value<'t>) -> Result<Value<'t>, SyntaxError> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.error("expected a JSON value"))
        }
    }

    fn number(&mut self) -> Result<&'t str, SyntaxError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.error("expected no digit after a leading zero"));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.error("expected a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    /// Reads a string; the parser is at its opening quote.
    fn string(&mut self) -> Result<Cow<'t, str>, SyntaxError> {
        self.at += 1;
        let mut start = self.at;
        let mut unescaped = String::new();
        loop {
            // A byte of a character beyond ASCII is never one of these.
            let rest = &self.text.as_bytes()[self.at..];
            let length = rest
                .iter()
                .position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
            self.at += length.unwrap_or(rest.len());
            let run = &self.text[start..self.at];
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    if unescaped.is_empty() {
                        return Ok(Cow::Borrowed(run));
                    }
                    unescaped.push_str(run);
                    return Ok(Cow::Owned(unescaped));
                }
                Some(b'\\') => {
                    unescaped.push_str(run);
                    unescaped.push(self.escape()?);
                    start = self.at;
                }
                Some(_) => return Err(self.error("expected no control character in a string")),
                None => {
                    return Err(
                        self.error("expected `\"` to end the string, found the end of the file")
                    );
                }
            }
        }
    }

    /// Reads an escape; the parser is at its backslash.
    fn escape(&mut self) -> Result<char, SyntaxError> {
        let start = self.at;
        self.at += 1;
        let simple = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let first = self.four_hex()?;
                let code = if (0xD800..0xDC00).contains(&first)
                    && self.text[self.at..].starts_with("\\u")
                {
                    self.at += 2;
                    let second = self.four_hex()?;
                    if (0xDC00..0xE000).contains(&second) {
                        0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                    } else {
                        first
                    }
                } else {
                    first
                };
                return char::from_u32(code).ok_or(SyntaxError {
                    at: start,
                    message: "expected both halves of a surrogate pair",
                });
            }
            _ => {
                return Err(SyntaxError {
                    at: start,
                    message: "expected an escape such as \\n or \\u00e9",
                });
            }
        };
        self.at += 1;
        Ok(simple)
    }

    fn four_hex(&mut self) -> Result<u32, SyntaxError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn array(&mut self, depth: usize) -> Result<Value<'t>, SyntaxError> {
        self.enter(depth)?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                Some(_) => return Err(self.error("expected `,` or `]` after an item of an array")),
                None => {
                    return Err(
                        self.error("expected `]` to end the array, found the end of the file")
                    );
                }
            }
            self.skip_space();
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'t>, SyntaxError> {
        self.enter(depth)?;
        let mut members: Vec<Member<'t>> = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("expected `\"` to begin the name of a member"));
            }
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.error("expected `:` after the name of a member"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value(depth + 1)?;
            members.push(Member {
                at,
                name,
                value,
                superseded: false,
            });
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    mark_superseded(&mut members);
                    return Ok(Value::Object(members));
                }
                Some(_) => {
                    return Err(self.error("expected `,` or `}` after a member of an object"));
                }
                None => {
                    return Err(
                        self.error("expected `}` to end the object, found the end of the file")
                    );
                }
            }
            self.skip_space();
        }
    }

    /// Steps over an opening bracket; the space after it is skipped.
    fn enter(&mut self, depth: usize) -> Result<(), SyntaxError> {
        if depth >= MAX_DEPTH {
            return Err(self.error("expected at most 64 values inside one another"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }
}

fn mark_superseded(members: &mut [Member<'_>]) {
    // Few names are compared with one another, many are hashed: never quadratic in the text.
    const FEW: usize = 16;
    if members.len() <= FEW {
        for index in 0..members.len() {
            let (before, after) = members.split_at_mut(index + 1);
            before[index].superseded = after.iter().any(|later| later.name == before[index].name);
        }
    } else {
        let mut seen = HashSet::with_capacity(members.len());
        let repeated: Vec<bool> = members
            .iter()
            .rev()
            .map(|member| !seen.insert(member.name.as_ref()))
            .collect();
        for (member, repeated) in members.iter_mut().rev().zip(repeated) {
            member.superseded = repeated;
        }
    }
}

#[cfg(test)]
mod tests;
