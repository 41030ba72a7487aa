//! A committer in the process: what is handed in while a commit runs goes into the next one.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::keeper::{Failure, Hand};

/// What one caller wants done.
pub(super) enum Job {
    Rotate {
        name: String,
        value: String,
        out: Option<String>,
    },
    Remove(String),
    Put(String, String),
}

/// The longest batch; all that threads of this program hand in at once is less.
const LONGEST: usize = 256;

/// Makes jobs durable together. A job that cannot be done fails alone.
pub(super) trait Commit: Send {
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Result<(), String>>, Failure>;
}

struct Ticket {
    job: Job,
    answer: SyncSender<Result<(), String>>,
}

/// Where callers hand in their jobs.
pub(super) struct Committer {
    queue: Sender<Ticket>,
}

impl Committer {
    /// Starts the thread that commits. It ends when this and all its hands are gone.
    pub(super) fn start(commit: Box<dyn Commit>) -> Self {
        let (queue, tickets) = channel();
        thread::spawn(move || work(commit, &tickets));
        Self { queue }
    }

    pub(super) fn hand(&self) -> Box<dyn Hand> {
        let (answer, answers) = sync_channel(1);
        Box::new(Batched {
            queue: self.queue.clone(),
            answer,
            answers,
        })
    }
}

fn work(mut commit: Box<dyn Commit>, tickets: &Receiver<Ticket>) {
    let mut jobs = Vec::new();
    let mut answers = Vec::new();
    while let Ok(first) = tickets.recv() {
        for ticket in std::iter::once(first).chain(tickets.try_iter().take(LONGEST - 1)) {
            jobs.push(ticket.job);
            answers.push(ticket.answer);
        }
        match commit.commit(&jobs) {
            Ok(results) => {
                for (answer, result) in answers.drain(..).zip(results) {
                    let _ = answer.send(result);
                }
            }
            Err(failure) => {
                for answer in answers.drain(..) {
                    let _ = answer.send(Err(failure.to_string()));
                }
            }
        }
        jobs.clear();
    }
}

struct Batched {
    queue: Sender<Ticket>,
    answer: SyncSender<Result<(), String>>,
    answers: Receiver<Result<(), String>>,
}

impl Batched {
    fn submit(&self, job: Job) -> Result<(), Failure> {
        let ticket = Ticket {
            job,
            answer: self.answer.clone(),
        };
        self.queue
            .send(ticket)
            .map_err(|_| "the committer has ended")?;
        Ok(self.answers.recv()??)
    }
}

impl Hand for Batched {
    fn rotate(&mut self, name: &str, value: &str, out: Option<&str>) -> Result<(), Failure> {
        self.submit(Job::Rotate {
            name: name.to_owned(),
            value: value.to_owned(),
            out: out.map(str::to_owned),
        })
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.submit(Job::Remove(name.to_owned()))
    }

    fn put(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        self.submit(Job::Put(name.to_owned(), value.to_owned()))
    }
}
