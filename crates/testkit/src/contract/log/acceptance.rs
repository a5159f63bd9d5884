//! What a log promises of messages: the entry that accepted one is found by the sequence of its id.

use engine::changes::{Changes, Write};
use engine::ports::Log;
use ledger::{Actor, Draft, Entry, Kind, ObjectType, Outcome};

use super::filling::{acceptance, accepting};
use super::{Home, Opened};
use crate::contract::store::samples::{
    changes, draft, inbound, message, message_id, moment, new_message, sequence, update,
};
use crate::contract::store::waiting::{begin, commit};
use domain::message::MessageState;

/// What the entry that a sequence leads to is about.
fn object_of(log: &dyn Log, sequence: u64) -> Option<String> {
    let index = log.entry_of(sequence).unwrap()?;
    let entries = log.entries(index, 1).unwrap();
    let entry = Entry::parse(&entries[0]).unwrap();
    entry.object.map(|object| object.id.into_owned())
}

fn check(log: &dyn Log, n: u64) {
    let found = object_of(log, sequence(n));
    assert_eq!(found, Some(message_id(n).to_string()), "message {n}");
}

/// Also after it was changed, and after a restart.
pub fn the_entry_that_accepted_a_message_is_found(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    for n in 0..5 {
        let first = commit(&*store, accepting(n)).unwrap().first_index;
        assert_eq!(log.entry_of(sequence(n)).unwrap(), Some(first));
        check(&*log, n);
    }
    for (version, state) in [(2, MessageState::Dispatched), (3, MessageState::Failed)] {
        commit(&*store, changes(moment(9), [update(2, version, state)])).unwrap();
    }
    (0..5).for_each(|n| check(&*log, n));
    drop((store, log));
    let Opened { log, store: _store } = home.open();
    (0..5).for_each(|n| check(&*log, n));
}

/// However many commits share a transaction.
pub fn each_message_of_a_group_finds_its_own_entry(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    let pending: Vec<_> = (0..200).map(|n| begin(&*store, accepting(n))).collect();
    for pending in pending {
        pending.wait().unwrap();
    }
    (0..200).for_each(|n| check(&*log, n));
}

/// From there the others are near.
pub fn a_commit_of_many_entries_is_found_at_its_first(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    let pending: Vec<_> = (0..30)
        .map(|n| {
            let mut accepting = accepting(2 * n);
            accepting.entry(draft(Kind::MessageDispatched));
            accepting.entry(acceptance(2 * n + 1));
            for write in new_message(message(2 * n + 1)) {
                accepting.write(write);
            }
            begin(&*store, accepting)
        })
        .collect();
    let firsts: Vec<_> = pending
        .into_iter()
        .map(|pending| pending.wait().unwrap().first_index)
        .collect();
    for (n, first) in (0..30).zip(firsts) {
        check(&*log, 2 * n);
        assert_eq!(log.entry_of(sequence(2 * n + 1)).unwrap(), Some(first));
        let third = log.entries(first + 2, 1).unwrap();
        let object = Entry::parse(&third[0]).unwrap().object.unwrap();
        assert_eq!(object.id, message_id(2 * n + 1).to_string());
    }
}

/// A commit that fails late makes its neighbours move.
pub fn a_group_that_was_written_twice_points_to_where_it_ended_up(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    commit(&*store, accepting(0)).unwrap();
    let pending: Vec<_> = (1..60)
        .map(|n| {
            let mut accepting = accepting(n);
            if n % 7 == 0 {
                accepting.entry(draft(Kind::MessageDispatched));
                accepting.write(update(0, 9, MessageState::Dispatched));
            }
            (n, begin(&*store, accepting))
        })
        .collect();
    for (n, pending) in pending {
        assert_eq!(pending.wait().is_ok(), n % 7 != 0);
    }
    for n in 1..60 {
        if n % 7 == 0 {
            assert_eq!(log.entry_of(sequence(n)).unwrap(), None);
        } else {
            check(&*log, n);
        }
    }
}

/// By the same question.
pub fn an_inbound_message_is_found_too(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    commit(&*store, accepting(0)).unwrap();
    let row = inbound(1);
    let id = row.id.to_string();
    let entry = Draft::of(Kind::MoReceived, Actor::system(&"contract"), Outcome::Done)
        .object(ObjectType::Inbound, &row.id)
        .build()
        .unwrap();
    let mut taken = Changes::new(entry, moment(1));
    taken.write(Write::Inbound(Box::new(row)));
    commit(&*store, taken).unwrap();
    assert_eq!(object_of(&*log, sequence(1)), Some(id));
    check(&*log, 0);
}

/// Whatever the number.
pub fn what_is_not_there_has_no_entry(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    commit(&*store, accepting(0)).unwrap();
    for absent in [0, 1, sequence(0) - 1, sequence(1), u64::MAX] {
        assert_eq!(log.entry_of(absent).unwrap(), None);
    }
}
