//! A disk that fails. Every commit is answered at once, nothing that was refused is found later, and
//! the store goes on after it was opened again.

use std::fs;
use std::time::Duration;

use engine::ports::storage::{Failure, Level};
use engine::ports::store::CommitError;
use engine::ports::{Log, Store};
use rusqlite::ffi;
use store::Embedded;

use crate::disk::{DISKS, Fault};
use crate::story::{Machine, accept, answer, survey, verify_ledger};

const LOG: &str = "shortstop.sqlite-wal";
const DATABASE: &str = "shortstop.sqlite";

/// The numbers of the messages in a store.
fn numbers(store: &Embedded) -> Vec<u64> {
    survey(store)
        .unwrap()
        .into_iter()
        .map(|(number, _)| number)
        .collect()
}

/// Three commits succeed, the fault comes, everything is refused, the fault goes, the store goes on.
fn check(fault: Fault, cause: Failure) {
    let mut machine = Machine::new();
    machine.bounds.checkpoint_start_bytes = 1 << 20;
    let store = machine.open().unwrap();
    for n in 0..3 {
        answer(&accept(&store, n)).unwrap();
    }
    let before = store.head().unwrap();
    DISKS.set_fault(&machine.folder, fault);
    let refused: Vec<_> = (3..9).map(|n| accept(&store, n)).collect();
    for pending in refused {
        assert_eq!(answer(&pending), Err(CommitError::Poisoned), "{fault:?}");
    }
    assert!(!store.is_available());
    assert_eq!(store.failure(), Some(cause), "{fault:?}");
    assert_eq!(answer(&accept(&store, 9)), Err(CommitError::Poisoned));
    assert!(survey(&store).is_err(), "a store that failed reads nothing");
    DISKS.set_fault(&machine.folder, Fault::None);
    store.reopen().unwrap();
    assert!(store.is_available());
    assert_eq!(store.failure(), None);
    assert_eq!(store.head().unwrap(), before);
    assert_eq!(numbers(&store), [0, 1, 2], "{fault:?}");
    assert_eq!(answer(&accept(&store, 10)).unwrap().first_index, 3);
    drop(store);
    assert_eq!(verify_ledger(&machine.folder), 4);
    assert_eq!(numbers(&machine.open().unwrap()), [0, 1, 2, 10]);
}

#[test]
fn a_full_disk_refuses_at_once_and_leaves_nothing_of_what_it_refused() {
    check(Fault::Write(LOG, ffi::SQLITE_FULL), Failure::DiskFull);
}

/// A machine with a reserve, and too little room to make another.
fn nearly_full() -> Machine {
    let mut machine = Machine::new();
    drop(machine.open().unwrap());
    assert!(machine.folder.join("reserve").exists());
    machine.bounds.low_water_bytes = u64::MAX / 2;
    machine
}

#[test]
fn a_full_disk_frees_the_reserve_so_that_this_can_be_recorded() {
    let machine = nearly_full();
    let store = machine.open().unwrap();
    answer(&accept(&store, 0)).unwrap();
    DISKS.set_fault(&machine.folder, Fault::FullWhile(LOG, "reserve"));
    assert_eq!(answer(&accept(&store, 1)), Err(CommitError::Poisoned));
    assert_eq!(store.failure(), Some(Failure::DiskFull));
    assert_eq!(store.room().unwrap().level, Level::Low);
    store.reopen().unwrap();
    answer(&accept(&store, 2)).unwrap();
    assert_eq!(numbers(&store), [0, 2]);
}

#[test]
fn a_start_on_a_full_disk_begins_in_the_reserve() {
    let machine = nearly_full();
    DISKS.set_fault(&machine.folder, Fault::FullWhile(LOG, "reserve"));
    let store = machine.open().unwrap();
    answer(&accept(&store, 0)).unwrap();
}

#[test]
fn a_disk_that_cannot_write_refuses_at_once() {
    check(Fault::Write(LOG, ffi::SQLITE_IOERR_WRITE), Failure::IoError);
    check(Fault::Write(LOG, ffi::SQLITE_READONLY), Failure::ReadOnly);
}

#[test]
fn what_was_written_but_failed_to_sync_is_taken_back() {
    check(Fault::Sync(LOG), Failure::IoError);
}

#[test]
fn whichever_sync_fails_exactly_what_was_acknowledged_is_there() {
    // The log begins anew every few commits, and each time its header is synced too.
    for syncs in 0..24 {
        let machine = Machine::new();
        let store = machine.open().unwrap();
        DISKS.set_fault(&machine.folder, Fault::SyncAfter(LOG, syncs));
        let mut acknowledged = Vec::new();
        for n in 0.. {
            match answer(&accept(&store, n)) {
                Ok(_) => acknowledged.push(n),
                Err(error) => {
                    assert_eq!(error, CommitError::Poisoned);
                    break;
                }
            }
        }
        DISKS.set_fault(&machine.folder, Fault::None);
        store.reopen().unwrap();
        assert_eq!(numbers(&store), acknowledged, "after {syncs} syncs");
        answer(&accept(&store, 1_000)).unwrap();
        drop(store);
        let entries = u64::try_from(acknowledged.len()).unwrap() + 1;
        assert_eq!(verify_ledger(&machine.folder), entries);
    }
}

#[test]
fn a_log_that_cannot_be_copied_into_the_database_fails_the_store() {
    let machine = Machine::new();
    let store = machine.open().unwrap();
    DISKS.set_fault(&machine.folder, Fault::Write(DATABASE, ffi::SQLITE_FULL));
    let mut accepted = 0;
    while answer(&accept(&store, accepted)).is_ok() {
        accepted += 1;
        assert!(accepted < 10_000, "the log is never copied");
    }
    assert!(!store.is_available());
    // As long as the disk is full, it stays so.
    store.reopen().unwrap_err();
    assert!(!store.is_available());
    DISKS.set_fault(&machine.folder, Fault::None);
    store.reopen().unwrap();
    assert_eq!(numbers(&store), (0..accepted).collect::<Vec<_>>());
    answer(&accept(&store, accepted)).unwrap();
}

#[test]
fn a_disk_that_hangs_hangs_nobody_and_what_it_brings_late_is_taken_back() {
    let mut machine = Machine::new();
    machine.bounds.stall_max = Duration::from_millis(100);
    let store = machine.open().unwrap();
    answer(&accept(&store, 0)).unwrap();
    DISKS.set_fault(&machine.folder, Fault::Hang(LOG));
    let in_flight = accept(&store, 1);
    DISKS.wait_for_hang(&machine.folder);
    let behind = accept(&store, 2);
    assert_eq!(answer(&in_flight), Err(CommitError::Poisoned));
    assert_eq!(answer(&behind), Err(CommitError::Poisoned));
    assert_eq!(answer(&accept(&store, 3)), Err(CommitError::Poisoned));
    assert!(!store.is_available());
    assert_eq!(store.failure(), Some(Failure::Stalled));
    DISKS.set_fault(&machine.folder, Fault::None);
    store.reopen().unwrap();
    assert_eq!(numbers(&store), [0]);
    assert_eq!(answer(&accept(&store, 4)).unwrap().first_index, 1);
}

#[test]
fn a_store_whose_file_was_deleted_acknowledges_nothing_into_the_void() {
    for name in [DATABASE, LOG] {
        let machine = Machine::new();
        let store = machine.open().unwrap();
        answer(&accept(&store, 0)).unwrap();
        fs::remove_file(machine.folder.join(name)).unwrap();
        assert_eq!(
            answer(&accept(&store, 1)),
            Err(CommitError::Poisoned),
            "{name}"
        );
        assert!(!store.is_available());
        assert_eq!(store.failure(), Some(Failure::FileMissing), "{name}");
        // What was committed is gone; going on as if it were not would be a lie.
        store.reopen().unwrap_err();
        assert_eq!(
            answer(&accept(&store, 2)),
            Err(CommitError::Poisoned),
            "{name}"
        );
    }
}

#[test]
fn a_store_that_failed_closes_without_hanging() {
    let machine = Machine::new();
    let store = machine.open().unwrap();
    answer(&accept(&store, 0)).unwrap();
    DISKS.set_fault(&machine.folder, Fault::Sync(LOG));
    assert_eq!(answer(&accept(&store, 1)), Err(CommitError::Poisoned));
    drop(store);
    DISKS.set_fault(&machine.folder, Fault::None);
    assert_eq!(numbers(&machine.open().unwrap()), [0]);
}

#[test]
fn what_is_taken_back_is_never_seen_in_the_ledger() {
    let mut machine = Machine::new();
    machine.bounds.stall_max = Duration::from_millis(100);
    let store = machine.open().unwrap();
    answer(&accept(&store, 0)).unwrap();
    let first = store.entries(0, 1).unwrap();
    for n in 1..6 {
        DISKS.set_fault(&machine.folder, Fault::Hang(LOG));
        let in_flight = accept(&store, n);
        DISKS.wait_for_hang(&machine.folder);
        assert_eq!(answer(&in_flight), Err(CommitError::Poisoned));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                // From before the disk answers until after the store is back.
                while !store.is_available() {
                    assert_eq!(Log::size(&store), Ok(1));
                    // While it is closed it may fail, but it never shows more.
                    let seen = store.entries(0, usize::MAX).unwrap_or_default();
                    assert!(seen.is_empty() || seen == first, "{} entries", seen.len());
                }
            });
            DISKS.set_fault(&machine.folder, Fault::None);
            store.reopen().unwrap();
            reader.join().unwrap();
        });
        assert_eq!(store.entries(0, usize::MAX).unwrap(), first);
    }
}
