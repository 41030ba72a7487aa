//! How a value stands in a document: two spaces a level, one member a line, strings and numbers as
//! they were given.

use std::sync::Arc;

use super::seal;
use crate::json::MAX_DEPTH;

/// The indentation of the deepest line that can be.
const SPACES: &str = {
    const BYTES: [u8; 2 * (MAX_DEPTH + 8)] = [b' '; 2 * (MAX_DEPTH + 8)];
    match str::from_utf8(&BYTES) {
        Ok(spaces) => spaces,
        Err(_) => unreachable!(),
    }
};

/// Lays a JSON text out for a line that is indented by `level`. A text that is laid out so already
/// is shared.
pub(super) fn lay_out(text: &Arc<str>, level: usize) -> Arc<str> {
    if is_laid_out(text, level) {
        Arc::clone(text)
    } else {
        formatted(text, level).into()
    }
}

/// The same for a part of another text.
pub(super) fn lay_out_part(text: &str, level: usize) -> Arc<str> {
    if is_laid_out(text, level) {
        text.into()
    } else {
        formatted(text, level).into()
    }
}

fn is_laid_out(text: &str, level: usize) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.value(level).is_some() && scanner.is_at_end()
}

/// `text` is valid JSON; of one that is not, something comes of the same tokens.
fn formatted(text: &str, level: usize) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() * 2);
    let mut level = level;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                out.push(byte.into());
                at = after_space(bytes, at + 1);
                if matches!(bytes.get(at), Some(b'}' | b']')) {
                    out.push(bytes[at].into());
                    at += 1;
                } else {
                    level += 1;
                    new_line(&mut out, level);
                }
            }
            b'}' | b']' => {
                level = level.saturating_sub(1);
                new_line(&mut out, level);
                out.push(byte.into());
                at += 1;
            }
            b',' => {
                out.push(',');
                new_line(&mut out, level);
                at += 1;
            }
            b':' => {
                out.push_str(": ");
                at += 1;
            }
            b' ' | b'\n' | b'\r' | b'\t' => at = after_space(bytes, at),
            b'"' => {
                let end = after_string(bytes, at);
                out.push_str(&text[at..end]);
                at = end;
            }
            _ => {
                let end = after_scalar(bytes, at);
                out.push_str(&text[at..end]);
                at = end;
            }
        }
    }
    out
}

fn new_line(out: &mut String, level: usize) {
    out.push('\n');
    // A text that was not checked for its depth is laid out as well.
    for _ in 0..level / (SPACES.len() / 2) {
        out.push_str(SPACES);
    }
    out.push_str(&SPACES[..2 * (level % (SPACES.len() / 2))]);
}

fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// Where the string ends that begins at `at`; always a boundary of a character.
fn after_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at + 1,
            // What is escaped is a character of one byte in valid JSON; if it is another one, its
            // further bytes are none of those that matter here.
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// Where the number or word ends that begins at `at`: before a character of one byte, or at the end.
fn after_scalar(bytes: &[u8], at: usize) -> usize {
    let ends = |byte: &u8| {
        matches!(
            byte,
            b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"' | b' ' | b'\n' | b'\r' | b'\t'
        )
    };
    bytes[at..]
        .iter()
        .position(ends)
        .map_or(bytes.len(), |length| at + length)
}

/// Reads a text that is laid out as a program lays it out, and nothing else. What it accepts is
/// valid JSON.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next byte is.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    /// Reads `expected`; false if something else comes.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        let found = self.bytes()[self.at..].starts_with(expected.as_bytes());
        if found {
            self.at += expected.len();
        }
        found
    }

    /// Reads `value`, the text of a whole value, if this is all of the value that comes.
    pub(super) fn take_value(&mut self, value: &str) -> bool {
        let rest = &self.bytes()[self.at..];
        // A number goes on in another number; after a value in a document comes one of these two.
        let found = matches!(rest.get(value.len()), Some(b',' | b'\n'))
            && rest.starts_with(value.as_bytes());
        if found {
            self.at += value.len();
        }
        found
    }

    /// Reads `name`, the name of an entry, if nothing in it is escaped and it is the whole string that
    /// comes.
    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let rest = &self.bytes()[self.at..];
        // A backslash at the end of a name would take the quote for its own.
        let found = rest.first() == Some(&b'"')
            && rest.get(1 + name.len()) == Some(&b'"')
            && rest[1..].starts_with(name.as_bytes())
            && !name.bytes().any(|byte| matches!(byte, b'\\' | b'"'));
        if found {
            self.at += name.len() + 2;
        }
        found
    }

    /// Reads a string without escapes; returns what is between the quotes.
    pub(super) fn plain_string(&mut self) -> Option<&'a str> {
        let quoted = self.string()?;
        let plain = &quoted[1..quoted.len() - 1];
        (!plain.contains('\\')).then_some(plain)
    }

    /// Reads a whole number without a sign.
    pub(super) fn whole_number(&mut self) -> Option<u64> {
        let number = self.number()?;
        if number.len() > 19 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        number.parse().ok()
    }

    /// Reads 16 hexadecimal digits in lower case, as they stand within a string.
    pub(super) fn hex_digits(&mut self) -> Option<&'a str> {
        let digits = self.text.get(self.at..self.at + seal::DIGITS)?;
        self.at += seal::DIGITS;
        super::is_hex(digits).then_some(digits)
    }

    /// Reads a string; returns it with its quotes.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return None;
        }
        let bytes = self.bytes();
        let mut at = start + 1;
        loop {
            match *bytes.get(at)? {
                b'"' => break,
                b'\\' => match bytes.get(at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    b'u' => {
                        if !bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) {
                            return None;
                        }
                        at += 6;
                    }
                    _ => return None,
                },
                0..0x20 => return None,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        Some(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
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
        Some(&self.text[start..self.at])
    }

    /// Reads the end of a line, and the indentation of the next one.
    pub(super) fn new_line(&mut self, level: usize) -> Option<()> {
        (self.take("\n") && self.take(&SPACES[..2 * level])).then_some(())
    }

    /// Reads a value that stands in a line indented by `level`; returns its text.
    pub(super) fn value(&mut self, level: usize) -> Option<&'a str> {
        let start = self.at;
        // What is open: a bit each, the innermost lowest, 1 for an object.
        let mut open = 0_u128;
        let mut depth = 0;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                }
                begin @ (b'{' | b'[') => {
                    self.at += 1;
                    let is_object = begin == b'{';
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return None;
                    }
                    if self.take(if is_object { "}" } else { "]" }) {
                        depth -= 1;
                    } else {
                        open = open << 1 | u128::from(is_object);
                        self.member(open, level + depth)?;
                        continue;
                    }
                }
                _ => {
                    if !(self.take("true") || self.take("false") || self.take("null")) {
                        return None;
                    }
                }
            }
            // A value has ended. So may have those around it.
            loop {
                if depth == 0 {
                    return Some(&self.text[start..self.at]);
                }
                if self.take(",") {
                    self.member(open, level + depth)?;
                    break;
                }
                depth -= 1;
                self.new_line(level + depth)?;
                if !self.take(if open & 1 == 1 { "}" } else { "]" }) {
                    return None;
                }
                open >>= 1;
            }
        }
    }

    /// Reads what stands before the value of the next member.
    fn member(&mut self, open: u128, level: usize) -> Option<()> {
        self.new_line(level)?;
        if open & 1 == 1 {
            self.string()?;
            return self.take(": ").then_some(());
        }
        Some(())
    }
}
