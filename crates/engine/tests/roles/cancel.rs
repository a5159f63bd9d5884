//! Taking messages back.

use domain::message::MessageState;
use engine::ports::carrier::Answer;
use engine::{CancelError, Gateway};
use testkit::TestGateway;
use testkit::gateway::everything;

use super::stage::{answer, dispatch, running, state_of, submit};

#[test]
fn a_cancelled_message_is_never_sent() {
    let test = TestGateway::queued();
    let accepted = submit(&test, "hello").unwrap();
    let caller = test.caller();
    let view = test
        .settle(test.gateway.cancel(&caller, accepted.id))
        .unwrap();
    assert_eq!(view.state, MessageState::Cancelled);
    test.bind_all();
    assert!(dispatch(&test).is_empty());
    assert_eq!(test.gateway.health().queue, [0, 0, 0]);
    let test = test.crash_and_restart(testkit::settings::usual(), 2);
    test.bind_all();
    assert!(dispatch(&test).is_empty());
}

#[test]
fn a_message_that_may_have_left_is_not_cancelled() {
    let test = running();
    let accepted = submit(&test, "hello").unwrap();
    let handed = test.carriers.take().remove(0);
    let caller = test.caller();
    let cancel = |test: &TestGateway| {
        let gateway: &Gateway = &test.gateway;
        test.settle(gateway.cancel(&caller, accepted.id))
            .unwrap_err()
    };
    assert_eq!(
        cancel(&test),
        CancelError::TooLate(MessageState::Dispatched)
    );
    answer(&test, &handed, Answer::Silence);
    assert_eq!(cancel(&test), CancelError::TooLate(MessageState::Accepted));
    assert_eq!(dispatch(&test).len(), 1);
}

#[test]
fn a_message_that_certainly_did_not_leave_can_be_cancelled() {
    let test = running();
    let accepted = submit(&test, "hello").unwrap();
    let handed = test.carriers.take().remove(0);
    answer(&test, &handed, Answer::Throttled(0x58));
    let caller = test.caller();
    test.settle(test.gateway.cancel(&caller, accepted.id))
        .unwrap();
    assert_eq!(state_of(&test, accepted.id), MessageState::Cancelled);
}

#[test]
fn another_clients_message_looks_like_none() {
    let test = TestGateway::queued();
    let accepted = submit(&test, "hello").unwrap();
    let (_, key) = test.add_client(everything("other"));
    let other = test.caller_with(&key);
    let result = test.settle(test.gateway.cancel(&other, accepted.id));
    assert_eq!(result.unwrap_err(), CancelError::NotFound);
    assert_eq!(state_of(&test, accepted.id), MessageState::Accepted);
}
