//! What a commit promises: all or nothing, expectations, order.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use domain::message::MessageState;
use engine::changes::Write;
use engine::ports::store::{CommitError, Loaded};
use engine::rows::SecretRow;
use ledger::Kind;

use super::Home;
use super::samples::{
    budget, changes, draft, idempotency, kek, message, message_id, moment, new_message, sealed,
    sequence, update, verification, verification_update,
};
use super::waiting::{begin, commit, read};

/// The index counts entries, not commits.
pub fn a_commit_is_answered_with_the_index_of_its_first_entry(home: &mut dyn Home) {
    let store = home.open();
    let mut first = changes(moment(1), new_message(message(1)));
    first.entry(draft(Kind::MessageDispatched));
    first.entry(draft(Kind::MessageSubmitted));
    assert_eq!(commit(&*store, first).unwrap().first_index, 0);
    let second = changes(moment(2), new_message(message(2)));
    assert_eq!(commit(&*store, second).unwrap().first_index, 3);
    assert_eq!(store.head().unwrap().size, 4);
}

/// Conflicts are answered in their place too.
pub fn answers_come_once_each_and_in_the_order_of_the_commits(home: &mut dyn Home) {
    let store = home.open();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut last = None;
    for n in 0..300 {
        // Every third is the same message as the one before it.
        let row = if n % 3 == 2 {
            message(n - 1)
        } else {
            message(n)
        };
        let (order, (send, answered)) = (Arc::clone(&order), std::sync::mpsc::channel());
        let done = move |result: Result<_, _>| {
            order
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((n, result.is_ok()));
            // Only the last one is waited for.
            let _ = send.send(());
        };
        store.commit(changes(moment(n), new_message(row)), Box::new(done));
        last = Some(answered);
    }
    last.unwrap().recv().unwrap();
    let order = order.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let expected: Vec<_> = (0..300).map(|n| (n, n % 3 != 2)).collect();
    assert_eq!(order, expected);
}

/// Two who saw the same verification cannot both change it, and what the second brings with it is not
/// there either.
pub fn a_verification_is_changed_from_the_version_right_below_alone(home: &mut dyn Home) {
    let store = home.open();
    let row = || Write::Verification(Box::new(verification(1)));
    commit(&*store, changes(moment(1), [row()])).unwrap();
    let again = commit(&*store, changes(moment(2), [row()]));
    assert_eq!(again.unwrap_err(), CommitError::Conflict);
    let step = |version| verification_update(1, version, None);
    commit(&*store, changes(moment(3), [step(2)])).unwrap();
    let late = Write::Budget(Box::new(budget(9, 1)));
    let result = commit(&*store, changes(moment(4), [late, step(2)]));
    assert_eq!(result.unwrap_err(), CommitError::Conflict);
    commit(&*store, changes(moment(5), [step(3), step(4)])).unwrap();
    let read = read(store.verification(verification(1).id)).unwrap();
    assert_eq!(read.version, 4);
    assert_eq!(store.head().unwrap().last_sequence, sequence(1));
}

/// What the second brings with it is not there either.
pub fn a_message_that_exists_cannot_be_added_again(home: &mut dyn Home) {
    let store = home.open();
    commit(&*store, changes(moment(1), new_message(message(1)))).unwrap();
    let mut other = message(1);
    other.expires = moment(7);
    let [mut number, _] = sealed(other.id.sequence());
    number.sealed = b"another".to_vec();
    let writes = [
        Write::Idempotency(idempotency(1, moment(9))),
        Write::Vault(number),
        Write::Message(Box::new(other)),
    ];
    let refused = commit(&*store, changes(moment(2), writes));
    assert_eq!(refused, Err(CommitError::Conflict));
    let (row, vault) = read(store.message(message_id(1))).unwrap();
    assert_eq!(row, message(1));
    assert_eq!(vault, sealed(row.id.sequence()));
    assert_eq!(store.head().unwrap().size, 1);
    let mut keys = 0;
    store
        .load(&mut |row| keys += u32::from(matches!(row, Loaded::Idempotency(_))))
        .unwrap();
    assert_eq!(keys, 0);
}

/// Neither the same version, nor one further on, nor a row that is not there.
pub fn an_update_needs_the_version_right_below_it(home: &mut dyn Home) {
    let store = home.open();
    commit(&*store, changes(moment(1), new_message(message(1)))).unwrap();
    let change = |n, version, state| {
        commit(&*store, changes(moment(n), [update(n, version, state)])).map(drop)
    };
    assert_eq!(
        change(1, 3, MessageState::Dispatched),
        Err(CommitError::Conflict)
    );
    assert_eq!(
        change(1, 1, MessageState::Dispatched),
        Err(CommitError::Conflict)
    );
    assert_eq!(
        change(9, 2, MessageState::Dispatched),
        Err(CommitError::Conflict)
    );
    assert_eq!(change(1, 2, MessageState::Dispatched), Ok(()));
    assert_eq!(
        change(1, 2, MessageState::Dispatched),
        Err(CommitError::Conflict)
    );
    // Final, open again (an answer after a hold), final again.
    assert_eq!(change(1, 3, MessageState::Unknown), Ok(()));
    assert_eq!(change(1, 4, MessageState::Submitted), Ok(()));
    assert_eq!(change(1, 5, MessageState::Delivered), Ok(()));
    let (row, _) = read(store.message(message_id(1))).unwrap();
    assert_eq!((row.version, row.state), (5, MessageState::Delivered));
}

/// Wherever in the commit it stands.
pub fn one_expectation_that_fails_refuses_the_whole_commit(home: &mut dyn Home) {
    let store = home.open();
    commit(&*store, changes(moment(1), new_message(message(1)))).unwrap();
    let stale = || update(1, 7, MessageState::Dispatched);
    let good = || update(1, 2, MessageState::Dispatched);
    let add = |n| Write::Message(Box::new(message(n)));
    for writes in [
        vec![add(2), stale()],
        vec![stale(), add(2)],
        vec![good(), add(2), add(1)],
    ] {
        let refused = commit(&*store, changes(moment(2), writes));
        assert_eq!(refused, Err(CommitError::Conflict));
    }
    assert!(read(store.message(message_id(2))).is_none());
    assert_eq!(read(store.message(message_id(1))).unwrap().0, message(1));
    assert_eq!(store.head().unwrap().size, 1);
}

/// However many of them become durable together.
pub fn a_commit_that_fails_late_leaves_its_neighbours_whole(home: &mut dyn Home) {
    let store = home.open();
    let pending: Vec<_> = (0..40)
        .map(|n| {
            let mut writes = new_message(message(n));
            if n > 0 && n % 7 == 0 {
                writes.push(update(n - 1, 2, MessageState::Dispatched));
                writes.push(update(n - 2, 9, MessageState::Dispatched));
            }
            begin(&*store, changes(moment(n), writes))
        })
        .collect();
    for (n, pending) in (0..).zip(pending) {
        let is_late = n > 0 && n % 7 == 0;
        assert_eq!(pending.wait().is_err(), is_late, "{n}");
        let found = read(store.message(message_id(n)));
        assert_eq!(found.map(|(row, _)| row), (!is_late).then(|| message(n)));
    }
    assert_eq!(store.head().unwrap().size, 35);
}

/// Expectations hold against what is on its way.
pub fn a_commit_sees_those_before_it_that_are_not_durable_yet(home: &mut dyn Home) {
    let store = home.open();
    let pending = [
        begin(&*store, changes(moment(1), new_message(message(1)))),
        begin(
            &*store,
            changes(moment(1), [update(1, 2, MessageState::Dispatched)]),
        ),
        begin(
            &*store,
            changes(moment(1), [update(1, 3, MessageState::Submitted)]),
        ),
        begin(
            &*store,
            changes(moment(1), [update(1, 3, MessageState::Failed)]),
        ),
        begin(
            &*store,
            changes(moment(1), [update(1, 4, MessageState::Delivered)]),
        ),
    ];
    let answers = pending.map(|pending| pending.wait().is_ok());
    assert_eq!(answers, [true, true, true, false, true]);
    assert_eq!(
        read(store.message(message_id(1))).unwrap().0.state,
        MessageState::Delivered
    );
}

/// Each write counts for those after it.
pub fn one_commit_may_add_a_message_and_change_it(home: &mut dyn Home) {
    let store = home.open();
    let mut writes = new_message(message(1));
    writes.push(update(1, 2, MessageState::Dispatched));
    writes.push(update(1, 3, MessageState::Submitted));
    commit(&*store, changes(moment(1), writes)).unwrap();
    let (row, _) = read(store.message(message_id(1))).unwrap();
    assert_eq!((row.version, row.state), (3, MessageState::Submitted));
}

/// Nobody's commit is lost or counted twice.
pub fn commits_of_many_threads_all_land_and_share_no_index(home: &mut dyn Home) {
    let store = home.open();
    let store = &*store;
    let mut indices: Vec<u64> = thread::scope(|scope| {
        let work = |thread: u64| {
            move || {
                let pending: Vec<_> = (0..50)
                    .map(|n| thread * 1_000 + n)
                    .map(|n| begin(store, changes(moment(n), new_message(message(n)))))
                    .collect();
                pending
                    .into_iter()
                    .map(|one| one.wait().unwrap().first_index)
                    .collect::<Vec<_>>()
            }
        };
        let threads: Vec<_> = (0..8).map(|thread| scope.spawn(work(thread))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    indices.sort_unstable();
    assert_eq!(indices, (0..400).collect::<Vec<_>>());
    assert_eq!(store.head().unwrap().size, 400);
    for thread in 0..8 {
        assert!(read(store.message(message_id(thread * 1_000 + 49))).is_some());
    }
}

/// A second one under its name would make everything wrapped by the first unreadable.
pub fn a_key_encryption_key_is_never_replaced(home: &mut dyn Home) {
    let store = home.open();
    commit(&*store, changes(moment(1), [Write::Kek(kek(2_916, 1))])).unwrap();
    let refused = commit(&*store, changes(moment(2), [Write::Kek(kek(2_916, 2))]));
    assert_eq!(refused, Err(CommitError::Conflict));
    let mut found = Vec::new();
    store
        .load(&mut |row| {
            if let Loaded::Kek(row) = row {
                found.push(row);
            }
        })
        .unwrap();
    assert_eq!(found, [kek(2_916, 1)]);
}

/// One that is not there has nothing to wrap anew; a commit that tries brings nothing else either.
pub fn only_a_key_that_is_there_is_wrapped_anew(home: &mut dyn Home) {
    let store = home.open();
    commit(&*store, changes(moment(1), [Write::Kek(kek(2_916, 1))])).unwrap();
    let secret = |octet| {
        Write::Secret(SecretRow {
            name: "one".into(),
            wrapped: vec![octet; 40],
        })
    };
    let both = [Write::Rewrap(kek(2_916, 2)), secret(1)];
    commit(&*store, changes(moment(2), both)).unwrap();
    let absent = [
        secret(9),
        Write::Rewrap(kek(2_916, 3)),
        Write::Rewrap(kek(2_917, 3)),
    ];
    let refused = commit(&*store, changes(moment(3), absent));
    assert_eq!(refused, Err(CommitError::Conflict));
    commit(&*store, changes(moment(4), new_message(message(1)))).unwrap();
    drop(store);
    let (mut keks, mut secrets) = (Vec::new(), Vec::new());
    home.open()
        .load(&mut |row| match row {
            Loaded::Kek(row) => keks.push(row),
            Loaded::Secret(row) => secrets.push((row.name, row.wrapped)),
            _ => {}
        })
        .unwrap();
    assert_eq!(keks, [kek(2_916, 2)]);
    assert_eq!(secrets, [("one".into(), vec![1; 40])]);
}
