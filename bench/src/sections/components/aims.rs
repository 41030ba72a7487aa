//! The aims of the container, each with what was measured and whether it is met.

use std::io;

use super::configured::{MIDDLEWARE, VALUE};
use super::graphs::{CHECK, SECTION, SIZES, START};
use super::lookups::{ARC, FIELD, KEY, NAME, OWN, REGISTRY};
use crate::grid::Session;
use crate::report::{Report, nanos, ratio};
use crate::sections::count;

/// How many times as long a service may take in a graph ten times as large, where growth is to be
/// little more than linear.
const GROWTH: f64 = 2.0;

pub(super) fn run(session: &Session, report: &mut Report) -> io::Result<()> {
    let mut lines = Vec::new();
    let mut line = |aim: &str, case: &str, measured: Option<(String, bool)>| {
        let (measured, met) = match measured {
            Some((text, true)) => (text, "yes"),
            Some((text, false)) => (text, "**no**"),
            None => ("not measured".into(), ""),
        };
        lines.push(vec![aim.into(), case.into(), measured, met.into()]);
    };
    let against = |section: &str, row: &str, floor: &str, column: &str, most: f64| {
        let value = session.result(section, row, column)?;
        let floor = session.result(section, floor, column)?;
        let text = format!(
            "{} ({} / {} ns)",
            ratio(value / floor),
            nanos(value),
            nanos(floor)
        );
        Some((text, value / floor <= most))
    };
    for column in [FIELD, OWN] {
        line(
            "by key: within 2× of reading an `Arc`",
            column,
            against("components", KEY, ARC, column, 2.0),
        );
    }
    for column in [FIELD, OWN] {
        for (section, case) in [
            ("components", "one of ten"),
            ("components by name", "1,000 names"),
        ] {
            line(
                "by name: within 1.5× of the registry's own read",
                &format!("{case}, {column}"),
                against(section, NAME, REGISTRY, column, 1.5),
            );
        }
    }
    for (section, row) in [
        ("components", KEY),
        ("components", NAME),
        ("components by name", NAME),
        ("configured", VALUE),
        ("configured", MIDDLEWARE),
    ] {
        let calls: Vec<f64> = [FIELD, OWN]
            .iter()
            .filter_map(|column| session.result(&format!("{section}: allocations"), row, column))
            .collect();
        let sum: f64 = calls.iter().sum();
        line(
            "a lookup allocates nothing",
            &format!("{row} ({section})"),
            (!calls.is_empty()).then(|| (format!("{sum} allocations"), sum == 0.0)),
        );
    }
    for row in [CHECK, START] {
        let size = |size| session.result(SECTION, row, &format!("{} services", count(size)));
        let growth = size(SIZES[1]).zip(size(SIZES[2]));
        line(
            "ten times as many services: about as long a service",
            row,
            growth.map(|(few, many)| (ratio(many / few), many / few <= GROWTH)),
        );
    }
    report.say("### Aims of the container")?;
    report.texts("aim", &["case", "measured", "met"], &lines)
}
