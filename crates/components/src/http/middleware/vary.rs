//! What an answer depends on.

use axum::http::header::{HeaderMap, HeaderValue, VARY};

/// Says that an answer depends on a header of the request, once.
pub(super) fn vary(headers: &mut HeaderMap, name: impl AsRef<str>) {
    let name = name.as_ref();
    let said = headers.get_all(VARY).iter().any(|value| {
        let names = value.as_bytes().split(|byte| *byte == b',');
        names
            .map(<[u8]>::trim_ascii)
            .any(|said| said == b"*" || said.eq_ignore_ascii_case(name.as_bytes()))
    });
    if !said && let Ok(name) = HeaderValue::from_str(name) {
        headers.append(VARY, name);
    }
}
