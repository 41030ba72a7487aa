//! What a scalar is, to whom.

use crate::config::{Node, Scalar, Value};

use super::error::Found;

/// What a scalar is to a reader that does not say what it wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Any<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

/// Returns the type that a scalar has by itself: only a plain one can be anything but a text.
pub(super) fn any(scalar: &Scalar) -> Any<'_> {
    let text = &*scalar.text;
    if !scalar.plain {
        return Any::Text(text);
    }
    if crate::config::yaml::is_null(text) {
        return Any::Null;
    }
    match text {
        "true" => return Any::Bool(true),
        "false" => return Any::Bool(false),
        _ => {}
    }
    match number(text) {
        None => Any::Text(text),
        Some(Number::Whole) => match (text.parse(), text.parse()) {
            (Ok(unsigned), _) => Any::Unsigned(unsigned),
            (_, Ok(signed)) => Any::Signed(signed),
            _ => float(text),
        },
        Some(Number::Float) => float(text),
    }
}

fn float(text: &str) -> Any<'_> {
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => Any::Float(float),
        _ => Any::Text(text),
    }
}

/// Returns whether a reader that does not say what it wants was handed this.
pub(super) fn is_found(node: &Node, found: &Found, as_text: bool) -> bool {
    match (&node.value, found) {
        (Value::Null, Found::Null)
        | (Value::List(_), Found::List)
        | (Value::Map(_), Found::Map) => true,
        (Value::Scalar(scalar), found) => {
            let any = if as_text {
                Any::Text(&scalar.text)
            } else {
                any(scalar)
            };
            match (any, found) {
                (Any::Null, Found::Null) => true,
                (Any::Bool(a), Found::Bool(b)) => a == *b,
                (Any::Unsigned(a), Found::Whole(b)) => i128::from(a) == *b,
                (Any::Signed(a), Found::Whole(b)) => i128::from(a) == *b,
                (Any::Float(a), Found::Float(b)) => a.to_bits() == b.to_bits(),
                (Any::Text(a), Found::Text(b)) => a == b,
                _ => false,
            }
        }
        _ => false,
    }
}

/// How a number of JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Whole,
    Float,
}

/// Returns how a text writes a number of JSON; `None` if it writes none.
pub(super) fn number(text: &str) -> Option<Number> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return None;
    }
    let mut rest = &rest[whole..];
    let mut number = Number::Whole;
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if count == 0 {
            return None;
        }
        rest = &fraction[count..];
        number = Number::Float;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = digits(exponent);
        if count == 0 {
            return None;
        }
        rest = &exponent[count..];
        number = Number::Float;
    }
    rest.is_empty().then_some(number)
}

/// Describes what a value is, for messages.
pub(super) fn described(node: &Node) -> String {
    match &node.value {
        Value::Scalar(scalar) => {
            let shown = shown(&scalar.text);
            if scalar.plain {
                format!("`{shown}`")
            } else {
                format!("the text \"{shown}\"")
            }
        }
        other => other.kind().to_owned(),
    }
}

/// A text on one line, and not too long.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown = String::new();
    for c in text.chars().take(MOST) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_json_are_numbers() {
        for (text, expected) in [
            ("0", Some(Number::Whole)),
            ("-10", Some(Number::Whole)),
            ("1.10", Some(Number::Float)),
            ("1e3", Some(Number::Float)),
            ("-0.5E-3", Some(Number::Float)),
            ("0123", None),
            ("-01", None),
            ("+1", None),
            ("1_000", None),
            ("12:30", None),
            ("0x1F", None),
            ("1.", None),
            (".5", None),
            ("1e", None),
            ("-", None),
            ("", None),
            ("1 ", None),
            (".inf", None),
            ("١", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn a_plain_scalar_has_a_type_by_itself() {
        let of = |text: &str, plain| {
            any(&Scalar {
                text: text.into(),
                plain,
            }) == Any::Text(text)
        };
        for text in ["no", "0123", "12:30", "1_000", "True", "1e999", "Null"] {
            assert!(of(text, true), "{text}");
        }
        for text in ["true", "1", "1e3", "null", "~", ""] {
            assert!(!of(text, true), "{text}");
            assert!(of(text, false), "{text}");
        }
    }
}
