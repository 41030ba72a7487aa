//! Columns that line up.

use std::borrow::Cow;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

/// The space between two columns.
const GAP: usize = 2;

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells under a line of headings, each column as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: Vec<(&'static str, Align)>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells beyond the last column are left out.
    pub(crate) fn row(&mut self, cells: &[String]) {
        let cells = cells.iter().map(|cell| printable(cell).into_owned());
        self.rows.push(cells.take(self.columns.len()).collect());
    }

    pub(crate) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(name, _)| name.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let headings: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        self.line(to, &widths, &headings)?;
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.line(to, &widths, &cells)?;
        }
        Ok(())
    }

    fn line(&self, to: &mut dyn Write, widths: &[usize], cells: &[&str]) -> io::Result<()> {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            let space = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left => line.extend([*cell, &space]),
                Align::Right => line.extend([space.as_str(), *cell]),
            }
        }
        writeln!(to, "{}", line.trim_end())
    }
}

/// Replaces what could steer a terminal: a name in a file must not.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        text.chars()
            .map(|c| {
                if c.is_control() {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            })
            .collect()
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(table: &Table) -> String {
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn columns_line_up_by_what_a_terminal_shows() {
        let mut table = Table::new(vec![("NAME", Align::Left), ("N", Align::Right)]);
        table.row(&cells(["模型", "1"]));
        table.row(&cells(["b", "1000"]));
        assert_eq!(text(&table), "NAME     N\n模型     1\nb     1000\n");
    }

    #[test]
    fn nothing_in_a_cell_steers_the_terminal() {
        let mut table = Table::new(vec![("NAME", Align::Left)]);
        table.row(&cells(["a\u{1b}[31mb\r\n"]));
        assert_eq!(text(&table), "NAME\na\u{fffd}[31mb\u{fffd}\u{fffd}\n");
    }

    #[test]
    fn a_line_does_not_end_in_spaces() {
        let mut table = Table::new(vec![("A", Align::Left), ("B", Align::Left)]);
        table.row(&cells(["long", ""]));
        assert_eq!(text(&table), "A     B\nlong\n");
    }
}
