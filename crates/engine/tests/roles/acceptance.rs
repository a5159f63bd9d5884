//! What a client may rely on when a message was accepted, and when it was not.

use std::time::Duration;

use domain::admission::Refusal;
use domain::class::TrafficClass;
use domain::message::MessageState;
use engine::SubmitError;
use engine::ports::CarrierEvents;
use ledger::{Entry, Kind};
use testkit::TestGateway;
use testkit::gateway::{handset, poll_once, request};
use testkit::settings::{backup, primary, usual};

use super::stage::{dispatch, running, state_of, submit, submit_to};

#[test]
fn an_accepted_message_is_durable_before_its_answer_and_sent_after_it() {
    let test = running();
    let caller = test.caller();
    let request = request(handset(1), TrafficClass::Otp, "Your code is 1");
    let mut answer = Box::pin(test.gateway.submit(&caller, request, None));
    assert!(poll_once(answer.as_mut()).is_none());
    assert_eq!(test.carriers.count(), 0);
    test.store.persist(usize::MAX);
    assert_eq!(test.carriers.count(), 0);
    test.store.answer(usize::MAX);
    let accepted = poll_once(answer.as_mut()).unwrap().unwrap();
    assert_eq!(test.carriers.count(), 1);
    assert_eq!(state_of(&test, accepted.id), MessageState::Dispatched);
}

#[test]
fn acceptance_and_dispatch_are_one_entry_when_nothing_is_in_the_way() {
    let test = running();
    submit(&test, "hello").unwrap();
    test.store.with_image(|image| {
        let last = image.entries().last().unwrap();
        let entry = Entry::parse(&last.bytes).unwrap();
        assert_eq!(entry.kind, Kind::MessageAccepted);
        let dispatch = entry.data.unwrap();
        assert_eq!(
            dispatch
                .get("dispatch")
                .and_then(|d| d.get("segments")?.as_integer()),
            Some(1)
        );
    });
}

#[test]
fn a_message_goes_even_if_its_client_has_hung_up() {
    let test = running();
    let caller = test.caller();
    let request = request(handset(1), TrafficClass::Alert, "hello");
    let mut answer = Box::pin(test.gateway.submit(&caller, request, None));
    assert!(poll_once(answer.as_mut()).is_none());
    drop(answer);
    test.store.sync();
    assert_eq!(test.carriers.count(), 1);
}

#[test]
fn an_accepted_message_survives_a_crash_before_its_answer() {
    let test = TestGateway::queued();
    let caller = test.caller();
    let request = request(handset(1), TrafficClass::Alert, "hello");
    let mut answer = Box::pin(test.gateway.submit(&caller, request, None));
    assert!(poll_once(answer.as_mut()).is_none());
    test.store.persist(usize::MAX);
    drop(answer);
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    assert_eq!(dispatch(&test).len(), 1);
}

#[test]
fn what_is_not_durable_at_a_crash_never_happened() {
    let test = running();
    let caller = test.caller();
    let request = request(handset(1), TrafficClass::Alert, "hello");
    let mut answer = Box::pin(test.gateway.submit(&caller, request, None));
    assert!(poll_once(answer.as_mut()).is_none());
    drop(answer);
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    assert!(dispatch(&test).is_empty());
    assert_eq!(test.store.with_image(|image| image.messages().count()), 0);
}

#[test]
fn validity_longer_than_allowed_is_refused_and_nothing_is_recorded() {
    let test = running();
    let mut asked = request(handset(1), TrafficClass::Alert, "hello");
    asked.valid_for = Some(Duration::from_hours(73));
    let caller = test.caller();
    let result = test.settle(test.gateway.submit(&caller, asked, None));
    assert!(matches!(result, Err(SubmitError::ValidityTooLong { .. })));
    assert_eq!(test.store.with_image(|image| image.messages().count()), 0);
}

#[test]
fn a_full_queue_refuses_its_class_and_no_other() {
    let mut settings = usual();
    settings.bounds.queue_max = [10, 2, 10];
    let test = TestGateway::queued_with(settings);
    for text in ["one", "two"] {
        submit(&test, text).unwrap();
    }
    let refused = submit(&test, "three").unwrap_err();
    assert!(matches!(
        refused,
        SubmitError::Refused(Refusal::QueueFull(_))
    ));
    submit_to(&test, 1, TrafficClass::Otp, "code").unwrap();
}

#[test]
fn more_urgent_classes_go_first() {
    let test = TestGateway::queued();
    let classes = [
        TrafficClass::Marketing,
        TrafficClass::Alert,
        TrafficClass::Otp,
    ];
    for class in classes {
        submit_to(&test, 1, class, class.as_str()).unwrap();
    }
    test.bound(&primary(0));
    let order: Vec<_> = dispatch(&test)
        .into_iter()
        .map(|h| h.submission.payload)
        .collect();
    assert_eq!(
        order,
        [
            b"otp"[..].into(),
            b"alert"[..].into(),
            b"marketing"[..].into()
        ]
    );
}

#[test]
fn the_backup_carrier_takes_over_when_no_bind_of_the_first_is_up() {
    let test = running();
    test.gateway.lost(&primary(0), "closed");
    submit(&test, "over the other bind").unwrap();
    test.gateway.lost(&primary(1), "closed");
    submit(&test, "over the backup").unwrap();
    let binds: Vec<_> = test
        .carriers
        .take()
        .into_iter()
        .map(|handed| handed.bind)
        .collect();
    assert_eq!(binds, [primary(1), backup()]);
}
