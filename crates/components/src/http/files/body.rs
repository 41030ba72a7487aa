//! A file on its way.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use super::open::Opened;
use super::validators::Stamp;

/// Makes the content of an answer: `length` bytes of a file from `first` on, all of which it had when it
/// was opened. What fits into one chunk is read at once. It waits for the disk.
///
/// # Errors
///
/// [`io::ErrorKind::Interrupted`] if the file changed while it was read: it may be opened again.
pub(super) fn content(opened: Opened, first: u64, length: u64, chunk: usize) -> io::Result<Body> {
    let Opened { mut file, stamp } = opened;
    if first > 0 {
        file.seek(SeekFrom::Start(first))?;
    }
    let reading = Reading {
        file,
        stamp,
        left: length,
        chunk,
    };
    if length <= chunk as u64 {
        let (_, bytes) = reading.next();
        return bytes.map(Body::from);
    }
    Ok(Body::new(Sending {
        left: length,
        state: State::Idle(reading),
    }))
}

/// A file, and how much of it is to be read.
struct Reading {
    file: File,
    /// What it was when the headers were written.
    stamp: Stamp,
    left: u64,
    chunk: usize,
}

impl Reading {
    /// Reads the next chunk: exactly as many bytes as there must be. Behind the last one the file must
    /// be what it was.
    fn next(mut self) -> (Self, io::Result<Bytes>) {
        let size = usize::try_from(self.left).map_or(self.chunk, |left| left.min(self.chunk));
        let mut bytes = vec![0; size];
        let read = self.file.read_exact(&mut bytes);
        self.left -= size as u64;
        let read = read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => changed(),
            _ => error,
        });
        let whole = read.and_then(|()| self.still_the_same());
        (self, whole.map(|()| Bytes::from(bytes)))
    }

    fn still_the_same(&self) -> io::Result<()> {
        if self.left > 0 || Stamp::of(&self.file.metadata()?).has_content_of(&self.stamp) {
            return Ok(());
        }
        Err(changed())
    }
}

fn changed() -> io::Error {
    let message = "the file changed while it was sent";
    io::Error::new(io::ErrorKind::Interrupted, message)
}

/// A file that is sent chunk by chunk; each is read once it is asked for, on a thread that may wait.
struct Sending {
    left: u64,
    state: State,
}

enum State {
    Idle(Reading),
    Reading(JoinHandle<(Reading, io::Result<Bytes>)>),
    Ended,
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Idle(_) if self.left == 0 => return Poll::Ready(None),
                State::Idle(reading) => {
                    let next = tokio::task::spawn_blocking(move || reading.next());
                    self.state = State::Reading(next);
                }
                State::Reading(mut next) => {
                    let Poll::Ready(read) = Pin::new(&mut next).poll(cx) else {
                        self.state = State::Reading(next);
                        return Poll::Pending;
                    };
                    let read = read.map_err(io::Error::other);
                    let read = read.and_then(|(reading, bytes)| Ok((reading, bytes?)));
                    if let Err(error) = &read {
                        tracing::warn!(%error, left = self.left, "a file could not be sent whole");
                    }
                    return Poll::Ready(Some(read.map(|(reading, bytes)| {
                        self.left -= bytes.len() as u64;
                        self.state = State::Idle(reading);
                        Frame::data(bytes)
                    })));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 || matches!(self.state, State::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn opened(path: &std::path::Path) -> Opened {
        let file = File::open(path).expect("a file");
        let stamp = Stamp::of(&file.metadata().expect("its metadata"));
        Opened { file, stamp }
    }

    #[tokio::test]
    async fn a_small_file_that_changed_since_it_was_opened_is_not_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        for changed in ["", "012345678", "0123456789a"] {
            fs::write(&path, "0123456789").expect("written");
            let before = opened(&path);
            fs::write(&path, changed).expect("written");
            let error = content(before, 0, 10, 4096).expect_err("it changed");
            assert_eq!(error.kind(), io::ErrorKind::Interrupted, "{changed:?}");
        }
        fs::write(&path, "0123456789").expect("written");
        let body = content(opened(&path), 3, 4, 4096).expect("the same");
        let bytes = axum::body::to_bytes(body, 100).await.expect("bytes");
        assert_eq!(bytes, "3456");
    }
}
