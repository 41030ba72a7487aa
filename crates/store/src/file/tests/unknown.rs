//! The folder could not be made durable: whoever shows what is in place nevertheless has made it so.

use super::{DOCUMENT, Put, Stand, Terms, Value, disk, is_durable, open, shown, transaction};
use crate::disk::sim::{Call, Failure, Journal, SimDisk, explore_faults};
use crate::{Condition, Store, StoreError, Transaction};

/// Who looks after an outcome that is unknown.
#[derive(Clone, Copy, Debug)]
enum Looks {
    /// The process that committed, by another transaction.
    TheWriter,
    /// The same, by refreshing.
    TheReader,
    /// A process that was there all the time, by a transaction.
    AnotherWriter,
    /// The same, by refreshing.
    AnotherReader,
}

/// Lets each sync of a folder fail, and returns how often it was unknown whether the transaction
/// outlives a power cut.
fn fail_each_sync_of_a_folder(
    base: &SimDisk,
    start: &Stand,
    failure: Failure,
    looks: Looks,
) -> usize {
    let mut unknown = 0;
    explore_faults(
        base,
        &[failure],
        1,
        |disk| {
            let journal = Journal::new(Some(start.clone()));
            let (Ok(other), Ok(store)) = (open(disk), open(disk)) else {
                return journal;
            };
            let refused = || Transaction::new().when("nothing", Condition::Exists);
            // It has made what stands beside the document, and does not do so again.
            let _ = other.submit(refused()).wait();
            let operations = [Put("more", Value(1, 10))];
            let ticket = journal.intend(start.after(&operations));
            let outcome = store.submit(transaction(&operations)).wait();
            let fired = disk.fired();
            disk.heal();
            match outcome {
                Ok(_) => journal.acknowledge(ticket),
                Err(StoreError::Unknown { revision, .. }) => {
                    assert_eq!(revision, start.revision + 1);
                    let is_in_place = fired[0].1 == Call::SyncFolder;
                    unknown += usize::from(is_in_place);
                    // What is in place may be written anew.
                    if !is_in_place {
                        journal.intend(Stand {
                            revision,
                            ..start.clone()
                        });
                    }
                    journal.intend(Stand {
                        revision: revision + 1,
                        ..start.after(&operations)
                    });
                    let seen = match looks {
                        Looks::TheWriter => {
                            store.submit(refused()).wait().unwrap_err();
                            shown(&store)
                        }
                        Looks::TheReader => {
                            store.refresh().wait().unwrap();
                            shown(&store)
                        }
                        Looks::AnotherWriter => {
                            other.submit(refused()).wait().unwrap_err();
                            shown(&other)
                        }
                        Looks::AnotherReader => {
                            other.refresh().wait().unwrap();
                            shown(&other)
                        }
                    };
                    is_durable(disk, &seen, &journal, Terms::default());
                }
                Err(_) => journal.refuse(ticket),
            }
            journal
        },
        |_, _, _| {},
    );
    unknown
}

#[test]
fn what_is_shown_after_an_unknown_outcome_is_durable() {
    let fresh = disk();
    let filled = disk();
    let store = open(&filled).unwrap();
    store
        .submit(transaction(&[Put("alpha", Value(3, 20))]))
        .wait()
        .unwrap();
    let start = shown(&store);
    drop(store);
    filled.settle();
    assert!(filled.content(super::at(DOCUMENT)).is_some());
    for (looks, failures) in [
        (Looks::TheWriter, &[Failure::Input, Failure::Access][..]),
        (Looks::TheReader, &[Failure::Input, Failure::Access]),
        // That a sync before its own has failed, and has left nothing to be written, no other process
        // can find out.
        (Looks::AnotherWriter, &[Failure::Access]),
        (Looks::AnotherReader, &[Failure::Access]),
    ] {
        for failure in failures {
            // Once and lastingly, of a document that is there or is new.
            let found = fail_each_sync_of_a_folder(&filled, &start, *failure, looks);
            assert_eq!(found, 2, "{looks:?} {failure:?}");
            let found = fail_each_sync_of_a_folder(&fresh, &Stand::default(), *failure, looks);
            assert_eq!(found, 2, "{looks:?} {failure:?}");
        }
    }
}
