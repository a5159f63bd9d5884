//! Carriers that take whole messages: every waiting segment goes at once, under one id, and what is told of
//! that id is told of each of them.

use std::time::Duration;

use domain::carrier_id::CarrierMessageId;
use domain::class::TrafficClass;
use domain::id::MessageId;
use domain::message::{MessageState, ReceiptState, Segment, SegmentState};
use engine::HandOver;
use engine::ports::CarrierEvents;
use engine::ports::carrier::{Answer, Delivery, Receipt, Verdict};
use engine::settings::{Settings, Unit};
use testkit::TestGateway;
use testkit::carriers::Handed;
use testkit::settings::{backup, primary, usual};

use super::stage::{
    Verdicts, deliver, deliver_without_sync, dispatch, state_of, submit, submit_to,
};

const SID: &str = "SM0123456789abcdef0123456789abcdef";

/// Three segments.
fn long() -> String {
    "a".repeat(400)
}

fn whole() -> Settings {
    let mut settings = usual();
    let carrier = settings.carriers.get_mut(&primary(0).carrier).unwrap();
    carrier.unit = Unit::Message;
    settings
}

fn with(settings: Settings) -> TestGateway {
    let test = TestGateway::queued_with(settings);
    test.bound(&primary(0));
    test
}

fn sid() -> CarrierMessageId {
    CarrierMessageId::parse(SID.as_bytes()).unwrap()
}

/// The carrier answers one request, which is every segment that was handed over.
fn answer_all(test: &TestGateway, handed: &[Handed], answer: &Answer) {
    let told = |handed: &Handed| (handed.submission.token, answer.clone());
    let bind = handed[0].bind.clone();
    test.gateway
        .answered(&bind, handed.iter().map(told).collect());
    test.store.sync();
}

fn told(state: ReceiptState) -> Vec<Delivery> {
    vec![Delivery::Receipt(Receipt {
        carrier_id: sid(),
        state,
        error: None,
        recipient: None,
        done: None,
    })]
}

fn segments(test: &TestGateway, id: MessageId) -> Vec<SegmentState> {
    let row = test
        .store
        .with_image(|image| image.message_row(id.sequence()).cloned());
    let row = row.unwrap();
    row.segments.iter().map(Segment::state).collect()
}

/// A long message and what was handed over of it.
fn sent(test: &TestGateway) -> (MessageId, Vec<Handed>) {
    let accepted = submit(test, &long()).unwrap();
    (accepted.id, test.carriers.take())
}

#[test]
fn every_segment_goes_at_once_and_what_is_beyond_the_pace_is_paid_before_the_next() {
    let mut settings = whole();
    let carrier = settings.carriers.get_mut(&primary(0).carrier).unwrap();
    for bind in &mut carrier.binds {
        (bind.window_max, bind.mps, bind.burst) = (1, 10, 1);
    }
    let test = with(settings);
    let (_, handed) = sent(&test);
    assert_eq!(handed.len(), 3);
    answer_all(&test, &handed, &Answer::Accepted(sid()));
    submit(&test, "next").unwrap();
    assert!(test.carriers.take().is_empty());
    test.clock.advance(Duration::from_millis(290));
    assert!(dispatch(&test).is_empty(), "two segments are owed");
    test.clock.advance(Duration::from_millis(10));
    assert_eq!(dispatch(&test).len(), 1);
}

#[test]
fn one_receipt_of_the_one_id_is_a_receipt_of_each_segment() {
    let test = with(whole());
    let (id, handed) = sent(&test);
    answer_all(&test, &handed, &Answer::Accepted(sid()));
    assert_eq!(state_of(&test, id), MessageState::Submitted);
    let word = deliver(&test, told(ReceiptState::Delivered));
    assert_eq!(word, [Verdict::Taken]);
    assert_eq!(segments(&test, id), [SegmentState::Delivered; 3]);
    assert_eq!(state_of(&test, id), MessageState::Delivered);
    // What was reached is never taken back.
    deliver(&test, told(ReceiptState::Failed));
    assert_eq!(state_of(&test, id), MessageState::Delivered);
}

#[test]
fn a_receipt_before_the_answer_is_given_to_each_segment() {
    let test = with(whole());
    let (id, handed) = sent(&test);
    deliver(&test, told(ReceiptState::Delivered));
    answer_all(&test, &handed, &Answer::Accepted(sid()));
    assert_eq!(segments(&test, id), [SegmentState::Delivered; 3]);
    assert_eq!(test.store.with_image(|image| image.unmatched().count()), 0);
}

#[test]
fn the_one_id_is_found_after_a_restart_and_through_the_index() {
    let test = with(whole());
    let (id, handed) = sent(&test);
    answer_all(&test, &handed, &Answer::Accepted(sid()));
    let test = test.crash_and_restart(whole(), 2);
    deliver(&test, told(ReceiptState::Delivered));
    assert_eq!(segments(&test, id), [SegmentState::Delivered; 3]);

    let mut settings = whole();
    settings.bounds.receipts_pending_max = 1;
    let test = with(settings);
    let (id, handed) = sent(&test);
    answer_all(&test, &handed, &Answer::Accepted(sid()));
    assert!(test.gateway.snapshot().messages.is_empty(), "it made room");
    deliver(&test, told(ReceiptState::Delivered));
    assert_eq!(test.settle(test.gateway.match_receipts()), 1);
    assert_eq!(segments(&test, id), [SegmentState::Delivered; 3]);
}

#[test]
fn a_message_of_unknown_fate_is_held_or_sent_again_as_a_whole() {
    let test = with(whole());
    let held = submit_to(&test, 1, TrafficClass::Marketing, &long()).unwrap();
    let handed = dispatch(&test);
    assert_eq!(handed.len(), 3);
    answer_all(&test, &handed, &Answer::Silence);
    assert_eq!(state_of(&test, held.id), MessageState::Unknown);

    let (id, handed) = sent(&test);
    answer_all(&test, &handed, &Answer::Silence);
    let again = dispatch(&test);
    let attempts: Vec<_> = again.iter().map(|h| h.submission.token.attempt).collect();
    assert_eq!(attempts, [2, 2, 2]);
    // The first answer came late; it is the same message.
    answer_all(&test, &handed, &Answer::Accepted(sid()));
    assert_eq!(state_of(&test, id), MessageState::Submitted);
}

/// The carrier names a hand-over, and the id under which it took it.
fn name(test: &TestGateway, named: HandOver, id: &str) {
    let id = CarrierMessageId::parse(id.as_bytes()).unwrap();
    let bind = primary(0);
    let word = test.settle(test.gateway.take_hand_over(&bind, named, &id));
    assert_eq!(word, Verdict::Taken);
}

/// The same sequence, and another id.
fn of_other_id(named: HandOver) -> HandOver {
    let mut octets = named.message.to_bytes();
    octets[15] ^= 1;
    HandOver {
        message: MessageId::from_bytes(octets).unwrap(),
        ..named
    }
}

/// A long message of unknown fate, and its hand-over.
fn doubtful(test: &TestGateway) -> HandOver {
    let held = submit_to(test, 1, TrafficClass::Marketing, &long()).unwrap();
    let handed = dispatch(test);
    let attempt = handed[0].submission.token.attempt;
    answer_all(test, &handed, &Answer::Silence);
    assert_eq!(state_of(test, held.id), MessageState::Unknown);
    HandOver {
        message: held.id,
        attempt,
    }
}

#[test]
fn a_hand_over_of_unknown_fate_is_settled_by_the_carrier_that_names_it() {
    let test = with(whole());
    let named = doubtful(&test);
    name(&test, named, SID);
    assert_eq!(segments(&test, named.message), [SegmentState::Submitted; 3]);
    deliver(&test, told(ReceiptState::Delivered));
    assert_eq!(state_of(&test, named.message), MessageState::Delivered);
    // Nothing is taken back, and nothing is settled twice.
    name(&test, named, "another");
    assert_eq!(state_of(&test, named.message), MessageState::Delivered);
}

#[test]
fn a_hand_over_that_a_crash_cut_off_is_settled_after_it() {
    let test = with(whole());
    let held = submit_to(&test, 1, TrafficClass::Marketing, &long()).unwrap();
    assert_eq!(dispatch(&test).len(), 3);
    let test = test.crash_and_restart(whole(), 2);
    assert_eq!(state_of(&test, held.id), MessageState::Unknown);
    let named = HandOver {
        message: held.id,
        attempt: 1,
    };
    name(&test, named, SID);
    deliver(&test, told(ReceiptState::Failed));
    assert_eq!(segments(&test, held.id), [SegmentState::Failed; 3]);
}

#[test]
fn a_hand_over_that_is_named_before_its_fate_is_durable_is_named_again() {
    let test = with(whole());
    let held = submit_to(&test, 1, TrafficClass::Marketing, &long()).unwrap();
    let handed = dispatch(&test);
    let silent = |handed: &Handed| (handed.submission.token, Answer::Silence);
    let bind = primary(0);
    let answers = handed.iter().map(silent).collect();
    test.gateway.answered(&bind, answers);
    let named = HandOver {
        message: held.id,
        attempt: 1,
    };
    let word = test.settle(test.gateway.take_hand_over(&bind, named, &sid()));
    assert_eq!(word, Verdict::Again);
    test.store.sync();
    name(&test, named, SID);
    assert_eq!(segments(&test, held.id), [SegmentState::Submitted; 3]);
}

#[test]
fn no_other_hand_over_carrier_or_message_is_settled_by_a_name() {
    let test = with(whole());
    test.bound(&backup());
    let named = doubtful(&test);
    let other = HandOver {
        attempt: 2,
        ..named
    };
    name(&test, other, SID);
    let id = sid();
    test.settle(test.gateway.take_hand_over(&backup(), named, &id));
    // The same sequence, and another id.
    name(&test, of_other_id(named), SID);
    test.store.sync();
    assert_eq!(state_of(&test, named.message), MessageState::Unknown);
    // What the carrier tells may overtake its answer, which then says nothing new.
    let (sent, handed) = sent(&test);
    let on_its_way = HandOver {
        message: sent,
        attempt: 1,
    };
    name(&test, of_other_id(on_its_way), SID);
    assert_eq!(state_of(&test, sent), MessageState::Dispatched);
    name(&test, on_its_way, SID);
    assert_eq!(state_of(&test, sent), MessageState::Submitted);
    name(&test, on_its_way, "another");
    for late in [Answer::NotSent, Answer::Silence, Answer::Accepted(id)] {
        answer_all(&test, &handed, &late);
        assert_eq!(state_of(&test, sent), MessageState::Submitted);
    }
    deliver(&test, told(ReceiptState::Delivered));
    assert_eq!(state_of(&test, sent), MessageState::Delivered);
}

#[test]
fn what_certainly_did_not_go_takes_the_next_way_by_segments() {
    let test = with(whole());
    test.bound(&backup());
    let (id, handed) = sent(&test);
    assert!(handed.iter().all(|handed| handed.bind == primary(0)));
    test.gateway.lost(&primary(0), "no connection");
    answer_all(&test, &handed, &Answer::NotSent);
    let again = dispatch(&test);
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|handed| handed.bind == backup()));
    assert_eq!(state_of(&test, id), MessageState::Dispatched);
}

#[test]
fn a_full_carrier_meets_a_long_message_once_and_not_once_a_segment() {
    let test = with(whole());
    let (id, mut handed) = sent(&test);
    for _ in 0..3 {
        answer_all(&test, &handed, &Answer::QueueFull(21_611));
        assert_eq!(state_of(&test, id), MessageState::Accepted);
        test.clock.advance(Duration::from_secs(1));
        handed = dispatch(&test);
        assert_eq!(handed.len(), 3);
    }
    answer_all(&test, &handed, &Answer::QueueFull(21_611));
    assert_eq!(state_of(&test, id), MessageState::Failed);
}

#[test]
fn a_bind_rests_as_long_as_the_carrier_asks_and_no_longer_than_it_may() {
    let asks = |seconds| Answer::ThrottledFor(429, Duration::from_secs(seconds));
    let test = with(whole());
    let (_, handed) = sent(&test);
    answer_all(&test, &handed, &asks(20));
    test.clock.advance(Duration::from_secs(19));
    assert!(dispatch(&test).is_empty());
    test.clock.advance(Duration::from_secs(1));
    let handed = dispatch(&test);
    assert_eq!(handed.len(), 3);
    answer_all(&test, &handed, &asks(86_400));
    test.clock.advance(Duration::from_secs(30));
    assert_eq!(dispatch(&test).len(), 3);
}

/// Receipts of ids that nobody knows.
fn nonsense(test: &TestGateway, from: usize, count: usize) -> Vec<Verdicts> {
    let receipt = |place: usize| {
        let id = format!("SMnobody{place}");
        Delivery::Receipt(Receipt {
            carrier_id: CarrierMessageId::parse(id.as_bytes()).unwrap(),
            state: ReceiptState::Delivered,
            error: None,
            recipient: None,
            done: None,
        })
    };
    (from..from + count)
        .map(|place| deliver_without_sync(test, vec![receipt(place)]))
        .collect()
}

fn unmatched_entries(test: &TestGateway) -> usize {
    test.store.sync();
    let is_one = |octets: &[u8]| {
        let entry: serde_json::Value = serde_json::from_slice(octets).unwrap_or_default();
        entry["kind"] == "receipt.unmatched"
    };
    test.store.with_image(|image| {
        let entries = image.entries().iter();
        entries.filter(|logged| is_one(&logged.bytes)).count()
    })
}

#[test]
fn receipts_of_nothing_are_told_one_by_one_and_in_a_crowd_by_their_number() {
    let test = with(whole());
    let first = nonsense(&test, 0, 100);
    assert_eq!(unmatched_entries(&test), 100);
    let taken = |verdicts: &Verdicts| *verdicts.lock().unwrap() == Some(vec![Verdict::Taken]);
    assert!(first.iter().all(taken));
    let crowd = nonsense(&test, 100, 400);
    assert_eq!(unmatched_entries(&test), 100);
    let waits = |verdicts: &Verdicts| verdicts.lock().unwrap().is_none();
    assert!(crowd.iter().all(waits), "nothing of it is durable");
    test.gateway.keep_house(test.clock.peek());
    assert_eq!(unmatched_entries(&test), 101);
    assert!(crowd.iter().all(taken));
    let kept = |test: &TestGateway| test.store.with_image(|image| image.unmatched().count());
    assert_eq!(kept(&test), 500);
    // It is there after a crash, and a message that was meant finds its receipt.
    let test = test.crash_and_restart(whole(), 2);
    assert_eq!(kept(&test), 500);
    test.bound(&primary(0));
    let (id, handed) = sent(&test);
    let named = CarrierMessageId::parse(b"SMnobody450").unwrap();
    answer_all(&test, &handed, &Answer::Accepted(named));
    assert_eq!(state_of(&test, id), MessageState::Delivered);
    assert_eq!(kept(&test), 499);
}

#[test]
fn a_crowd_that_a_crash_meets_was_not_taken() {
    let test = with(whole());
    nonsense(&test, 0, 100);
    let crowd = nonsense(&test, 100, 10);
    test.store.sync();
    let answered = crowd.iter().filter(|word| word.lock().unwrap().is_some());
    assert_eq!(answered.count(), 0);
    let test = test.crash_and_restart(whole(), 2);
    let kept = test.store.with_image(|image| image.unmatched().count());
    assert_eq!(kept, 100);
}

/// A gateway to which a crowd of receipts came, and was told.
pub fn crowded() -> TestGateway {
    let test = with(whole());
    nonsense(&test, 0, 101);
    test.gateway.keep_house(test.clock.peek());
    test
}
