//! What a store promises of factors.

use domain::verification::factor::{FactorEvent, FactorState};
use engine::changes::Write;
use engine::ports::erasure::{Holder, Holders, OldValues};
use engine::ports::store::CommitError;
use engine::rows::{Bearer, FactorRow, NO_SUBJECT, Purpose};

use super::Home;
use super::samples::{changes, factor, moment, sealed, sequence, subject};
use super::waiting::{commit, read};

fn put(row: &FactorRow) -> Write {
    Write::Factor(Box::new(row.clone()))
}

fn after(row: &FactorRow, event: FactorEvent) -> FactorRow {
    let factor = row.factor.after(event, moment(50)).unwrap();
    row.changed(factor, moment(50))
}

/// With and without a secret, and only under its whole id.
pub fn a_factor_is_read_as_it_was_committed(home: &mut dyn Home) {
    let store = home.open();
    let (row, mut bare) = (factor(1, 1), factor(2, 1));
    bare.secret = None;
    let [user, _] = sealed(sequence(1));
    let writes = [put(&row), Write::Vault(user.clone()), put(&bare)];
    commit(&*store, changes(moment(1), writes)).unwrap();
    assert_eq!(read(store.factor(row.id)), Some((row.clone(), vec![user])));
    assert_eq!(read(store.factor(bare.id)), Some((bare, Vec::new())));
    let other = domain::id::FactorId::new(sequence(1), 1);
    assert_eq!(read(store.factor(other)), None);
    assert_eq!(read(store.factor(factor(3, 1).id)), None);
}

/// Nothing of a commit is there whose expectation does not hold.
pub fn a_factor_changes_from_the_version_right_below(home: &mut dyn Home) {
    let store = home.open();
    let row = factor(1, 1);
    commit(&*store, changes(moment(1), [put(&row)])).unwrap();
    let conflict = Err(CommitError::Conflict);
    let try_out = |row: &FactorRow| commit(&*store, changes(moment(2), [put(row)])).map(drop);
    assert_eq!(try_out(&row), conflict, "it is there");
    assert_eq!(try_out(&factor(1, 3)), conflict, "a version is left out");
    assert_eq!(try_out(&factor(9, 2)), conflict, "it is not there");
    let active = after(&row, FactorEvent::Confirmed { step: 7 });
    let failed = after(&active, FactorEvent::Failed);
    let both = changes(moment(3), [put(&active), put(&failed)]);
    commit(&*store, both).unwrap();
    assert_eq!(read(store.factor(row.id)).unwrap().0, failed);
    assert_eq!(try_out(&active), conflict, "it moved on");
}

/// What was sealed is gone with the commit.
pub fn a_removed_factor_has_no_secret_after_a_restart(home: &mut dyn Home) {
    let store = home.open();
    let row = factor(1, 1);
    commit(&*store, changes(moment(1), [put(&row)])).unwrap();
    let mut gone = after(&row, FactorEvent::Removed);
    gone.secret = None;
    commit(&*store, changes(moment(2), [put(&gone)])).unwrap();
    drop(store);
    let store = home.open();
    assert_eq!(read(store.factor(row.id)).unwrap().0, gone);
}

/// Confirmed and removed ones are none of them.
pub fn pending_factors_come_oldest_first_and_below_a_sequence(home: &mut dyn Home) {
    let store = home.open();
    for n in 1..=6 {
        commit(&*store, changes(moment(n), [put(&factor(n, 1))])).unwrap();
    }
    let active = after(&factor(2, 1), FactorEvent::Confirmed { step: 7 });
    let removed = after(&factor(4, 1), FactorEvent::Removed);
    commit(&*store, changes(moment(9), [put(&active), put(&removed)])).unwrap();
    let found = |before, most| {
        let rows = read(store.pending_factors(before, most));
        rows.iter().map(|row| row.id.sequence()).collect::<Vec<_>>()
    };
    assert_eq!(found(sequence(6), 100), [1, 3, 5].map(sequence));
    assert_eq!(found(sequence(7), 2), [1, 3].map(sequence));
    assert!(found(sequence(1), 2).is_empty());
}

/// By the same blind index as messages; what is sealed is a factor's as long as it is there.
pub fn factors_of_a_user_are_found_with_what_is_sealed_until_they_are_blanked(home: &mut dyn Home) {
    let store = home.open();
    let mut other = factor(2, 1);
    other.subject = subject(2);
    let [user, _] = sealed(sequence(1));
    let writes = [put(&factor(1, 1)), Write::Vault(user.clone()), put(&other)];
    commit(&*store, changes(moment(1), writes)).unwrap();
    let found = read(store.factors_of(subject(1)));
    assert_eq!(found, [(factor(1, 1), vec![user])]);
    let old = read(store.old_values(OldValues {
        holders: Holders::Traffic,
        purpose: Purpose::Number,
        from: 0,
        below: sequence(9),
        limit: 10,
    }));
    assert_eq!(old.rows[0].holder, Holder::Factor(FactorState::Pending));
    assert!(old.rows[0].moves());
    let blank = Write::ForgetSubject(Bearer::Factor(sequence(1)));
    commit(&*store, changes(moment(2), [blank])).unwrap();
    assert_eq!(read(store.factors_of(subject(1))), []);
    let (row, _) = read(store.factor(factor(1, 1).id)).unwrap();
    assert_eq!(row.subject, NO_SUBJECT);
}
