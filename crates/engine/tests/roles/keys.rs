//! Clients' keys, and those who have none.

use std::time::Duration;

use engine::{AuthError, ClientError};
use ledger::{Entry, Kind};
use testkit::TestGateway;
use testkit::gateway::{HOME, everything, poll_once, unknown_key};
use testkit::settings::usual;

use super::stage::running;

fn entries_of(test: &TestGateway, kind: Kind) -> Vec<i64> {
    test.gateway.flush_counts(test.clock.peek());
    test.store.sync();
    test.store.with_image(|image| {
        let entries = image.entries().iter();
        let entries = entries.map(|logged| Entry::parse(&logged.bytes).unwrap());
        let counts = entries.filter(|entry| entry.kind == kind);
        let count = |entry: Entry<'_>| entry.data.unwrap().get("count").unwrap().as_integer();
        counts.map(|entry| count(entry).unwrap()).collect()
    })
}

#[test]
fn a_revoked_key_fails_at_once_and_for_good() {
    let test = TestGateway::queued();
    let (row, key) = test.add_client(everything("leaked"));
    let revoked = test
        .gateway
        .revoke_client("root", row.id, Some(row.keys[0].id));
    test.settle(revoked).unwrap();
    let outcome = |test: &TestGateway| test.gateway.authenticate(key.reveal(), HOME).unwrap_err();
    assert_eq!(outcome(&test), AuthError::Revoked);
    test.clock.set_back(Duration::from_hours(24));
    assert_eq!(
        outcome(&test),
        AuthError::Revoked,
        "a clock set back changes nothing"
    );
    let test = test.crash_and_restart(usual(), 2);
    assert_eq!(outcome(&test), AuthError::Revoked);
}

#[test]
fn a_rotation_cannot_bring_a_revoked_client_back() {
    let test = TestGateway::queued();
    let (row, key) = test.add_client(everything("leaked"));
    let overlap = Duration::from_hours(1);
    let mut revoking = Box::pin(test.gateway.revoke_client("root", row.id, None));
    assert!(poll_once(revoking.as_mut()).is_none());
    let mut rotating = Box::pin(test.gateway.rotate_key("root", row.id, overlap, None));
    assert!(poll_once(rotating.as_mut()).is_none());
    test.settle(revoking).unwrap();
    let rotated = test.settle(rotating);
    assert_eq!(rotated.map(drop).unwrap_err(), ClientError::Revoked);
    let outcome = test.gateway.authenticate(key.reveal(), HOME).unwrap_err();
    assert_eq!(outcome, AuthError::Revoked);
}

#[test]
fn a_rotated_key_works_until_the_overlap_ends() {
    let test = TestGateway::queued();
    let (row, old) = test.add_client(everything("shop"));
    let overlap = Duration::from_hours(1);
    let rotate = test.gateway.rotate_key("root", row.id, overlap, None);
    let (_, new) = test.settle(rotate).unwrap();
    let accepts = |key: &engine::ApiKey| test.gateway.authenticate(key.reveal(), HOME).is_ok();
    assert!(accepts(&old) && accepts(&new));
    test.clock.advance(overlap);
    assert!(!accepts(&old) && accepts(&new));
}

#[test]
fn a_flood_of_wrong_keys_is_one_entry() {
    let test = running();
    for _ in 0..1_000 {
        let refused = test.gateway.authenticate(unknown_key().reveal(), HOME);
        assert_eq!(refused.unwrap_err(), AuthError::Unknown);
    }
    assert_eq!(entries_of(&test, Kind::AuthFailed), [1_000]);
}

#[test]
fn a_flood_of_refused_messages_is_one_entry_and_no_row() {
    let test = TestGateway::queued();
    let mut new = everything("without a short code");
    new.short_codes.clear();
    let (_, key) = test.add_client(new);
    let caller = test.caller_with(&key);
    for _ in 0..100 {
        let request = super::stage::request_to(1, "hello");
        let mut refused = Box::pin(test.gateway.submit(&caller, request, None));
        assert!(
            poll_once(refused.as_mut()).unwrap().is_err(),
            "refused at once"
        );
    }
    assert_eq!(entries_of(&test, Kind::MessageRefused), [100]);
    assert_eq!(test.store.with_image(|image| image.messages().count()), 0);
}

#[test]
fn refusals_counted_while_the_store_was_away_are_recorded_when_it_is_back() {
    let test = running();
    test.store.poison();
    for _ in 0..5 {
        let _ = test.gateway.authenticate(unknown_key().reveal(), HOME);
    }
    super::stage::bring_back(&test);
    assert_eq!(entries_of(&test, Kind::AuthFailed), [5]);
}
