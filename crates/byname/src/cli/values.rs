//! How single values of the command line are read, and what is said of wrong ones.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use byname_machines::Invalid;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The longest span that can be asked for: what is longer is a slip of the finger.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:0".into())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|span| *span <= LONGEST)
        .ok_or_else(|| "expected a number of seconds, such as 10 or 0.5".into())
}

/// Reads what is said of a machine as its own type does.
pub(super) fn checked<T: FromStr<Err = Invalid>>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|error: Invalid| format!("expected {}", error.expected))
}

pub(super) fn log_filter(text: &str) -> Result<Targets, String> {
    // A bare word would be taken for a part of the program and silence everything else.
    let understood = text.split(',').all(|part| {
        part.split_once('=')
            .is_some_and(|(name, _)| !name.is_empty())
            || part.parse::<LevelFilter>().is_ok()
    });
    text.parse().ok().filter(|_| understood).ok_or_else(|| {
        "expected a level (error, warn, info, debug, trace, off) or a list such as \
         warn,byname_catalog=debug"
            .into()
    })
}

/// Says in one line what is wrong with a command line and where help is.
pub(super) fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let mut line = String::new();
    for part in text.lines().map(str::trim) {
        if part.starts_with("Usage:") || part.starts_with("For more information") {
            break;
        }
        // Hardly a name or a file begins with a dash: an option was meant.
        if part.is_empty() || part.starts_with("tip: to pass '") {
            continue;
        }
        let part = part.strip_prefix("tip: ").unwrap_or(part);
        if !line.is_empty() {
            line.push_str(if line.ends_with(':') { " " } else { "; " });
        }
        line.push_str(part);
    }
    line.push_str("; see --help");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole_or_fractions_and_never_negative_or_endless() {
        assert_eq!(seconds("10"), Ok(Duration::from_secs(10)));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for wrong in ["", "-1", "ten", "inf", "NaN", "1e30", "10s"] {
            assert_eq!(
                seconds(wrong),
                Err("expected a number of seconds, such as 10 or 0.5".to_owned()),
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_address_needs_both_of_its_parts() {
        assert_eq!(address("127.0.0.1:0").map(|a| a.port()), Ok(0));
        assert_eq!(address("[::1]:80").map(|a| a.port()), Ok(80));
        for wrong in [
            "8080",
            "127.0.0.1",
            ":8080",
            "localhost:8080",
            "127.0.0.1:70000",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
