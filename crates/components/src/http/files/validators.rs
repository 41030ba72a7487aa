//! What tells one content of a file from the next (RFC 9110, 8.8).

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderValue;

use super::settings::{Coding, EntityTags};

/// From this age on no further change has the same time: longer than a tick of any clock of a file
/// system, and than the second of a `Last-Modified`.
const SETTLED: Duration = Duration::from_secs(2);

/// What the file system tells of a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) length: u64,
    pub(super) modified: Option<SystemTime>,
    /// When the file system last saw a change of any kind, which no program can set.
    changed: Option<SystemTime>,
    /// Which file of the system it is.
    identity: (u64, u64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (changed, identity) = {
            use std::os::unix::fs::MetadataExt as _;
            let seconds = u64::try_from(metadata.ctime()).ok();
            let nanos = u64::try_from(metadata.ctime_nsec()).unwrap_or_default();
            let since = seconds.map(|s| Duration::from_secs(s) + Duration::from_nanos(nanos));
            let changed = since.and_then(|since| UNIX_EPOCH.checked_add(since));
            (changed, (metadata.dev(), metadata.ino()))
        };
        #[cfg(not(unix))]
        let (changed, identity) = (None, (0, 0));
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            changed,
            identity,
        }
    }

    /// Whether the same file that is still open has the same content. That it was renamed or removed
    /// meanwhile changes the time of change, and not what is sent.
    pub(super) fn has_content_of(&self, earlier: &Self) -> bool {
        self.length == earlier.length && self.modified == earlier.modified
    }
}

/// An entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// What is between the quotes.
    pub(super) opaque: String,
    pub(super) weak: bool,
}

impl Tag {
    pub(super) fn to_header(&self) -> HeaderValue {
        let weak = if self.weak { "W/" } else { "" };
        let tag = HeaderValue::try_from(format!("{weak}\"{}\"", self.opaque));
        // Hexadecimal digits, hyphens and the name of a coding.
        tag.unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
    }
}

/// The validators of an answer.
#[derive(Clone, Debug)]
pub(super) struct Validators {
    pub(super) tag: Tag,
    /// In whole seconds; none if it is in the future, or no date of HTTP.
    pub(super) modified: Option<SystemTime>,
    /// Whether no two contents have this time.
    pub(super) modified_is_strong: bool,
}

impl Validators {
    pub(super) fn new(
        stamp: &Stamp,
        coding: Option<Coding>,
        tags: EntityTags,
        now: SystemTime,
    ) -> Self {
        let settled = |time: Option<SystemTime>| {
            let age = time.and_then(|time| now.duration_since(time).ok());
            age.is_some_and(|age| age >= SETTLED)
        };
        let strong = settled(stamp.modified) && settled(stamp.changed);
        let mut opaque = match tags {
            EntityTags::Exact => format!("{:x}-{:016x}", stamp.length, digest(stamp)),
            EntityTags::Portable => {
                format!("{:x}-{:x}", stamp.length, nanos(stamp.modified))
            }
        };
        if let Some(coding) = coding {
            opaque.push('-');
            opaque.push_str(coding.name());
        }
        let weak = !(strong && tags == EntityTags::Exact);
        let modified = stamp.modified.filter(|modified| *modified <= now);
        let modified = modified.and_then(whole_second);
        Self {
            tag: Tag { opaque, weak },
            modified,
            // A time that was set says nothing of the content.
            modified_is_strong: strong && modified == stamp.changed.and_then(whole_second),
        }
    }
}

/// The second that a time is in, if HTTP can write it.
fn whole_second(time: SystemTime) -> Option<SystemTime> {
    /// The end of the year 9999.
    const LAST: u64 = 253_402_300_799;
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    (seconds <= LAST).then(|| UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Nanoseconds since 1970, modulo 2^128 before.
fn nanos(time: Option<SystemTime>) -> u128 {
    match time.map(|time| time.duration_since(UNIX_EPOCH)) {
        Some(Ok(since)) => since.as_nanos(),
        Some(Err(before)) => before.duration().as_nanos().wrapping_neg(),
        None => 0,
    }
}

/// FNV-1a of all that a stamp says besides the length: it shows nobody the number of an inode.
fn digest(stamp: &Stamp) -> u64 {
    let (device, inode) = stamp.identity;
    let times = [nanos(stamp.modified), nanos(stamp.changed)].map(u128::to_le_bytes);
    let identity = [device, inode].map(u64::to_le_bytes);
    let bytes = times.as_flattened().iter().chain(identity.as_flattened());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: SystemTime = UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        THEN + Duration::from_secs(seconds)
    }

    fn stamp(modified: u64, changed: u64) -> Stamp {
        Stamp {
            length: 7,
            modified: Some(at(modified)),
            changed: Some(at(changed)),
            identity: (1, 2),
        }
    }

    fn exact(stamp: &Stamp, now: u64) -> Validators {
        Validators::new(stamp, None, EntityTags::Exact, at(now))
    }

    #[test]
    fn a_tag_is_strong_once_no_further_change_can_have_the_same_time() {
        for (modified, changed, now, weak) in [
            (100, 100, 102, false),
            (100, 100, 101, true),
            (100, 101, 102, true),
            (50, 100, 102, false),
            (50, 101, 102, true),
            (200, 100, 102, true),
            (100, 200, 102, true),
        ] {
            let tag = exact(&stamp(modified, changed), now).tag;
            assert_eq!(tag.weak, weak, "{modified} {changed} {now}");
        }
        let unknown = Stamp {
            changed: None,
            ..stamp(1, 1)
        };
        assert!(exact(&unknown, 1000).tag.weak);
    }

    #[test]
    fn whatever_changes_gives_another_tag_and_the_inode_is_not_in_it() {
        let first = stamp(100, 100);
        let mut others = vec![first.clone(), stamp(101, 100), stamp(100, 101)];
        let mut longer = first.clone();
        longer.length = 8;
        let mut replaced = first.clone();
        replaced.identity = (1, 3);
        others.extend([longer, replaced]);
        let tags = others.iter().map(|stamp| exact(stamp, 1000).tag.opaque);
        let mut tags: Vec<_> = tags.collect();
        tags.push(
            Validators::new(&first, Some(Coding::Br), EntityTags::Exact, at(1000))
                .tag
                .opaque,
        );
        let count = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count);
        let mut numbered = first;
        numbered.identity = (1, 0xdead_beef);
        assert!(!exact(&numbered, 1000).tag.opaque.contains("deadbeef"));
    }

    #[test]
    fn portable_tags_are_of_length_and_modification_only_and_weak() {
        let portable =
            |stamp: &Stamp| Validators::new(stamp, None, EntityTags::Portable, at(1000)).tag;
        let mut elsewhere = stamp(100, 500);
        elsewhere.identity = (9, 9);
        assert_eq!(portable(&stamp(100, 100)), portable(&elsewhere));
        assert!(portable(&elsewhere).weak);
        assert_ne!(portable(&stamp(101, 100)), portable(&elsewhere));
    }

    #[test]
    fn a_time_that_was_set_or_is_to_come_is_no_strong_date() {
        let set = exact(&stamp(50, 100), 1000);
        assert_eq!(
            (set.modified, set.modified_is_strong),
            (Some(at(50)), false)
        );
        let real = exact(&stamp(100, 100), 1000);
        assert_eq!(
            (real.modified, real.modified_is_strong),
            (Some(at(100)), true)
        );
        assert_eq!(exact(&stamp(2000, 100), 1000).modified, None);
        let mut early = stamp(100, 100);
        early.modified = THEN.checked_sub(Duration::from_secs(1));
        assert_eq!(exact(&early, 1000).modified, None);
    }
}
