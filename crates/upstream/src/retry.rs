//! What may be tried again, and when.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

use crate::clock::grown;
use crate::options::RetryOptions;
use crate::random::Random;

/// Whether an answer says that the same request may be answered better by another try: not any
/// failure, but one of what stands before the work.
pub(crate) fn worth_another_try(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The pause before the try after `tries`, drawn evenly from nothing to a longest that doubles.
pub(crate) fn pause(options: &RetryOptions, tries: u32, random: &Random) -> Duration {
    if options.pause.is_zero() {
        return Duration::ZERO;
    }
    let longest = grown(options.pause, tries.saturating_sub(1), options.pause_max);
    let micros = longest.saturating_mul(1000);
    Duration::from_micros(random.below(micros.saturating_add(1)))
}

/// What `Retry-After` says (RFC 9110, 10.2.3), seconds or a date; nothing where it is not understood.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a very long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn pauses_are_spread_up_to_a_longest_that_doubles_to_its_bound() {
        let options = RetryOptions {
            pause: Duration::from_millis(10),
            pause_max: Duration::from_millis(35),
            ..RetryOptions::default()
        };
        let random = Random::seeded(7);
        for (tries, longest) in [(1, 10), (2, 20), (3, 35), (40, 35)] {
            let longest = Duration::from_millis(longest);
            let pauses: Vec<_> = (0..1000).map(|_| pause(&options, tries, &random)).collect();
            assert!(pauses.iter().all(|pause| *pause <= longest));
            assert!(pauses.iter().any(|pause| *pause > longest * 9 / 10));
            assert!(pauses.iter().any(|pause| *pause < longest / 10));
        }
        let none = RetryOptions {
            pause: Duration::ZERO,
            ..options
        };
        assert_eq!(pause(&none, 5, &random), Duration::ZERO);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_nonsense_is_nothing() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
            retry_after(&headers, now)
        };
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(
            read("Sun, 06 Nov 1994 08:49:47 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(read("Sun, 06 Nov 1994 08:49:27 GMT"), Some(Duration::ZERO));
        let long = Some(Duration::from_secs(u64::MAX));
        assert_eq!(read("99999999999999999999999"), long);
        assert_eq!([read(""), read("-1"), read("1.5"), read("soon")], [None; 4]);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn of_errors_of_a_server_those_before_the_work_are_tried_again() {
        let again: Vec<_> = (100..600)
            .filter(|code| worth_another_try(StatusCode::from_u16(*code).expect("a status")))
            .collect();
        assert_eq!(again, [502, 503, 504]);
    }
}
