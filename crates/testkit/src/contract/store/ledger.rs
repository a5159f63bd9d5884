//! What the ledger in a store promises: order, numbers, times, hashes, epochs.

use domain::message::MessageState;
use domain::time::Timestamp;
use ledger::{Entry, Kind, leaf_hash};

use super::samples::{START, changes, draft, message, moment, new_message, update};
use super::waiting::commit;
use super::{Home, StoredEntry};

fn parsed(stored: &[StoredEntry]) -> Vec<Entry<'_>> {
    stored
        .iter()
        .map(|entry| Entry::parse(&entry.bytes).unwrap())
        .collect()
}

/// In the order of the drafts.
pub fn entries_are_numbered_without_gaps_and_carry_their_leaf_hash(home: &mut dyn Home) {
    let store = home.open();
    for n in 0..20 {
        let mut changes = changes(moment(n), new_message(message(n)));
        changes.entry(draft(Kind::MessageDispatched));
        commit(&*store, changes).unwrap();
    }
    let epoch = store.head().unwrap().epoch;
    drop(store);
    let stored = home.entries();
    assert_eq!(stored.len(), 40);
    for entry in &stored {
        assert_eq!(entry.leaf, *leaf_hash(&entry.bytes).as_bytes());
    }
    let entries = parsed(&stored);
    let first = entries[0].node_seq;
    for (place, entry) in (0_u64..).zip(&entries) {
        let kind = if place % 2 == 0 {
            Kind::MessageAccepted
        } else {
            Kind::MessageDispatched
        };
        assert_eq!(
            (entry.node_seq, entry.kind, entry.epoch),
            (first + place, kind, epoch)
        );
        assert_eq!(entry.time_micros, moment(place / 2).micros());
    }
}

/// What is refused by the state never happened.
pub fn a_conflict_leaves_no_entry_and_no_gap(home: &mut dyn Home) {
    let store = home.open();
    for n in 0..5 {
        commit(&*store, changes(moment(n), new_message(message(n)))).unwrap();
        let stale = changes(moment(n), [update(n, 9, MessageState::Dispatched)]);
        commit(&*store, stale).unwrap_err();
    }
    drop(store);
    let stored = home.entries();
    let numbers: Vec<_> = parsed(&stored).iter().map(|entry| entry.node_seq).collect();
    let first = numbers[0];
    assert_eq!(numbers, (first..first + 5).collect::<Vec<_>>());
}

/// Also when the clock does, and across a restart.
pub fn times_in_the_ledger_never_go_back(home: &mut dyn Home) {
    let clock = [100, 50, 100, 101, 0, 102];
    for (half, moments) in clock.chunks(3).enumerate() {
        let store = home.open();
        for (place, seconds) in (0_u64..).zip(moments) {
            let n = u64::try_from(half).unwrap() * 10 + place;
            let at = Timestamp::from_seconds(START.seconds() + seconds);
            commit(&*store, changes(at, new_message(message(n)))).unwrap();
        }
    }
    let stored = home.entries();
    let times: Vec<_> = parsed(&stored)
        .iter()
        .map(|entry| Timestamp::from_micros(entry.time_micros).seconds() - START.seconds())
        .collect();
    assert_eq!(times, [100, 100, 100, 101, 101, 102]);
}

/// The numbers of a node do not begin anew.
pub fn entries_go_on_after_a_restart_under_the_next_epoch(home: &mut dyn Home) {
    for n in 0..3 {
        let store = home.open();
        let committed = commit(&*store, changes(moment(n), new_message(message(n)))).unwrap();
        assert_eq!(committed.first_index, n);
    }
    let stored = home.entries();
    let entries = parsed(&stored);
    let numbers: Vec<_> = entries.iter().map(|entry| entry.node_seq).collect();
    assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
    assert!(entries.windows(2).all(|pair| pair[0].epoch < pair[1].epoch));
}
