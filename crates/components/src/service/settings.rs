//! What the settings of a client come to: the options of its upstream, and the headers that it sends.

use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use byname_upstream::{
    BreakerOptions, BudgetOptions, FailedAnswers, Limits, Options, PoolOptions, RetryOptions,
    Timeouts,
};

use crate::clients::{
    ClientBreaker, ClientBudget, ClientKey, ClientLimits, ClientPool, ClientRetry, ClientSettings,
    ClientTimeouts,
};
use crate::config::Secret;
use crate::http::middleware::is_of_the_connection;

/// The headers by which a client shows who it is. They are in no message and in no log.
#[derive(Clone, Default)]
pub(crate) struct Shown(Vec<(HeaderName, HeaderValue)>);

impl Shown {
    /// Takes the place of whatever a request has of these headers: what is shown is this process's own.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.insert(name.clone(), value.clone());
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

impl ClientSettings {
    /// How an upstream calls.
    pub(crate) fn options(&self) -> Options {
        let usual = Options::default();
        // An error that a service answers is about what was asked, as it would be here, and keeps nobody
        // from asking something else.
        Options::default()
            .failed(FailedAnswers::Gateway)
            .timeouts(self.timeouts.over(usual.timeouts))
            .retry(self.retry.over(usual.retry))
            .breaker(self.breaker.over(usual.breaker))
            .pool(self.pool.over(usual.pool))
            .limits(self.limits.over(usual.limits))
    }

    /// What is shown.
    ///
    /// # Errors
    ///
    /// A key that no header can say.
    pub(crate) fn shown(&self) -> Result<Shown, String> {
        let token = self.token.as_ref().map(bearer).transpose();
        let token = token.map_err(|wrong| format!("`token` {wrong}"))?;
        let key = self.key.as_ref().map(ClientKey::header).transpose();
        let key = key.map_err(|wrong| format!("`key` {wrong}"))?;
        Ok(Shown(token.into_iter().chain(key).collect()))
    }

    /// What is out of its bounds: the key that it stands under, and what is wrong with it.
    pub(crate) fn wrong(&self) -> Vec<(&'static str, String)> {
        let apart = |options: Options| options.check().err().map(|error| error.to_string());
        let usual = Options::default;
        let (token, key) = (self.token.as_ref(), self.key.as_ref());
        let of = usual();
        let all = [
            (
                "timeouts",
                apart(usual().timeouts(self.timeouts.over(of.timeouts))),
            ),
            ("retry", apart(usual().retry(self.retry.over(of.retry)))),
            (
                "breaker",
                apart(usual().breaker(self.breaker.over(of.breaker))),
            ),
            ("pool", apart(usual().pool(self.pool.over(of.pool)))),
            ("limits", apart(usual().limits(self.limits.over(of.limits)))),
            ("token", token.and_then(|token| bearer(token).err())),
            ("key", key.and_then(|key| key.header().err())),
        ];
        let wrong = all.into_iter();
        wrong
            .filter_map(|(key, wrong)| Some((key, wrong?)))
            .collect()
    }
}

/// The header of a token (RFC 6750, section 2.1).
fn bearer(token: &Secret<String>) -> Result<(HeaderName, HeaderValue), String> {
    let text = token.expose();
    Ok((AUTHORIZATION, value(text, &format!("Bearer {text}"))?))
}

impl ClientKey {
    fn header(&self) -> Result<(HeaderName, HeaderValue), String> {
        let name = HeaderName::try_from(&*self.header)
            .map_err(|_| format!("has a `header` that is none: `{}`", self.header))?;
        if name == AUTHORIZATION {
            return Err("has the `header` that `token` is shown in".into());
        }
        if is_of_the_connection(&name) {
            return Err(format!(
                "has the `header` `{name}`, which belongs to the connection"
            ));
        }
        let text = self.value.expose();
        Ok((name, value(text, text)?))
    }
}

/// A header with a secret in it, which no message shows.
fn value(secret: &str, whole: &str) -> Result<HeaderValue, String> {
    if secret.is_empty() {
        return Err("is empty".into());
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has a blank, or a letter that no header can say".into());
    }
    let value = HeaderValue::from_str(whole);
    let mut value = value.map_err(|_| "cannot be said in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

impl ClientTimeouts {
    fn over(self, usual: Timeouts) -> Timeouts {
        Timeouts {
            connect: self.connect.map_or(usual.connect, Into::into),
            per_try: self.per_try.map_or(usual.per_try, Into::into),
            total: self.total.map_or(usual.total, Into::into),
            idle_body: self.idle_body.map_or(usual.idle_body, Into::into),
        }
    }
}

impl ClientRetry {
    fn over(self, usual: RetryOptions) -> RetryOptions {
        let after = self.retry_after_max;
        RetryOptions {
            tries: self.tries.unwrap_or(usual.tries),
            pause: self.pause.map_or(usual.pause, Into::into),
            pause_max: self.pause_max.map_or(usual.pause_max, Into::into),
            retry_after_max: after.map_or(usual.retry_after_max, Into::into),
            budget: self.budget.over(usual.budget),
        }
    }
}

impl ClientBudget {
    fn over(self, usual: BudgetOptions) -> BudgetOptions {
        BudgetOptions {
            share: self.share.unwrap_or(usual.share),
            floor: self.floor.unwrap_or(usual.floor),
            kept: self.kept.unwrap_or(usual.kept),
        }
    }
}

impl ClientBreaker {
    fn over(self, usual: BreakerOptions) -> BreakerOptions {
        BreakerOptions {
            failures: self.failures.unwrap_or(usual.failures),
            open: self.open.map_or(usual.open, Into::into),
            open_max: self.open_max.map_or(usual.open_max, Into::into),
            trials: self.trials.unwrap_or(usual.trials),
            successes: self.successes.unwrap_or(usual.successes),
        }
    }
}

impl ClientPool {
    fn over(self, usual: PoolOptions) -> PoolOptions {
        PoolOptions {
            idle: self.idle.unwrap_or(usual.idle),
            idle_time: self.idle_time.map_or(usual.idle_time, Into::into),
            ..usual
        }
    }
}

impl ClientLimits {
    fn over(self, usual: Limits) -> Limits {
        // More than can be addressed is as much as there is.
        let size = |size: crate::config::units::Bytes| usize::try_from(size.get());
        let head = self.head.map(|head| size(head).unwrap_or(usize::MAX));
        Limits {
            in_flight: self.in_flight.unwrap_or(usual.in_flight),
            waiting: self.waiting.unwrap_or(usual.waiting),
            wait: self.wait.map_or(usual.wait, Into::into),
            head: head.unwrap_or(usual.head),
        }
    }
}
