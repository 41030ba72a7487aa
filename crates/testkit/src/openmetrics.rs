//! Reads the text format of OpenMetrics 1.0, and refuses what it does not allow.

use std::collections::{BTreeMap, BTreeSet};

/// A sample: its name, its labels in order, its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its name, with the ending of its kind.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// The samples of one name, and what is told of them.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// Its type, as it is written.
    pub kind: String,
    /// Its unit; empty if it has none.
    pub unit: String,
    /// What it tells.
    pub help: String,
    /// Its samples, in their order.
    pub samples: Vec<Sample>,
}

impl Family {
    /// Returns the value of the one sample that has these labels, and perhaps others.
    ///
    /// # Panics
    ///
    /// If there is none, or several.
    #[must_use]
    #[track_caller]
    pub fn value(&self, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            let mut labels = labels.iter();
            labels.all(|(name, value)| sample.labels.get(*name).is_some_and(|one| one == value))
        };
        let found: Vec<_> = self.samples.iter().filter(fits).collect();
        let [one] = found[..] else {
            panic!("not one sample of {labels:?}: {:?}", self.samples);
        };
        one.value
    }
}

/// Reads a whole text.
///
/// # Errors
///
/// What the format does not allow, and in which line.
pub fn read(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("no end mark")?;
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in body.lines() {
        let fail = |why: &str| Err(format!("{why}: {line}"));
        if let Some(told) = line.strip_prefix("# ") {
            let mut parts = told.splitn(3, ' ');
            let (Some(what), Some(name), Some(rest)) = (parts.next(), parts.next(), parts.next())
            else {
                return fail("metadata of no form");
            };
            if !is_name(name) {
                return fail("no name");
            }
            if name != current {
                if families.contains_key(name) {
                    return fail("a family in two places");
                }
                name.clone_into(&mut current);
            }
            let family = families.entry(current.clone()).or_default();
            if !family.samples.is_empty() {
                return fail("metadata behind samples");
            }
            let field = match what {
                "TYPE" => &mut family.kind,
                "UNIT" => &mut family.unit,
                "HELP" => &mut family.help,
                _ => return fail("unknown metadata"),
            };
            if !field.is_empty() {
                return fail("twice");
            }
            rest.clone_into(field);
            continue;
        }
        let sample = sample(line)?;
        let Some(family) = families.get_mut(&current) else {
            return fail("no family");
        };
        let suffix = sample.name.strip_prefix(&*current);
        let allowed = match &*family.kind {
            "counter" => &["_total"][..],
            "gauge" | "stateset" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            "info" => &["_info"],
            _ => return fail("unknown kind"),
        };
        if !suffix.is_some_and(|suffix| allowed.contains(&suffix)) {
            return fail("not a sample of the family");
        }
        if family.kind == "stateset"
            && !(sample.labels.contains_key(&current) && [0.0, 1.0].contains(&sample.value))
        {
            return fail("no state");
        }
        let same = |one: &Sample| one.name == sample.name && one.labels == sample.labels;
        if family.samples.iter().any(same) {
            return fail("twice");
        }
        family.samples.push(sample);
    }
    let mut samples = BTreeSet::new();
    for (name, family) in &families {
        if !family.unit.is_empty() && !name.ends_with(&format!("_{}", family.unit)) {
            return Err(format!("{name} does not end in {}", family.unit));
        }
        if family.kind == "histogram" {
            histogram(name, family)?;
        }
        let names: BTreeSet<_> = family.samples.iter().map(|one| one.name.clone()).collect();
        for sample in names {
            if !samples.insert(sample.clone()) {
                return Err(format!("{sample} is of two families"));
            }
        }
    }
    Ok(families)
}

/// Buckets grow up to the infinite one, which has the count.
fn histogram(name: &str, family: &Family) -> Result<(), String> {
    let of = |suffix: &str| {
        let name = format!("{name}{suffix}");
        family.samples.iter().filter(move |one| one.name == name)
    };
    for count in of("_count") {
        let mut last = (f64::NEG_INFINITY, 0.0);
        for bucket in of("_bucket") {
            let mut labels = bucket.labels.clone();
            let le = labels.remove("le").ok_or("a bucket without a bound")?;
            if labels != count.labels {
                continue;
            }
            if !le.contains('.') && le != "+Inf" {
                return Err(format!("{le} is no bound in its form"));
            }
            let bound = if le == "+Inf" {
                f64::INFINITY
            } else {
                le.parse().map_err(|_| "no bound")?
            };
            if bound <= last.0 || bucket.value < last.1 {
                return Err(format!("{name} does not grow"));
            }
            last = (bound, bucket.value);
        }
        if last != (f64::INFINITY, count.value) {
            return Err(format!("{name} has another count than its last bucket"));
        }
    }
    Ok(())
}

fn sample(line: &str) -> Result<Sample, String> {
    let fail = |why: &str| format!("{why}: {line}");
    let end = line.find(['{', ' ']).ok_or_else(|| fail("no value"))?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (label, after) = inside.split_once("=\"").ok_or_else(|| fail("no label"))?;
            if !is_name(label) || label.contains(':') {
                return Err(fail("no label name"));
            }
            let (value, after) = quoted(after).ok_or_else(|| fail("no label value"))?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err(fail("a label twice"));
            }
            if let Some(after) = after.strip_prefix('}') {
                rest = after;
                break;
            }
            inside = after.strip_prefix(',').ok_or_else(|| fail("no comma"))?;
        }
    }
    let value = rest.strip_prefix(' ').ok_or_else(|| fail("no space"))?;
    let number = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        digits
            if digits
                .bytes()
                .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) =>
        {
            digits.parse().map_err(|_| fail("no number"))?
        }
        _ => return Err(fail("no number")),
    };
    if !is_name(name) {
        return Err(fail("no name"));
    }
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value: number,
    })
}

/// Reads up to the closing quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    let good = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    chars.next().is_some_and(good) && chars.all(|c| good(c) || c.is_ascii_digit())
}
