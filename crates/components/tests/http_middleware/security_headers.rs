use axum::Router;
use axum::extract::Request;
use axum::routing::get as on_get;
use byname_components::http::middleware::{SecurityHeaders, SecurityHeadersSettings};
use byname_components::http::{Endpoint, Middleware};

use crate::rig::{answer, before, from, get, request, settings, unix_peer};

fn endpoint(yaml: &str) -> Endpoint {
    let own = || async { [("x-frame-options", "SAMEORIGIN")] };
    let router = Router::new()
        .route("/", on_get(|| async {}))
        .route("/own", on_get(own));
    let layer = SecurityHeaders::new(settings::<SecurityHeadersSettings>(yaml)).unwrap();
    before(router, Middleware::new(layer))
}

/// Each setting, its header, and its default text.
const ALL: [(&str, &str, &str); 7] = [
    ("content-type-options", "x-content-type-options", "nosniff"),
    ("frame-options", "x-frame-options", "DENY"),
    (
        "content-security-policy",
        "content-security-policy",
        "base-uri 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (
        "referrer-policy",
        "referrer-policy",
        "strict-origin-when-cross-origin",
    ),
    (
        "permissions-policy",
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
    (
        "cross-origin-opener-policy",
        "cross-origin-opener-policy",
        "same-origin",
    ),
    (
        "cross-origin-resource-policy",
        "cross-origin-resource-policy",
        "same-origin",
    ),
];

#[tokio::test]
async fn each_header_has_its_default_is_off_or_has_a_text() {
    let by_default = answer(&endpoint(""), get("/")).await;
    for (setting, header, text) in ALL {
        assert_eq!(by_default.header(header), Some(text));
        let same = answer(&endpoint(&format!("{setting}: default")), get("/")).await;
        assert_eq!(same.header(header), Some(text));
        let off = answer(&endpoint(&format!("{setting}: off")), get("/")).await;
        assert_eq!(off.header(header), None);
        let own = answer(&endpoint(&format!("{setting}: \"own 'text'\"")), get("/")).await;
        assert_eq!(own.header(header), Some("own 'text'"));
        assert!(SecurityHeaders::new(settings(&format!("{setting}: ''"))).is_err());
    }
    // Also of answers that no handler gave.
    let none = answer(&endpoint(""), get("/none")).await;
    assert_eq!(none.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn what_the_handler_set_stays_unless_told() {
    for (yaml, expected) in [("", "SAMEORIGIN"), ("overwrite: true", "DENY")] {
        let answer = answer(&endpoint(yaml), get("/own")).await;
        assert_eq!(answer.header("x-frame-options"), Some(expected));
    }
    assert!(SecurityHeaders::new(settings("frame-options: \"a\\nb\"")).is_err());
    let off: Vec<_> = ALL
        .iter()
        .map(|(setting, ..)| format!("{setting}: off"))
        .collect();
    let off = format!("{{ {} }}", off.join(", "));
    assert!(SecurityHeaders::new(settings(&off)).is_ok());
    let off = off.replace('{', "{ hsts: off,");
    assert!(SecurityHeaders::new(settings(&off)).is_err());
}

async fn hsts(endpoint: &Endpoint, request: Request) -> Option<String> {
    let answer = answer(endpoint, request).await;
    answer
        .header("strict-transport-security")
        .map(str::to_owned)
}

#[tokio::test]
async fn transport_security_is_told_over_tls_alone() {
    let default = Some("max-age=31536000".to_owned());
    let mut peer = unix_peer().await;
    let over = |peer| {
        let mut request = get("/");
        request.extensions_mut().insert(peer);
        request
    };
    let plain = endpoint("");
    assert_eq!(hsts(&plain, get("/")).await, None);
    assert_eq!(hsts(&plain, over(peer.clone())).await, None);
    peer.tls = true;
    assert_eq!(hsts(&plain, over(peer.clone())).await, default);
    assert_eq!(hsts(&endpoint("hsts: off"), over(peer.clone())).await, None);
    let own = hsts(&endpoint("hsts: max-age=60"), over(peer)).await;
    assert_eq!(own.as_deref(), Some("max-age=60"));

    let trusted = "{ trusted: [10.0.0.1] }";
    let trusting = endpoint(&format!("proxies: {trusted}"));
    let said = |proto| request("GET", "/", &[("x-forwarded-proto", proto)]);
    for (peer, proto, expected) in [
        ("10.0.0.1", "https", true),
        ("10.0.0.1", "http, HTTPS", true),
        ("10.0.0.1", "https, http", false),
        ("10.0.0.2", "https", false),
    ] {
        let told = hsts(&trusting, from(peer, said(proto))).await;
        assert_eq!(told, default.clone().filter(|_| expected), "{peer} {proto}");
    }
    let forwarded = endpoint("proxies: { trusted: [10.0.0.1], header: forwarded }");
    for (header, expected) in [
        ("for=1.1.1.1;proto=http, for=2.2.2.2;proto=https", true),
        ("for=1.1.1.1;proto=https, for=2.2.2.2;proto=http", false),
        ("for=1.1.1.1;proto=https, for=2.2.2.2", false),
    ] {
        let asked = request(
            "GET",
            "/",
            &[("forwarded", header), ("x-forwarded-proto", "https")],
        );
        let told = hsts(&forwarded, from("10.0.0.1", asked)).await;
        assert_eq!(told, default.clone().filter(|_| expected), "{header}");
    }
}
