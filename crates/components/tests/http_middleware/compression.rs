use std::io::{Read as _, Write as _};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use byname_components::http::middleware::{Compression, CompressionSettings};
use byname_components::http::{Endpoint, Middleware};
use flate2::write::GzDecoder;

use crate::rig::{Answer, answer, ask, before, next, request, settings, streamed};

/// Answers the headers that the request has as `answer-…`, and as many letters as its path says.
fn endpoint(yaml: &str) -> Endpoint {
    let handler = |request: Request| async move {
        let mut response = Response::builder();
        for (name, value) in request.headers() {
            match name.as_str().strip_prefix("answer-") {
                Some("status") => response = response.status(value.to_str().unwrap()),
                Some(name) => response = response.header(name, value),
                None => {}
            }
        }
        let letters: usize = request.uri().path()[1..].parse().unwrap();
        response.body(Body::from("a".repeat(letters))).unwrap()
    };
    let layer = Compression::new(settings::<CompressionSettings>(yaml)).unwrap();
    before(Router::new().fallback(handler), Middleware::new(layer))
}

async fn coded(endpoint: &Endpoint, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![
        ("accept-encoding", "gzip"),
        ("answer-content-type", "text/plain"),
    ];
    all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
    all.extend(headers);
    answer(endpoint, request("GET", path, &all)).await
}

fn ungzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// A predecessor never compressed what its helpers answered (lokstra fault 34).
#[tokio::test]
async fn an_answer_comes_in_a_coding_that_the_client_accepts() {
    let endpoint = endpoint("");
    let gzip = coded(&endpoint, "/5000", &[]).await;
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    assert_eq!(gzip.header("vary"), Some("accept-encoding"));
    assert_eq!(gzip.header("content-length"), None);
    assert!(gzip.body.len() < 100);
    assert_eq!(ungzip(&gzip.body), "a".repeat(5000));

    let br = coded(&endpoint, "/5000", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(br.header("content-encoding"), Some("br"));
    let mut text = String::new();
    let mut reader = brotli_decompressor::Decompressor::new(&*br.body, 4096);
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "a".repeat(5000));

    for accepted in ["", "deflate", "zstd", "gzip;q=0", "identity"] {
        let plain = coded(&endpoint, "/5000", &[("accept-encoding", accepted)]).await;
        assert_eq!(
            (plain.header("content-encoding"), plain.body.len()),
            (None, 5000)
        );
        assert_eq!(plain.header("vary"), Some("accept-encoding"), "{accepted}");
    }
}

#[tokio::test]
async fn each_setting_has_its_effect() {
    let gzip = endpoint("codings: [gzip]");
    let both = [("accept-encoding", "br, gzip")];
    assert_eq!(
        coded(&gzip, "/5000", &both)
            .await
            .header("content-encoding"),
        Some("gzip")
    );

    let sized = endpoint("min-size: 100B");
    for (path, coding) in [("/99", None), ("/100", Some("gzip"))] {
        assert_eq!(
            coded(&sized, path, &[]).await.header("content-encoding"),
            coding,
            "{path}"
        );
    }
    assert_eq!(
        coded(&endpoint("min-size: 0B"), "/0", &[])
            .await
            .header("content-encoding"),
        None
    );

    let typed = endpoint("types: ['image/svg+xml', 'text/*', '*+json']");
    for (kind, coding) in [
        ("image/svg+xml", Some("gzip")),
        ("Text/HTML; charset=utf-8", Some("gzip")),
        ("application/problem+json", Some("gzip")),
        ("application/json", None),
        ("image/png", None),
        ("text/event-stream", None),
    ] {
        let typed = coded(&typed, "/5000", &[("answer-content-type", kind)]).await;
        assert_eq!(typed.header("content-encoding"), coding, "{kind}");
    }

    let mut lengths = Vec::new();
    for level in ["fastest", "default", "best"] {
        let endpoint = endpoint(&format!("level: {level}"));
        lengths.push(coded(&endpoint, "/200000", &[]).await.body.len());
    }
    assert!(
        lengths[0] > lengths[1] && lengths[1] >= lengths[2],
        "{lengths:?}"
    );
    assert!(Compression::new(settings("codings: []")).is_err());
    assert!(Compression::new(settings("types: [text]")).is_err());
}

#[tokio::test]
async fn what_is_encoded_a_part_or_not_to_be_changed_is_left_as_it_is() {
    let endpoint = endpoint("");
    for headers in [
        &[("answer-content-encoding", "br")][..],
        &[
            ("answer-content-range", "bytes 0-4999/9000"),
            ("answer-status", "206"),
        ],
        &[("answer-cache-control", "public, no-transform")],
        &[
            ("answer-status", "206"),
            ("answer-content-type", "multipart/byteranges; boundary=x"),
        ],
    ] {
        let left = coded(&endpoint, "/5000", headers).await;
        assert_eq!(left.body.len(), 5000, "{headers:?}");
        assert_ne!(left.header("content-encoding"), Some("gzip"));
    }
    for status in ["204", "304"] {
        let bare = coded(&endpoint, "/0", &[("answer-status", status)]).await;
        assert_eq!(
            (bare.header("content-encoding"), bare.body.len()),
            (None, 0)
        );
    }
}

#[tokio::test]
async fn the_name_of_what_is_compressed_is_a_weak_one_and_no_part_of_it_can_be_had() {
    let endpoint = endpoint("");
    let tagged = [("answer-etag", "\"v1\""), ("answer-accept-ranges", "bytes")];
    let gzip = coded(&endpoint, "/5000", &tagged).await;
    assert_eq!(
        (gzip.header("etag"), gzip.header("accept-ranges")),
        (Some("W/\"v1\""), None)
    );
    let weak = coded(&endpoint, "/5000", &[("answer-etag", "W/\"v1\"")]).await;
    assert_eq!(weak.header("etag"), Some("W/\"v1\""));
    let plain = coded(&endpoint, "/10", &tagged).await;
    assert_eq!(plain.header("etag"), Some("\"v1\""));
    assert_eq!(plain.header("accept-ranges"), Some("bytes"));
    let accepted = [tagged[0], tagged[1], ("accept-encoding", "identity")];
    assert_eq!(
        coded(&endpoint, "/5000", &accepted).await.header("etag"),
        Some("\"v1\"")
    );
}

#[tokio::test]
async fn it_says_once_what_the_answer_depends_on() {
    let endpoint = endpoint("");
    let answer = coded(
        &endpoint,
        "/5000",
        &[("answer-vary", "Accept-Encoding, origin")],
    )
    .await;
    let all: Vec<_> = answer.headers.get_all(header::VARY).iter().collect();
    assert_eq!(all, ["Accept-Encoding, origin"]);
}

/// What was written can be read before anything else is written: events are not held back.
#[tokio::test]
async fn what_is_streamed_is_not_held_back() {
    for (kind, coding) in [
        ("text/event-stream", None),
        ("application/x-ndjson", Some("gzip")),
    ] {
        streams("", kind, coding).await;
    }
    streams(
        "types: [text/event-stream]",
        "text/event-stream",
        Some("gzip"),
    )
    .await;
}

async fn streams(yaml: &str, kind: &'static str, coding: Option<&str>) {
    let (send, body) = streamed();
    let body = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let handler = move || async move {
        let body = body.lock().unwrap().take().unwrap();
        Response::builder()
            .header("content-type", kind)
            .body(body)
            .unwrap()
    };
    let layer = Compression::new(settings::<CompressionSettings>(yaml)).unwrap();
    let endpoint = before(Router::new().fallback(handler), Middleware::new(layer));
    let asked = request("GET", "/", &[("accept-encoding", "gzip")]);
    let response = ask(&endpoint, asked).await;
    assert_eq!(response.status(), StatusCode::OK);
    let said = response.headers().get("content-encoding");
    assert_eq!(said.map(|value| value.to_str().unwrap()), coding, "{kind}");
    let mut body = response.into_body();
    let mut decoder = GzDecoder::new(Vec::new());
    for event in ["data: one\n\n", "data: two\n\n"] {
        send.send(event).unwrap();
        let mut text = Vec::new();
        while text.len() < event.len() {
            let data: Bytes = next(&mut body).await.unwrap();
            if coding.is_some() {
                decoder.write_all(&data).unwrap();
                decoder.flush().unwrap();
                text.append(decoder.get_mut());
            } else {
                text.extend(data);
            }
        }
        assert_eq!(text, event.as_bytes());
    }
    drop(send);
    while next(&mut body).await.is_some() {}
}

/// RFC 9110, section 15.4.5: the name and the `Vary` of the answer that the client has.
#[tokio::test]
async fn what_has_not_changed_is_named_as_the_client_knows_it() {
    let endpoint = endpoint("");
    for (has, named) in [
        ("W/\"v1\"", "W/\"v1\""),
        ("\"v0\", W/\"v1\"", "W/\"v1\""),
        ("\"v1\"", "\"v1\""),
    ] {
        let asked = [
            ("if-none-match", has),
            ("answer-etag", "\"v1\""),
            ("answer-status", "304"),
        ];
        let same = coded(&endpoint, "/0", &asked).await;
        assert_eq!(
            (same.header("etag"), same.header("vary")),
            (Some(named), Some("accept-encoding"))
        );
    }
    let part = coded(&endpoint, "/5000", &[("answer-status", "206")]).await;
    assert_eq!(
        (part.header("vary"), part.header("content-encoding")),
        (Some("accept-encoding"), None)
    );
    let image = [
        ("answer-status", "206"),
        ("answer-content-type", "image/png"),
    ];
    assert_eq!(coded(&endpoint, "/50", &image).await.header("vary"), None);
}

#[tokio::test]
async fn what_may_be_sent_in_no_form_is_a_problem() {
    let endpoint = endpoint("");
    for accepted in ["identity;q=0", "*;q=0"] {
        let refused = coded(&endpoint, "/5000", &[("accept-encoding", accepted)]).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("vary")),
            (406, Some("accept-encoding"))
        );
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json")
        );
        assert!(refused.body.len() < 500);
    }
    // What a handler says itself stays.
    let own = [("accept-encoding", "identity"), ("answer-status", "406")];
    assert_eq!(coded(&endpoint, "/5000", &own).await.body.len(), 5000);
}
