//! The service.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::Request;
use axum::response::{IntoResponse as _, Response};
use tower::Service;

use super::answer::Asked;
use super::error::FilesError;
use super::settings::Settings;
use super::site::Site;
use crate::service_error::ServiceError;

/// Answers with the files of a folder. A clone is the same.
#[derive(Clone)]
pub struct Files(Arc<Site>);

/// Checks the settings and the folder, and returns the service.
///
/// # Errors
///
/// [`FilesError`] if the folder is not there or cannot be read, if the file of `fallback` may not be
/// answered from it, or if a setting has a value that it cannot have.
pub async fn serve(settings: Settings) -> Result<Files, FilesError> {
    let folder = settings.folder.clone();
    let opened = tokio::task::spawn_blocking(|| Site::open(settings)).await;
    let opened = opened.unwrap_or_else(|error| {
        let source = std::io::Error::other(error);
        Err(FilesError::Folder { folder, source })
    });
    Ok(Files(Arc::new(opened?)))
}

impl Service<Request<Body>> for Files {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let site = Arc::clone(&self.0);
        let (mut parts, _) = request.into_parts();
        let original = parts.extensions.remove::<OriginalUri>();
        let asked = Asked {
            method: parts.method,
            uri: parts.uri,
            original: original.map(|OriginalUri(uri)| uri),
            headers: parts.headers,
        };
        Box::pin(async move {
            let answer = move || site.answer(&asked, SystemTime::now());
            let answered = tokio::task::spawn_blocking(answer).await;
            Ok(answered.unwrap_or_else(|error| ServiceError::internal(error).into_response()))
        })
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = &self.0.root.folder;
        f.debug_struct("Files").field("folder", folder).finish()
    }
}
