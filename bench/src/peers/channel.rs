//! A thread that owns the map and answers questions from a channel.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::{Map, Peer};
use crate::names::{Query, Svc};

enum Ask {
    /// A new client with the place that its answers go to.
    Join(usize, SyncSender<Option<Arc<Svc>>>),
    Get(usize, &'static str),
    Set(usize, &'static str, Arc<Svc>),
}

/// The asking side. Clients are numbered, so that a question carries no sender of its own.
pub(crate) struct Actor {
    asks: Sender<Ask>,
    numbers: std::sync::atomic::AtomicUsize,
}

impl Actor {
    pub(crate) fn start(map: Map) -> Self {
        let (asks, questions) = channel();
        thread::spawn(move || answer(map, &questions));
        Self {
            asks,
            numbers: std::sync::atomic::AtomicUsize::new(0),
        }
    }
}

fn answer(mut map: Map, questions: &Receiver<Ask>) {
    let mut clients: Vec<Option<SyncSender<Option<Arc<Svc>>>>> = Vec::new();
    let reply = |clients: &[Option<SyncSender<Option<Arc<Svc>>>>], number: usize, answer| {
        if let Some(client) = &clients[number] {
            // A client that left needs no answer.
            let _ = client.send(answer);
        }
    };
    for question in questions {
        match question {
            Ask::Join(number, client) => {
                if clients.len() <= number {
                    clients.resize(number + 1, None);
                }
                clients[number] = Some(client);
            }
            Ask::Get(number, name) => reply(&clients, number, map.get(name).cloned()),
            Ask::Set(number, name, value) => {
                let old = map.get_mut(name).map(|old| std::mem::replace(old, value));
                reply(&clients, number, old);
            }
        }
    }
}

/// One client of the actor.
pub(crate) struct Client {
    number: usize,
    asks: Sender<Ask>,
    answers: Receiver<Option<Arc<Svc>>>,
}

impl Client {
    fn ask(&self, question: Ask) -> Option<Arc<Svc>> {
        self.asks.send(question).ok()?;
        self.answers.recv().ok()?
    }
}

impl Peer for Actor {
    type Local<'a> = Client;
    type Owned = Arc<Svc>;
    const WRITES: bool = true;

    fn enter(&self) -> Client {
        let (client, answers) = sync_channel(1);
        let number = self
            .numbers
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let joined = self.asks.send(Ask::Join(number, client));
        debug_assert!(joined.is_ok(), "the actor lives as long as a sender");
        Client {
            number,
            asks: self.asks.clone(),
            answers,
        }
    }

    fn field(&self, local: &mut Client, query: &Query) -> Option<u64> {
        self.owned(local, query).map(|value| value.id)
    }

    fn owned(&self, local: &mut Client, query: &Query) -> Option<Arc<Svc>> {
        local.ask(Ask::Get(local.number, query.name))
    }

    fn replace(&self, local: &mut Client, query: &Query) {
        let value = Arc::new(Svc::new(query.at as usize));
        drop(local.ask(Ask::Set(local.number, query.name, value)));
    }
}
