//! A service that answers what it was told, with everything in it that is awkward on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use byname::service::contract::Contract;
use byname::service::{CallContext, Overrides, Rest, Rpc};
use byname::{ErrorKind, FieldError, FieldPlace, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What many services have of their own.
pub(crate) type Result<T, E = ServiceError> = std::result::Result<T, E>;

/// A day, as a text that is looked at when it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(crate) struct Day(pub(crate) u16, pub(crate) u8, pub(crate) u8);

impl TryFrom<String> for Day {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<u16>().ok());
        let mut next = || parts.next().flatten().ok_or("is no day");
        let small = |part: u16| u8::try_from(part).map_err(|_| "is no day");
        Ok(Self(next()?, small(next()?)?, small(next()?)?))
    }
}

impl From<Day> for String {
    fn from(Day(year, month, day): Day) -> Self {
        format!("{year:04}-{month:02}-{day:02}")
    }
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Colour {
    /// Like a leaf.
    Green,
    DarkBlue,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Id(pub(crate) String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Shape {
    Nothing,
    Circle(f64),
    Box { width: f32, height: f32 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) largest: u64,
    pub(crate) least: i64,
    pub(crate) ratio: f64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) counts: BTreeMap<String, i64>,
    pub(crate) day: Option<Day>,
    pub(crate) at: SystemTime,
    pub(crate) took: Duration,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) within: Option<Box<Sample>>,
}

/// An error of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trouble {
    NoSuch(u64),
    Other(ServiceError),
}

impl From<Trouble> for ServiceError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NoSuch(id) => {
                Self::new(ErrorKind::NotFound, format!("there is no sample {id}"))
                    .with_code("no-sample")
                    .with_detail("id", id)
            }
            Trouble::Other(error) => error,
        }
    }
}

impl From<ServiceError> for Trouble {
    fn from(error: ServiceError) -> Self {
        match error
            .details()
            .get("id")
            .and_then(serde_json::Value::as_u64)
        {
            Some(id) if error.code() == Some("no-sample") => Self::NoSuch(id),
            _ => Self::Other(error),
        }
    }
}

/// Samples.
#[byname::service]
pub(crate) trait Samples: fmt::Debug {
    /// Says what it was asked for.
    ///
    /// Whatever that is.
    async fn get_sample(&self, id: Id) -> Result<String>;

    async fn find_sample_by_number(&self, number: i64) -> Result<i64>;

    async fn find_sample_by_ratio(&self, ratio: f64) -> Result<(f64, u64)>;

    async fn search_samples(
        &self,
        text: Option<String>,
        tags: Vec<String>,
        ids: BTreeSet<u64>,
        least: Option<i64>,
        largest: Option<u64>,
        exact: Option<bool>,
        colour: Option<Colour>,
        day: Option<Day>,
        letter: Option<char>,
    ) -> Result<(
        Option<String>,
        Vec<String>,
        BTreeSet<u64>,
        Option<i64>,
        Option<u64>,
        Option<bool>,
        (Option<Colour>, Option<Day>, Option<char>),
    )>;

    async fn create_sample(&self, sample: Sample) -> Result<Sample>;

    async fn update_sample(
        &self,
        id: String,
        nested: Option<Option<u8>>,
        counts: BTreeMap<String, i64>,
        bytes: Vec<u8>,
        sample: Option<Sample>,
        any: serde_json::Value,
        small: f32,
    ) -> Result<(String, String, f32)>;

    async fn delete_sample(&self, id: u64) -> Result<(), Trouble>;

    #[post("/samples/{id}/nested")]
    async fn nested(&self, id: Colour, which: Option<Option<u8>>) -> Result<Option<Option<u8>>>;

    /// Fails as it is told to.
    #[post("/failures")]
    async fn fail(&self, status: u16, error: Failure) -> Result<()>;

    /// Counts how often it was called.
    #[put("/samples/count")]
    #[once]
    async fn count(&self) -> Result<u64> {
        Ok(0)
    }

    /// Says what goes with the call.
    #[get("/context")]
    async fn context(&self) -> Result<(bool, Option<String>, Option<String>)>;

    #[post("/large")]
    async fn large(&self, size: usize, filling: String) -> Result<(usize, String)>;

    #[patch("/type")]
    #[idempotent]
    async fn r#type(&self, r#in: String, r#self_: u8) -> Result<String>;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) detail: Option<serde_json::Value>,
    pub(crate) retry_ms: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Echo(AtomicU64);

#[byname::service]
impl Samples for Echo {
    async fn get_sample(&self, Id(id): Id) -> Result<String> {
        Ok(id)
    }

    async fn find_sample_by_number(&self, number: i64) -> Result<i64> {
        Ok(number)
    }

    async fn find_sample_by_ratio(&self, ratio: f64) -> Result<(f64, u64)> {
        Ok((ratio, ratio.to_bits()))
    }

    async fn search_samples(
        &self,
        text: Option<String>,
        tags: Vec<String>,
        ids: BTreeSet<u64>,
        least: Option<i64>,
        largest: Option<u64>,
        exact: Option<bool>,
        colour: Option<Colour>,
        day: Option<Day>,
        letter: Option<char>,
    ) -> Result<(
        Option<String>,
        Vec<String>,
        BTreeSet<u64>,
        Option<i64>,
        Option<u64>,
        Option<bool>,
        (Option<Colour>, Option<Day>, Option<char>),
    )> {
        Ok((
            text,
            tags,
            ids,
            least,
            largest,
            exact,
            (colour, day, letter),
        ))
    }

    async fn create_sample(&self, sample: Sample) -> Result<Sample> {
        Ok(sample)
    }

    async fn update_sample(
        &self,
        mut id: String,
        nested: Option<Option<u8>>,
        counts: BTreeMap<String, i64>,
        bytes: Vec<u8>,
        sample: Option<Sample>,
        any: serde_json::Value,
        small: f32,
    ) -> Result<(String, String, f32)> {
        id.push('!');
        let all = format!(
            "{nested:?} {counts:?} {bytes:?} {sample:?} {any:?} {}",
            small.to_bits()
        );
        Ok((id, all, small))
    }

    async fn delete_sample(&self, id: u64) -> Result<(), Trouble> {
        match id {
            0 => Ok(()),
            1 => Err(ServiceError::new(ErrorKind::Conflict, "it is in use"))?,
            id => Err(Trouble::NoSuch(id)),
        }
    }

    async fn nested(&self, _: Colour, which: Option<Option<u8>>) -> Result<Option<Option<u8>>> {
        Ok(which)
    }

    async fn fail(&self, status: u16, failure: Failure) -> Result<()> {
        let kind = ErrorKind::from_status(status);
        let mut error = ServiceError::new(kind, failure.message).with_source("secret://inside");
        if let Some(code) = failure.code {
            error = error.with_code(code);
        }
        if let Some(field) = failure.field {
            let message = "is wrong".to_owned();
            let r#in = FieldPlace::Body;
            error = error.with_field(FieldError {
                r#in,
                field,
                message,
            });
        }
        if let Some(detail) = failure.detail {
            error = error.with_detail("of", detail);
        }
        if let Some(millis) = failure.retry_ms {
            error = error.with_retry_after(Duration::from_millis(millis));
        }
        Err(error)
    }

    async fn count(&self) -> Result<u64> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed))
    }

    async fn context(&self) -> Result<(bool, Option<String>, Option<String>)> {
        let context = CallContext::current();
        let text = |value: Option<&axum::http::HeaderValue>| {
            value.map(|value| value.to_str().expect("ASCII").to_owned())
        };
        let deadline = context.deadline().is_some();
        Ok((
            deadline,
            text(context.request_id()),
            text(context.trace_parent()),
        ))
    }

    async fn large(&self, size: usize, filling: String) -> Result<(usize, String)> {
        Ok((filling.len(), "x".repeat(size)))
    }

    async fn r#type(&self, r#in: String, r#self_: u8) -> Result<String> {
        Ok(format!("{in} {self_}"))
    }
}

pub(crate) async fn by_rest() -> Contract<dyn Samples> {
    let make = || Arc::new(Echo::default()) as Arc<dyn Samples>;
    let contract = Contract::new(make, &Rest, &Overrides::default()).await;
    contract.expect("routes and a socket")
}

pub(crate) async fn by_rpc() -> Contract<dyn Samples> {
    let make = || Arc::new(Echo::default()) as Arc<dyn Samples>;
    let contract = Contract::new(make, &Rpc, &Overrides::default()).await;
    contract.expect("routes and a socket")
}
