//! How what is said of a machine is read from the command line.

use byname_machines::Accelerator;

/// Something to forget of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unset {
    Host,
    Key,
    Folder,
    Labels,
    Label(String),
    Cores,
    Memory,
    Accelerators,
    Accelerator(String),
    Models,
    Model(String),
    Url,
    Note,
}

impl Unset {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Ok(match text {
            "host" => Self::Host,
            "key" => Self::Key,
            "folder" => Self::Folder,
            "labels" => Self::Labels,
            "cores" => Self::Cores,
            "memory" => Self::Memory,
            "accelerators" => Self::Accelerators,
            "models" => Self::Models,
            "url" => Self::Url,
            "note" => Self::Note,
            _ => match text.split_once('.').filter(|(_, one)| !one.is_empty()) {
                Some(("labels", key)) => Self::Label(key.to_owned()),
                Some(("accelerators", kind)) => Self::Accelerator(kind.to_owned()),
                Some(("models", id)) => Self::Model(id.to_owned()),
                _ => {
                    return Err(
                        "expected one of host, key, folder, labels, cores, memory, accelerators, \
                         models, url, note, labels.KEY, accelerators.KIND, models.ID"
                            .into(),
                    );
                }
            },
        })
    }
}

pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or("expected a key and a value, such as gpu=a100")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads a number of bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 14] = [
        ("", 1),
        ("B", 1),
        ("kB", 1_000),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        // What memory is commonly counted in.
        ("M", 1 << 20),
        ("G", 1 << 30),
        ("T", 1 << 40),
    ];
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit.trim_start());
    unit.and_then(|(_, bytes)| number.parse::<u64>().ok()?.checked_mul(*bytes))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| {
            "expected a whole number of bytes, or one with a unit such as 64GiB, 512MiB or 64GB"
                .into()
        })
}

pub(super) fn accelerator(text: &str) -> Result<Accelerator, String> {
    let mut parts = text.split(':');
    let kind = parts.next().unwrap_or_default();
    let count = parts.next().map_or(Some(1), |count| count.parse().ok());
    let memory = parts.next().map(size).transpose()?;
    count
        .filter(|count| *count > 0 && !kind.is_empty() && parts.next().is_none())
        .map(|count| Accelerator {
            kind: kind.to_owned(),
            count,
            memory_bytes: memory,
        })
        .ok_or_else(|| {
            "expected a kind, how many there are and the memory of each, such as \
             nvidia-a100:8:80GiB"
                .into()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("1", 1),
            ("1024B", 1024),
            ("64GiB", 64 << 30),
            ("64 GiB", 64 << 30),
            ("64G", 64 << 30),
            ("64GB", 64_000_000_000),
            ("16TiB", 16 << 40),
            ("2kB", 2_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in [
            "",
            "0",
            "0GiB",
            "GiB",
            "-1",
            "1.5GiB",
            "1 gib",
            "1XB",
            "99999999999TiB",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn accelerators_have_a_kind_a_count_and_memory() {
        let read = |text| accelerator(text).map(|read| (read.kind, read.count, read.memory_bytes));
        let some = |kind: &str, count, memory| Ok((kind.to_owned(), count, memory));
        assert_eq!(read("a100"), some("a100", 1, None));
        assert_eq!(read("a100:8"), some("a100", 8, None));
        assert_eq!(read("a100:8:80GiB"), some("a100", 8, Some(80 << 30)));
        for wrong in [
            "",
            ":8",
            "a100:",
            "a100:0",
            "a100:x",
            "a100:8:",
            "a100:8:x",
            "a100:8:1:1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_forgotten_is_named() {
        assert_eq!(Unset::read("note"), Ok(Unset::Note));
        assert_eq!(Unset::read("labels.a.b"), Ok(Unset::Label("a.b".into())));
        assert_eq!(
            Unset::read("models.org/m.1"),
            Ok(Unset::Model("org/m.1".into()))
        );
        for wrong in ["", "labels.", "host.x", "name", "kind"] {
            assert!(Unset::read(wrong).is_err(), "{wrong}");
        }
    }
}
