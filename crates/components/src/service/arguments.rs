//! What goes in and out of a method that is called from far away.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::plan::Routed;
use super::shape::{self, Outside};
use crate::http::bind::round;
use crate::service_error::{ErrorKind, ServiceError};

/// The arguments of a call, as they came; each is taken once.
#[derive(Debug)]
pub struct Arguments {
    values: Vec<Option<Value>>,
    routed: Arc<Routed>,
}

/// What whoever asked is told of arguments that are wrong.
pub(super) const WRONG: &str = "an argument is not what it must be";

impl Arguments {
    pub(super) fn new(values: Vec<Option<Value>>, routed: Arc<Routed>) -> Self {
        Self { values, routed }
    }

    /// Takes the argument at this place in their order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unprocessable`] if it is not there, or is no `T`.
    pub fn take<T: DeserializeOwned>(&mut self, at: usize) -> Result<T, ServiceError> {
        let value = self.values.get_mut(at).and_then(Option::take);
        read(value).map_err(|message| {
            let field = self.routed.refusal(at, "", message);
            ServiceError::new(ErrorKind::Unprocessable, WRONG).with_field(field)
        })
    }
}

/// Reads a value that is there, or is not.
fn read<T: DeserializeOwned>(value: Option<Value>) -> Result<T, String> {
    match value {
        None => shape::absent().map_err(|error| error.to_string()),
        Some(Value::Null) => shape::null().map_err(|error| error.to_string()),
        Some(value) => T::deserialize(&value).or_else(|error| {
            // 1.0 is an integer in JSON Schema, and none to serde.
            let mut value = value;
            round(&mut value);
            serde_json::from_value(value).map_err(|_| error.to_string())
        }),
    }
}

/// What a method answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// `()`, or `None`.
    Nothing,
    /// JSON.
    Content(Vec<u8>),
}

impl Answer {
    pub(super) fn of<R: Serialize + ?Sized>(answer: &R) -> Result<Self, ServiceError> {
        match Outside::of(answer) {
            Outside::Absent | Outside::Unit => Ok(Self::Nothing),
            Outside::NotFinite => Err(ServiceError::internal(
                "the answer is a number that JSON has no text for",
            )),
            Outside::Something => serde_json::to_vec(answer)
                .map(Self::Content)
                .map_err(ServiceError::internal),
        }
    }

    /// Reads an answer that came over a network.
    pub(super) fn read<R: DeserializeOwned>(content: &[u8]) -> Result<R, serde_json::Error> {
        let blank = content.iter().all(u8::is_ascii_whitespace);
        match content.trim_ascii() {
            _ if blank => serde_json::from_value(Value::Null),
            b"null" => shape::null(),
            content => serde_json::from_slice(content),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<R: Serialize + DeserializeOwned>(answer: &R) -> R {
        let content = match Answer::of(answer).expect("an answer") {
            Answer::Nothing => Vec::new(),
            Answer::Content(content) => content,
        };
        Answer::read(&content).expect("what was written is read")
    }

    #[test]
    fn nothing_and_some_of_nothing_are_two_answers() {
        for answer in [None, Some(None), Some(Some(7))] {
            assert_eq!(there_and_back::<Option<Option<u8>>>(&answer), answer);
        }
        for answer in [None, Some(())] {
            assert_eq!(there_and_back(&answer), answer);
        }
        assert_eq!(there_and_back(&Some(Value::Null)), Some(Value::Null));
        there_and_back(&());
    }

    #[test]
    fn a_number_that_json_does_not_have_is_an_error_and_not_null() {
        assert!(Answer::of(&f64::NAN).is_err());
        assert!(Answer::of(&Some(f32::INFINITY)).is_err());
    }

    #[test]
    fn a_whole_number_is_an_integer_however_it_is_written() {
        assert_eq!(read::<u8>(Some(2.0.into())), Ok(2));
        assert_eq!(read::<f64>(Some(2.into())), Ok(2.0));
        assert!(read::<u8>(Some(2.5.into())).is_err());
        assert!(read::<u8>(Some(256.0.into())).is_err());
    }
}
