//! A client has the text of a message destroyed, or all that is kept of it.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::id::MessageId;
use domain::limit::policy::defaults;
use domain::message::{MessageState, ReceiptState};
use engine::check_openings;
use engine::rows::{Purpose, VaultRow};
use engine::{MessageQuery, RedactError, Redaction, WrittenMessage};
use testkit::TestGateway;
use testkit::gateway::{everything, handset};
use testkit::settings::usual;

use super::rebuild::assert_rebuilt;
use super::stage::{accept, deliver, mobile, receipt, running, submit_to};

/// A message to a handset that was delivered.
fn delivered(test: &TestGateway, to: u16) -> MessageId {
    let submitted = submit_to(test, to, TrafficClass::Alert, "hello").unwrap();
    let handed = test.carriers.take().remove(0);
    accept(test, &handed);
    let told = receipt(handed.submission.token, ReceiptState::Delivered);
    deliver(test, vec![told]);
    submitted.id
}

fn redact(test: &TestGateway, id: MessageId, what: Redaction) -> Result<(), RedactError> {
    let caller = test.caller();
    test.settle(test.gateway.redact(&caller, id, what))
        .map(drop)
}

fn read(test: &TestGateway, id: MessageId) -> WrittenMessage {
    let caller = test.caller();
    test.settle(test.gateway.message_with_text(&caller, id))
        .unwrap()
}

fn told(test: &TestGateway) -> Vec<serde_json::Value> {
    let parse = |logged: &testkit::memory::Logged| serde_json::from_slice(&logged.bytes).unwrap();
    let entries: Vec<serde_json::Value> = test
        .store
        .with_image(|image| image.entries().iter().map(parse).collect());
    let is_it = |entry: &serde_json::Value| entry["kind"] == "message.redacted";
    entries.into_iter().filter(is_it).collect()
}

fn assert_whole(test: &TestGateway) {
    assert_rebuilt(test);
    let mut faults = Vec::new();
    let mut tell = |fault: ledger::Fault| faults.push(fault.kind);
    let image = test.store.image();
    check_openings(&image, &test.gateway.judge(), &mut tell).unwrap();
    assert_eq!(faults, []);
}

#[test]
fn a_text_is_destroyed_under_an_entry_and_the_number_stays() {
    let test = running();
    let [mine, other] = [1, 2].map(|to| delivered(&test, to));
    assert_eq!(read(&test, mine).text.unwrap().reveal(), "hello");
    redact(&test, mine, Redaction::Text).unwrap();
    let after = read(&test, mine);
    assert_eq!((after.text, after.view.to), (None, Some(handset(1))));
    assert_eq!(after.view.state, MessageState::Delivered);
    assert!(read(&test, other).text.is_some());
    let entry = told(&test).remove(0);
    assert_eq!(
        entry["data"],
        serde_json::json!({"count": 1, "what": "text"})
    );
    assert_eq!(entry["object"]["id"], mine.to_string());
    assert_eq!(entry["actor"]["type"], "client");
    redact(&test, mine, Redaction::Text).unwrap();
    assert_eq!(told(&test)[1]["data"]["count"], 0, "once more is told too");
    test.gateway.keep_house(test.clock.peek());
    assert_whole(&test);
    let test = test.crash_and_restart(usual(), 2);
    assert_eq!(read(&test, mine).text, None);
    assert_whole(&test);
}

#[test]
fn all_that_is_kept_of_a_message_is_destroyed_and_found_no_more() {
    let test = running();
    let id = delivered(&test, 1);
    deliver(&test, vec![mobile(1, "an answer")]);
    redact(&test, id, Redaction::Whole).unwrap();
    let after = read(&test, id);
    assert_eq!((after.text, after.view.to), (None, None));
    let left = test.store.with_image(|image| {
        let own = |row: &&VaultRow| row.owner == id.sequence() && row.erased_by().is_none();
        image.vault().filter(own).count()
    });
    assert_eq!(left, 0);
    let caller = test.caller();
    let query = MessageQuery {
        to: Some(handset(1)),
        limit: 10,
        ..MessageQuery::default()
    };
    let found = test.settle(test.gateway.messages(&caller, query)).unwrap();
    assert!(found.rows.is_empty());
    assert_eq!(
        redact(&test, id, Redaction::Whole),
        Err(RedactError::NotFound)
    );
    assert_eq!(told(&test).len(), 1);
    assert_whole(&test);
    let test = test.crash_and_restart(usual(), 2);
    assert_whole(&test);
}

#[test]
fn what_still_moves_or_is_another_clients_is_left_alone() {
    let test = running();
    let moving = submit_to(&test, 1, TrafficClass::Alert, "hello")
        .unwrap()
        .id;
    for what in [Redaction::Text, Redaction::Whole] {
        let refused = redact(&test, moving, what).unwrap_err();
        assert!(matches!(refused, RedactError::Moving(_)), "{refused}");
    }
    let theirs = delivered(&test, 2);
    let (_, key) = test.add_client(everything("stranger"));
    let stranger = test.caller_with(&key);
    for what in [Redaction::Text, Redaction::Whole] {
        let tried = test.gateway.redact(&stranger, theirs, what);
        assert_eq!(test.settle(tried), Err(RedactError::NotFound));
    }
    let unknown = MessageId::new(7, 7);
    assert_eq!(
        redact(&test, unknown, Redaction::Text),
        Err(RedactError::NotFound)
    );
    assert_eq!(told(&test), Vec::<serde_json::Value>::new());
    let live = test.store.with_image(|image| {
        let texts = image.vault().filter(|row| row.purpose == Purpose::Text);
        texts.filter(|row| row.erased_by().is_none()).count()
    });
    assert_eq!(live, 2);
}

#[test]
fn a_message_that_is_gone_still_counts_after_a_crash() {
    let mut settings = usual();
    let name = |policy: &domain::limit::policy::Policy| policy.draft().name.to_string();
    settings.limits.policies = defaults()
        .into_iter()
        .filter(|policy| name(policy) == "recipient-otp-10-minutes")
        .collect();
    let otp = |test: &TestGateway| submit_to(test, 1, TrafficClass::Otp, "code");
    let test = TestGateway::queued_with(settings.clone());
    let mut taken = Vec::new();
    while let Ok(submitted) = otp(&test) {
        taken.push(submitted.id);
        assert!(taken.len() < 100, "no limit");
    }
    let caller = test.caller();
    for id in &taken {
        test.settle(test.gateway.cancel(&caller, *id)).unwrap();
        test.clock.advance(Duration::from_millis(1));
        redact(&test, *id, Redaction::Whole).unwrap();
    }
    let test = test.crash_and_restart(settings, 2);
    assert!(
        otp(&test).is_err(),
        "a deleted message gave the number its limit back"
    );
}
