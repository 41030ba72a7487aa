//! Texts with placeholders, taken apart.

/// One part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Stands as it is.
    Text(&'a str),
    /// What stands between `${` and `}`.
    Placeholder(&'a str),
}

/// Takes a text apart. `$${` is a literal `${`; any other `$` that no `{` follows is a `$`. Braces in a
/// placeholder come in pairs.
///
/// # Errors
///
/// What is wrong with a placeholder.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            parts.push(Part::Text(&rest[..at - 1]));
            parts.push(Part::Text("${"));
            rest = &rest[at + 2..];
            continue;
        }
        parts.push(Part::Text(&rest[..at]));
        let inside = &rest[at + 2..];
        let end = end(inside).ok_or("a placeholder has no `}`; a literal `${` is written `$${`")?;
        let body = &inside[..end];
        if body.is_empty() {
            return Err("a placeholder is empty; a literal `${` is written `$${`");
        }
        if body.contains("${") {
            return Err("a placeholder stands in another one");
        }
        parts.push(Part::Placeholder(body));
        rest = &inside[end + 1..];
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(""));
    Ok(parts)
}

/// Where the brace is that closes one that was opened before the text.
fn end(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// Whether a text has anything in it that [`parts`] would find.
pub(super) fn has_parts(text: &str) -> bool {
    text.contains("${")
}

/// Whether a text is the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::Part::{Placeholder as P, Text as T};
    use super::*;

    #[test]
    fn a_text_falls_apart_at_its_placeholders() {
        assert_eq!(parts("").unwrap(), []);
        assert_eq!(parts("${A}").unwrap(), [P("A")]);
        assert_eq!(
            parts("a${A:b:c}d${x:y}").unwrap(),
            [T("a"), P("A:b:c"), T("d"), P("x:y")]
        );
        assert_eq!(parts("pa$word $1 $").unwrap(), [T("pa$word $1 $")]);
        assert_eq!(parts("a $${B} c").unwrap(), [T("a "), T("${"), T("B} c")]);
        assert_eq!(parts("$$${B}").unwrap(), [T("$"), T("${"), T("B}")]);
        assert_eq!(
            parts("${A:{\"b\": {}}}}").unwrap(),
            [P("A:{\"b\": {}}"), T("}")]
        );
    }

    #[test]
    fn what_is_no_placeholder_is_an_error() {
        for text in ["${", "a ${A", "${A:{}", "${}", "${A:${B}}"] {
            assert!(parts(text).is_err(), "{text}");
        }
    }
}
