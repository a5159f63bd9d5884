//! What happens when a commit does not become durable, for whatever reason.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::class::TrafficClass;
use domain::message::MessageState;
use engine::SubmitError;
use engine::ports::carrier::Verdict;
use engine::ports::store::CommitError;
use testkit::TestGateway;
use testkit::gateway::{handset, poll_once, request};

use super::stage::{
    accept, bring_back, deliver, deliver_without_sync, dispatch, mobile, running, state_of, submit,
};

#[test]
fn a_failed_store_refuses_at_once_sends_nothing_and_recovers() {
    let test = running();
    test.store.fail_next();
    assert_eq!(submit(&test, "lost").unwrap_err(), SubmitError::Unavailable);
    assert_eq!(
        submit(&test, "at once").unwrap_err(),
        SubmitError::Unavailable
    );
    assert!(!test.gateway.health().is_ready());
    assert_eq!(test.carriers.count(), 0);
    bring_back(&test);
    assert!(test.gateway.health().is_ready());
    submit(&test, "goes").unwrap();
    assert_eq!(test.carriers.count(), 1);
}

#[test]
fn a_commit_refused_for_want_of_room_leaves_no_message_behind() {
    let test = running();
    test.store.set_queue_max(0);
    assert_eq!(submit(&test, "refused").unwrap_err(), SubmitError::Busy);
    test.store.set_queue_max(usize::MAX);
    bring_back(&test);
    assert!(dispatch(&test).is_empty());
    let accepted = submit(&test, "accepted").unwrap();
    let handed = test.carriers.take();
    assert_eq!(handed.len(), 1);
    accept(&test, &handed[0]);
    assert_eq!(state_of(&test, accepted.id), MessageState::Submitted);
}

#[test]
fn after_a_conflict_nothing_is_committed_until_the_state_is_rebuilt() {
    let test = running();
    test.store.refuse_next(CommitError::Conflict);
    assert_eq!(submit(&test, "refused").unwrap_err(), SubmitError::Busy);
    assert!(!test.gateway.health().is_ready());
    assert_eq!(submit(&test, "too").unwrap_err(), SubmitError::Unavailable);
    assert!(dispatch(&test).is_empty());
    bring_back(&test);
    submit(&test, "accepted").unwrap();
    assert_eq!(test.carriers.count(), 1);
}

#[test]
fn the_window_of_segments_that_never_left_is_free_again() {
    let test = running();
    for round in 0..5 {
        test.store.fail_next();
        let caller = test.caller();
        for message in 0..10 {
            let text = format!("{round} {message}");
            let request = request(handset(1), TrafficClass::Alert, &text);
            let _ = poll_once(Box::pin(test.gateway.submit(&caller, request, None)).as_mut());
        }
        test.store.sync();
        bring_back(&test);
    }
    for message in 0..20 {
        submit(&test, &format!("{message}")).unwrap();
    }
    assert_eq!(test.carriers.count(), 20);
}

#[test]
fn a_dispatch_that_is_not_durable_is_not_sent_and_is_tried_again() {
    let test = TestGateway::queued();
    submit(&test, "waits for a bind").unwrap();
    test.bind_all();
    test.gateway.dispatch();
    test.store.poison();
    test.store.answer(usize::MAX);
    assert_eq!(test.carriers.count(), 0);
    bring_back(&test);
    assert_eq!(dispatch(&test).len(), 1);
}

#[test]
fn a_message_that_comes_while_the_state_is_rebuilt_is_refused_or_sent_but_never_lost() {
    let test = running();
    test.store.poison();
    let answer = Arc::new(Mutex::new(None));
    let (place, gateway, caller) = (
        Arc::clone(&answer),
        Arc::clone(&test.gateway),
        test.caller(),
    );
    test.store.during_next_load(move || {
        let request = request(handset(1), TrafficClass::Alert, "in between");
        let mut future = Box::pin(async move { gateway.submit(&caller, request, None).await });
        let early = poll_once(future.as_mut());
        *place.lock().unwrap() = Some((early, future));
    });
    bring_back(&test);
    test.store.sync();
    dispatch(&test);
    let (early, mut future) = answer.lock().unwrap().take().unwrap();
    let result = early.or_else(|| poll_once(future.as_mut()));
    let accepted = result.expect("nothing hangs").is_ok();
    assert_eq!(usize::from(accepted), test.carriers.count());
}

#[test]
fn a_stop_does_not_wait_for_a_store_that_is_away() {
    let test = running();
    test.store.fail_next();
    assert!(submit(&test, "refused").is_err());
    let mut stop = Box::pin(test.gateway.stop());
    assert!(poll_once(stop.as_mut()).is_some(), "nothing ever hangs");
}

#[test]
fn a_delivery_is_taken_only_once_it_is_durable() {
    let test = running();
    let verdicts = deliver_without_sync(&test, vec![mobile(1, "hello")]);
    assert_eq!(*verdicts.lock().unwrap(), None);
    test.store.poison();
    test.store.answer(usize::MAX);
    assert_eq!(*verdicts.lock().unwrap(), Some(vec![Verdict::Again]));
    bring_back(&test);
    assert_eq!(deliver(&test, vec![mobile(1, "hello")]), [Verdict::Taken]);
    assert_eq!(test.store.with_image(|image| image.inbounds().count()), 1);
}

#[test]
fn a_key_whose_commit_failed_seals_nothing_afterwards() {
    let test = TestGateway::queued();
    test.clock.advance(Duration::from_hours(24 * 10));
    test.gateway.keep_house(test.clock.peek());
    test.store.poison();
    test.store.answer(usize::MAX);
    bring_back(&test);
    submit(&test, "after the failure").unwrap();
    let test = test.crash_and_restart(testkit::settings::usual(), 9);
    test.bind_all();
    let handed = dispatch(&test);
    assert_eq!(handed.len(), 1);
    assert_eq!(&*handed[0].submission.payload, b"after the failure");
}

#[test]
fn nothing_is_lost_when_the_clock_leaps_past_the_keys_made_in_time() {
    let test = running();
    for _ in 0..2 {
        test.clock.advance(Duration::from_hours(24 * 100));
        assert_eq!(deliver(&test, vec![mobile(1, "hello")]), [Verdict::Again]);
        assert_eq!(deliver(&test, vec![mobile(1, "hello")]), [Verdict::Taken]);
    }
    assert_eq!(test.store.with_image(|image| image.inbounds().count()), 2);
    test.clock.advance(Duration::from_hours(24 * 100));
    assert_eq!(
        submit(&test, "not yet").unwrap_err(),
        SubmitError::Unavailable
    );
    test.store.sync();
    submit(&test, "accepted").unwrap();
}

#[test]
fn nothing_is_sealed_under_a_key_that_is_not_durable() {
    let test = running();
    test.clock.advance(Duration::from_hours(24 * 100));
    // There is no room for the commit of the keys, and then there is some for the message.
    test.store.set_queue_max(0);
    let caller = test.caller();
    let submit_once = |test: &TestGateway| {
        let request = request(handset(1), TrafficClass::Alert, "hello");
        let mut answer = Box::pin(test.gateway.submit(&caller, request, None));
        poll_once(answer.as_mut()).map(|answer| answer.unwrap_err())
    };
    assert_eq!(submit_once(&test), Some(SubmitError::Unavailable));
    test.store.set_queue_max(usize::MAX);
    assert_eq!(submit_once(&test), Some(SubmitError::Unavailable));
    test.store.sync();
    bring_back(&test);
    submit(&test, "hello").unwrap();
    let test = test.crash_and_restart(testkit::settings::usual(), 2);
    test.bind_all();
    assert_eq!(dispatch(&test).len(), 1);
}

#[test]
fn after_a_restart_older_messages_go_first() {
    let test = running();
    for text in ["first", "second"] {
        submit(&test, text).unwrap();
    }
    assert_eq!(test.carriers.take().len(), 2);
    for bind in [testkit::settings::primary(0), testkit::settings::primary(1)] {
        engine::ports::CarrierEvents::lost(&*test.gateway, &bind, "gone");
    }
    engine::ports::CarrierEvents::lost(&*test.gateway, &testkit::settings::backup(), "gone");
    submit(&test, "third").unwrap();
    let test = test.crash_and_restart(testkit::settings::usual(), 9);
    test.bound(&testkit::settings::primary(0));
    test.store.sync();
    let handed = dispatch(&test);
    let texts: Vec<&[u8]> = handed
        .iter()
        .map(|handed| &*handed.submission.payload)
        .collect();
    assert_eq!(texts, [&b"first"[..], b"second", b"third"]);
}
