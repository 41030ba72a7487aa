//! Changes on their way to a follower (server-sent events, WHATWG HTML 9.2).

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep_until};

use super::ring::{Happened, Noted, Ring};
use crate::context::Context;

/// How many changes are written at once.
const BATCH: usize = 64;

/// Makes the content of an answer: every change behind a number, or behind all that are gone.
///
/// A follower that does not read holds nobody up: one batch waits for it, and once it reads again it is
/// told how many changes it missed. It ends when the application begins to stop.
pub(crate) fn events(
    ring: Arc<Ring>,
    run: Arc<str>,
    from: From,
    keep_alive: Duration,
    context: Context,
    permit: OwnedSemaphorePermit,
) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let follower = Follower {
            ring,
            run,
            from,
            sender,
            keep_alive,
        };
        let closed = follower.sender.clone();
        tokio::select! {
            () = follower.follow() => {}
            () = closed.closed() => {}
            () = context.stopping() => {}
        }
        drop(permit);
    });
    Body::new(Events(receiver))
}

/// Where a follower begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// With all that are kept.
    Start,
    /// Behind this change.
    Behind(u64),
    /// With all that are kept, and the word that others may have been before: it came from another run
    /// of the program, or with an id that is none.
    Unknown,
}

impl From {
    /// Reads `Last-Event-ID`.
    pub(crate) fn read(id: Option<&[u8]>, run: &str, last: u64) -> Self {
        let Some(id) = id else {
            return Self::Start;
        };
        let number = str::from_utf8(id)
            .ok()
            .and_then(|id| id.strip_prefix(run)?.strip_prefix('-'))
            .and_then(|number| number.parse().ok());
        match number {
            Some(number) if number <= last => Self::Behind(number),
            _ => Self::Unknown,
        }
    }
}

struct Follower {
    ring: Arc<Ring>,
    /// What tells the changes of this run of the program from those of another.
    run: Arc<str>,
    from: From,
    sender: mpsc::Sender<Bytes>,
    keep_alive: Duration,
}

impl Follower {
    async fn follow(self) {
        let mut newer = self.ring.watch();
        // Who begins with what is kept misses nothing.
        let (mut at, mut first) = match self.from {
            From::Behind(number) => (number, false),
            From::Start | From::Unknown => (0, true),
        };
        let mut text = String::from("retry: 1000\n\n");
        if self.from == From::Unknown {
            self.gap(&mut text, None, 0);
        }
        let mut quiet = Instant::now() + self.keep_alive;
        loop {
            newer.mark_unchanged();
            let taken = self.ring.behind(at, BATCH);
            at += taken.missed;
            if taken.missed > 0 && !first {
                self.gap(&mut text, Some(taken.missed), at);
            }
            first = false;
            for (number, note) in taken.notes {
                self.change(&mut text, number, &note);
                at = number;
            }
            if text.is_empty() {
                tokio::select! {
                    // The ring lives in `self`.
                    _ = newer.changed() => continue,
                    () = sleep_until(quiet) => text.push_str(":\n\n"),
                }
            }
            let batch = Bytes::from(std::mem::take(&mut text));
            if self.sender.send(batch).await.is_err() {
                return;
            }
            quiet = Instant::now() + self.keep_alive;
        }
    }

    fn gap(&self, text: &mut String, missed: Option<u64>, at: u64) {
        let data = json!({ "missed": missed });
        let _ = write!(text, "event: gap\nid: {}-{at}\ndata: {data}\n\n", self.run);
    }

    fn change(&self, text: &mut String, number: u64, note: &Noted) {
        let at = note.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = Some(&note.name).filter(|_| note.happened != Happened::Lost);
        let data = json!({
            "registry": &*note.registry,
            "name": name.map(|name| &**name),
            "revision": note.revision,
            "kind": note.happened.word(),
            "at": at.as_secs_f64(),
        });
        let _ = write!(
            text,
            "event: change\nid: {}-{number}\ndata: {data}\n\n",
            self.run
        );
    }
}

/// What a task writes, as a body.
struct Events(mpsc::Receiver<Bytes>);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_of_this_run_says_where_to_go_on() {
        for (id, from) in [
            (None, From::Start),
            (Some("a1-7"), From::Behind(7)),
            (Some("a1-0"), From::Behind(0)),
            (Some("a1-9"), From::Behind(9)),
            (Some("a1-10"), From::Unknown),
            (Some("b2-7"), From::Unknown),
            (Some("a1-"), From::Unknown),
            (Some("a1-x"), From::Unknown),
            (Some("a17"), From::Unknown),
            (Some(""), From::Unknown),
        ] {
            assert_eq!(From::read(id.map(str::as_bytes), "a1", 9), from, "{id:?}");
        }
        assert_eq!(From::read(Some(&[0xff]), "a1", 9), From::Unknown);
    }
}
