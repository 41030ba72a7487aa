//! Selectors.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use byname_machines::{Definition, Selector, Term};

fn with(labels: &[(&str, &str)]) -> Definition {
    let mut machine = Definition::local();
    for (key, value) in labels {
        machine.labels.insert(key, value).unwrap();
    }
    machine
}

#[test]
fn every_term_says_what_it_says() {
    let a100 = with(&[("gpu", "a100"), ("zone", "eu")]);
    let h100 = with(&[("gpu", "h100")]);
    let flag = with(&[("gpu", "")]);
    let none = with(&[]);
    for (text, expected) in [
        ("gpu", [true, true, true, false]),
        ("!gpu", [false, false, false, true]),
        ("gpu=a100", [true, false, false, false]),
        ("gpu=", [false, false, true, false]),
        ("gpu!=a100", [false, true, true, true]),
        ("gpu!=", [true, true, false, true]),
        ("gpu,zone", [true, false, false, false]),
        ("gpu,zone!=eu", [false, true, true, false]),
        (" gpu , !zone ", [false, true, true, false]),
        ("gpu=a100,gpu=h100", [false; 4]),
    ] {
        let selector: Selector = text.parse().unwrap();
        let found = [&a100, &h100, &flag, &none].map(|machine| selector.matches(machine));
        assert_eq!(found, expected, "{text}");
        assert_eq!(selector.to_string().parse::<Selector>().unwrap(), selector);
    }
    let selector: Selector = "a,!b,c=d,e!=f".parse().unwrap();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        selector.terms(),
        [
            Term::Has(text("a")),
            Term::HasNot(text("b")),
            Term::Is(text("c"), text("d")),
            Term::IsNot(text("e"), text("f")),
        ]
    );
}

#[test]
fn what_says_nothing_is_refused() {
    for text in [
        "", ",", "gpu,", "=a", "!", "!=a", "!gpu=a", "!gpu!=a", "gpu==a", "a b", "gpu=a b",
    ] {
        let error = text.parse::<Selector>().unwrap_err();
        assert_eq!(error.field, "selector", "{text:?}");
    }
}
