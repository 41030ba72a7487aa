use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::get as on_get;
use byname_components::http::middleware::{Identity, RateLimit, RateLimitSettings};
use byname_components::http::{Endpoint, Middleware};
use tokio::time::advance;

use crate::rig::{Answer, answer, before, from, get, request, settings};

fn layer(yaml: &str) -> RateLimit {
    RateLimit::new(settings::<RateLimitSettings>(yaml)).unwrap()
}

fn endpoint(yaml: &str) -> Endpoint {
    behind(layer(yaml))
}

fn behind(layer: RateLimit) -> Endpoint {
    before(
        Router::new().route("/", on_get(|| async { "fine" })),
        Middleware::new(layer),
    )
}

async fn passes(endpoint: &Endpoint, request: Request) -> bool {
    match answer(endpoint, request).await.status {
        StatusCode::OK => true,
        StatusCode::TOO_MANY_REQUESTS => false,
        status => panic!("{status}"),
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_too_often_is_429_until_something_has_come_back() {
    let endpoint = endpoint("{ requests: 2, per: 3s }");
    for _ in 0..2 {
        assert!(passes(&endpoint, get("/")).await);
    }
    let refused = answer(&endpoint, get("/")).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), Some("2"));
    let problem = refused.problem();
    assert_eq!(problem["retry_after_ms"], 1500);
    // A refusal costs nothing.
    advance(Duration::from_millis(1499)).await;
    assert!(!passes(&endpoint, get("/")).await);
    advance(Duration::from_millis(1)).await;
    assert!(passes(&endpoint, get("/")).await);
    assert!(!passes(&endpoint, get("/")).await);
    // More than the whole is never there.
    advance(Duration::from_secs(3600)).await;
    let passed = [(); 3].map(|()| get("/"));
    let mut count = 0;
    for request in passed {
        count += u32::from(passes(&endpoint, request).await);
    }
    assert_eq!(count, 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_to_what_is_told_passes() {
    let endpoint = endpoint("{ requests: 3, per: 1s, burst: 1 }");
    assert!(passes(&endpoint, get("/")).await);
    let refused = answer(&endpoint, get("/")).await.problem();
    assert_eq!(refused["retry_after_ms"], 334);
    advance(Duration::from_millis(334)).await;
    assert!(passes(&endpoint, get("/")).await);
}

fn told(answer: &Answer) -> [Option<&str>; 2] {
    ["ratelimit-policy", "ratelimit"].map(|name| answer.header(name))
}

#[tokio::test(start_paused = true)]
async fn answers_tell_what_is_left() {
    let endpoint = endpoint("{ requests: 10, per: 60s, burst: 2, name: per-client }");
    for left in [
        "\"per-client\";r=1;t=6",
        "\"per-client\";r=0;t=12",
        "\"per-client\";r=0;t=12",
    ] {
        let answer = answer(&endpoint, get("/")).await;
        assert_eq!(told(&answer), [Some("\"per-client\";q=2;w=12"), Some(left)]);
    }
    let silent = self::endpoint("{ requests: 1, headers: false }");
    for status in [200, 429] {
        let answer = answer(&silent, get("/")).await;
        assert_eq!(
            (answer.status.as_u16(), told(&answer)),
            (status, [None, None])
        );
    }
}

#[tokio::test]
async fn each_client_has_its_own() {
    let endpoint = endpoint("{ requests: 1, per: 1d }");
    for (address, expected) in [
        ("192.0.2.1", true),
        ("192.0.2.1:99", false),
        ("::ffff:192.0.2.1", false),
        ("192.0.2.2", true),
        ("2001:db8:0:1::1", true),
        ("2001:db8:0:1:ffff::2", false),
        ("2001:db8:0:2::1", true),
    ] {
        assert_eq!(
            passes(&endpoint, from(address, get("/"))).await,
            expected,
            "{address}"
        );
    }
    let whole = self::endpoint("{ requests: 1, per: 1d, ipv6-prefix: 128 }");
    for address in ["2001:db8::1", "2001:db8::2"] {
        assert!(passes(&whole, from(address, get("/"))).await);
    }
    // Whoever has no address shares one.
    assert!(passes(&endpoint, get("/")).await);
    assert!(!passes(&endpoint, get("/")).await);
}

fn forwarded(peer: &str, chain: &str) -> Request {
    from(peer, request("GET", "/", &[("x-forwarded-for", chain)]))
}

/// A predecessor believed whatever stood in `X-Forwarded-For` (lokstra fault 42): whoever changed it
/// had a quota for each request.
#[tokio::test]
async fn nobody_has_another_quota_by_saying_for_whom_it_asks() {
    let open = endpoint("{ requests: 1, per: 1d }");
    assert!(passes(&open, forwarded("192.0.2.1", "198.51.100.1")).await);
    assert!(!passes(&open, forwarded("192.0.2.1", "198.51.100.2")).await);
    let trusting = endpoint("{ requests: 1, per: 1d, proxies: { trusted: [10.0.0.0/8] } }");
    for (peer, chain, expected) in [
        // The last one was written by the proxy, what is before it by the client.
        ("10.0.0.1", "1.1.1.1, 192.0.2.1", true),
        ("10.0.0.1", "2.2.2.2, 192.0.2.1", false),
        ("10.0.0.2", "10.0.0.3, 192.0.2.1, 10.0.0.1", false),
        ("10.0.0.1", "192.0.2.2", true),
        ("192.0.2.1", "3.3.3.3", false),
        ("192.0.2.3", "192.0.2.4", true),
        ("10.0.0.1", "192.0.2.3", false),
        // What cannot be read hides nobody: the proxy counts.
        ("10.0.0.9", "192.0.2.9, unknown", true),
        ("10.0.0.9", "192.0.2.10, unknown", false),
    ] {
        let passed = passes(&trusting, forwarded(peer, chain)).await;
        assert_eq!(passed, expected, "{peer}: {chain}");
    }
}

#[tokio::test]
async fn only_the_header_that_proxies_write_is_read() {
    let proxies = "proxies: { trusted: [10.0.0.0/8], header: forwarded }";
    let endpoint = endpoint(&format!("{{ requests: 1, per: 1d, {proxies} }}"));
    let asked = |by, by_client| {
        let headers = [("forwarded", by), ("x-forwarded-for", by_client)];
        from("10.0.0.1", request("GET", "/", &headers))
    };
    assert!(
        passes(
            &endpoint,
            asked("for=9.9.9.9, for=192.0.2.1;proto=https", "1.1.1.1")
        )
        .await
    );
    assert!(!passes(&endpoint, asked("for=\"192.0.2.1:77\"", "2.2.2.2")).await);
    assert!(passes(&endpoint, asked("for=\"[2001:db8::1]\"", "2.2.2.2")).await);
}

#[tokio::test]
async fn it_may_count_by_identity_by_header_or_all_together() {
    let as_somebody = |name: &str| {
        let mut request = from("192.0.2.1", get("/"));
        request.extensions_mut().insert(Identity(name.into()));
        request
    };
    let endpoint = endpoint("{ requests: 1, per: 1d, by: identity }");
    for (name, expected) in [("ann", true), ("ben", true), ("ann", false)] {
        assert_eq!(passes(&endpoint, as_somebody(name)).await, expected);
    }
    // Without one, by the address.
    assert!(passes(&endpoint, from("192.0.2.1", get("/"))).await);
    assert!(!passes(&endpoint, from("192.0.2.1", get("/"))).await);

    let endpoint = self::endpoint("{ requests: 1, per: 1d, by: header, header: X-Tenant }");
    let of = |tenant| from("192.0.2.1", request("GET", "/", &[("x-tenant", tenant)]));
    for (tenant, expected) in [("a", true), ("b", true), ("a", false)] {
        assert_eq!(passes(&endpoint, of(tenant)).await, expected);
    }
    assert!(passes(&endpoint, from("192.0.2.1", get("/"))).await);
    assert!(!passes(&endpoint, from("192.0.2.1", get("/"))).await);

    let endpoint = self::endpoint("{ requests: 2, per: 1d, by: all }");
    for (address, expected) in [
        ("192.0.2.1", true),
        ("192.0.2.2", true),
        ("192.0.2.3", false),
    ] {
        assert_eq!(passes(&endpoint, from(address, get("/"))).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_keys_than_the_bound_and_those_that_are_full_are_forgotten() {
    let limit = layer("{ requests: 1, per: 1s, max-keys: 2 }");
    let endpoint = behind(limit.clone());
    for (address, expected) in [
        ("192.0.2.1", true),
        ("192.0.2.2", true),
        // No room: these two share one quota.
        ("192.0.2.3", true),
        ("192.0.2.4", false),
        ("192.0.2.1", false),
    ] {
        assert_eq!(
            passes(&endpoint, from(address, get("/"))).await,
            expected,
            "{address}"
        );
        assert!(limit.keys() <= 2);
    }
    assert_eq!(limit.refused(), 2);
    advance(Duration::from_secs(3)).await;
    for address in ["192.0.2.3", "192.0.2.4"] {
        assert!(
            passes(&endpoint, from(address, get("/"))).await,
            "{address}"
        );
    }
    assert_eq!((limit.keys(), limit.refused()), (2, 2));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    for (yaml, setting) in [
        ("requests: 0", "requests"),
        ("burst: 0", "burst"),
        ("per: 0s", "per"),
        ("{ requests: 1000, per: 1ns }", "per"),
        ("{ requests: 1, per: 300d, burst: 2 }", "per"),
        ("ipv6-prefix: 0", "ipv6-prefix"),
        ("ipv6-prefix: 129", "ipv6-prefix"),
        ("max-keys: 0", "max-keys"),
        ("by: header", "header"),
        ("header: x-tenant", "header"),
        ("{ by: header, header: 'a b' }", "header"),
        ("name: 'a\"b'", "name"),
        ("proxies: { trusted: [here] }", "proxies.trusted"),
    ] {
        let error = RateLimit::new(settings(yaml)).unwrap_err();
        assert_eq!(error.setting(), setting, "{yaml}");
    }
}
