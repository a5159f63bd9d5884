//! A person asks to be forgotten.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::consent::Basis;
use domain::message::{MessageState, ReceiptState};
use engine::ports::erasure::PurgeError;
use engine::rows::{NO_SUBJECT, Purpose};
use engine::{
    Erased, ErasureBasis, ErasureScope, InboundQuery, MessageQuery, OptOutRequest, SubmitError,
};
use testkit::TestGateway;
use testkit::gateway::handset;
use testkit::settings::{short_code, usual};

use super::stage::{
    accept, answer, deliver, dispatch, mobile, receipt, running, state_of, submit, submit_to,
};

fn erase(test: &TestGateway, scope: ErasureScope) -> Erased {
    let basis = ErasureBasis::parse("GDPR Art. 17, case 7", handset(1)).unwrap();
    let erasing = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    test.settle(erasing).unwrap()
}

/// A message to handset 1 and one to handset 2, both delivered.
fn two_delivered(test: &TestGateway) -> [domain::id::MessageId; 2] {
    [1, 2].map(|to| {
        let id = submit_to(test, to, TrafficClass::Alert, "hello")
            .unwrap()
            .id;
        let handed = test.carriers.take().remove(0);
        accept(test, &handed);
        deliver(
            test,
            vec![receipt(handed.submission.token, ReceiptState::Delivered)],
        );
        id
    })
}

fn kinds(test: &TestGateway, kind: &str) -> Vec<serde_json::Value> {
    let parse = |logged: &testkit::memory::Logged| serde_json::from_slice(&logged.bytes).unwrap();
    let entries: Vec<serde_json::Value> = test
        .store
        .with_image(|image| image.entries().iter().map(parse).collect());
    entries
        .into_iter()
        .filter(|entry| entry["kind"] == kind)
        .collect()
}

#[test]
fn what_is_kept_of_a_number_is_destroyed_and_what_is_of_others_stays() {
    let test = running();
    let [mine, other] = two_delivered(&test);
    deliver(&test, vec![mobile(1, "from me"), mobile(2, "from another")]);
    let erased = erase(&test, ErasureScope::KeepConsent);
    assert_eq!((erased.messages, erased.inbound, erased.values), (1, 1, 4));
    assert_eq!((erased.moving, &erased.remains), (0, &None));
    let caller = test.caller();
    let view = test.settle(test.gateway.message(&caller, mine)).unwrap();
    assert_eq!((view.to, view.state), (None, MessageState::Delivered));
    let view = test.settle(test.gateway.message(&caller, other)).unwrap();
    assert_eq!(view.to, Some(handset(2)));
    let query = InboundQuery {
        limit: 10,
        ..InboundQuery::default()
    };
    let inbound = test.settle(test.gateway.inbound(&caller, query)).unwrap();
    let seen: Vec<_> = inbound.rows.iter().map(|row| row.text.is_some()).collect();
    assert_eq!(seen, [true, false]);
    let query = MessageQuery {
        to: Some(handset(1)),
        limit: 10,
        ..MessageQuery::default()
    };
    let found = test.settle(test.gateway.messages(&caller, query)).unwrap();
    assert!(found.rows.is_empty(), "nothing is found by the number");
    assert_eq!(test.store.purges(), 1);
}

#[test]
fn an_index_that_lost_its_rows_keeps_nothing_from_being_erased_or_handed_out() {
    let test = running();
    two_delivered(&test);
    deliver(&test, vec![mobile(1, "from me")]);
    test.store.empty_index();
    let copy = test.gateway.export_subject("root", handset(1));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let inside = runtime.enter();
    assert_eq!(test.settle(copy).unwrap().len(), 2);
    drop(inside);
    let erased = erase(&test, ErasureScope::KeepConsent);
    assert_eq!((erased.messages, erased.inbound, erased.values), (1, 1, 4));
}

#[test]
fn the_entry_tells_why_and_how_much_and_not_of_whom() {
    let test = running();
    two_delivered(&test);
    erase(&test, ErasureScope::KeepConsent);
    let told = kinds(&test, "subject.erased");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["data"]["basis"], "GDPR Art. 17, case 7");
    assert_eq!(told[0]["data"]["count"], 2);
    assert_eq!(told[0]["outcome"], "done");
    assert!(
        told[0]["object"]["id"]
            .as_str()
            .unwrap()
            .starts_with("sub_")
    );
    let stones = test.store.with_image(|image| {
        let index = image.entries().len() - 1;
        let index = u64::try_from(index).unwrap();
        let by = |row: &&engine::rows::VaultRow| row.erased_by() == Some(index);
        image.vault().filter(by).count()
    });
    assert_eq!(stones, 2, "each tombstone names the entry");
}

#[test]
fn a_request_about_a_number_that_nobody_knows_is_recorded() {
    let test = running();
    assert_eq!(erase(&test, ErasureScope::WithConsent), Erased::default());
    let told = kinds(&test, "subject.erased");
    assert_eq!(told[0]["data"]["count"], 0);
    two_delivered(&test);
    erase(&test, ErasureScope::KeepConsent);
    assert_eq!(erase(&test, ErasureScope::KeepConsent).values, 0);
    assert_eq!(kinds(&test, "subject.erased").len(), 3);
}

#[test]
fn many_messages_are_erased_in_commits_that_each_say_their_count() {
    let test = running();
    for _ in 0..600 {
        submit(&test, "hello").unwrap();
        let handed = test.carriers.take().remove(0);
        answer(&test, &handed, engine::ports::carrier::Answer::Rejected(11));
    }
    let erased = erase(&test, ErasureScope::KeepConsent);
    assert_eq!((erased.messages, erased.values), (600, 1_200));
    let counts: Vec<u64> = kinds(&test, "subject.erased")
        .iter()
        .map(|entry| entry["data"]["count"].as_u64().unwrap())
        .collect();
    assert_eq!(counts, [500, 500, 200]);
}

#[test]
fn a_message_that_moves_is_left_alone_and_told_of() {
    let test = TestGateway::queued();
    let waiting = submit(&test, "waits for a bind").unwrap().id;
    let erased = erase(&test, ErasureScope::KeepConsent);
    assert_eq!((erased.moving, erased.values), (1, 0));
    assert!(erased.again_after > Some(test.clock.peek()));
    test.bind_all();
    let handed = dispatch(&test).remove(0);
    assert_eq!(handed.submission.to, handset(1));
    accept(&test, &handed);
    let erased = erase(&test, ErasureScope::KeepConsent);
    assert_eq!(
        (erased.moving, erased.values),
        (1, 0),
        "its receipt is awaited"
    );
    deliver(
        &test,
        vec![receipt(handed.submission.token, ReceiptState::Delivered)],
    );
    let erased = erase(&test, ErasureScope::KeepConsent);
    assert_eq!((erased.moving, erased.values), (0, 2));
    assert_eq!(state_of(&test, waiting), MessageState::Delivered);
}

#[test]
fn an_erased_message_still_takes_its_late_receipt_also_after_a_restart() {
    let test = running();
    let id = submit_to(&test, 1, TrafficClass::Marketing, "sale")
        .unwrap()
        .id;
    let handed = test.carriers.take().remove(0);
    accept(&test, &handed);
    test.clock.advance(Duration::from_hours(73));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    assert_eq!(state_of(&test, id), MessageState::Unknown);
    assert_eq!(erase(&test, ErasureScope::KeepConsent).values, 2);
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    let late = receipt(handed.submission.token, ReceiptState::Delivered);
    deliver(&test, vec![late]);
    // The store's index, which a store in memory loses, is told of it again by the test.
    let carrier = handed.bind.carrier.clone();
    engine::ports::Store::index_carrier_ids(
        &*test.store,
        vec![engine::ports::store::CarrierIdRow {
            carrier,
            id: testkit::carriers::id_of(handed.submission.token),
            message: id.sequence(),
            segment: 0,
        }],
    );
    test.settle(test.gateway.match_receipts());
    assert_eq!(state_of(&test, id), MessageState::Delivered);
    let blank = test
        .store
        .with_image(|image| image.message_row(id.sequence()).unwrap().subject);
    assert_eq!(blank, NO_SUBJECT);
}

fn opted_out(test: &TestGateway) {
    let caller = test.caller();
    let wish = OptOutRequest {
        short_code: short_code(),
        number: handset(1),
        basis: Basis::Request,
        evidence: "a letter of 3 May".into(),
    };
    test.settle(test.gateway.record_opt_out(&caller, wish))
        .unwrap();
}

#[test]
fn an_opt_out_survives_and_its_evidence_goes_only_when_told_so() {
    let test = running();
    opted_out(&test);
    let evidence = |test: &TestGateway| {
        let live = |row: &&engine::rows::VaultRow| {
            row.purpose == Purpose::Consent && row.erased_by().is_none()
        };
        test.store
            .with_image(|image| image.vault().filter(live).count())
    };
    let erased = erase(&test, ErasureScope::KeepConsent);
    assert_eq!((erased.values, erased.kept, erased.opt_outs), (0, 1, 0));
    assert_eq!(evidence(&test), 1);
    let erased = erase(&test, ErasureScope::WithConsent);
    assert_eq!((erased.values, erased.kept, erased.opt_outs), (2, 0, 1));
    assert_eq!(evidence(&test), 0);
    let refused = submit(&test, "hello").unwrap_err();
    assert!(matches!(refused, SubmitError::Refused(_)), "{refused:?}");
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    assert!(submit(&test, "hello").is_err(), "after a restart too");
}

#[test]
fn octets_that_could_not_be_removed_are_told_of() {
    let test = running();
    two_delivered(&test);
    test.store.refuse_purge(PurgeError::InTheWay("a backup"));
    let erased = erase(&test, ErasureScope::KeepConsent);
    assert_eq!(erased.remains, Some(PurgeError::InTheWay("a backup")));
    let again = erase(&test, ErasureScope::KeepConsent);
    assert_eq!((again.values, again.remains), (0, None));
}
