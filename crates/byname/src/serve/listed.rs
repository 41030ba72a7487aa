//! What the admin pages tell of an entry of a service's own registry: what is known to be no secret.

use serde::Serialize;
use serde_json::{Map, Value};

/// These members of what is kept, and no others: one that comes later is told of once somebody has looked
/// at it.
pub(super) fn told(kept: &impl Serialize, members: &[&str]) -> Map<String, Value> {
    let Ok(Value::Object(mut told)) = serde_json::to_value(kept) else {
        return Map::new();
    };
    told.retain(|member, _| members.contains(&member.as_str()));
    for address in ["api", "doc", "url"] {
        if let Some(Value::String(url)) = told.get_mut(address) {
            *url = bare(url);
        }
    }
    told
}

/// An address without what may be a secret in it: who asks, and what stands behind its path.
fn bare(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest
        .find(['/', '\\'])
        .map_or((rest, ""), |at| rest.split_at(at));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{path}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_scheme_host_and_path_are_told() {
        for (url, expected) in [
            ("https://a.example:1/v1", "https://a.example:1/v1"),
            (
                "https://u:p@a.example/v1?key=s#t",
                "https://***@a.example/v1",
            ),
            ("https://u:p@a@b.example", "https://***@b.example"),
            ("https://a.example?u:p@b", "https://a.example"),
            ("a.example/x?y", "a.example/x"),
        ] {
            assert_eq!(bare(url), expected);
            let told = told(
                &serde_json::json!({ "url": url, "api": url, "key": "k" }),
                &["api", "url"],
            );
            let expected = serde_json::json!({ "url": expected, "api": expected });
            assert_eq!(Value::from(told), expected);
        }
    }
}
