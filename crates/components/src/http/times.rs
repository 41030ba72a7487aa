//! How long requests took, by what was asked and how it was answered.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{Method, StatusCode};

use super::histogram::Histogram;

/// The methods that are told apart; what a peer calls otherwise is one more, so that nobody makes series.
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];

/// The classes of statuses, and what a request has that was given up before it was answered.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "unanswered"];

/// Where times are told apart, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// How long the requests of one route took. What was never asked so, or never so answered, takes a place
/// for its counters when it first is, and none before.
#[derive(Debug, Default)]
pub(super) struct Times([[OnceLock<Box<Histogram>>; CLASSES.len()]; METHODS.len()]);

/// A method, as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verb(usize);

impl Verb {
    pub(super) fn of(method: &Method) -> Self {
        Self(match *method {
            Method::GET => 0,
            Method::HEAD => 1,
            Method::POST => 2,
            Method::PUT => 3,
            Method::PATCH => 4,
            Method::DELETE => 5,
            Method::OPTIONS => 6,
            _ => 7,
        })
    }
}

impl Times {
    /// Counts a request; without a status it was given up.
    pub(super) fn observe(&self, verb: Verb, status: Option<StatusCode>, took: Duration) {
        let class = match status.map(|status| status.as_u16()) {
            Some(0..200) => 0,
            Some(200..300) => 1,
            Some(300..400) => 2,
            Some(400..500) => 3,
            Some(_) => 4,
            None => 5,
        };
        let series = &self.0[verb.0][class];
        let series = series.get_or_init(|| Box::new(Histogram::new(&BOUNDS)));
        series.observe(took);
    }

    /// What was counted, with method and class.
    pub(super) fn counted(&self) -> impl Iterator<Item = (&'static str, &'static str, &Histogram)> {
        let by_method = METHODS.into_iter().zip(&self.0);
        by_method.flat_map(|(method, classes)| {
            let by_class = CLASSES.into_iter().zip(classes);
            by_class.filter_map(move |(class, series)| Some((method, class, &**series.get()?)))
        })
    }
}
