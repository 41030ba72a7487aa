use std::cell::OnceCell;

/// Is a place in a text, both parts counted from 1; a column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// Turns offsets into positions: one pass over the text at the first question, and then at most
/// `STRIDE` bytes for each.
#[derive(Debug)]
pub(crate) struct Locator<'t> {
    text: &'t str,
    // The position of every multiple of STRIDE that begins a character, or the next that does.
    marks: OnceCell<Vec<(usize, Position)>>,
}

const STRIDE: usize = 4096;

impl<'t> Locator<'t> {
    pub(crate) const fn new(text: &'t str) -> Self {
        Self {
            text,
            marks: OnceCell::new(),
        }
    }

    /// Returns the position of an offset that begins a character or ends the text.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let marks = self.marks.get_or_init(|| marks(self.text));
        let place = marks.partition_point(|(at, _)| *at <= offset);
        // The first mark is at 0, so there is one at or before every offset.
        let (at, position) = marks[place.saturating_sub(1)];
        advance(position, &self.text[at..offset])
    }
}

fn marks(text: &str) -> Vec<(usize, Position)> {
    let mut marks = vec![(0, Position { line: 1, column: 1 })];
    let (mut at, mut position) = marks[0];
    while let Some(next) = (at + STRIDE..text.len()).find(|&offset| text.is_char_boundary(offset)) {
        position = advance(position, &text[at..next]);
        at = next;
        marks.push((at, position));
    }
    marks
}

fn advance(from: Position, text: &str) -> Position {
    let mut to = from;
    for byte in text.bytes() {
        if byte == b'\n' {
            to.line = to.line.saturating_add(1);
            to.column = 1;
        } else if byte & 0xC0 != 0x80 {
            // Not a continuation byte of UTF-8: a character begins.
            to.column = to.column.saturating_add(1);
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_that_of_a_walk_from_the_beginning() {
        let text: String = (0..9000)
            .map(|n| if n % 97 == 0 { "é\n" } else { "日x" })
            .collect();
        let locator = Locator::new(&text);
        let (mut line, mut column) = (1, 1);
        for (offset, character) in text.char_indices() {
            assert_eq!(locator.position(offset), Position { line, column });
            if character == '\n' {
                (line, column) = (line + 1, 1);
            } else {
                column += 1;
            }
        }
        assert_eq!(locator.position(text.len()), Position { line, column });
        assert_eq!(
            Locator::new("").position(0),
            Position { line: 1, column: 1 }
        );
    }
}
