//! What is turned away while nothing can be recorded, or to save room: at once, counted, and told in
//! the ledger afterwards.

use std::time::Duration;

use domain::consent::Basis;
use engine::ports::carrier::Verdict;
use engine::ports::storage::{Failure, Level};
use engine::{CancelError, LookupError, NewClient, OptOutRequest, SubmitError};
use ledger::Kind;
use serde_json::Value;
use testkit::TestGateway;
use testkit::gateway::{everything, handset};
use testkit::settings::short_code;

use super::stage::{bring_back, deliver, deliver_without_sync, mobile, running, submit};

/// Cause and count of every gap in the ledger.
fn gaps(test: &TestGateway) -> Vec<(String, u64)> {
    let entries = of_kind(test, Kind::LedgerGap);
    let told = |entry: &Value| {
        let cause = entry["data"]["cause"].as_str().unwrap().to_owned();
        (cause, entry["data"]["refused"].as_u64().unwrap())
    };
    entries.iter().map(told).collect()
}

fn of_kind(test: &TestGateway, kind: Kind) -> Vec<Value> {
    test.store.sync();
    test.store.with_image(|image| {
        let entries = image.entries().iter();
        let entries = entries.map(|logged| serde_json::from_slice(&logged.bytes).unwrap());
        let wanted = |entry: &Value| entry["kind"] == kind.as_str();
        entries.filter(wanted).collect()
    })
}

fn wish() -> OptOutRequest {
    OptOutRequest {
        short_code: short_code(),
        number: handset(9),
        basis: Basis::Request,
        evidence: "a letter".into(),
    }
}

fn keep_house(test: &TestGateway) {
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
}

#[test]
fn everything_that_is_turned_away_in_a_gap_is_counted_once() {
    let test = running();
    let caller = test.caller();
    let there = submit(&test, "there").unwrap();
    test.store.set_failure(Failure::DiskFull);
    test.store.fail_next();
    // 1: the message whose commit fails, 2: one that comes later.
    assert!(submit(&test, "first").is_err());
    assert!(submit(&test, "second").is_err());
    // 3 and 4: two deliveries of a carrier.
    assert_eq!(
        deliver_without_sync(&test, vec![mobile(1, "a"), mobile(2, "b")])
            .lock()
            .unwrap()
            .take(),
        Some(vec![Verdict::Again; 2])
    );
    // 5, 6 and 7: an opt-out, a cancellation and a client.
    let opt_out = test.gateway.record_opt_out(&caller, wish());
    assert!(test.settle(opt_out).is_err());
    let cancel = test.gateway.cancel(&caller, there.id);
    assert_eq!(test.settle(cancel), Err(CancelError::Unavailable));
    let new: NewClient = everything("late");
    assert!(test.settle(test.gateway.add_client("root", new)).is_err());
    // 8: a read that fails.
    test.store.fail_reads(1);
    let read = test.gateway.message(&caller, there.id);
    assert_eq!(test.settle(read), Err(LookupError::Unavailable));
    bring_back(&test);
    assert_eq!(gaps(&test), [("disk-full".to_owned(), 8)]);
    keep_house(&test);
    assert_eq!(gaps(&test).len(), 1, "nobody came late");
}

#[test]
fn a_delivery_whose_commit_fails_is_counted() {
    let test = running();
    test.store.set_failure(Failure::Stalled);
    let verdicts = deliver_without_sync(&test, vec![mobile(1, "hello")]);
    test.store.poison();
    test.store.answer(usize::MAX);
    assert_eq!(*verdicts.lock().unwrap(), Some(vec![Verdict::Again]));
    bring_back(&test);
    assert_eq!(gaps(&test), [("stalled".to_owned(), 1)]);
}

#[test]
fn a_gap_begins_with_the_first_that_was_not_recorded() {
    let test = running();
    test.store.fail_next();
    let from = test.clock.peek();
    assert!(submit(&test, "lost").is_err());
    test.clock.advance(Duration::from_secs(7));
    bring_back(&test);
    let gap = of_kind(&test, Kind::LedgerGap).remove(0);
    let second = |text: &str| text[..19].to_owned();
    let told = gap["data"]["from"].as_str().unwrap();
    assert_eq!(second(told), second(&from.to_string()));
}

#[test]
fn what_comes_while_the_gap_is_recorded_gets_an_entry_of_its_own() {
    let test = running();
    test.store.fail_next();
    assert!(submit(&test, "in the gap").is_err());
    let (gateway, caller) = (std::sync::Arc::clone(&test.gateway), test.caller());
    test.store.during_next_load(move || {
        let late = gateway.cancel(&caller, testkit::contract::store::samples::message_id(1));
        let mut late = Box::pin(late);
        let refused = testkit::gateway::poll_once(late.as_mut());
        assert_eq!(refused, Some(Err(CancelError::Unavailable)));
    });
    bring_back(&test);
    keep_house(&test);
    let counts: Vec<u64> = gaps(&test)
        .into_iter()
        .map(|(_, refused)| refused)
        .collect();
    assert_eq!(counts, [1, 1]);
    keep_house(&test);
    assert_eq!(gaps(&test).len(), 2, "each once");
}

#[test]
fn too_many_commits_are_a_gap_too() {
    let test = running();
    test.store.set_queue_max(0);
    assert_eq!(submit(&test, "refused").unwrap_err(), SubmitError::Busy);
    test.store
        .refuse_next(engine::ports::store::CommitError::Conflict);
    test.store.set_queue_max(usize::MAX);
    assert!(submit(&test, "refused").is_err());
    bring_back(&test);
    assert_eq!(gaps(&test), [("overload".to_owned(), 1)]);
}

#[test]
fn when_room_is_low_new_messages_are_refused_and_the_rest_goes_on() {
    let test = running();
    let caller = test.caller();
    test.store.set_room(100, Level::Low);
    assert_eq!(
        submit(&test, "too late").unwrap_err(),
        SubmitError::StorageLow
    );
    assert!(!test.gateway.health().is_ready());
    keep_house(&test);
    assert_eq!(
        submit(&test, "too late").unwrap_err(),
        SubmitError::StorageLow
    );
    let degraded = of_kind(&test, Kind::LedgerDegraded);
    assert_eq!(degraded.len(), 1);
    assert_eq!(degraded[0]["data"]["free_mib"], 100);
    assert_eq!(deliver(&test, vec![mobile(5, "STOP")]), [Verdict::Taken]);
    let opt_out = test.gateway.record_opt_out(&caller, wish());
    test.settle(opt_out).unwrap();
    keep_house(&test);
    assert_eq!(of_kind(&test, Kind::LedgerDegraded).len(), 1, "told once");

    test.clock.advance(Duration::from_mins(1));
    test.store.set_room(400, Level::Enough);
    assert_eq!(
        submit(&test, "not yet").unwrap_err(),
        SubmitError::StorageLow
    );
    keep_house(&test);
    submit(&test, "there is room").unwrap();
    assert!(test.gateway.health().is_ready());
    let degraded = of_kind(&test, Kind::LedgerDegraded);
    assert_eq!(
        (degraded.len(), &degraded[1]["outcome"]),
        (2, &Value::from("done"))
    );
    assert_eq!(gaps(&test), [("storage-low".to_owned(), 3)]);
}

#[test]
fn a_shortage_of_room_that_cannot_be_recorded_is_recorded_once_it_can() {
    let test = running();
    test.store.set_failure(Failure::DiskFull);
    test.store.set_room(0, Level::Low);
    test.store.fail_next();
    keep_house(&test);
    assert!(of_kind(&test, Kind::LedgerDegraded).is_empty());
    bring_back(&test);
    keep_house(&test);
    assert_eq!(of_kind(&test, Kind::LedgerDegraded).len(), 1);
}

#[test]
fn a_stop_tells_what_was_turned_away_until_then() {
    let test = running();
    test.store.set_room(100, Level::Low);
    assert!(submit(&test, "too late").is_err());
    test.settle(test.gateway.stop());
    assert_eq!(gaps(&test), [("storage-low".to_owned(), 1)]);
}

#[test]
fn counts_of_refusals_survive_a_commit_that_fails() {
    let test = running();
    let unknown = testkit::gateway::unknown_key();
    let home = testkit::gateway::HOME;
    assert!(test.gateway.authenticate(unknown.reveal(), home).is_err());
    test.store.fail_next();
    test.gateway.flush_counts(test.clock.peek());
    test.store.sync();
    bring_back(&test);
    test.gateway.flush_counts(test.clock.peek());
    assert_eq!(of_kind(&test, Kind::AuthFailed).len(), 1);
}
