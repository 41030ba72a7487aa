//! A trait that is described by hand.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::http::{self, HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;

use crate::part::Part;
use crate::service::{
    Answering, Arguments, Caller, Convention, Incoming, Interface, Location, Method, Outgoing,
    Overrides, Plan, Remote, Resource, Route, plan,
};
use crate::service_error::ServiceError;

pub(super) type Noted = Result<Option<String>, ServiceError>;

/// Notes under names.
pub(super) trait Notes: Send + Sync {
    fn read(&self, id: String) -> Answering<Noted>;
    fn write(&self, id: String, text: String, mark: Option<u8>) -> Answering<Noted>;
}

/// Answers with all it was told.
pub(super) struct Near;

impl Notes for Near {
    fn read(&self, id: String) -> Answering<Noted> {
        Box::pin(async move { Ok((id != "none").then_some(id)) })
    }

    fn write(&self, id: String, text: String, mark: Option<u8>) -> Answering<Noted> {
        Box::pin(async move { Ok(Some(format!("{id} {text} {mark:?}"))) })
    }
}

/// As near, and far away.
struct Far(Remote);

impl Notes for Far {
    fn read(&self, id: String) -> Answering<Noted> {
        let remote = self.0.clone();
        Box::pin(async move { remote.call(0).with(&id).send().await })
    }

    fn write(&self, id: String, text: String, mark: Option<u8>) -> Answering<Noted> {
        let remote = self.0.clone();
        Box::pin(async move {
            remote
                .call(1)
                .with(&id)
                .with(&text)
                .with(&mark)
                .send()
                .await
        })
    }
}

/// `GET /notes/{id}`, and `PUT /notes/{id}` with the text as a header field.
struct ByHeader;

impl Convention for ByHeader {
    fn route(&self, _: &Resource, method: &Method) -> Result<Route, String> {
        let verb = match method.name() {
            "read" => http::Method::GET,
            _ => http::Method::PUT,
        };
        Ok(Route::new(verb, "/notes/{id}")
            .with("id", Location::Path("id".into()))
            .with("text", Location::Header("x-text".into()))
            .others_in_body(method))
    }
}

pub(super) fn interface() -> Arc<Interface> {
    let read = |notes: Arc<dyn Notes>, mut arguments: Arguments| -> Answering<_> {
        Box::pin(async move { notes.read(arguments.take(0)?).await })
    };
    let write = |notes: Arc<dyn Notes>, mut arguments: Arguments| -> Answering<_> {
        Box::pin(async move {
            let (id, text) = (arguments.take(0)?, arguments.take(1)?);
            notes.write(id, text, arguments.take(2)?).await
        })
    };
    let read = Method::new::<dyn Notes, _>("read", read)
        .argument::<String>("id")
        .documented("Reads a note,\nif it is there.\n\nIt is there once it was written.");
    let write = Method::new::<dyn Notes, _>("write", write)
        .argument::<String>("id")
        .argument::<String>("text")
        .argument::<Option<u8>>("mark");
    let interface = Interface::new::<dyn Notes>("Notes", |remote| Arc::new(Far(remote)));
    Arc::new(interface.method(read).method(write))
}

pub(super) fn planned(overrides: &Overrides) -> Arc<Plan> {
    Arc::new(plan(&interface(), &ByHeader, "by-header", overrides).expect("routes"))
}

/// Sends nothing, keeps what it was to send, and answers as it was told to.
#[derive(Debug)]
pub(super) struct Nowhere {
    pub(super) sent: Mutex<Vec<Outgoing>>,
    pub(super) answer: Mutex<Option<Result<Incoming, ServiceError>>>,
}

impl Caller for Nowhere {
    fn call(
        &self,
        outgoing: Outgoing,
    ) -> Pin<Box<dyn Future<Output = Result<Incoming, ServiceError>> + Send + '_>> {
        self.sent.lock().expect("alive").push(outgoing);
        let answer = self.answer.lock().expect("alive").take();
        Box::pin(async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

/// The notes far away, where this is answered; and who was to carry the call.
pub(super) fn far(
    overrides: &Overrides,
    answer: Option<Result<Incoming, ServiceError>>,
) -> (Arc<dyn Notes>, Arc<Nowhere>) {
    let nowhere = Arc::new(Nowhere {
        sent: Mutex::default(),
        answer: Mutex::new(answer),
    });
    let part: Part = crate::service::client(&planned(overrides), Arc::<Nowhere>::clone(&nowhere));
    let notes = part.get::<dyn Notes>().map(Arc::clone);
    (notes.expect("notes"), nowhere)
}

pub(super) fn answered(status: u16, kind: &'static str, content: &'static str) -> Incoming {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let status = StatusCode::from_u16(status).expect("a status");
    (status, headers, Bytes::from_static(content.as_bytes()))
}
