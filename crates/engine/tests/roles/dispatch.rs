//! What leaves over which bind and when, and what a carrier's refusals lead to.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::message::{AmbiguityPolicy, MessageState};
use domain::text::segment::ReferenceWidth;
use engine::ports::CarrierEvents;
use engine::ports::carrier::Answer;
use engine::rows::Purpose;
use testkit::TestGateway;
use testkit::carriers::Handed;
use testkit::gateway::{handset, request};
use testkit::settings::{primary, short_code, usual};

use super::stage::{accept, answer, dispatch, running, state_of, submit, submit_to};

const THROTTLED: Answer = Answer::Throttled(0x58);
const QUEUE_FULL: Answer = Answer::QueueFull(0x14);

/// A gateway with one bind, and one message that was handed over it.
fn one_bind() -> (TestGateway, Handed) {
    let test = TestGateway::queued();
    test.bound(&primary(0));
    submit(&test, "first").unwrap();
    let handed = test.carriers.take().remove(0);
    (test, handed)
}

fn texts(handed: &[Handed]) -> Vec<String> {
    let text = |handed: &Handed| String::from_utf8(handed.submission.payload.to_vec()).unwrap();
    handed.iter().map(text).collect()
}

fn check_rest(test: &TestGateway, rest: Duration) -> Handed {
    assert!(dispatch(test).is_empty());
    test.clock
        .advance(rest.checked_sub(Duration::from_millis(1)).unwrap());
    assert!(
        dispatch(test).is_empty(),
        "the rest of {rest:?} is not over"
    );
    test.clock.advance(Duration::from_millis(1));
    dispatch(test).pop().expect("the rest is over")
}

#[test]
fn a_throttled_bind_rests_twice_as_long_each_time_until_it_is_taken_again() {
    let (test, handed) = one_bind();
    answer(&test, &handed, THROTTLED);
    let handed = check_rest(&test, Duration::from_secs(1));
    answer(&test, &handed, THROTTLED);
    let handed = check_rest(&test, Duration::from_secs(2));
    accept(&test, &handed);
    submit(&test, "second").unwrap();
    let handed = test.carriers.take().remove(0);
    answer(&test, &handed, THROTTLED);
    check_rest(&test, Duration::from_secs(1));
}

#[test]
fn a_clock_that_is_set_back_does_not_make_a_rest_longer() {
    let (test, handed) = one_bind();
    answer(&test, &handed, THROTTLED);
    test.clock.set_back(Duration::from_mins(5));
    // Pace asks for a moment; the rest of a second is over.
    dispatch(&test);
    test.clock.advance(Duration::from_millis(1));
    assert_eq!(dispatch(&test).len(), 1);
}

#[test]
fn a_full_carrier_gets_the_message_after_the_others_and_in_the_end_not_at_all() {
    let mut settings = usual();
    for carrier in settings.carriers.values_mut() {
        carrier.binds[0].window_max = 1;
    }
    let test = TestGateway::queued_with(settings);
    test.bound(&primary(0));
    let first = submit(&test, "first").unwrap();
    let mut handed = test.carriers.take().remove(0);
    for _ in 0..3 {
        submit(&test, "other").unwrap();
        answer(&test, &handed, QUEUE_FULL);
        assert!(dispatch(&test).is_empty(), "the bind rests");
        test.clock.advance(Duration::from_secs(1));
        let other = dispatch(&test);
        assert_eq!(texts(&other), ["other"]);
        accept(&test, &other[0]);
        handed = dispatch(&test).remove(0);
        assert_eq!(texts(std::slice::from_ref(&handed)), ["first"]);
    }
    answer(&test, &handed, QUEUE_FULL);
    assert_eq!(state_of(&test, first.id), MessageState::Failed);
    test.clock.advance(Duration::from_mins(1));
    assert!(dispatch(&test).is_empty());
}

#[test]
fn what_was_throttled_together_goes_again_in_its_order() {
    let test = TestGateway::queued();
    test.bound(&primary(0));
    for text in ["first", "second", "third"] {
        submit(&test, text).unwrap();
    }
    let answers = test.carriers.take();
    let answers = answers
        .iter()
        .map(|h| (h.submission.token, THROTTLED))
        .collect();
    test.gateway.answered(&primary(0), answers);
    test.clock.advance(Duration::from_secs(1));
    assert_eq!(texts(&dispatch(&test)), ["first", "second", "third"]);
}

#[test]
fn the_window_is_never_exceeded_and_survives_a_reconnection() {
    let test = TestGateway::queued();
    test.bound(&primary(0));
    for message in 0..12 {
        submit(&test, &format!("{message}")).unwrap();
    }
    let handed = test.carriers.take();
    assert_eq!(handed.len(), 10);
    test.gateway.lost(&primary(0), "closed");
    test.bound(&primary(0));
    assert!(
        dispatch(&test).is_empty(),
        "nothing of the former life is answered yet"
    );
    answer(&test, &handed[0], Answer::NotSent);
    assert_eq!(dispatch(&test).len(), 1);
}

#[test]
fn an_expired_message_is_never_sent_late() {
    let test = TestGateway::queued();
    let mut short = request(handset(1), TrafficClass::Otp, "code");
    short.valid_for = Some(Duration::from_secs(5));
    let caller = test.caller();
    let accepted = test
        .settle(test.gateway.submit(&caller, short, None))
        .unwrap();
    test.clock.advance(Duration::from_secs(5));
    test.bind_all();
    assert!(dispatch(&test).is_empty());
    assert_eq!(state_of(&test, accepted.id), MessageState::Expired);
}

#[test]
fn the_housekeeper_expires_what_waits_without_a_bind() {
    let test = TestGateway::queued();
    let accepted = submit_to(&test, 1, TrafficClass::Otp, "code").unwrap();
    test.clock.advance(Duration::from_mins(10));
    assert_eq!(test.gateway.expire(), 1);
    test.store.sync();
    assert_eq!(state_of(&test, accepted.id), MessageState::Expired);
    assert_eq!(test.gateway.health().queue, [0, 0, 0]);
}

#[test]
fn the_carrier_is_told_what_is_left_of_the_validity() {
    let test = TestGateway::queued();
    submit_to(&test, 1, TrafficClass::Otp, "code").unwrap();
    test.clock.advance(Duration::from_secs(100));
    test.bind_all();
    assert_eq!(dispatch(&test)[0].submission.validity_seconds, 500);
}

#[test]
fn silence_is_sent_again_for_an_alert_and_held_for_marketing() {
    for (class, state, again) in [
        (TrafficClass::Alert, MessageState::Dispatched, 1),
        (TrafficClass::Marketing, MessageState::Unknown, 0),
    ] {
        let test = running();
        let accepted = submit_to(&test, 1, class, "hello").unwrap();
        let handed = test.carriers.take().remove(0);
        answer(&test, &handed, Answer::Silence);
        assert_eq!(dispatch(&test).len(), again);
        assert_eq!(state_of(&test, accepted.id), state);
    }
}

#[test]
fn only_the_segments_in_doubt_are_sent_again_after_a_crash() {
    let mut settings = usual();
    settings.ambiguity = [AmbiguityPolicy::Resend; 3];
    let test = TestGateway::queued_with(settings.clone());
    test.bind_all();
    submit(&test, &"x".repeat(400)).unwrap();
    let handed = test.carriers.take();
    assert_eq!(handed.len(), 3);
    accept(&test, &handed[1]);
    let test = test.crash_and_restart(settings, 2);
    test.bind_all();
    let again = dispatch(&test);
    let mut segments: Vec<u8> = again.iter().map(|h| h.submission.token.segment).collect();
    segments.sort_unstable();
    assert_eq!(segments, [0, 2]);
    let header = |place: u8, handed: &[Handed]| {
        let same = |h: &&Handed| h.submission.token.segment == place;
        handed.iter().find(same).unwrap().submission.udh.clone()
    };
    assert_eq!(
        header(0, &again),
        header(0, &handed),
        "the parts still belong together"
    );
}

#[test]
fn what_a_living_bind_still_has_to_answer_is_not_sent_again_when_the_store_recovers() {
    let test = running();
    let accepted = submit(&test, "hello").unwrap();
    let handed = test.carriers.take().remove(0);
    test.store.poison();
    super::stage::bring_back(&test);
    assert!(dispatch(&test).is_empty());
    accept(&test, &handed);
    assert_eq!(state_of(&test, accepted.id), MessageState::Submitted);
}

#[test]
fn an_answer_that_the_store_lost_leaves_its_segment_in_doubt() {
    let test = running();
    submit(&test, "hello").unwrap();
    let handed = test.carriers.take().remove(0);
    test.store.fail_next();
    accept(&test, &handed);
    super::stage::bring_back(&test);
    assert_eq!(dispatch(&test).len(), 1);
}

#[test]
fn a_message_whose_text_was_erased_ends_and_holds_nobody_up() {
    let test = TestGateway::queued();
    let erased = submit(&test, "erased").unwrap();
    submit(&test, "behind it").unwrap();
    let mut image = test.store.crash();
    image.erase(erased.id.sequence(), Purpose::Text);
    let test = test.restart_over(image, usual(), 2);
    test.bind_all();
    assert_eq!(texts(&dispatch(&test)), ["behind it"]);
    assert_eq!(state_of(&test, erased.id), MessageState::Expired);
}

#[test]
fn a_long_message_is_sent_as_it_was_cut_although_the_setting_changed() {
    let test = TestGateway::queued();
    submit(&test, &"x".repeat(153 * 2)).unwrap();
    let mut settings = usual();
    let code = settings.short_codes.get_mut(&short_code()).unwrap();
    code.reference_width = ReferenceWidth::Sixteen;
    let test = test.crash_and_restart(settings, 2);
    test.bind_all();
    let handed = dispatch(&test);
    let lengths: Vec<_> = handed.iter().map(|h| h.submission.payload.len()).collect();
    assert_eq!(lengths, [153, 153]);
    assert!(handed.iter().all(|h| h.submission.udh.len() == 6));
}

#[test]
fn a_failed_message_leaves_its_line() {
    let mut settings = usual();
    let code = settings.short_codes.get_mut(&short_code()).unwrap();
    (code.mps, code.burst) = (1, 1);
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    submit(&test, &"x".repeat(400)).unwrap();
    let handed = test.carriers.take().remove(0);
    answer(&test, &handed, Answer::Rejected(0x0b));
    assert_eq!(test.gateway.health().queue, [0, 0, 0]);
    test.clock.advance(Duration::from_hours(48));
    assert_eq!(test.gateway.expire(), 0);
    assert!(dispatch(&test).is_empty());
}
