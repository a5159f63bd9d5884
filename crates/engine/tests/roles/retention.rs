//! Time goes by, and what was kept for a while is destroyed.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::consent::Basis;
use domain::message::ReceiptState;
use engine::ports::erasure::PurgeError;
use engine::rows::{NO_SUBJECT, Purpose, VaultRow};
use engine::{ErasureBasis, ErasureScope, OptOutRequest, RiskHints};
use serde_json::Value;
use testkit::TestGateway;
use testkit::gateway::{HOME, handset};
use testkit::settings::short_code;

use super::stage::{accept, deliver, mobile, receipt, request_to, running, submit, submit_to};

const DAY: Duration = Duration::from_hours(24);

/// A message with hints of its end user, delivered; one from a handset; an opt-out.
fn a_day_of_traffic() -> TestGateway {
    let test = running();
    let mut told = request_to(1, "hello");
    told.risk = Some(RiskHints {
        ip: Some(HOME),
        ..RiskHints::default()
    });
    let caller = test.caller();
    test.settle(test.gateway.submit(&caller, told, None))
        .unwrap();
    let handed = test.carriers.take().remove(0);
    accept(&test, &handed);
    deliver(
        &test,
        vec![
            receipt(handed.submission.token, ReceiptState::Delivered),
            mobile(2, "hello back"),
        ],
    );
    let wish = OptOutRequest {
        short_code: short_code(),
        number: handset(3),
        basis: Basis::Request,
        evidence: "a letter of 3 May".into(),
    };
    test.settle(test.gateway.record_opt_out(&caller, wish))
        .unwrap();
    test
}

fn round(test: &TestGateway) -> u64 {
    test.settle(test.gateway.expire_values()).unwrap()
}

/// Lets days go by, and what has to happen in them.
fn pass(test: &TestGateway, days: u32) {
    test.clock.advance(DAY * days);
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
}

fn kept(test: &TestGateway, purpose: Purpose) -> usize {
    let live = |row: &&VaultRow| row.purpose == purpose && row.erased_by().is_none();
    test.store
        .with_image(|image| image.vault().filter(live).count())
}

fn told(test: &TestGateway) -> Vec<Value> {
    let parse = |logged: &testkit::memory::Logged| serde_json::from_slice(&logged.bytes).unwrap();
    let entries: Vec<Value> = test
        .store
        .with_image(|image| image.entries().iter().map(parse).collect());
    let expired = |entry: &Value| entry["kind"] == "retention.expired";
    entries.into_iter().filter(expired).collect()
}

#[test]
fn each_purpose_has_its_time_and_an_opt_out_keeps_its_number_with_its_evidence() {
    let test = a_day_of_traffic();
    pass(&test, 29);
    assert_eq!(round(&test), 0);
    let counts = |test: &TestGateway| Purpose::ALL.map(|purpose| kept(test, purpose));
    assert_eq!(
        counts(&test),
        [3, 2, 1, 1],
        "number, text, network, consent"
    );
    pass(&test, 2);
    assert_eq!(round(&test), 2);
    assert_eq!(counts(&test), [3, 0, 1, 1]);
    pass(&test, 60);
    assert_eq!(round(&test), 1);
    assert_eq!(counts(&test), [3, 0, 0, 1]);
    pass(&test, 306);
    assert_eq!(round(&test), 2);
    assert_eq!(counts(&test), [1, 0, 0, 1]);
    pass(&test, 1_430);
    assert_eq!(round(&test), 0);
    pass(&test, 2);
    assert_eq!(round(&test), 2);
    assert_eq!(counts(&test), [0, 0, 0, 0]);
    assert!(
        submit_to(&test, 3, TrafficClass::Alert, "hello").is_err(),
        "the opt-out stands"
    );
}

#[test]
fn the_entry_tells_purpose_count_and_the_moment_before_which() {
    let test = a_day_of_traffic();
    pass(&test, 31);
    round(&test);
    let told = told(&test);
    assert_eq!(told.len(), 1);
    let data = &told[0]["data"];
    assert_eq!(
        (&data["purpose"], &data["count"]),
        (&"text".into(), &2.into())
    );
    let before = data["before"].as_str().unwrap();
    let made = test
        .store
        .with_image(|image| image.inbounds().next().unwrap().received);
    // A minute after the last one was made.
    let before: domain::time::Timestamp = before.parse().unwrap();
    assert_eq!(before.since(made), Duration::from_mins(1));
    assert_eq!(told[0]["actor"]["id"], "retention");
}

#[test]
fn with_the_number_goes_its_blind_index() {
    let test = a_day_of_traffic();
    pass(&test, 397);
    round(&test);
    test.store.with_image(|image| {
        assert!(image.messages().all(|row| row.subject == NO_SUBJECT));
        assert!(image.inbounds().all(|row| row.subject == NO_SUBJECT));
        assert!(image.opt_outs().all(|row| row.subject != NO_SUBJECT));
    });
}

#[test]
fn nothing_of_a_message_that_moves_is_destroyed_before_it_has_ended() {
    let test = running();
    submit(&test, "no receipt yet").unwrap();
    let handed = test.carriers.take().remove(0);
    accept(&test, &handed);
    // Nobody ends the wait meanwhile.
    test.clock.advance(DAY * 31);
    assert_eq!(round(&test), 0);
    // The first try has the keys of the week made.
    for _ in 0..2 {
        let told = receipt(handed.submission.token, ReceiptState::Delivered);
        deliver(&test, vec![told]);
    }
    assert_eq!(round(&test), 1, "the round before did not lose sight of it");
}

#[test]
fn what_was_erased_is_not_destroyed_again() {
    let test = a_day_of_traffic();
    let basis = ErasureBasis::parse("case 1", handset(1)).unwrap();
    let scope = ErasureScope::KeepConsent;
    let erasing = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    assert_eq!(test.settle(erasing).unwrap().values, 3);
    pass(&test, 31);
    assert_eq!(round(&test), 1, "the text from the other handset");
    let stones = |row: &&VaultRow| row.erased_by().is_some();
    let stones = test
        .store
        .with_image(|image| image.vault().filter(stones).count());
    assert_eq!(stones, 3, "tombstones stay");
}

#[test]
fn many_values_go_in_batches_and_the_store_is_cleaned_once() {
    let test = running();
    for _ in 0..1_200 {
        deliver(&test, vec![mobile(1, "hello")]);
    }
    pass(&test, 31);
    assert_eq!(round(&test), 1_200);
    let counts: Vec<u64> = told(&test)
        .iter()
        .map(|entry| entry["data"]["count"].as_u64().unwrap())
        .collect();
    assert_eq!(counts, [500, 500, 200]);
    assert_eq!(test.store.purges(), 1);
    assert_eq!(round(&test), 0);
    assert_eq!(test.store.purges(), 1, "nothing to clean");
}

#[test]
fn a_store_that_cannot_be_cleaned_is_told_of() {
    let test = a_day_of_traffic();
    pass(&test, 31);
    test.store.refuse_purge(PurgeError::InTheWay("a backup"));
    assert!(test.settle(test.gateway.expire_values()).is_err());
    assert_eq!(kept(&test, Purpose::Text), 0);
}
