//! Markdown: the tables as they are printed and stored.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};

use crate::grid::Measured;
use crate::turns::Spread;

/// Prints to standard output, and to a file when one was named.
pub(crate) struct Report {
    file: Option<File>,
}

impl Report {
    pub(crate) fn new(file: Option<File>) -> Self {
        Self { file }
    }

    /// Writes one paragraph, heading or table.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}\n")?;
        out.flush()?;
        if let Some(file) = &mut self.file {
            writeln!(file, "{text}\n")?;
        }
        Ok(())
    }

    /// Writes a measured grid: nanoseconds, and in brackets the ratio to the row `floor`.
    pub(crate) fn table(&mut self, measured: &Measured, floor: Option<&str>) -> io::Result<()> {
        let base = floor.and_then(|floor| measured.rows.iter().find(|(name, _)| name == floor));
        let mut text = head("", &measured.columns);
        for (name, figures) in &measured.rows {
            let mut line = format!("| {name} |");
            for (column, figure) in figures.iter().enumerate() {
                let Some(figure) = figure else {
                    line.push_str(" |");
                    continue;
                };
                let _ = write!(line, " {}", nanos(figure.nanos));
                let base = base.and_then(|(_, figures)| figures[column].as_ref());
                if let Some(base) = base {
                    let _ = write!(line, " ({})", ratio(figure.nanos / base.nanos));
                }
                line.push_str(" |");
            }
            text.push_str(&line);
            text.push('\n');
        }
        self.say(text.trim_end())
    }

    /// Writes a table of what was measured in turns: `what`, what it is against the base, the same of the
    /// processor, latencies, and how many turns nothing disturbed.
    pub(crate) fn turns(
        &mut self,
        first: &str,
        what: &str,
        rows: &[Vec<String>],
    ) -> io::Result<()> {
        let columns = [
            what,
            "ratio",
            "of its core",
            "ratio",
            "p50",
            "p99",
            "clean turns",
        ];
        self.texts(first, &columns, rows)
    }

    /// Writes a table of texts.
    pub(crate) fn texts(
        &mut self,
        first: &str,
        columns: &[&str],
        rows: &[Vec<String>],
    ) -> io::Result<()> {
        let mut text = head(
            first,
            &columns
                .iter()
                .map(|&column| column.into())
                .collect::<Vec<_>>(),
        );
        for row in rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        self.say(text.trim_end())
    }
}

fn head(first: &str, columns: &[String]) -> String {
    format!(
        "| {first} | {} |\n|---|{}\n",
        columns.join(" | "),
        "---:|".repeat(columns.len())
    )
}

/// Writes nanoseconds with three digits that mean something.
pub(crate) fn nanos(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else if value < 10_000.0 {
        format!("{value:.0}")
    } else if value < 10_000_000.0 {
        format!("{:.1} µs", value / 1e3)
    } else {
        format!("{:.1} ms", value / 1e6)
    }
}

/// Writes a time of microseconds or more.
pub(crate) fn time(nanos: u64) -> String {
    let micros = nanos as f64 / 1e3;
    let (value, unit) = if micros < 1e3 {
        (micros, "µs")
    } else if micros < 1e6 {
        (micros / 1e3, "ms")
    } else {
        (micros / 1e6, "s")
    };
    if value < 10.0 {
        format!("{value:.2} {unit}")
    } else if value < 100.0 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// Writes a ratio.
pub(crate) fn ratio(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}×")
    } else {
        format!("{value:.0}×")
    }
}

/// Writes a ratio with its quartiles.
pub(crate) fn spread_ratio(spread: Spread) -> String {
    let Spread { low, median, high } = spread;
    format!("{} ({low:.2}–{high:.2})", ratio(median))
}

/// Writes a time of microseconds or more with its quartiles.
pub(crate) fn spread_time(spread: Spread) -> String {
    let Spread { low, median, high } = spread;
    let [low, median, high] = [low, median, high].map(|nanos| time(nanos as u64));
    format!("{median} ({low}–{high})")
}
