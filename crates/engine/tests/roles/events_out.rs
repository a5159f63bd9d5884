//! Events out: whoever wants to hear of what happens hears of all of it at least once, of each message in
//! order and of each state once, of nothing that is another's, and over whatever breaks.

use std::sync::Arc;

use domain::class::{ClassSet, TrafficClass};
use domain::event::{EventType, EventTypes};
use domain::id::{ClientId, WebhookId};
use domain::message::ReceiptState;
use domain::verification::state::State;
use engine::ports::Log as _;
use engine::ports::carrier::Answer;
use engine::{Addressee, EventFilter, EventQueue, Happening, QueueBounds, Ready};
use ledger::Kind;
use testkit::TestGateway;
use testkit::gateway::everything;
use testkit::settings::{short_code, usual};
use tokio::runtime::Builder;

use super::stage::{accept, answer, deliver, dispatch, mobile, receipt, submit, submit_to};
use super::verifications::{check, code, entries, start};

const EXAMPLE: Addressee = Addressee::Webhook(WebhookId::new(7 << 12, 7));

fn filter(client: ClientId) -> EventFilter {
    EventFilter {
        client,
        short_codes: vec![short_code()],
        events: EventTypes::all(),
    }
}

fn open_for(test: &TestGateway, filter: EventFilter) -> Arc<EventQueue> {
    test.gateway.attach_events(test.store.clone());
    test.gateway.open_events(EXAMPLE, filter).unwrap()
}

/// A receiver of everything that concerns the usual client.
pub fn open(test: &TestGateway) -> Arc<EventQueue> {
    open_for(test, filter(test.caller().client))
}

/// What is due now.
pub fn due(test: &TestGateway, queue: &Arc<EventQueue>) -> Vec<Ready> {
    test.store.sync();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(queue.fill()).unwrap();
    queue.take(1_000, test.clock.peek())
}

/// Tells everything, and gives the types in order.
fn told(test: &TestGateway, queue: &Arc<EventQueue>) -> Vec<EventType> {
    let mut types = Vec::new();
    loop {
        let ready = due(test, queue);
        if ready.is_empty() {
            queue.close();
            test.store.sync();
            return types;
        }
        for one in ready {
            types.push(one.event.event_type);
            queue.done(one.event.index);
        }
    }
}

#[test]
fn a_message_is_told_of_in_order_and_once_a_state() {
    let test = super::stage::running();
    let queue = open(&test);
    let sent = submit(&test, "hello").unwrap();
    for handed in dispatch(&test) {
        accept(&test, &handed);
        let arrived = || receipt(handed.submission.token, ReceiptState::Delivered);
        deliver(&test, vec![arrived(), arrived()]);
    }
    let first = due(&test, &queue);
    let Happening::Message { id, .. } = first[0].event.happening else {
        panic!("a message")
    };
    assert_eq!((first.len(), id), (1, sent.id), "the second waits for it");
    assert_eq!(first[0].event.event_type, EventType::MessageSubmitted);
    queue.done(first[0].event.index);
    assert_eq!(told(&test, &queue), [EventType::MessageDelivered]);
}

#[test]
fn a_message_of_several_segments_is_told_of_when_it_moves_and_not_when_a_segment_does() {
    let test = super::stage::running();
    let queue = open(&test);
    submit(&test, &"long ".repeat(100)).unwrap();
    let handed = test.carriers.take();
    assert_eq!(handed.len(), 4);
    for segment in &handed {
        accept(&test, segment);
    }
    for segment in &handed {
        let failed = receipt(segment.submission.token, ReceiptState::Failed);
        deliver(&test, vec![failed]);
    }
    let expected = [EventType::MessageSubmitted, EventType::MessageFailed];
    assert_eq!(told(&test, &queue), expected);
    submit(&test, &"long ".repeat(100)).unwrap();
    for segment in test.carriers.take() {
        answer(&test, &segment, Answer::Rejected(11));
    }
    assert_eq!(told(&test, &queue), [EventType::MessageFailed]);
}

#[test]
fn handsets_opt_outs_and_verifications_are_told_of() {
    let test = super::stage::running();
    let queue = open(&test);
    deliver(&test, vec![mobile(1, "hello")]);
    deliver(&test, vec![mobile(1, "STOP")]);
    deliver(&test, vec![mobile(1, "START")]);
    let begun = start(&test, 2).unwrap();
    let code = code(&test);
    check(&test, begun.id, &code).unwrap();
    let of_handsets = |event: &EventType| !event.as_str().starts_with("message");
    let events: Vec<_> = told(&test, &queue)
        .into_iter()
        .filter(of_handsets)
        .collect();
    let mut sorted = events.clone();
    sorted.sort();
    let expected = [
        EventType::InboundReceived,
        EventType::InboundReceived,
        EventType::InboundReceived,
        EventType::OptOutRecorded,
        EventType::OptOutRemoved,
        EventType::VerificationVerified,
    ];
    assert_eq!(sorted, expected);
    let place = |wanted| events.iter().position(|event| *event == wanted).unwrap();
    assert!(place(EventType::OptOutRecorded) > 0, "behind its message");
}

#[test]
fn nobody_hears_of_what_is_anothers() {
    let test = super::stage::running();
    let mut new = everything("other");
    new.short_codes = vec!["54321".parse().unwrap()];
    new.classes = ClassSet::default();
    let (other, _) = test.add_client(new);
    let mut of_other = filter(other.id);
    of_other.short_codes = other.short_codes;
    let queue = open_for(&test, of_other);
    submit(&test, "hello").unwrap();
    for handed in dispatch(&test) {
        accept(&test, &handed);
    }
    deliver(&test, vec![mobile(1, "STOP")]);
    let begun = start(&test, 2).unwrap();
    let code = code(&test);
    assert_eq!(
        check(&test, begun.id, &code).unwrap().state,
        State::Verified
    );
    assert!(told(&test, &queue).is_empty());
}

#[test]
fn what_was_not_confirmed_is_told_again_after_a_crash_and_what_was_is_not() {
    let test = super::stage::running();
    let queue = open(&test);
    for number in 0..3 {
        submit_to(&test, number, TrafficClass::Alert, "hello").unwrap();
    }
    for handed in dispatch(&test) {
        accept(&test, &handed);
    }
    let ready = due(&test, &queue);
    let ids: Vec<_> = ready.iter().map(|one| one.event.id).collect();
    assert_eq!(ids.len(), 3);
    queue.done(ready[0].event.index);
    queue.later(ready[1].event.index, test.clock.peek(), test.clock.peek());
    queue.close();
    test.store.sync();
    queue.done(ready[2].event.index);
    drop(queue);
    let test = test.crash_and_restart(usual(), 9);
    let queue = open(&test);
    let again = due(&test, &queue);
    let seen: Vec<_> = again
        .iter()
        .map(|one| (one.event.id, one.attempt))
        .collect();
    assert_eq!(seen, [(ids[1], 2), (ids[2], 1)], "under the same ids");
}

#[test]
fn an_event_that_was_given_up_has_its_entry_and_stays_known() {
    let test = super::stage::running();
    let queue = open(&test);
    submit(&test, "hello").unwrap();
    for handed in dispatch(&test) {
        accept(&test, &handed);
    }
    let ready = due(&test, &queue);
    queue.give_up(ready[0].event.index, "status", test.clock.peek());
    queue.close();
    test.store.sync();
    assert_eq!(entries(&test, Kind::EventsDead), 1);
    drop(queue);
    let test = test.crash_and_restart(usual(), 9);
    let queue = open(&test);
    let dead = queue.dead().unwrap();
    assert_eq!(dead[0].1.as_ref().unwrap().id, ready[0].event.id);
    assert!(due(&test, &queue).is_empty());
}

#[test]
fn a_receiver_that_is_full_is_told_the_rest_later_and_where_there_is_none_nothing_is_written() {
    let mut settings = usual();
    settings.events = QueueBounds {
        waiting_max: 2,
        dead_max: 2,
    };
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    test.gateway.attach_events(test.store.clone());
    submit(&test, "before anybody listened").unwrap();
    for handed in dispatch(&test) {
        accept(&test, &handed);
    }
    test.store.sync();
    assert_eq!(entries(&test, Kind::EventsTold), 0);
    let queue = open(&test);
    for number in 0..5 {
        submit_to(&test, number, TrafficClass::Alert, "hello").unwrap();
    }
    for handed in test.carriers.take() {
        accept(&test, &handed);
    }
    assert_eq!(due(&test, &queue).len(), 2);
    assert!(queue.lag() > 0);
    let size = test.store.size().unwrap();
    queue.close();
    test.store.sync();
    assert_eq!(
        test.store.size().unwrap(),
        size + 1,
        "one entry, and no more"
    );
}
