//! Names and texts of a query or a form (WHATWG URL, 5.1).

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::service_error::{ErrorKind, ServiceError};

/// A name and a text.
pub(crate) type Pair<'t> = (Cow<'t, str>, Cow<'t, str>);

/// Splits `name=text&name=text` and decodes both. What is no text is refused, and never read as
/// another one.
pub(crate) fn pairs<'t>(written: &'t [u8], what: &str) -> Result<Vec<Pair<'t>>, ServiceError> {
    let mut pairs = Vec::new();
    for pair in written.split(|byte| *byte == b'&') {
        if pair.is_empty() {
            continue;
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decoded(halves.next().unwrap_or_default(), what)?;
        let text = decoded(halves.next().unwrap_or_default(), what)?;
        pairs.push((name, text));
    }
    Ok(pairs)
}

fn decoded<'t>(half: &'t [u8], what: &str) -> Result<Cow<'t, str>, ServiceError> {
    let spaced: Cow<'t, [u8]> = if half.contains(&b'+') {
        let spaced = half
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte });
        Cow::Owned(spaced.collect())
    } else {
        Cow::Borrowed(half)
    };
    let text = match spaced {
        Cow::Borrowed(bytes) => percent_decode(bytes).decode_utf8().ok(),
        Cow::Owned(bytes) => {
            let text = percent_decode(&bytes).decode_utf8();
            text.ok().map(|text| Cow::Owned(text.into_owned()))
        }
    };
    text.ok_or_else(|| ServiceError::new(ErrorKind::Invalid, format!("{what} is no text (UTF-8)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Vec<(String, String)> {
        let pairs = pairs(written.as_bytes(), "the query").expect("text");
        let owned = pairs
            .into_iter()
            .map(|(name, text)| (name.into(), text.into()));
        owned.collect()
    }

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.into(), text.into())
    }

    #[test]
    fn names_and_texts_are_decoded_once() {
        assert_eq!(
            read("a=1&b=x+y&&c=%26%3D%2B&d&e==&%61=2&f=%2541&g=%zz"),
            [
                pair("a", "1"),
                pair("b", "x y"),
                pair("c", "&=+"),
                pair("d", ""),
                pair("e", "="),
                pair("a", "2"),
                pair("f", "%41"),
                pair("g", "%zz"),
            ]
        );
        assert_eq!(read(""), []);
    }

    #[test]
    fn what_is_no_text_is_refused_and_not_mended() {
        for written in ["a=%ff", "%ff=a", "a=+%c3%28"] {
            let error = pairs(written.as_bytes(), "the query").expect_err(written);
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert_eq!(error.message(), "the query is no text (UTF-8)");
        }
    }
}
