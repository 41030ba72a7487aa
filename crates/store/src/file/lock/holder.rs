//! What is written in a lock's file: who holds it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::LOCK;
use crate::disk::Disk;
use crate::error::Holder;

/// The longest host or program that is written, in bytes: the note has to fit.
const LONGEST: usize = 255;

/// The note as JSON.
#[derive(Deserialize, Serialize)]
struct Written {
    pid: u32,
    host: String,
    program: String,
    since: String,
}

/// What this process writes, but for the time.
#[derive(Debug)]
pub(super) struct Note {
    host: String,
    program: String,
}

impl Note {
    pub(super) fn of_this_process() -> Self {
        let program = std::env::current_exe()
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Self {
            host: shortened(host()),
            program: shortened(program.unwrap_or_default()),
        }
    }

    /// The note, as of now.
    pub(super) fn now(&self) -> Vec<u8> {
        let written = Written {
            pid: std::process::id(),
            host: self.host.clone(),
            program: self.program.clone(),
            since: rfc3339(SystemTime::now()),
        };
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

/// Returns whose note is in the lock of the store whose side files are in `folder`: the holder, or
/// one that was killed while it held the lock and after whom nobody has had it.
pub(crate) fn read_holder(disk: &dyn Disk, folder: &Path) -> Option<Holder> {
    let (bytes, _) = disk.read(&folder.join(LOCK)).ok()?;
    parse(&bytes)
}

/// Reads a note; `None` when there is none, or it is being written at this moment.
pub(super) fn parse(note: &[u8]) -> Option<Holder> {
    let Written {
        pid,
        host,
        program,
        since,
    } = serde_json::from_slice(note).ok()?;
    Some(Holder {
        pid,
        host,
        program,
        since,
    })
}

fn shortened(mut text: String) -> String {
    let end = (0..=LONGEST)
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    text.truncate(end);
    // A control character is written as six bytes.
    text.replace(char::is_control, "?")
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// A time as RFC 3339 in UTC, to the second.
fn rfc3339(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date of a day, counted from 1970-01-01.
///
/// Years are counted from 1 March, so that a leap day is a year's last one. 400 such years have
/// 146,097 days, always.
fn civil(days_since_1970: u64) -> (u64, u64, u64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, 153 days are five months: 31, 30, 31, 30, 31.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_follow_one_another_through_400_years() {
        let is_leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let mut expected = (1970, 1, 1);
        for day in 0..146_097 {
            assert_eq!(civil(day), expected, "day {day}");
            let (year, month, day) = expected;
            let last = match month {
                2 if is_leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, day) if day == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        assert_eq!(expected, (2370, 1, 1));
    }

    #[test]
    fn times_are_written_to_the_second() {
        let at = |seconds| rfc3339(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(at(1_000_000_000), "2001-09-09T01:46:40Z");
    }

    #[test]
    fn the_longest_note_fits() {
        let note = Note {
            host: shortened("\u{1}".repeat(1_000)),
            program: shortened("ü\"".repeat(1_000)),
        };
        let written = note.now();
        assert!(written.len() <= 1_024, "{}", written.len());
        let holder = parse(&written).unwrap();
        assert_eq!(holder.host, "?".repeat(255));
        assert_eq!(holder.program, "ü\"".repeat(85));
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(parse(&written[1..]), None);
        assert_eq!(parse(b""), None);
    }
}
