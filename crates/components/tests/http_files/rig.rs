//! A folder, and requests for what is in it.

use std::fs;
use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Uri};
use byname_components::http::files::{Files, Settings, serve};
use tower::{Service, ServiceExt as _};

/// A folder with another one around it, where the secrets are.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path()).unwrap();
        for (path, content) in files {
            folder.write(path, content);
        }
        folder
    }

    /// The folder that is served.
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.0.path().join("public")
    }

    pub(crate) fn around(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            folder: self.path(),
            ..Settings::default()
        }
    }

    pub(crate) async fn serve(&self) -> Files {
        serve(self.settings()).await.unwrap()
    }
}

/// Settings as they are written in the configuration.
pub(crate) fn settings(folder: &Folder, mut written: serde_json::Value) -> Settings {
    written["folder"] = folder.path().to_str().unwrap().into();
    serde_json::from_value(written).unwrap()
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The problem that it is.
    pub(crate) fn problem(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        problem
    }
}

pub(crate) async fn ask<S>(
    service: &S,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer
where
    S: Service<
            Request<Body>,
            Response = axum::response::Response,
            Error = std::convert::Infallible,
        > + Clone,
{
    let uri = path.parse().unwrap();
    ask_for(service, method, uri, headers).await
}

/// The same, for what no text may stand for.
pub(crate) async fn ask_for<S>(
    service: &S,
    method: &str,
    uri: Uri,
    headers: &[(&str, &str)],
) -> Answer
where
    S: Service<
            Request<Body>,
            Response = axum::response::Response,
            Error = std::convert::Infallible,
        > + Clone,
{
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

pub(crate) async fn get<S>(service: &S, path: &str, headers: &[(&str, &str)]) -> Answer
where
    S: Service<
            Request<Body>,
            Response = axum::response::Response,
            Error = std::convert::Infallible,
        > + Clone,
{
    ask(service, "GET", path, headers).await
}
