//! How soon a process hears of what another one has changed.

use std::io;

use super::crew::{self, Heard};
use super::ground::Ground;
use super::keeper::Peer;
use crate::grid::Session;
use crate::histogram::Histogram;
use crate::report::{Report, time};

const ENTRIES: usize = 1_000;
/// How often each is measured, and how many changes are made each time.
const REPEATS: usize = 3;
const CHANGES: usize = 150;

const PEERS: [(Peer, &str); 4] = [
    (Peer::Byname, "**file store**, a watch"),
    (Peer::Sqlite, "SQLite, `PRAGMA data_version` each ms"),
    (Peer::Lmdb, "LMDB, a read transaction each ms"),
    (Peer::Rewrite, "naive, inotify, the file read and parsed"),
];

pub(super) fn run(session: &Session, report: &mut Report, ground: &mut Ground) -> io::Result<()> {
    report.say(&format!(
        "### When another process hears of a change, {} entries",
        crate::sections::count(ENTRIES)
    ))?;
    report.say(
        "One process changes an entry every 3 to 8 ms, another one follows and has read the new \
         value when it notes the time. *After the acknowledgement* is 0 when it heard before the \
         one who made the change was told that it is durable.",
    )?;
    let repeats = if session.quick { 1 } else { REPEATS };
    let mut all: Vec<Option<Heard>> = PEERS.iter().map(|_| None).collect();
    for repeat in 0..repeats {
        for turn in 0..PEERS.len() {
            let at = (turn + repeat) % PEERS.len();
            let peer = PEERS[at].0;
            let folder = ground.store(peer, ENTRIES)?;
            let heard = crew::heard(peer, &folder, CHANGES)?;
            match &mut all[at] {
                Some(all) => {
                    all.asked.merge(&heard.asked);
                    all.acknowledged.merge(&heard.acknowledged);
                    all.change.merge(&heard.change);
                }
                none => *none = Some(heard),
            }
        }
    }
    let rows: Vec<Vec<String>> = PEERS
        .iter()
        .zip(&all)
        .filter_map(|((_, name), heard)| {
            let heard = heard.as_ref()?;
            let both = |times: &Histogram| {
                let at = |share| time(times.quantile(share));
                format!("{} / {}", at(0.5), at(0.99))
            };
            Some(vec![
                (*name).to_owned(),
                both(&heard.acknowledged),
                both(&heard.asked),
                both(&heard.change),
            ])
        })
        .collect();
    report.texts(
        "p50 / p99",
        &[
            "after the acknowledgement",
            "after the change was asked for",
            "the change itself",
        ],
        &rows,
    )
}
