//! What a store promises to persons: destroyed is destroyed, blanked is found no more.

use domain::id::InboundId;
use domain::message::MessageState;
use engine::changes::{Changes, Write};
use engine::ports::Store;
use engine::ports::erasure::{Holder, Holders, OldValue, OldValues};
use engine::ports::store::{CommitError, Loaded, Page};
use engine::rows::{
    Bearer, InboundRow, MessageFilter, MessageRow, NO_SUBJECT, OptOutStanding, Purpose,
    SubjectLookup, VaultRow, VerificationRow,
};
use ledger::Kind;

use super::Home;
use super::samples::{
    changes, draft, inbound, message, message_id, moment, new_message, opt_out, part, sealed,
    sequence, subject, unmatched, update, verification,
};
use super::waiting::{commit, read};

fn tombstone(n: u64, purpose: Purpose) -> Write {
    let owner = sequence(n);
    Write::Tombstone { owner, purpose }
}

fn expire(n: u64, purpose: Purpose) -> Write {
    let owner = sequence(n);
    Write::Expire { owner, purpose }
}

fn erasing(writes: impl IntoIterator<Item = Write>) -> Changes {
    let mut changes = Changes::new(draft(Kind::SubjectErased), moment(100));
    for write in writes {
        changes.write(write);
    }
    changes
}

fn new_inbound(row: InboundRow) -> Vec<Write> {
    let [number, text] = sealed(row.id.sequence());
    let row = Write::Inbound(Box::new(row));
    vec![row, Write::Vault(number), Write::Vault(text)]
}

/// The entry of the commit, not of the group.
pub fn a_tombstone_takes_the_place_of_a_live_value_and_names_its_entry(home: &mut dyn Home) {
    let store = home.open();
    for n in 1..=2 {
        commit(&*store, changes(moment(n), new_message(message(n)))).unwrap();
    }
    let erased = commit(&*store, erasing([tombstone(1, Purpose::Text)])).unwrap();
    assert_eq!(erased.first_index, 2);
    let [number, _] = sealed(sequence(1));
    let left = VaultRow::tombstone(sequence(1), Purpose::Text, 2);
    assert_eq!(left.erased_by(), Some(2));
    let (_, vault) = read(store.message(message_id(1))).unwrap();
    assert_eq!(vault, [number, left.clone()]);
    let both = store.sealed_of(&[sequence(2), sequence(1)]).unwrap();
    assert_eq!(both[..2], sealed(sequence(2)));
    assert_eq!(both[3], left);
    drop(store);
    let (_, vault) = read(home.open().message(message_id(1))).unwrap();
    assert_eq!(vault[1], left);
}

/// Neither twice, nor in one commit, nor what is not there; and the commit leaves nothing.
pub fn a_value_is_destroyed_once(home: &mut dyn Home) {
    let store = home.open();
    commit(&*store, changes(moment(1), new_message(message(1)))).unwrap();
    let try_all = |writes: Vec<Write>| commit(&*store, erasing(writes)).map(drop);
    let conflict = Err(CommitError::Conflict);
    let twice = |write: fn(u64, Purpose) -> Write| {
        vec![write(1, Purpose::Number), write(1, Purpose::Number)]
    };
    assert_eq!(try_all(twice(tombstone)), conflict);
    assert_eq!(try_all(twice(expire)), conflict);
    assert_eq!(try_all(vec![tombstone(1, Purpose::Network)]), conflict);
    assert_eq!(try_all(vec![expire(9, Purpose::Number)]), conflict);
    let (row, vault) = read(store.message(message_id(1))).unwrap();
    assert_eq!(vault, sealed(row.id.sequence()));
    assert_eq!(try_all(vec![tombstone(1, Purpose::Number)]), Ok(()));
    for write in [tombstone, expire] {
        let writes = vec![write(1, Purpose::Number), tombstone(1, Purpose::Text)];
        assert_eq!(try_all(writes), conflict);
    }
    assert_eq!(store.head().unwrap().size, 2);
}

/// Nothing in its place.
pub fn an_expired_value_is_gone(home: &mut dyn Home) {
    let store = home.open();
    commit(&*store, changes(moment(1), new_message(message(1)))).unwrap();
    commit(&*store, erasing([expire(1, Purpose::Text)])).unwrap();
    let [number, _] = sealed(sequence(1));
    assert_eq!(store.sealed_of(&[sequence(1)]).unwrap(), [number]);
}

/// By the index and by the rows: it must be the same.
fn found(store: &dyn Store, number: u8) -> (Vec<u64>, Vec<u64>) {
    let found = found_by(store, number, SubjectLookup::Index);
    assert_eq!(found_by(store, number, SubjectLookup::Rows), found);
    found
}

fn found_by(store: &dyn Store, number: u8, lookup: SubjectLookup) -> (Vec<u64>, Vec<u64>) {
    let filter = MessageFilter {
        subject: Some(subject(number)),
        lookup,
        limit: 10,
        ..MessageFilter::default()
    };
    let (mut messages, mut cursor) = (Vec::new(), None);
    loop {
        let filter = MessageFilter {
            cursor,
            ..filter.clone()
        };
        let page = read(store.messages(filter));
        messages.extend(page.rows.iter().map(|(row, _)| row.id.sequence()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let (mut inbounds, mut cursor) = (Vec::new(), None);
    loop {
        let page = read(store.inbounds_of(subject(number), cursor, 10, lookup));
        inbounds.extend(page.rows.iter().map(|(row, _)| row.id.sequence()));
        cursor = page.next;
        if cursor.is_none() {
            return (messages, inbounds);
        }
    }
}

fn fill(store: &dyn Store) {
    for n in 1..=8 {
        let row = MessageRow {
            subject: subject(if n % 2 == 0 { 2 } else { 1 }),
            ..message(n)
        };
        commit(store, changes(moment(n), new_message(row))).unwrap();
    }
    for n in 11..=12 {
        commit(store, changes(moment(n), new_inbound(inbound(n)))).unwrap();
    }
}

/// In the row too, and a row that is gone or blank is no conflict.
pub fn a_blanked_number_is_found_no_more_and_the_others_are(home: &mut dyn Home) {
    let store = home.open();
    fill(&*store);
    let all = |numbers: &[u64]| numbers.iter().map(|n| sequence(*n)).collect::<Vec<_>>();
    assert_eq!(found(&*store, 1), (all(&[7, 5, 3, 1]), all(&[12, 11])));
    let forget = |bearer| Write::ForgetSubject(bearer);
    let writes = [
        forget(Bearer::Message(sequence(3))),
        forget(Bearer::Message(sequence(7))),
        forget(Bearer::Inbound(sequence(11))),
        forget(Bearer::Inbound(sequence(99))),
    ];
    commit(&*store, erasing(writes)).unwrap();
    commit(&*store, erasing([forget(Bearer::Message(sequence(3)))])).unwrap();
    assert_eq!(found(&*store, 1), (all(&[5, 1]), all(&[12])));
    assert_eq!(found(&*store, 2), (all(&[8, 6, 4, 2]), all(&[])));
    let (row, _) = read(store.message(message_id(3))).unwrap();
    assert_eq!(row.subject, NO_SUBJECT);
    let id = InboundId::new(sequence(11), 11);
    assert_eq!(read(store.inbound(id)).unwrap().0.subject, NO_SUBJECT);
}

/// Receipts forget it too.
pub fn a_blanked_number_stays_forgotten_after_a_restart(home: &mut dyn Home) {
    let store = home.open();
    fill(&*store);
    let receipt = Write::Unmatched(unmatched(20, Some(subject(1))));
    commit(&*store, changes(moment(20), [receipt])).unwrap();
    let bearers = [
        Bearer::Message(sequence(1)),
        Bearer::Inbound(sequence(12)),
        Bearer::Unmatched(sequence(20)),
    ];
    commit(&*store, erasing(bearers.map(Write::ForgetSubject))).unwrap();
    drop(store);
    let store = home.open();
    let all = |numbers: &[u64]| numbers.iter().map(|n| sequence(*n)).collect::<Vec<_>>();
    assert_eq!(found(&*store, 1), (all(&[7, 5, 3]), all(&[11])));
    let mut receipts = Vec::new();
    let mut take = |loaded| {
        if let Loaded::Unmatched(row) = loaded {
            receipts.push(row.subject);
        }
    };
    store.load(&mut take).unwrap();
    assert_eq!(receipts, [None]);
}

/// Removals too, oldest first.
pub fn opt_outs_of_a_number_are_found_with_what_is_sealed(home: &mut dyn Home) {
    let store = home.open();
    let rows = [
        opt_out(1, subject(5), OptOutStanding::Out),
        opt_out(2, subject(6), OptOutStanding::Out),
        opt_out(3, subject(5), OptOutStanding::Removed),
    ];
    for row in rows.clone() {
        let [number, _] = sealed(row.sequence);
        let writes = [Write::OptOut(row), Write::Vault(number)];
        commit(&*store, changes(moment(1), writes)).unwrap();
    }
    let found = read(store.opt_outs_of(subject(5)));
    let [first, _, third] = rows;
    let with = |row: engine::rows::OptOutRow| {
        let [number, _] = sealed(row.sequence);
        (row, vec![number])
    };
    assert_eq!(found, [with(first), with(third)]);
    assert_eq!(read(store.opt_outs_of(subject(7))), []);
}

/// Newest first, page by page; the budgets' name of the number is no way to it.
pub fn verifications_of_a_number_are_found_until_it_is_blanked(home: &mut dyn Home) {
    let store = home.open();
    for n in 1..=3 {
        let [number, _] = sealed(sequence(n));
        let row = Write::Verification(Box::new(verification(n)));
        commit(&*store, changes(moment(n), [row, Write::Vault(number)])).unwrap();
    }
    let ids = |page: Page<(VerificationRow, Vec<VaultRow>)>| -> Vec<_> {
        page.rows.into_iter().map(|(row, _)| row.id).collect()
    };
    let found =
        |n, cursor, limit, lookup| read(store.verifications_of(subject(n), cursor, limit, lookup));
    let either = [SubjectLookup::Rows, SubjectLookup::Index];
    for lookup in either {
        let first = found(1, None, 2, lookup);
        assert_eq!(first.rows[0].1[..], sealed(sequence(3))[..1]);
        let next = first.next;
        assert_eq!(ids(first), [verification(3).id, verification(2).id]);
        let second = found(1, next, 2, lookup);
        assert_eq!(ids(second), [verification(1).id]);
    }
    let blank = Write::ForgetSubject(Bearer::Verification(sequence(2)));
    commit(&*store, erasing([blank, tombstone(2, Purpose::Number)])).unwrap();
    for lookup in either {
        let left = found(1, None, 10, lookup);
        assert_eq!(ids(left), [verification(3).id, verification(1).id]);
        assert_eq!(ids(found(2, None, 10, lookup)), []);
    }
    let blanked = read(store.verification(verification(2).id)).unwrap();
    assert_eq!((blanked.subject, blanked.number), (NO_SUBJECT, subject(2)));
    let old = OldValues {
        holders: Holders::Traffic,
        purpose: Purpose::Number,
        from: 0,
        below: sequence(9),
        limit: 10,
    };
    let holders = read(store.old_values(old)).rows;
    let holder = Holder::Verification;
    let live = [1, 3].map(|n| OldValue {
        owner: sequence(n),
        holder,
    });
    assert_eq!(holders, live);
    assert_eq!(live[0].bearer(), Some(Bearer::Verification(sequence(1))));
}

/// Tombstones, other purposes, other holders and parts that still wait.
pub fn old_values_come_by_age_and_pass_over_what_is_none(home: &mut dyn Home) {
    let store = home.open();
    fill(&*store);
    let row = opt_out(13, subject(5), OptOutStanding::Out);
    let writes = [
        Write::OptOut(row),
        Write::Vault(sealed(sequence(13))[0].clone()),
    ];
    commit(&*store, changes(moment(13), writes)).unwrap();
    let alone = Write::Vault(sealed(sequence(14))[1].clone());
    commit(&*store, changes(moment(14), [alone])).unwrap();
    let waiting = Write::Vault(sealed(sequence(15))[1].clone());
    let writes = [Write::Part(part(15)), waiting];
    commit(&*store, changes(moment(15), writes)).unwrap();
    let ended = changes(moment(20), [update(5, 2, MessageState::Delivered)]);
    commit(&*store, ended).unwrap();
    commit(&*store, erasing([tombstone(2, Purpose::Text)])).unwrap();
    let all = |holders, purpose, from: u64, below: u64, limit| {
        let query = |from| OldValues {
            holders,
            purpose,
            from,
            below: sequence(below),
            limit,
        };
        let (mut values, mut from) = (Vec::new(), sequence(from));
        loop {
            let page = read(store.old_values(query(from)));
            values.extend(page.rows);
            match page.next {
                Some(next) => from = next,
                None => return values,
            }
        }
    };
    let accepted = Holder::Message(MessageState::Accepted);
    for limit in [1, 3, 1_000] {
        let texts = all(Holders::Traffic, Purpose::Text, 1, 99, limit);
        let owners: Vec<u64> = texts.iter().map(|value| value.owner).collect();
        let expected = [1, 3, 4, 5, 6, 7, 8, 11, 12, 14].map(sequence);
        assert_eq!(owners, expected);
        assert_eq!(texts[0].holder, accepted);
        assert_eq!(texts[3].holder, Holder::Message(MessageState::Delivered));
        assert_eq!(texts[8].holder, Holder::Inbound);
        assert_eq!(texts[9].holder, Holder::Entry);
        let some = all(Holders::Traffic, Purpose::Number, 4, 7, limit);
        assert_eq!(some.len(), 3);
    }
    let expected = OldValue {
        owner: sequence(13),
        holder: Holder::OptOut,
    };
    assert_eq!(all(Holders::OptOuts, Purpose::Number, 0, 99, 9), [expected]);
    assert_eq!(all(Holders::OptOuts, Purpose::Text, 0, 99, 9), []);
}

/// Twice, and with nothing to do.
pub fn a_purge_ends_well_and_the_store_goes_on(home: &mut dyn Home) {
    let store = home.open();
    assert_eq!(purged(&*store), Ok(()));
    fill(&*store);
    let forget = Write::ForgetSubject(Bearer::Message(sequence(1)));
    commit(&*store, erasing([forget, tombstone(1, Purpose::Number)])).unwrap();
    assert_eq!(purged(&*store), Ok(()));
    assert_eq!(purged(&*store), Ok(()));
    let all = |numbers: &[u64]| numbers.iter().map(|n| sequence(*n)).collect::<Vec<_>>();
    assert_eq!(found(&*store, 1), (all(&[7, 5, 3]), all(&[12, 11])));
    commit(&*store, changes(moment(30), new_message(message(30)))).unwrap();
    drop(store);
    let store = home.open();
    assert_eq!(found(&*store, 1), (all(&[30, 7, 5, 3]), all(&[12, 11])));
}

fn purged(store: &dyn Store) -> Result<(), engine::ports::erasure::PurgeError> {
    super::waiting::block_on(store.purge())
}
