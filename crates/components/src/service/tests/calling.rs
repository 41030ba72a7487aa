//! What a client sends, and what it makes of answers.

use std::time::Duration;

use tokio::time::Instant;

use super::notes::{Noted, answered, far};
use crate::config::units::Bytes as Size;
use crate::service::{CallContext, Incoming, Overrides};
use crate::service_error::{ErrorKind, ServiceError};

async fn read(answer: Incoming) -> Noted {
    let (notes, _) = far(&Overrides::default(), Some(Ok(answer)));
    notes.read("a".into()).await
}

#[tokio::test]
async fn a_call_says_where_and_what() {
    let answer = answered(200, "application/json", "\"b\"");
    let (notes, nowhere) = far(&Overrides::default(), Some(Ok(answer)));
    let told = notes.write("a/../b".into(), "ä %\n".into(), Some(7)).await;
    assert_eq!(told, Ok(Some("b".into())));
    let sent = nowhere.sent.lock().expect("alive").remove(0);
    assert_eq!(sent.request.method(), "PUT");
    assert_eq!(sent.request.uri(), "/notes/a%2F..%2Fb");
    assert_eq!(sent.request.headers()["x-text"], "%C3%A4%20%25%0A");
    assert_eq!(sent.request.headers()["content-type"], "application/json");
    assert_eq!(&sent.request.body()[..], b"{\"mark\":7}");
    assert!(sent.idempotent, "PUT is (RFC 9110, section 9.2.2)");
}

#[tokio::test]
async fn what_stands_between_and_knows_nothing_of_it_is_no_answer_of_the_service() {
    for (status, kind, content, expected) in [
        (200, "text/html", "<html>", ErrorKind::BadUpstream),
        (
            200,
            "application/json",
            "{\"half\":",
            ErrorKind::BadUpstream,
        ),
        (200, "application/json", "7", ErrorKind::BadUpstream),
        (302, "text/html", "", ErrorKind::BadUpstream),
        (404, "text/html", "<html>", ErrorKind::BadUpstream),
        (418, "text/plain", "tea", ErrorKind::BadUpstream),
        (500, "text/plain", "at /srv/secret", ErrorKind::BadUpstream),
        (503, "text/html", "<html>", ErrorKind::Unavailable),
        (504, "text/html", "<html>", ErrorKind::Timeout),
        (429, "text/plain", "", ErrorKind::Exhausted),
        (413, "text/html", "", ErrorKind::TooLarge),
        (999, "text/html", "", ErrorKind::BadUpstream),
        (999, "application/json", "[]", ErrorKind::BadUpstream),
        (429, "application/json", "{}", ErrorKind::Exhausted),
    ] {
        let told = read(answered(status, kind, content))
            .await
            .expect_err("no answer");
        assert_eq!(told.kind(), expected, "{status} {kind} {content}");
        assert!(!told.message().contains("secret"), "{told}");
    }
}

/// A gateway's `{"message": "no Route matched"}`, or problem details that were cut off, were taken for the
/// service's own word: that there is no such user, say, for which whoever asked was blamed.
#[tokio::test]
async fn only_problem_details_are_the_word_of_a_service() {
    const PROBLEM: &str = "application/problem+json";
    for (status, kind, content) in [
        (
            404,
            "application/json",
            "{\"message\":\"no Route matched\"}",
        ),
        (404, "application/json", "{\"status\":404,\"detail\":\"x\"}"),
        (404, "application/vnd.api+json", "{\"status\":404}"),
        (404, "text/application/problem+json", "{\"status\":404}"),
        (404, PROBLEM, "{\"status\":404,\"detail\":\"there is no"),
        (404, PROBLEM, ""),
        (404, PROBLEM, "[]"),
        (404, PROBLEM, "\"no\""),
        (404, PROBLEM, "{\"status\":410}"),
        (
            401,
            PROBLEM,
            "{\"status\":403,\"code\":\"byname.not-let-in\"}",
        ),
    ] {
        let told = read(answered(status, kind, content)).await;
        let told = told.expect_err("a refusal");
        assert_eq!(told.kind(), ErrorKind::BadUpstream, "{kind} {content}");
    }
    for (kind, content, message) in [
        (PROBLEM, "{}", "Not Found"),
        (PROBLEM, "{\"status\":404,\"detail\":\"no a\"}", "no a"),
        // A member of another type than it should have counts for nothing, and the others do.
        (PROBLEM, "{\"status\":\"410\",\"detail\":7}", "Not Found"),
        (PROBLEM, "{\"details\":[],\"title\":\"no b\"}", "no b"),
        ("Application/Problem+JSON; charset=utf-8", "{}", "Not Found"),
    ] {
        let told = read(answered(404, kind, content)).await;
        let told = told.expect_err("a refusal");
        assert_eq!(told.kind(), ErrorKind::NotFound, "{kind} {content}");
        assert_eq!(told.message(), message, "{kind} {content}");
    }
}

/// A server that has no such route is not a service that has no such thing.
#[tokio::test]
async fn a_route_that_is_not_there_is_not_a_thing_that_is_not_there() {
    let content = "{\"code\":\"byname.no-route\",\"detail\":\"there is nothing at this path\"}";
    let told = read(answered(404, "application/problem+json", content)).await;
    assert_eq!(told.expect_err("no route").kind(), ErrorKind::BadUpstream);
    let content = "{\"code\":\"no-route\",\"detail\":\"nothing leads there\"}";
    let told = read(answered(404, "application/problem+json", content)).await;
    assert_eq!(told.expect_err("its own").kind(), ErrorKind::NotFound);
}

/// The time that a call gives may be over there a moment earlier than here.
#[tokio::test]
async fn that_no_time_was_left_there_is_a_timeout_here() {
    let content = "{\"code\":\"byname.too-late\",\"detail\":\"there was no time left\"}";
    let told = read(answered(408, "application/problem+json", content)).await;
    assert_eq!(told.expect_err("too late").kind(), ErrorKind::Timeout);
    let own = read(answered(408, "application/problem+json", "{}")).await;
    assert_eq!(own.expect_err("its own").kind(), ErrorKind::RequestTimeout);
}

#[tokio::test]
async fn when_to_ask_again_is_read_where_only_the_head_says_it() {
    for (content, expected) in [("{}", 7000), ("{\"retry_after_ms\":150}", 150)] {
        let mut answer = answered(503, "application/problem+json", content);
        let seconds = axum::http::HeaderValue::from_static("7");
        answer.1.insert("retry-after", seconds);
        let told = read(answer).await.expect_err("a refusal");
        assert_eq!(told.retry_after(), Some(Duration::from_millis(expected)));
    }
}

#[tokio::test]
async fn nothing_is_204_and_some_of_nothing_is_null() {
    assert_eq!(read(answered(204, "", "")).await, Ok(None));
    assert_eq!(
        read(answered(200, "application/json", "null")).await,
        Ok(None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_over_is_not_sent() {
    let (notes, nowhere) = far(&Overrides::default(), None);
    let context = CallContext::default().with_deadline(Instant::now());
    let told = context.scope(notes.read("a".into())).await;
    assert_eq!(told.expect_err("too late").kind(), ErrorKind::Timeout);
    assert!(nowhere.sent.lock().expect("alive").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_when_its_time_is_over() {
    let (notes, nowhere) = far(&Overrides::default(), None);
    let begin = Instant::now();
    let context = CallContext::default().with_deadline(begin + Duration::from_secs(5));
    let told = context.scope(notes.read("a".into())).await;
    assert_eq!(told.expect_err("too late").kind(), ErrorKind::Timeout);
    assert_eq!(begin.elapsed(), Duration::from_secs(5));
    let sent = nowhere.sent.lock().expect("alive");
    assert_eq!(sent[0].request.headers()["byname-timeout-ms"], "5000");
    assert_eq!(sent[0].deadline, Some(begin + Duration::from_secs(5)));
}

#[tokio::test]
async fn what_is_too_long_is_not_sent_and_not_read() {
    let overrides = Overrides {
        max_request: Size::new(10),
        max_answer: Size::new(4),
        ..Overrides::default()
    };
    let (notes, nowhere) = far(&overrides, None);
    let told = notes.write("a".into(), "b".into(), Some(10)).await;
    assert_eq!(told.expect_err("too long").kind(), ErrorKind::TooLarge);
    assert!(nowhere.sent.lock().expect("alive").is_empty());
    for (content, is_read) in [("\"ab\"", true), ("\"abc\"", false)] {
        let answer = answered(200, "application/json", content);
        let (notes, _) = far(&overrides, Some(Ok(answer)));
        let told = notes.write("a".into(), "b".into(), Some(1)).await;
        let expected = if is_read {
            Ok(())
        } else {
            Err(ErrorKind::BadUpstream)
        };
        assert_eq!(told.map(drop).map_err(|error| error.kind()), expected);
    }
    let (notes, nowhere) = far(&Overrides::default(), None);
    let told = notes.read("a".repeat(70_000)).await;
    assert_eq!(told.expect_err("too long").kind(), ErrorKind::TooLarge);
    assert!(nowhere.sent.lock().expect("alive").is_empty());
}

/// A predecessor answered a hidden method all the same. Whoever has no route to a method is told so; it is
/// never answered in the wrong place (fault 14).
#[tokio::test]
async fn a_method_without_a_route_is_an_error_and_is_answered_nowhere() {
    let hidden = serde_json::json!({ "methods": { "read": { "hidden": true } } });
    let overrides: Overrides = serde_json::from_value(hidden).expect("overrides");
    let (notes, nowhere) = far(&overrides, Some(Ok(answered(204, "", ""))));
    let told = notes.read("a".into()).await.expect_err("hidden");
    assert_eq!(
        told,
        ServiceError::new(ErrorKind::Unimplemented, "method `read` is not published")
    );
    assert!(nowhere.sent.lock().expect("alive").is_empty());
    assert!(notes.write("a".into(), "b".into(), None).await.is_ok());
    assert_eq!(nowhere.sent.lock().expect("alive").len(), 1);
}

#[tokio::test]
async fn an_error_of_the_way_there_is_the_error() {
    let refused = ServiceError::new(ErrorKind::Unavailable, "nobody is there");
    let (notes, _) = far(&Overrides::default(), Some(Err(refused.clone())));
    assert_eq!(notes.read("a".into()).await, Err(refused));
}
