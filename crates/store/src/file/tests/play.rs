//! Scenarios: what programs and hands do to one document.

use std::time::Duration;

use super::{
    DOCUMENT, Operation, Put, Remove, Stand, Terms, Value, allowed, at, disk, is_durable, open,
    reopened, shown, transaction,
};
use crate::disk::sim::{Call, Journal, SimDisk};
use crate::disk::{Access, Disk};
use crate::file::FileStore;
use crate::{Store, StoreError};

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// A transaction.
    Commit(&'static [Operation]),
    /// Another process does it.
    Elsewhere(&'static [Operation]),
    /// Several transactions that wait for the lock together.
    Group(&'static [&'static [Operation]]),
    /// A hand puts another number into the value of an entry, in an editor that renames.
    Edit(&'static str, u32, u32),
    /// A hand opens the document in an editor; what it saves next is that text.
    OpenEditor,
    /// The same, written in place.
    EditInPlace(&'static str, u32, u32),
    /// A document becomes something else.
    Damage(Harm),
    Restore,
    Clean,
    /// The process ends, and starts again.
    Restart,
}
use Act::{
    Clean, Commit, Damage, Edit, EditInPlace, Elsewhere, Group, OpenEditor, Restart, Restore,
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Harm {
    Emptied,
    Cut,
    Removed,
}

/// A disk to begin with, what stands there, and what happens.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) name: &'static str,
    /// What was committed and is durable before it begins.
    pub(super) before: &'static [&'static [Operation]],
    pub(super) exchange: bool,
    /// Of the clock: how many operations share a time.
    pub(super) grain: u64,
    pub(super) acts: &'static [Act],
}

const ACCESS: Access = Access {
    mode: 0o600,
    owner: None,
};
const SMALL: Value = Value(1, 8);
const LARGE: Value = Value(2, 1_500);

const USUAL: &[&[Operation]] = &[
    &[Put("alpha", SMALL), Put("beta", Value(3, 90))],
    &[Put("gamma", SMALL)],
];

pub(super) const CREATION: Play = Play {
    name: "creation",
    before: &[],
    exchange: true,
    grain: 1,
    acts: &[
        Commit(&[Put("alpha", SMALL)]),
        Commit(&[Put("beta", SMALL)]),
    ],
};

pub(super) const CHANGES: Play = Play {
    name: "changes",
    before: USUAL,
    exchange: true,
    grain: 1,
    acts: &[
        Commit(&[Put("delta", SMALL)]),
        Commit(&[Put("alpha", LARGE)]),
        Commit(&[Put("alpha", SMALL), Remove("beta")]),
        Restart,
        Commit(&[Remove("gamma"), Put("gamma", Value(7, 300))]),
        Clean,
        Commit(&[Put("epsilon", SMALL)]),
    ],
};

pub(super) const WITHOUT_EXCHANGE: Play = Play {
    name: "without exchange",
    exchange: false,
    ..CHANGES
};

pub(super) const COARSE: Play = Play {
    name: "a clock that stands still",
    grain: 1_000_000,
    acts: &[
        Commit(&[Put("alpha", Value(5, 8))]),
        Elsewhere(&[Put("alpha", Value(6, 8))]),
        Commit(&[Put("alpha", Value(7, 8))]),
        Elsewhere(&[Put("alpha", Value(8, 8))]),
    ],
    ..CHANGES
};

pub(super) const GROUPS: Play = Play {
    name: "groups",
    acts: &[
        Group(&[
            &[Put("one", SMALL)],
            &[Put("two", SMALL), Remove("alpha")],
            &[Put("one", LARGE)],
        ]),
        Group(&[&[Remove("one")], &[Put("three", SMALL)]]),
    ],
    ..CHANGES
};

pub(super) const TWO_PROCESSES: Play = Play {
    name: "two processes",
    acts: &[
        Commit(&[Put("alpha", Value(5, 8))]),
        Elsewhere(&[Put("beta", LARGE)]),
        Commit(&[Remove("beta")]),
        Elsewhere(&[Put("delta", SMALL)]),
        Elsewhere(&[Remove("alpha")]),
        Commit(&[Put("alpha", SMALL)]),
    ],
    ..CHANGES
};

pub(super) const BY_HAND: Play = Play {
    name: "an edit by hand",
    acts: &[
        Commit(&[Put("delta", SMALL)]),
        Edit("alpha", 1, 77),
        Commit(&[Put("beta", SMALL)]),
        Commit(&[Put("epsilon", SMALL)]),
    ],
    ..CHANGES
};

pub(super) const BY_HAND_IN_PLACE: Play = Play {
    name: "an edit by hand, in place",
    acts: &[
        Edit("gamma", 1, 55),
        Elsewhere(&[Put("beta", SMALL)]),
        Commit(&[Put("delta", SMALL)]),
        EditInPlace("alpha", 1, 77),
        Commit(&[Put("beta", LARGE)]),
    ],
    ..CHANGES
};

pub(super) const BY_HAND_LATE: Play = Play {
    name: "an edit by hand of an earlier revision",
    acts: &[
        OpenEditor,
        Commit(&[Put("beta", SMALL)]),
        Elsewhere(&[Put("delta", SMALL)]),
        Edit("alpha", 1, 77),
        Commit(&[Put("epsilon", SMALL)]),
    ],
    ..CHANGES
};

pub(super) const EMPTIED: Play = Play {
    name: "an emptied document is restored",
    acts: &[
        Damage(Harm::Emptied),
        Restore,
        Commit(&[Put("beta", SMALL)]),
    ],
    ..CHANGES
};

pub(super) const CUT: Play = Play {
    name: "a document cut short is restored",
    acts: &[Damage(Harm::Cut), Restore],
    ..CHANGES
};

pub(super) const REMOVED: Play = Play {
    name: "a document that is gone is restored",
    acts: &[Damage(Harm::Removed), Restore],
    ..CHANGES
};

impl Play {
    pub(super) fn terms(&self) -> Terms {
        let has = |matches: fn(&Act) -> bool| self.acts.iter().any(matches);
        Terms {
            edited: has(|act| matches!(act, Edit(..) | EditInPlace(..))),
            damaged: has(|act| matches!(act, Damage(_))),
        }
    }

    /// Makes what is there before, durable. Returns every state that was.
    pub(super) fn set(&self) -> (SimDisk, Vec<Stand>) {
        let disk = disk();
        disk.allow_exchange(self.exchange);
        disk.set_clock_grain(self.grain);
        let mut stands = vec![Stand::default()];
        if !self.before.is_empty() {
            let store = open(&disk).unwrap();
            for operations in self.before {
                let next = stands.last().unwrap().after(operations);
                let revision = store.submit(transaction(operations)).wait().unwrap();
                assert_eq!((revision, shown(&store)), (next.revision, next.clone()));
                stands.push(next);
            }
        }
        disk.settle();
        (disk, stands)
    }
}

/// How the disk is while the play runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// Everything works; the power may go.
    Calm,
    /// Calls fail.
    Faulty,
}

/// Plays: notes every intent and what became of it. Where calls fail it ends with the first outcome
/// that is unknown; it returns the store that was in use then, if it could be opened.
pub(super) fn play(
    disk: &SimDisk,
    journal: &Journal<Stand>,
    play: &Play,
    weather: Weather,
) -> Option<FileStore> {
    let mut here = Stage::new(disk, journal, weather, play.terms());
    for act in play.acts {
        if here.act(act).is_err() {
            break;
        }
    }
    here.store
}

struct Stage<'a> {
    disk: &'a SimDisk,
    journal: &'a Journal<Stand>,
    weather: Weather,
    /// What is there, or will be when the last edit has been taken up.
    stand: Stand,
    terms: Terms,
    store: Option<FileStore>,
    other: Option<FileStore>,
    /// What a hand has before it, and of which revision it is.
    editor: Option<(u64, String)>,
}

/// There is nothing more to be learnt.
struct Over;

impl<'a> Stage<'a> {
    fn new(disk: &'a SimDisk, journal: &'a Journal<Stand>, weather: Weather, terms: Terms) -> Self {
        let stand = journal.acknowledged().unwrap_or_default();
        Self {
            disk,
            journal,
            weather,
            stand,
            terms,
            store: None,
            other: None,
            editor: None,
        }
    }

    fn act(&mut self, act: &Act) -> Result<(), Over> {
        match act {
            Restart => {
                self.store = None;
                Ok(())
            }
            Commit(operations) => self.commit(false, operations),
            Elsewhere(operations) => self.commit(true, operations),
            Group(group) => self.group(group),
            OpenEditor => {
                self.editor = Some((self.stand.revision, self.text()?));
                Ok(())
            }
            Edit(name, old, new) => self.edit(name, *old, *new, false),
            EditInPlace(name, old, new) => self.edit(name, *old, *new, true),
            Damage(harm) => {
                self.damage(*harm);
                Ok(())
            }
            Restore => {
                let next = Stand {
                    revision: self.stand.revision + 1,
                    ..self.stand.clone()
                };
                self.ask(false, next, |store| store.restore(0).wait())
            }
            Clean => {
                let result = self.store(false)?.clean().wait();
                assert!(
                    result.is_ok() || self.weather == Weather::Faulty,
                    "{result:?}"
                );
                Ok(())
            }
        }
    }

    fn store(&mut self, other: bool) -> Result<&FileStore, Over> {
        let calm = self.weather == Weather::Calm;
        let store = if other {
            &mut self.other
        } else {
            &mut self.store
        };
        if store.is_none() {
            match open(self.disk) {
                Ok(opened) => *store = Some(opened),
                Err(error) if calm => panic!("{error}"),
                // It is tried again when it is needed next.
                Err(_) => return Err(Over),
            }
        }
        store.as_ref().ok_or(Over)
    }

    fn commit(&mut self, other: bool, operations: &[Operation]) -> Result<(), Over> {
        let next = self.stand.after(operations);
        self.ask(other, next, |store| {
            store.submit(transaction(operations)).wait()
        })
    }

    fn ask(
        &mut self,
        other: bool,
        next: Stand,
        ask: impl FnOnce(&FileStore) -> Result<u64, StoreError>,
    ) -> Result<(), Over> {
        let (disk, journal, weather) = (self.disk, self.journal, self.weather);
        let struck = disk.fired().len();
        let store = self.store(other)?;
        let before = shown(store);
        let ticket = journal.intend(next.clone());
        match ask(store) {
            Ok(revision) => {
                journal.acknowledge(ticket);
                assert_eq!(revision, next.revision);
                assert_eq!(shown(store), next);
                assert!(store.committed() >= revision);
                if disk.fired().len() > struck {
                    is_durable(disk, &next, journal, self.terms);
                }
                self.stand = next;
                Ok(())
            }
            Err(error) if weather == Weather::Calm => panic!("{error}"),
            Err(StoreError::Unknown { .. }) => {
                // Nothing else leaves it open whether something has happened.
                let fired = &disk.fired()[struck..];
                assert!(
                    fired.iter().any(|(_, call, _)| matches!(
                        call,
                        Call::SyncFolder | Call::Rename | Call::Exchange | Call::Link
                    )),
                    "{fired:?}"
                );
                let shows = shown(store);
                assert!(
                    shows == before || allowed(journal).contains(&shows),
                    "{shows:#?}"
                );
                // Looking again may show it, and then it must stay.
                if store.refresh().wait().is_ok() && shown(store) == next {
                    journal.acknowledge(ticket);
                    is_durable(disk, &next, journal, self.terms);
                }
                Err(Over)
            }
            Err(_) => {
                journal.refuse(ticket);
                let shows = shown(store);
                let allowed = allowed(journal);
                // What another process committed it need not have seen yet.
                let mut seen = journal.past();
                seen.retain(|one| one.revision >= before.revision);
                assert!(
                    allowed.contains(&shows) || seen.contains(&shows),
                    "shown is {shows:#?}, allowed are {allowed:#?}"
                );
                let there = reopened(disk);
                assert!(
                    allowed.iter().any(|one| one.holds_what(&there)),
                    "found is {there:#?}, allowed are {allowed:#?}"
                );
                Ok(())
            }
        }
    }

    fn group(&mut self, group: &[&[Operation]]) -> Result<(), Over> {
        let lock = at("/data/m.json.d/lock");
        let lock = self.disk.open_lock(lock, ACCESS).unwrap();
        assert!(lock.try_lock().unwrap());
        self.store(false)?;
        let mut waiting = Vec::new();
        for operations in group {
            self.stand = self.stand.after(operations);
            let ticket = self.journal.intend(self.stand.clone());
            let submitted = self.store(false)?.submit(transaction(operations));
            waiting.push((ticket, self.stand.revision, submitted));
        }
        drop(lock);
        for (ticket, revision, submitted) in waiting {
            let found = submitted.wait_for(Duration::from_secs(60)).unwrap();
            assert_eq!(found.unwrap(), revision);
            self.journal.acknowledge(ticket);
        }
        Ok(())
    }

    fn text(&self) -> Result<String, Over> {
        let text = self.disk.content(at(DOCUMENT)).ok_or(Over)?;
        Ok(String::from_utf8(text).unwrap())
    }

    /// The operator saves the text, and it is durable.
    fn edit(&mut self, name: &str, old: u32, new: u32, in_place: bool) -> Result<(), Over> {
        let (based_on, text) = match self.editor.take() {
            Some(opened) => opened,
            None => (self.stand.revision, self.text()?),
        };
        let entry = text.find(&format!("\"{name}\": {{")).ok_or(Over)?;
        let (head, tail) = text.split_at(entry);
        let edited = tail.replacen(&format!("\"n\": {old}"), &format!("\"n\": {new}"), 1);
        assert_ne!(edited, tail);
        let mut next = self.stand.clone();
        next.revision += 1;
        let value = next.entries.get_mut(name).unwrap();
        value.0 = next.revision;
        value.1 = value
            .1
            .replacen(&format!("\"n\":{old}"), &format!("\"n\":{new}"), 1);
        if based_on != self.stand.revision {
            // Whoever saves an old text over the only durable copy of what was committed since has
            // lost that; the kept one is not made durable, but it is by now.
            let newest = self.stand.revision;
            let store = open(&self.disk.fork()).map_err(|_| Over)?;
            store.shared.kept(newest, None).ok_or(Over)?;
            self.disk.settle();
            if self.weather == Weather::Calm {
                // What it was based on may be lost, and then it cannot be merged.
                self.journal.intend(Stand {
                    revision: next.revision,
                    ..self.stand.clone()
                });
            }
        }
        self.journal.intend(next.clone());
        self.stand = next;
        let text = format!("{head}{edited}");
        match (in_place, self.weather) {
            (true, _) => self.disk.overwrite(at(DOCUMENT), text.as_bytes()).unwrap(),
            (false, Weather::Faulty) => {
                self.disk.replace(at(DOCUMENT), text.as_bytes()).unwrap();
            }
            (false, Weather::Calm) => self.save(text.as_bytes()),
        }
        if in_place || self.weather == Weather::Faulty {
            self.disk.settle();
        }
        Ok(())
    }

    /// Saves as an editor does that cares for its user's text: one that does not may lose it, and what
    /// was there before with it.
    fn save(&self, text: &[u8]) {
        let scratch = at("/data/m.json.new");
        let mut file = self.disk.create(scratch, ACCESS).unwrap();
        assert_eq!(file.write(text).unwrap(), text.len());
        file.sync().unwrap();
        self.disk.rename(scratch, at(DOCUMENT)).unwrap();
        self.disk.sync_folder(at("/data")).unwrap();
    }

    fn damage(&mut self, harm: Harm) {
        self.disk.settle();
        let text = self.disk.content(at(DOCUMENT)).unwrap();
        match harm {
            Harm::Emptied => self.disk.overwrite(at(DOCUMENT), b"").unwrap(),
            Harm::Cut => {
                let half = &text[..text.len() / 2];
                self.disk.overwrite(at(DOCUMENT), half).unwrap();
            }
            Harm::Removed => self.disk.erase(at(DOCUMENT)).unwrap(),
        }
        self.disk.settle();
    }
}
