//! Idempotency keys: a retry is the same message, never a second one.

use std::time::Duration;

use domain::class::TrafficClass;
use engine::{
    Caller, ConfigChange, IdempotencyKey, Replay, Settings, SubmitError, SubmitRequest, Submitted,
};
use testkit::TestGateway;
use testkit::gateway::{everything, handset, poll_once, request};
use testkit::settings::usual;

use super::stage::running;

type Outcome = Result<Submitted, SubmitError>;

fn key() -> IdempotencyKey {
    IdempotencyKey::parse("order-77").unwrap()
}

fn alert(text: &str) -> SubmitRequest {
    request(handset(1), TrafficClass::Alert, text)
}

fn with_key(test: &TestGateway, text: &str) -> Outcome {
    let caller = test.caller();
    test.settle(test.gateway.submit(&caller, alert(text), Some(key())))
}

fn stored(test: &TestGateway) -> usize {
    test.store.with_image(|image| image.messages().count())
}

#[test]
fn a_retry_gets_the_first_result_again() {
    let test = running();
    let first = with_key(&test, "hello").unwrap();
    let again = with_key(&test, "hello").unwrap();
    assert_eq!((again.id, again.replayed), (first.id, Replay::Repeated));
    assert_eq!(stored(&test), 1);
}

#[test]
fn a_retry_after_a_crash_gets_the_first_result_again() {
    let test = running();
    let first = with_key(&test, "hello").unwrap();
    let test = test.crash_and_restart(usual(), 2);
    assert_eq!(with_key(&test, "hello").unwrap().id, first.id);
    assert_eq!(stored(&test), 1);
}

#[test]
fn another_payload_under_the_same_key_is_refused() {
    let test = running();
    with_key(&test, "hello").unwrap();
    assert_eq!(
        with_key(&test, "other").unwrap_err(),
        SubmitError::KeyReused
    );
}

#[test]
fn a_retry_while_the_first_is_on_its_way_is_refused() {
    let test = running();
    let caller = test.caller();
    let mut first = Box::pin(test.gateway.submit(&caller, alert("hello"), Some(key())));
    assert!(poll_once(first.as_mut()).is_none());
    let mut second = Box::pin(test.gateway.submit(&caller, alert("hello"), Some(key())));
    let early = poll_once(second.as_mut()).expect("it is refused at once");
    assert_eq!(early.unwrap_err(), SubmitError::KeyInFlight);
    test.store.sync();
    poll_once(first.as_mut()).unwrap().unwrap();
    assert_eq!(stored(&test), 1);
}

#[test]
fn a_key_whose_request_failed_can_be_used_again() {
    let test = running();
    test.store.fail_next();
    assert_eq!(
        with_key(&test, "hello").unwrap_err(),
        SubmitError::Unavailable
    );
    super::stage::bring_back(&test);
    assert_eq!(with_key(&test, "hello").unwrap().replayed, Replay::First);
}

#[test]
fn a_key_is_free_again_after_its_time() {
    let test = running();
    let first = with_key(&test, "hello").unwrap();
    test.clock.advance(Duration::from_hours(24));
    assert_ne!(with_key(&test, "hello").unwrap().id, first.id);
}

#[test]
fn a_full_table_refuses_new_keys_and_forgets_none() {
    let mut settings = usual();
    settings.bounds.idempotency_max = 1;
    let test = TestGateway::queued_with(settings);
    let first = with_key(&test, "hello").unwrap();
    let caller = test.caller();
    let other = Some(IdempotencyKey::parse("another").unwrap());
    let full = test.settle(test.gateway.submit(&caller, alert("hello"), other));
    assert_eq!(full.unwrap_err(), SubmitError::KeysFull);
    assert_eq!(with_key(&test, "hello").unwrap().id, first.id);
}

fn under(test: &TestGateway, caller: &Caller, key: &str) -> Outcome {
    let key = Some(IdempotencyKey::parse(key).unwrap());
    test.settle(test.gateway.submit(caller, alert("hello"), key))
}

fn bounded(most: usize) -> Settings {
    let mut settings = usual();
    settings.bounds.idempotency_max = most;
    settings
}

#[test]
fn a_client_fills_three_quarters_of_the_table_and_leaves_the_rest_after_a_restart_too() {
    let test = TestGateway::queued_with(bounded(4));
    let (_, secret) = test.add_client(everything("second"));
    for key in ["one", "two", "three"] {
        under(&test, &test.caller(), key).unwrap();
    }
    let only_others = |test: &TestGateway| {
        let full = under(test, &test.caller(), "four").unwrap_err();
        assert_eq!(full, SubmitError::KeysFull);
    };
    only_others(&test);
    let test = test.crash_and_restart(bounded(4), 2);
    only_others(&test);
    let other = test.caller_with(&secret);
    under(&test, &other, "one").unwrap();
    let full = under(&test, &other, "two").unwrap_err();
    assert_eq!(full, SubmitError::KeysFull);
}

#[test]
fn a_reload_sets_the_bound_up_and_down_and_forgets_no_key() {
    let test = TestGateway::queued_with(bounded(1));
    let reload = |most| {
        let change = ConfigChange {
            hash_hex: "ab".repeat(32),
            changed_keys: vec!["bounds.idempotency_max".to_owned()],
        };
        test.gateway.reconfigure(bounded(most), &change);
        test.store.sync();
    };
    let caller = test.caller();
    let full = Err(SubmitError::KeysFull);
    let first = under(&test, &caller, "one").unwrap();
    assert_eq!(under(&test, &caller, "two"), full);
    reload(10);
    under(&test, &caller, "two").unwrap();
    reload(1);
    assert_eq!(under(&test, &caller, "three"), full);
    assert_eq!(under(&test, &caller, "one").unwrap().id, first.id);
}

#[test]
fn a_repaired_batch_repeats_what_was_accepted_and_sends_the_rest() {
    let test = running();
    let caller = test.caller();
    let send = |items: &[(u32, &str)]| -> Vec<Outcome> {
        let items = items
            .iter()
            .map(|(item, text)| (*item, alert(text)))
            .collect();
        test.settle(test.gateway.submit_batch(&caller, items, Some(key())))
    };
    // The second item was malformed and never reached the gateway.
    let first = send(&[(1, "one"), (3, "three")]);
    let repaired = send(&[(1, "one"), (2, "two"), (3, "three")]);
    let id = |outcome: &Outcome| outcome.as_ref().unwrap().id;
    assert_eq!(id(&repaired[0]), id(&first[0]));
    assert_eq!(id(&repaired[2]), id(&first[1]));
    assert_eq!(repaired[1].as_ref().unwrap().replayed, Replay::First);
    assert_eq!(stored(&test), 3);
}
