//! The text format.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::http::histogram::Histogram;

/// What a family of samples is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows; its samples are written with `_total`.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// States of which some hold; each has a label named as the family.
    StateSet,
    /// How many of what was measured were at most how large.
    Histogram,
    /// Facts that do not change, in labels; its sample is written with `_info`.
    Info,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::StateSet => "stateset",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    /// The endings of the names of its samples.
    const fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total"],
            Self::Gauge | Self::StateSet => &[""],
            Self::Histogram => &["_bucket", "_count", "_sum"],
            Self::Info => &["_info"],
        }
    }
}

/// Measurements at one moment, to be written in the text format of OpenMetrics 1.0.
///
/// Families are written in the order of their names, and samples in the order in which they were added.
/// What the format does not allow is left out, with a line in the log: a family whose name is none, does
/// not end in its unit, or has samples of the name of another's; a sample whose labels are none or are
/// there already.
///
/// # Examples
///
/// ```
/// use byname_components::http::admin::metrics::{Exposition, Kind};
///
/// let mut exposition = Exposition::new();
/// exposition
///     .family("jobs_waiting", Kind::Gauge, "", "Jobs that wait.")
///     .sample(&[("queue", "mail")], 3.0);
/// assert_eq!(
///     exposition.render(),
///     "# TYPE jobs_waiting gauge\n# HELP jobs_waiting Jobs that wait.\n\
///      jobs_waiting{queue=\"mail\"} 3\n# EOF\n",
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    families: BTreeMap<String, Family>,
    /// The names of all samples, with their families.
    names: BTreeMap<String, String>,
    /// What is written of a family that must be left out.
    left_out: Family,
}

/// The samples of one name.
#[derive(Clone, Debug)]
pub struct Family {
    name: String,
    kind: Kind,
    unit: String,
    help: String,
    lines: String,
    /// The labels of each sample, to have none twice.
    seen: BTreeSet<String>,
}

impl Default for Family {
    fn default() -> Self {
        Self::new("", Kind::Gauge, "", "")
    }
}

impl Exposition {
    /// Makes one without samples.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the family of a name, to add samples. `unit` is empty, or what the name ends in behind an
    /// underscore: `seconds`, `bytes`. What a family is was said by whoever asked for it first.
    pub fn family(&mut self, name: &str, kind: Kind, unit: &str, help: &str) -> &mut Family {
        if !self.families.contains_key(name)
            && let Err(why) = self.claim(name, kind, unit)
        {
            tracing::warn!(name, why, "measurements are left out");
            self.left_out = Family::new(name, kind, unit, help);
            return &mut self.left_out;
        }
        let new = || Family::new(name, kind, unit, help);
        let family = self.families.entry(name.to_owned()).or_insert_with(new);
        if family.kind != kind || family.unit != unit {
            let why = "they are said to be of two kinds or units";
            tracing::warn!(name, why, "measurements are left out");
            self.left_out = Family::new(name, kind, unit, help);
            return &mut self.left_out;
        }
        family
    }

    /// Takes the names that the samples of a family have.
    fn claim(&mut self, name: &str, kind: Kind, unit: &str) -> Result<(), &'static str> {
        if !is_name(name, true) {
            return Err("their name is none");
        }
        if !unit.is_empty() && !name.ends_with(&format!("_{unit}")) {
            return Err("their name does not end in their unit");
        }
        if !unit.is_empty() && matches!(kind, Kind::StateSet | Kind::Info) {
            return Err("such a family has no unit");
        }
        let suffixes = kind.suffixes().iter();
        // The name of the family itself is taken too, so that none is another with an ending.
        let mut samples: BTreeSet<String> = suffixes.map(|end| format!("{name}{end}")).collect();
        samples.insert(name.to_owned());
        if samples.iter().any(|sample| self.names.contains_key(sample)) {
            return Err("another family has samples of their name");
        }
        let owned = samples.into_iter().map(|sample| (sample, name.to_owned()));
        self.names.extend(owned);
        Ok(())
    }

    /// Writes it, to the end mark.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.families {
            let _ = writeln!(text, "# TYPE {name} {}", family.kind.word());
            if !family.unit.is_empty() {
                let _ = writeln!(text, "# UNIT {name} {}", family.unit);
            }
            if !family.help.is_empty() {
                let _ = writeln!(text, "# HELP {name} {}", escaped(&family.help));
            }
            text.push_str(&family.lines);
        }
        text.push_str("# EOF\n");
        text
    }
}

impl Family {
    fn new(name: &str, kind: Kind, unit: &str, help: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            unit: unit.to_owned(),
            help: help.to_owned(),
            lines: String::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Adds a sample of a counter or gauge. One of a counter that is negative or no number is left out.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) -> &mut Self {
        let suffix = match self.kind {
            Kind::Counter if value >= 0.0 => "_total",
            Kind::Gauge => "",
            _ => return self.refuse("the value does not fit the kind"),
        };
        if let Some(labels) = self.labels(labels, &[]) {
            self.line(suffix, &labels, &number(value));
        }
        self
    }

    /// Adds a whole number to a counter or gauge.
    #[allow(
        clippy::cast_precision_loss,
        reason = "beyond 2^53 nobody counts by one"
    )]
    pub fn whole(&mut self, labels: &[(&str, &str)], value: u64) -> &mut Self {
        self.sample(labels, value as f64)
    }

    /// Adds to a set of states which of them hold.
    pub fn states(&mut self, labels: &[(&str, &str)], states: &[(&str, bool)]) -> &mut Self {
        if self.kind != Kind::StateSet {
            return self.refuse("the value does not fit the kind");
        }
        let name = self.name.clone();
        for (state, holds) in states {
            if let Some(labels) = self.labels(labels, &[(&name, state)]) {
                self.line("", &labels, if *holds { "1" } else { "0" });
            }
        }
        self
    }

    /// Adds facts.
    pub fn info(&mut self, labels: &[(&str, &str)]) -> &mut Self {
        if self.kind != Kind::Info {
            return self.refuse("the value does not fit the kind");
        }
        if let Some(labels) = self.labels(labels, &[]) {
            self.line("_info", &labels, "1");
        }
        self
    }

    /// Adds what a histogram has counted.
    pub fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) -> &mut Self {
        if self.kind != Kind::Histogram || labels.iter().any(|(name, _)| *name == "le") {
            return self.refuse("the value does not fit the kind");
        }
        let Some(own) = self.labels(labels, &[]) else {
            return self;
        };
        let counted = histogram.counted();
        for (most, count) in &counted.buckets {
            let bound = bound(*most);
            if let Some(labels) = self.labels(labels, &[("le", &bound)]) {
                self.line("_bucket", &labels, &count.to_string());
            }
        }
        self.line("_count", &own, &counted.count.to_string());
        self.line("_sum", &own, &number(counted.sum));
        self
    }

    fn refuse(&mut self, why: &str) -> &mut Self {
        tracing::warn!(name = self.name, why, "a sample is left out");
        self
    }

    fn line(&mut self, suffix: &str, labels: &str, value: &str) {
        let _ = writeln!(self.lines, "{}{suffix}{labels} {value}", self.name);
    }

    /// Writes labels, `more` behind the others, unless they are none or were there before.
    fn labels(&mut self, labels: &[(&str, &str)], more: &[(&str, &str)]) -> Option<String> {
        let all = || labels.iter().chain(more);
        let names: BTreeSet<_> = all().map(|(name, _)| name).collect();
        if names.len() < all().count() || !names.iter().all(|name| is_name(name, false)) {
            self.refuse("the name of a label is none, or there twice");
            return None;
        }
        let written: Vec<_> = all()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let mut sorted = written.clone();
        sorted.sort_unstable();
        if !self.seen.insert(sorted.join(",")) {
            self.refuse("there is one with the same labels");
            return None;
        }
        if written.is_empty() {
            return Some(String::new());
        }
        Some(format!("{{{}}}", written.join(",")))
    }
}

/// Whether a family or a label may be called so; colons are for families.
fn is_name(name: &str, of_family: bool) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || (of_family && c == ':');
    !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Escapes what would end a text or a line.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '"', '\n']) {
        return text.into();
    }
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n").into()
}

/// A number, the shortest that reads as the same.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

/// The bound of a bucket in its one form, with a dot.
fn bound(value: f64) -> String {
    let written = number(value);
    if value.is_finite() && !written.contains('.') {
        return format!("{written}.0");
    }
    written
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_kind_is_written_with_its_endings() {
        let mut exposition = Exposition::new();
        let histogram = Histogram::new(&[0.25, 1.0]);
        for millis in [100, 500, 2000] {
            histogram.observe(Duration::from_millis(millis));
        }
        exposition
            .family("d_seconds", Kind::Histogram, "seconds", "How long.")
            .histogram(&[("a", "b")], &histogram);
        exposition
            .family("c", Kind::Counter, "", "")
            .whole(&[], 7)
            .sample(&[], 1.0)
            .sample(&[("x", "1"), ("y", "2")], 0.5)
            .sample(&[("y", "2"), ("x", "1")], 1.0)
            .sample(&[("x", "bad")], -1.0)
            .sample(&[("x", "bad")], f64::NAN);
        exposition
            .family("g", Kind::Gauge, "", "A \"quoted\"\\\nline.")
            .sample(&[("l", "a\"b\\c\nd é")], f64::NEG_INFINITY)
            .sample(&[("l", "nan")], f64::NAN)
            .sample(&[("l", "large")], 1e21)
            .sample(&[("l-l", "bad")], 1.0)
            .sample(&[("l", "1"), ("l", "2")], 1.0)
            .histogram(&[("bad", "")], &histogram);
        exposition
            .family("s", Kind::StateSet, "", "")
            .states(&[("of", "x")], &[("on", true), ("off", false)]);
        exposition
            .family("i", Kind::Info, "", "")
            .info(&[("v", "1")]);
        assert_eq!(
            exposition.render(),
            "# TYPE c counter\nc_total 7\nc_total{x=\"1\",y=\"2\"} 0.5\n\
             # TYPE d_seconds histogram\n# UNIT d_seconds seconds\n# HELP d_seconds How long.\n\
             d_seconds_bucket{a=\"b\",le=\"0.25\"} 1\nd_seconds_bucket{a=\"b\",le=\"1.0\"} 2\n\
             d_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\nd_seconds_count{a=\"b\"} 3\n\
             d_seconds_sum{a=\"b\"} 2.6\n\
             # TYPE g gauge\n# HELP g A \\\"quoted\\\"\\\\\\nline.\n\
             g{l=\"a\\\"b\\\\c\\nd é\"} -Inf\ng{l=\"nan\"} NaN\ng{l=\"large\"} 1000000000000000000000\n\
             # TYPE i info\ni_info{v=\"1\"} 1\n\
             # TYPE s stateset\ns{of=\"x\",s=\"on\"} 1\ns{of=\"x\",s=\"off\"} 0\n\
             # EOF\n"
        );
    }

    #[test]
    fn a_family_that_would_break_the_text_is_left_out() {
        let mut exposition = Exposition::new();
        for (name, kind, unit) in [
            ("", Kind::Gauge, ""),
            ("a b", Kind::Gauge, ""),
            ("1a", Kind::Gauge, ""),
            ("a_bytes", Kind::Gauge, "seconds"),
            ("state_seconds", Kind::StateSet, "seconds"),
        ] {
            let family = exposition.family(name, kind, unit, "");
            family.sample(&[], 1.0);
            assert_eq!(exposition.render(), "# EOF\n", "{name}");
        }
        exposition.family("a", Kind::Counter, "", "").whole(&[], 1);
        let before = exposition.render();
        exposition.family("a", Kind::Gauge, "", "").whole(&[], 2);
        exposition
            .family("a_total", Kind::Gauge, "", "")
            .whole(&[], 2);
        assert_eq!(exposition.render(), before);
    }
}
