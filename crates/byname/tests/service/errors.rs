//! Errors, which are the same too.

use byname::{ErrorKind, ServiceError};

use crate::samples::{Failure, Trouble, by_rest, by_rpc};

fn failure(message: &str) -> Failure {
    Failure {
        message: message.to_owned(),
        code: None,
        field: None,
        detail: None,
        retry_ms: None,
    }
}

/// A predecessor turned every error of a service far away into 500, a 404 among them (fault 33). Whoever
/// calls is told what whoever is near would be told.
#[tokio::test]
async fn an_error_far_away_is_the_error_near() {
    for samples in [by_rest().await, by_rpc().await] {
        for kind in ErrorKind::ALL {
            let told = samples
                .agree(async |samples| {
                    let failure = Failure {
                        code: Some("co/de\u{e4}".to_owned()),
                        field: Some("/a/b~1".to_owned()),
                        detail: Some(serde_json::json!({ "a": [u64::MAX, -0.1, null] })),
                        retry_ms: Some(1),
                        ..failure("it \"failed\"\r\nfor a reason: \u{1f600}")
                    };
                    samples.fail(kind.status(), failure).await
                })
                .await;
            assert_eq!(told.expect_err("a failure").kind(), kind);
            let told = samples
                .agree(async |samples| samples.fail(kind.status(), failure("")).await)
                .await;
            assert_eq!(told, Err(ServiceError::new(kind, "")));
        }
    }
}

#[tokio::test]
async fn an_error_of_an_own_type_comes_back_as_it_was() {
    for samples in [by_rest().await, by_rpc().await] {
        for id in [0, 1, 2, u64::MAX] {
            let told = samples
                .agree(async |samples| samples.delete_sample(id).await)
                .await;
            match id {
                0 => assert_eq!(told, Ok(())),
                1 => assert!(matches!(told, Err(Trouble::Other(_))), "{told:?}"),
                id => assert_eq!(told, Err(Trouble::NoSuch(id))),
            }
        }
    }
}

#[tokio::test]
async fn what_is_inside_stays_inside() {
    let samples = by_rest().await;
    let mut sources = 0;
    let told = samples
        .agree(async |samples| samples.fail(500, failure("sorry")).await)
        .await;
    let mut error: Option<&dyn std::error::Error> = Some(told.as_ref().expect_err("a failure"));
    while let Some(one) = error {
        sources += 1;
        error = one.source();
    }
    assert_eq!(sources, 2, "the object here tells its source");
    assert_eq!(told, Err(ServiceError::new(ErrorKind::Internal, "sorry")));
}
