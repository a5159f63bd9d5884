//! What a log shows of the entries: those that are durable, in order, page by page.

use std::sync::Arc;

use engine::changes::Changes;
use engine::ports::Log;
use ledger::{Entry, Hash, Kind, leaf_hash};

use super::filling::{accepting, fill, slice};
use super::{Home, Opened};
use crate::contract::store::samples::{draft, message, moment, new_message, update};
use crate::contract::store::waiting::commit;
use domain::message::MessageState;

const ALL: usize = usize::MAX;

/// Nor is asking for it a fault.
pub fn an_empty_ledger_has_nothing_to_read(home: &mut dyn Home) {
    let Opened { log, .. } = home.open();
    assert_eq!(log.size().unwrap(), 0);
    assert_eq!(log.leaves(0, ALL).unwrap(), []);
    assert_eq!(log.entries(0, ALL).unwrap(), Vec::<Vec<u8>>::new());
    assert_eq!(log.nodes(8, 0, ALL).unwrap(), []);
    assert_eq!(log.latest().unwrap(), None);
    assert_eq!(log.entry_of(1).unwrap(), None);
}

/// Each in its place.
pub fn leaves_are_the_hashes_of_the_entries(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    for n in 0..20 {
        commit(&*store, accepting(n)).unwrap();
    }
    fill(&*store, 300);
    let entries = log.entries(0, ALL).unwrap();
    let hashes: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    assert_eq!(hashes.len(), 300);
    assert_eq!(log.leaves(0, ALL).unwrap(), hashes);
    for (number, entry) in (0..).zip(&entries) {
        assert_eq!(Entry::parse(entry).unwrap().node_seq, number);
    }
}

/// Wherever a page begins and however long it is, soon after it was written as well as after a restart.
pub fn pages_meet_at_every_edge(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 300);
    let entries = log.entries(0, ALL).unwrap();
    let leaves = log.leaves(0, ALL).unwrap();
    check_pages(&*log, &entries, &leaves);
    drop((store, log));
    check_pages(&*home.open().log, &entries, &leaves);
}

fn check_pages(log: &dyn Log, entries: &[Vec<u8>], leaves: &[Hash]) {
    for from in 0..=301 {
        for most in [0, 1, 2, 255, 256, 257, ALL] {
            let at = u64::try_from(from).unwrap();
            assert_eq!(log.entries(at, most).unwrap(), slice(entries, from, most));
            assert_eq!(log.leaves(at, most).unwrap(), slice(leaves, from, most));
        }
    }
    assert_eq!(log.leaves(u64::MAX >> 1, ALL).unwrap(), []);
    assert_eq!(
        log.entries(u64::MAX >> 1, 1).unwrap(),
        Vec::<Vec<u8>>::new()
    );
}

/// Where it has them, it has them as they were written.
pub fn what_is_in_memory_is_what_was_written(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    for size in [1, 2, 3, 200, 300] {
        fill(&*store, size);
        let entries = log.entries(0, ALL).unwrap();
        let timed = |entry: &Vec<u8>| (Entry::parse(entry).unwrap().time_micros, leaf_hash(entry));
        let written: Vec<_> = entries.iter().map(timed).collect();
        for from in 0..=entries.len() + 1 {
            for most in [0, 1, 2, ALL] {
                let recent = log.recent(u64::try_from(from).unwrap(), most);
                let page = slice(&written, from, most);
                assert!(recent.is_empty() || recent == page, "{from} {most}");
            }
        }
    }
}

/// While commits go on, a reader sees every answered one, and no part of one.
pub fn what_was_answered_is_seen_and_only_whole_commits_are(home: &mut dyn Home) {
    const ENTRIES: u64 = 3;
    let Opened { store, log } = home.open();
    let writing = Arc::clone(&log);
    let writer = std::thread::spawn(move || {
        for n in 0..100 {
            let mut changes = accepting(n);
            changes.entry(draft(Kind::MessageDispatched));
            changes.entry(draft(Kind::MessageDispatched));
            let first = commit(&*store, changes).unwrap().first_index;
            assert!(writing.size().unwrap() >= first + ENTRIES);
            let mine = writing.entries(first, 3).unwrap();
            assert_eq!(mine.len(), 3, "what was answered can be read");
        }
    });
    let mut last = 0;
    while last < 100 * ENTRIES {
        let size = log.size().unwrap();
        assert!(
            size >= last && size.is_multiple_of(ENTRIES),
            "{size} after {last}"
        );
        let read = u64::try_from(log.leaves(0, ALL).unwrap().len()).unwrap();
        assert!(
            read >= size && read.is_multiple_of(ENTRIES),
            "{read} of {size}"
        );
        last = size;
        if writer.is_finished() {
            break;
        }
    }
    writer.join().unwrap();
    assert_eq!(log.size().unwrap(), 100 * ENTRIES);
}

/// A conflict leaves nothing behind.
pub fn what_was_refused_is_never_seen(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    commit(&*store, accepting(0)).unwrap();
    let mut stale = Changes::new(draft(Kind::MessageDispatched), moment(1));
    for write in new_message(message(1)) {
        stale.write(write);
    }
    stale.write(update(0, 9, MessageState::Dispatched));
    commit(&*store, stale).unwrap_err();
    assert_eq!(log.size().unwrap(), 1);
    assert_eq!(log.entries(0, ALL).unwrap().len(), 1);
}

/// Octet by octet.
pub fn entries_are_the_same_after_a_restart(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 300);
    let before = (log.size(), log.entries(0, ALL), log.leaves(0, ALL));
    drop((store, log));
    let Opened { store, log } = home.open();
    assert_eq!(
        (log.size(), log.entries(0, ALL), log.leaves(0, ALL)),
        before
    );
    fill(&*store, 301);
    assert_eq!(log.size().unwrap(), 301);
}
