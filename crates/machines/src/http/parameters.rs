//! Query parameters: each known, each once, each readable, or the request is refused.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::problem::Problem;

/// The query parameters of a request, all of them among those that its path knows.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pairs: Vec<(&'static str, String)>,
}

impl Parameters {
    /// Reads the query of a URL.
    ///
    /// # Errors
    ///
    /// Names the parameter that is unknown, given twice, or not UTF-8 once decoded.
    pub(super) fn read(query: Option<&str>, known: &[&'static str]) -> Result<Self, Problem> {
        let mut parameters = Self::default();
        for pair in query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| {
                Problem::bad_request("the name of a query parameter is not UTF-8")
            })?;
            let Some(name) = known.iter().copied().find(|known| *known == name) else {
                return Err(Problem::bad_parameter(&name, unknown(&name, known)));
            };
            if parameters.get(name).is_some() {
                return Err(Problem::bad_parameter(
                    name,
                    format!("query parameter `{name}` is given more than once"),
                ));
            }
            let value = decode(value).ok_or_else(|| {
                Problem::bad_parameter(name, format!("query parameter `{name}` is not UTF-8"))
            })?;
            parameters.pairs.push((name, value));
        }
        Ok(parameters)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    let mut detail = format!("unknown query parameter `{name}`");
    if known.is_empty() {
        detail.push_str("; this path takes none");
    } else {
        detail.push_str("; this path takes ");
        detail.push_str(&known.join(", "));
    }
    detail
}

/// Undoes the encoding of forms: `+` is a space, `%` and two digits a byte.
fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode(text.as_bytes())
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let read = Parameters::read(Some("q=a%2Fb+c%3D&limit=5&&"), &["q", "limit"]).unwrap();
        assert_eq!(read.get("q"), Some("a/b c="));
        assert_eq!(read.get("limit"), Some("5"));
        assert_eq!(read.get("cursor"), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in ["x=1", "q=1&q=1", "q=%ff", "%ff=1", "Q=1"] {
            assert!(Parameters::read(Some(wrong), &["q"]).is_err(), "{wrong}");
        }
    }
}
