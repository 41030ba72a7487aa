//! What a request is answered with.

use std::io;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{CONTROLS, utf8_percent_encode};

use super::conditions::{Verdict, evaluate, range_stands};
use super::open::{Found, Opened};
use super::path::{Names, names};
use super::range::{Extent, extent};
use super::settings::{Coding, Pages};
use super::site::Site;
use super::validators::Validators;
use super::{accept, body};
use crate::service_error::{ErrorKind, ServiceError};

/// How often a file is read that changes while it is read.
const TRIES: usize = 3;

/// What a request says that an answer depends on.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// What is left once the prefix has been stripped.
    pub(super) uri: Uri,
    /// The path before that, where it is known.
    pub(super) original: Option<Uri>,
    pub(super) headers: HeaderMap,
}

/// A file that was found, and what it is answered for.
struct Chosen {
    names: Names,
    opened: Opened,
    coding: Option<Coding>,
    /// Whether it stands for a page of an application.
    stands_in: bool,
}

impl Site {
    /// Answers. It waits for the disk.
    pub(super) fn answer(&self, asked: &Asked, now: SystemTime) -> Response {
        if asked.method != Method::GET && asked.method != Method::HEAD {
            let mut response = if asked.method == Method::OPTIONS {
                StatusCode::NO_CONTENT.into_response()
            } else {
                let message = "a file can only be read: use GET or HEAD";
                ServiceError::new(ErrorKind::MethodNotAllowed, message).into_response()
            };
            let allow = HeaderValue::from_static("GET, HEAD, OPTIONS");
            response.headers_mut().insert(header::ALLOW, allow);
            return response;
        }
        for _ in 0..TRIES {
            match self.look(asked, now) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return kept_nowhere(ServiceError::internal(error)),
                Ok(response) => return response,
            }
        }
        let error = ServiceError::new(ErrorKind::Unavailable, "the file is being written");
        kept_nowhere(error.with_retry_after(Duration::from_secs(1)))
    }

    fn look(&self, asked: &Asked, now: SystemTime) -> io::Result<Response> {
        let Some(names) = names(asked.uri.path(), &self.root.dotfiles) else {
            return Ok(not_found());
        };
        let chosen = match self.root.find(&names.names)? {
            Found::File(opened) if !names.slash => Some((names.clone(), opened)),
            Found::Folder => match self.find_index(&names)? {
                Some(_) if !ends_in_slash(asked) => return Ok(redirect(asked)),
                found => found,
            },
            Found::File(_) | Found::Nothing => None,
        };
        if let Some((names, opened)) = chosen {
            return self.represent(asked, names, opened, false, now);
        }
        match &self.fallback {
            Some(fallback) if self.may_be_page(&names) => {
                if !accept::html(&asked.headers) {
                    return Ok(vary(not_found(), header::ACCEPT.as_str()));
                }
                match self.root.find(&fallback.names)? {
                    Found::File(opened) => {
                        self.represent(asked, fallback.clone(), opened, true, now)
                    }
                    _ => Err(io::Error::other("the file of `fallback` is gone")),
                }
            }
            _ => Ok(not_found()),
        }
    }

    /// The file that stands for a folder.
    fn find_index(&self, folder: &Names) -> io::Result<Option<(Names, Opened)>> {
        let Some(index) = &self.index else {
            return Ok(None);
        };
        let names = folder.and(index);
        Ok(match self.root.find(&names.names)? {
            Found::File(opened) => Some((names, opened)),
            Found::Folder | Found::Nothing => None,
        })
    }

    fn may_be_page(&self, names: &Names) -> bool {
        match self.pages {
            Pages::Any => true,
            Pages::WithoutExtension => !names.last().is_some_and(|name| name.contains('.')),
        }
    }

    fn represent(
        &self,
        asked: &Asked,
        names: Names,
        opened: Opened,
        stands_in: bool,
        now: SystemTime,
    ) -> io::Result<Response> {
        let chosen = self.compressed(asked, names, opened, stands_in)?;
        let stamp = &chosen.opened.stamp;
        let validators = Validators::new(stamp, chosen.coding, self.entity_tags, now);
        let length = stamp.length;
        let mut headers = self.always(&chosen, &validators);
        let status = match evaluate(&asked.headers, &validators) {
            Verdict::Proceed => StatusCode::OK,
            Verdict::NotModified => return Ok(answer(StatusCode::NOT_MODIFIED, headers)),
            Verdict::Failed => {
                let message = "the file is not the one that the request expects";
                let error = ServiceError::new(ErrorKind::Precondition, message);
                return Ok(kept_nowhere(error));
            }
        };
        self.describe(&chosen, &validators, &mut headers);
        // A range is defined for GET only (14.2).
        let ranged = asked.method == Method::GET && range_stands(&asked.headers, &validators);
        let extent = if ranged {
            extent(&asked.headers, length)
        } else {
            Extent::Whole
        };
        let (status, first, sent) = match extent {
            Extent::Whole => (status, 0, length),
            Extent::Part { first, last } => {
                let part = header_of(format!("bytes {first}-{last}/{length}"));
                headers.insert(header::CONTENT_RANGE, part);
                (StatusCode::PARTIAL_CONTENT, first, last - first + 1)
            }
            Extent::Unsatisfiable => return Ok(unsatisfiable(length)),
        };
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(sent));
        let mut response = answer(status, headers);
        if asked.method == Method::GET {
            *response.body_mut() = body::content(chosen.opened, first, sent, self.chunk)?;
        }
        Ok(response)
    }

    /// Takes the best sibling that was compressed beforehand and is not older than the file.
    fn compressed(
        &self,
        asked: &Asked,
        names: Names,
        opened: Opened,
        stands_in: bool,
    ) -> io::Result<Chosen> {
        let accepted = accept::codings(&asked.headers, &self.precompressed);
        for coding in accepted {
            let sibling = names.with_suffix(coding.extension());
            let Found::File(found) = self.root.find(&sibling.names)? else {
                continue;
            };
            if found.stamp.modified >= opened.stamp.modified {
                return Ok(Chosen {
                    names,
                    opened: found,
                    coding: Some(coding),
                    stands_in,
                });
            }
        }
        Ok(Chosen {
            names,
            opened,
            coding: None,
            stands_in,
        })
    }

    /// The headers that also stand in an answer of 304 (15.4.5).
    fn always(&self, chosen: &Chosen, validators: &Validators) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, validators.tag.to_header());
        let kind = self.content_type(chosen.names.last().unwrap_or_default());
        if let Some(kept) = self.cache_control(&chosen.names, &kind) {
            headers.insert(header::CACHE_CONTROL, kept);
        }
        let vary = match (chosen.stands_in, self.precompressed.is_empty()) {
            (false, true) => return headers,
            (true, true) => "accept",
            (false, false) => "accept-encoding",
            (true, false) => "accept, accept-encoding",
        };
        headers.insert(header::VARY, HeaderValue::from_static(vary));
        headers
    }

    /// The headers that describe what is sent.
    fn describe(&self, chosen: &Chosen, validators: &Validators, headers: &mut HeaderMap) {
        let kind = self.content_type(chosen.names.last().unwrap_or_default());
        headers.insert(header::CONTENT_TYPE, kind);
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(coding) = chosen.coding {
            let coding = HeaderValue::from_static(coding.name());
            headers.insert(header::CONTENT_ENCODING, coding);
        }
        if let Some(modified) = validators.modified {
            let modified = header_of(httpdate::fmt_http_date(modified));
            headers.insert(header::LAST_MODIFIED, modified);
        }
    }
}

fn answer(status: StatusCode, headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A value of digits, letters and spaces.
fn header_of(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// An error is about this moment: without saying so, a 404 could be kept by heuristics (15.5.5).
fn kept_nowhere(error: ServiceError) -> Response {
    let mut response = error.into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

fn not_found() -> Response {
    kept_nowhere(ServiceError::new(
        ErrorKind::NotFound,
        "there is no such file",
    ))
}

fn vary(mut response: Response, on: &str) -> Response {
    let on = header_of(on.to_owned());
    response.headers_mut().insert(header::VARY, on);
    response
}

/// 416, which no error of a service has for its kind.
fn unsatisfiable(length: u64) -> Response {
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": "Range Not Satisfiable",
        "status": 416,
        "detail": format!("the file has {length} bytes, and none of those that were asked for"),
    });
    let mut response = answer(StatusCode::RANGE_NOT_SATISFIABLE, HeaderMap::new());
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let range = header_of(format!("bytes */{length}"));
    headers.insert(header::CONTENT_RANGE, range);
    *response.body_mut() = Body::from(format!("{problem}\n"));
    response
}

/// Whether the address that the client knows ends in a slash, so that what an index file refers to is
/// found below its folder.
fn ends_in_slash(asked: &Asked) -> bool {
    let seen = asked.original.as_ref().unwrap_or(&asked.uri).path();
    seen.is_empty() || seen.ends_with('/')
}

/// Sends to the same address with a slash behind it. It is relative to the last name of the path, and so
/// right whatever stands before that, which this program need not know.
fn redirect(asked: &Asked) -> Response {
    let seen = asked.original.as_ref().unwrap_or(&asked.uri);
    let last = seen.path().rsplit('/').next().unwrap_or_default();
    let query = seen.query().map(|query| format!("?{query}"));
    let location = format!("./{last}/{}", query.unwrap_or_default());
    // Some send letters as they are that an address has escaped.
    let location = header_of(utf8_percent_encode(&location, CONTROLS).to_string());
    let mut response = answer(StatusCode::PERMANENT_REDIRECT, HeaderMap::new());
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    response
}

#[cfg(test)]
mod tests {
    use std::fs;

    use axum::http::HeaderName;

    use super::*;
    use crate::http::files::settings::Settings;

    /// The answer to a `GET` that comes long after the file was written.
    async fn later(site: &Site, headers: &[(HeaderName, &str)]) -> (Response, String) {
        let headers = headers.iter();
        let asked = Asked {
            method: Method::GET,
            uri: Uri::from_static("/a.txt"),
            original: None,
            headers: headers
                .map(|(name, value)| (name.clone(), value.parse().expect("a value")))
                .collect(),
        };
        let now = SystemTime::now() + Duration::from_secs(10);
        let mut response = site.answer(&asked, now);
        let body = std::mem::take(response.body_mut());
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        (response, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_file_that_has_settled_has_a_strong_tag_that_ranges_and_writers_can_rely_on() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.txt"), "0123456789").expect("a file");
        let site = Site::open(Settings {
            folder: folder.path().to_owned(),
            ..Settings::default()
        });
        let site = site.expect("a site");
        let (response, _) = later(&site, &[]).await;
        let tag = response.headers()[header::ETAG].to_str().expect("text");
        let modified = response.headers()[header::LAST_MODIFIED].to_str();
        let modified = modified.expect("text").to_owned();
        assert!(tag.starts_with('"'), "{tag}");

        let part = (header::RANGE, "bytes=2-4");
        for stands in [tag, &modified] {
            let (response, body) = later(&site, &[part.clone(), (header::IF_RANGE, stands)]).await;
            assert_eq!(response.status(), 206);
            assert_eq!(body, "234");
        }
        let (response, body) = later(&site, &[part, (header::IF_RANGE, "\"other\"")]).await;
        assert_eq!((response.status().as_u16(), &*body), (200, "0123456789"));

        let (response, _) = later(&site, &[(header::IF_MATCH, tag)]).await;
        assert_eq!(response.status(), 200);
        fs::write(folder.path().join("a.txt"), "9876543210").expect("a file");
        let (response, _) = later(&site, &[(header::IF_MATCH, tag)]).await;
        assert_eq!(response.status(), 412);
        let (response, _) = later(&site, &[(header::IF_NONE_MATCH, tag)]).await;
        assert_eq!(response.status(), 200);
    }
}
