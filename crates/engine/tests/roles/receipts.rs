//! Receipts and the segments they are about.

use std::time::Duration;

use domain::carrier_id::CarrierMessageId;
use domain::message::{MessageState, ReceiptState};
use engine::ports::carrier::{Answer, Delivery, Receipt, Verdict};
use engine::settings::Settings;
use testkit::TestGateway;
use testkit::carriers::Handed;
use testkit::gateway::handset;
use testkit::settings::usual;

use super::stage::{accept, answer, deliver, receipt, running, state_of, submit, submit_to};

fn tight(change: impl FnOnce(&mut Settings)) -> TestGateway {
    let mut settings = usual();
    change(&mut settings);
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    test
}

/// A message that was handed over.
fn sent(test: &TestGateway, text: &str) -> (domain::id::MessageId, Vec<Handed>) {
    let accepted = submit(test, text).unwrap();
    (accepted.id, test.carriers.take())
}

fn delivered(handed: &Handed) -> Delivery {
    receipt(handed.submission.token, ReceiptState::Delivered)
}

fn match_receipts(test: &TestGateway) -> usize {
    test.settle(test.gateway.match_receipts())
}

#[test]
fn a_receipt_settles_its_message_and_a_second_one_changes_nothing() {
    let test = running();
    let (id, handed) = sent(&test, "hello");
    accept(&test, &handed[0]);
    assert_eq!(
        deliver(&test, vec![delivered(&handed[0])]),
        [Verdict::Taken]
    );
    assert_eq!(state_of(&test, id), MessageState::Delivered);
    let failed = receipt(handed[0].submission.token, ReceiptState::Failed);
    assert_eq!(deliver(&test, vec![failed]), [Verdict::Taken]);
    assert_eq!(state_of(&test, id), MessageState::Delivered);
}

#[test]
fn a_receipt_before_its_answer_is_kept_and_applied() {
    let test = running();
    let (id, handed) = sent(&test, "hello");
    assert_eq!(
        deliver(&test, vec![delivered(&handed[0])]),
        [Verdict::Taken]
    );
    match_receipts(&test);
    accept(&test, &handed[0]);
    assert_eq!(state_of(&test, id), MessageState::Delivered);
    assert_eq!(test.store.with_image(|image| image.unmatched().count()), 0);
}

#[test]
fn an_early_receipt_survives_a_crash() {
    let test = running();
    let (id, handed) = sent(&test, "hello");
    deliver(&test, vec![delivered(&handed[0])]);
    accept(&test, &handed[0]);
    let test = test.crash_and_restart(usual(), 2);
    assert_eq!(state_of(&test, id), MessageState::Delivered);
}

#[test]
fn a_receipt_of_an_evicted_message_is_found_through_the_index() {
    let test = tight(|settings| settings.bounds.receipts_pending_max = 1);
    let (first, handed) = sent(&test, "first");
    accept(&test, &handed[0]);
    let (_, other) = sent(&test, "second");
    accept(&test, &other[0]);
    assert_eq!(
        test.gateway.snapshot().messages.len(),
        1,
        "the first made room"
    );
    deliver(&test, vec![delivered(&handed[0])]);
    assert_eq!(state_of(&test, first), MessageState::Submitted);
    assert_eq!(match_receipts(&test), 1);
    assert_eq!(state_of(&test, first), MessageState::Delivered);
    assert_eq!(test.store.with_image(|image| image.unmatched().count()), 0);
}

#[test]
fn an_evicted_message_whose_receipt_never_comes_ends_unknown() {
    let test = tight(|settings| settings.bounds.receipts_pending_max = 1);
    let (first, handed) = sent(&test, "first");
    accept(&test, &handed[0]);
    let (second, other) = sent(&test, "second");
    accept(&test, &other[0]);
    assert_eq!(test.settle(test.gateway.end_forgotten()), Ok(0));
    test.clock
        .advance(usual().receipt_timeout + Duration::from_secs(1));
    assert_eq!(
        test.gateway.end_overdue(test.clock.peek()),
        1,
        "what is in memory"
    );
    test.store.sync();
    assert_eq!(state_of(&test, second), MessageState::Unknown);
    assert_eq!(state_of(&test, first), MessageState::Submitted);
    assert_eq!(test.settle(test.gateway.end_forgotten()), Ok(1));
    assert_eq!(state_of(&test, first), MessageState::Unknown);
    assert_eq!(test.settle(test.gateway.end_forgotten()), Ok(0), "once");
    // The clock has leapt into a week without keys.
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    deliver(&test, vec![delivered(&handed[0])]);
    assert_eq!(match_receipts(&test), 1, "a late receipt still finds it");
    assert_eq!(state_of(&test, first), MessageState::Delivered);
}

#[test]
fn every_segment_of_an_evicted_message_finds_its_receipt() {
    let test = tight(|settings| settings.bounds.receipts_pending_max = 2);
    let (id, handed) = sent(&test, &"x".repeat(200));
    for handed in &handed {
        accept(&test, handed);
    }
    // The next id pushes out the first segment's; the second's is still there.
    let (_, other) = sent(&test, "other");
    accept(&test, &other[0]);
    for handed in handed.iter().rev() {
        deliver(&test, vec![delivered(handed)]);
        match_receipts(&test);
    }
    assert_eq!(state_of(&test, id), MessageState::Delivered);
    assert_eq!(
        test.gateway.snapshot().messages.len(),
        1,
        "only the other one waits"
    );
}

#[test]
fn a_message_with_more_segments_than_ids_are_kept_finds_its_receipts() {
    let test = tight(|settings| settings.bounds.receipts_pending_max = 1);
    let (id, handed) = sent(&test, &"x".repeat(400));
    for handed in &handed {
        accept(&test, handed);
    }
    for handed in &handed {
        deliver(&test, vec![delivered(handed)]);
        match_receipts(&test);
    }
    assert_eq!(state_of(&test, id), MessageState::Delivered);
    assert!(test.gateway.snapshot().messages.is_empty());
}

#[test]
fn the_index_is_asked_for_every_receipt_however_many_come_at_once() {
    let test = tight(|settings| settings.bounds.receipts_pending_max = 1);
    let (first, handed) = sent(&test, "first");
    accept(&test, &handed[0]);
    let (_, other) = sent(&test, "second");
    accept(&test, &other[0]);
    let stranger = |number: u32| {
        Delivery::Receipt(Receipt {
            carrier_id: CarrierMessageId::parse(format!("x{number}").as_bytes()).unwrap(),
            state: ReceiptState::Delivered,
            error: None,
            recipient: None,
            done: None,
        })
    };
    let mut batch: Vec<Delivery> = (0..600).map(stranger).collect();
    batch.push(delivered(&handed[0]));
    deliver(&test, batch);
    match_receipts(&test);
    assert_eq!(state_of(&test, first), MessageState::Delivered);
}

#[test]
fn another_spelling_in_the_index_needs_the_right_recipient() {
    let test = tight(|settings| settings.bounds.receipts_pending_max = 1);
    let taken = |test: &TestGateway, number: u16, id: &[u8]| {
        let accepted = submit_to(test, number, domain::class::TrafficClass::Alert, "x").unwrap();
        let handed = test.carriers.take().remove(0);
        let id = CarrierMessageId::parse(id).unwrap();
        answer(test, &handed, Answer::Accepted(id));
        accepted.id
    };
    let first = taken(&test, 1, b"00ABCD");
    taken(&test, 2, b"zzz");
    let receipt = |number: u16| {
        Delivery::Receipt(Receipt {
            carrier_id: CarrierMessageId::parse(b"abcd").unwrap(),
            state: ReceiptState::Delivered,
            error: None,
            recipient: Some(handset(number)),
            done: None,
        })
    };
    deliver(&test, vec![receipt(3)]);
    match_receipts(&test);
    assert_eq!(state_of(&test, first), MessageState::Submitted);
    deliver(&test, vec![receipt(1)]);
    match_receipts(&test);
    assert_eq!(state_of(&test, first), MessageState::Delivered);
}

#[test]
fn a_receipt_that_waited_too_long_does_not_meet_the_next_owner_of_its_id() {
    let test = running();
    let (_, handed) = sent(&test, "hello");
    let stranger = delivered(&handed[0]);
    deliver(&test, vec![stranger]);
    test.clock.advance(Duration::from_mins(61));
    test.gateway.keep_house(test.clock.peek());
    accept(&test, &handed[0]);
    let id = test
        .store
        .with_image(|image| image.messages().next().unwrap().id);
    assert_eq!(state_of(&test, id), MessageState::Submitted);
}

#[test]
fn a_receipt_that_never_comes_ends_the_wait_even_behind_many_settled_ones() {
    let test = tight(|settings| settings.receipt_timeout = Duration::from_hours(1));
    for _ in 0..1_100 {
        let (_, handed) = sent(&test, "settled");
        accept(&test, &handed[0]);
        deliver(&test, vec![delivered(&handed[0])]);
        test.clock.advance(Duration::from_millis(10));
    }
    let (id, handed) = sent(&test, "never");
    accept(&test, &handed[0]);
    test.clock.advance(Duration::from_mins(61));
    for _ in 0..3 {
        test.gateway.keep_house(test.clock.peek());
    }
    test.store.sync();
    assert_eq!(state_of(&test, id), MessageState::Unknown);
    deliver(&test, vec![delivered(&handed[0])]);
    assert_eq!(
        state_of(&test, id),
        MessageState::Delivered,
        "a late one still counts"
    );
}
