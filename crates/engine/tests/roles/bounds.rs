//! What grows must have an end.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::message::ReceiptState;
use engine::SubmitError;
use testkit::TestGateway;
use testkit::gateway::poll_once;
use testkit::settings::usual;

use super::stage::{accept, deliver, running, submit, submit_to};

#[test]
fn settled_messages_leave_memory() {
    let test = running();
    for _ in 0..50 {
        submit(&test, "hello").unwrap();
        let handed = test.carriers.take().remove(0);
        accept(&test, &handed);
        let token = handed.submission.token;
        deliver(
            &test,
            vec![super::stage::receipt(token, ReceiptState::Delivered)],
        );
    }
    assert!(test.gateway.snapshot().messages.is_empty());
}

#[test]
fn messages_that_wait_for_receipts_are_bounded() {
    let mut settings = usual();
    settings.bounds.receipts_pending_max = 5;
    settings.receipt_timeout = Duration::from_hours(1);
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    for _ in 0..50 {
        submit_to(&test, 1, TrafficClass::Marketing, &"x".repeat(200)).unwrap();
        let handed = test.carriers.take();
        for handed in &handed {
            accept(&test, handed);
        }
    }
    assert!(test.gateway.snapshot().messages.len() <= 5);
}

#[test]
fn unmatched_receipts_are_bounded_in_memory_and_on_disk() {
    let mut settings = usual();
    settings.bounds.receipts_unmatched_max = 5;
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    for _ in 0..20 {
        submit(&test, "hello").unwrap();
        let token = test.carriers.take().remove(0).submission.token;
        deliver(
            &test,
            vec![super::stage::receipt(token, ReceiptState::Delivered)],
        );
        // Nobody answers in time.
        test.gateway.expire();
    }
    assert_eq!(test.gateway.snapshot().unmatched.len(), 5);
    assert_eq!(test.store.with_image(|image| image.unmatched().count()), 5);
}

#[test]
fn a_crowded_store_sheds_new_requests_and_loses_nothing_that_was_taken() {
    let test = running();
    test.store.set_queue_max(4);
    let caller = test.caller();
    let mut answers = Vec::new();
    for _ in 0..6 {
        let request = super::stage::request_to(1, "hello");
        let mut answer = Box::pin(test.gateway.submit(&caller, request, None));
        answers.push((poll_once(answer.as_mut()), answer));
    }
    test.store.sync();
    let outcomes = answers.into_iter().map(|(early, mut answer)| {
        let outcome = early.or_else(|| poll_once(answer.as_mut()));
        outcome.expect("nothing hangs").map(drop)
    });
    let outcomes: Vec<_> = outcomes.collect();
    assert!(outcomes[..3].iter().all(Result::is_ok));
    let busy = |outcome: &Result<(), SubmitError>| *outcome == Err(SubmitError::Busy);
    assert_eq!(outcomes.len(), 6);
    assert!(outcomes[3..].iter().all(busy));
    assert!(test.gateway.health().is_ready());
    assert_eq!(test.carriers.count(), 3);
}
