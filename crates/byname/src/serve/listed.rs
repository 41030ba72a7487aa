//! What the admin pages tell of an entry of a service's own registry: what is known to be no secret.

use byname_components::http::admin::shown_address;
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
            *url = shown_address(url);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_that_are_named_are_told_and_addresses_without_secrets() {
        let url = "https://u:p@a.example/v1?key=s#t";
        let kept = serde_json::json!({ "url": url, "api": url, "name": url, "key": "k" });
        let told = told(&kept, &["api", "url", "name"]);
        let shown = "https://***@a.example/v1";
        let expected = serde_json::json!({ "url": shown, "api": shown, "name": url });
        assert_eq!(Value::from(told), expected);
    }
}
