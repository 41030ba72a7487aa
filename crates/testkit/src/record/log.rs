//! A log kept for a test.

use super::{NotSeen, Recording};
use std::{
    io::{self, Write},
    time::Duration,
};

/// A log that keeps its lines for a test to look at.
///
/// It is a [`Write`], so every logger that writes lines can write here, and
/// [`line`](Self::line) takes what code under test says directly. A clone is the same log with an
/// unfinished line of its own, so writers with a clone each do not mix up their lines; a clone that
/// is dropped ends its line.
///
/// # Examples
///
/// ```
/// use byname_testkit::RecordingLog;
/// use std::io::Write;
///
/// let log = RecordingLog::new();
/// let mut writer = log.clone();
/// writer.write_all(b"INFO started\nWARN slow")?;
/// drop(writer);
/// assert_eq!(log.lines(), ["INFO started", "WARN slow"]);
/// assert!(log.contains("slow"));
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Default)]
pub struct RecordingLog {
    lines: Recording<String>,
    unfinished: Vec<u8>,
}

impl RecordingLog {
    /// Starts empty, with room for 65,536 lines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a line.
    pub fn line(&self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Returns all lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.items()
    }

    /// Returns whether a line contains `text`.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.count(text) > 0
    }

    /// Returns how many lines contain `text`.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        self.lines()
            .iter()
            .filter(|line| line.contains(text))
            .count()
    }

    /// Waits for a line that contains `text` and returns the first one.
    ///
    /// # Errors
    ///
    /// [`NotSeen`], with the lines that came instead, if none comes within `limit`.
    pub fn wait_for_line(&self, text: &str, limit: Duration) -> Result<String, NotSeen> {
        let mut found = None;
        self.lines.wait_for(limit, |lines| {
            found = lines.iter().find(|line| line.contains(text)).cloned();
            found.is_some()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Returns the lines as a [`Recording`].
    #[must_use]
    pub fn recording(&self) -> &Recording<String> {
        &self.lines
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.unfinished).into_owned();
        self.unfinished.clear();
        self.lines.push(line);
    }
}

impl Clone for RecordingLog {
    fn clone(&self) -> Self {
        Self {
            lines: self.lines.clone(),
            unfinished: Vec::new(),
        }
    }
}

impl Drop for RecordingLog {
    fn drop(&mut self) {
        if !self.unfinished.is_empty() {
            self.end_line();
        }
    }
}

impl Write for RecordingLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line();
            } else {
                self.unfinished.push(byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PATIENCE, together};

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut log = RecordingLog::new();
        log.write_all(b"one\ntw").unwrap();
        assert_eq!(log.lines(), ["one"]);
        log.write_all(b"o\n\n").unwrap();
        assert_eq!(log.lines(), ["one", "two", ""]);
        assert_eq!((log.count("o"), log.contains("three")), (2, false));
    }

    #[test]
    fn concurrent_writers_do_not_mix_up_their_lines() {
        let log = RecordingLog::new();
        together(8, |thread| {
            let mut writer = log.clone();
            for _ in 0..100 {
                writer.write_all(b"line of ").unwrap();
                writeln!(writer, "{thread}").unwrap();
            }
        });
        for thread in 0..8 {
            assert_eq!(log.count(&format!("line of {thread}")), 100);
        }
        assert_eq!(log.lines().len(), 800);
    }

    #[test]
    fn waits_for_a_line() {
        let log = RecordingLog::new();
        std::thread::scope(|scope| {
            scope.spawn(|| log.line("ready at port 1"));
            assert_eq!(
                log.wait_for_line("ready", PATIENCE).unwrap(),
                "ready at port 1"
            );
        });
        let error = log
            .wait_for_line("stopped", Duration::ZERO)
            .unwrap_err()
            .to_string();
        assert!(error.contains("ready at port 1"), "{error}");
    }
}
