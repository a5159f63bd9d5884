//! STOP, START and HELP from a handset, and opt-outs that clients record.

use domain::admission::Refusal;
use domain::class::TrafficClass;
use domain::consent::{Basis, OptOutScope, Standing};
use engine::{OptOutError, OptOutRequest, SubmitError};
use testkit::TestGateway;
use testkit::gateway::{handset, poll_once};
use testkit::settings::{short_code, usual};

use super::stage::{deliver, mobile, running, submit, submit_to};

fn replies(test: &TestGateway) -> Vec<String> {
    let handed = test.carriers.take().into_iter();
    let text = |payload: &[u8]| String::from_utf8(payload.to_vec()).unwrap();
    handed
        .map(|handed| text(&handed.submission.payload))
        .collect()
}

fn opt_out(number: u16) -> OptOutRequest {
    OptOutRequest {
        short_code: short_code(),
        number: handset(number),
        basis: Basis::Request,
        evidence: "a letter of 3 May".into(),
    }
}

#[test]
fn stop_is_confirmed_once() {
    let test = running();
    deliver(&test, vec![mobile(1, "Stop!")]);
    assert_eq!(
        replies(&test),
        ["You will get no more messages from 12345."]
    );
    deliver(&test, vec![mobile(1, "STOP"), mobile(1, "stop all")]);
    assert!(replies(&test).is_empty());
    assert_eq!(test.store.with_image(|image| image.opt_outs().count()), 1);
}

#[test]
fn two_stops_in_one_batch_are_confirmed_once() {
    let test = running();
    deliver(&test, vec![mobile(1, "STOP"), mobile(1, "STOP")]);
    assert_eq!(replies(&test).len(), 1);
}

#[test]
fn after_a_stop_nothing_goes_until_start() {
    let test = running();
    deliver(&test, vec![mobile(1, "STOP")]);
    replies(&test);
    let refused = SubmitError::Refused(Refusal::OptedOut);
    assert_eq!(submit(&test, "hello").unwrap_err(), refused);
    submit_to(&test, 2, TrafficClass::Alert, "to another").unwrap();
    replies(&test);
    deliver(&test, vec![mobile(1, "START")]);
    assert_eq!(replies(&test), ["You will get messages from 12345 again."]);
    submit(&test, "hello").unwrap();
}

#[test]
fn a_stop_survives_a_crash() {
    let test = running();
    deliver(&test, vec![mobile(1, "STOP")]);
    let test = test.crash_and_restart(usual(), 2);
    let refused = SubmitError::Refused(Refusal::OptedOut);
    assert_eq!(submit(&test, "hello").unwrap_err(), refused);
}

#[test]
fn one_time_codes_pass_a_stop_where_the_short_code_exempts_them() {
    let mut settings = usual();
    let code = settings.short_codes.get_mut(&short_code()).unwrap();
    code.opt_out_scope = OptOutScope::AllButOtp;
    let test = TestGateway::queued_with(settings);
    deliver(&test, vec![mobile(1, "STOP")]);
    assert!(submit_to(&test, 1, TrafficClass::Alert, "hello").is_err());
    submit_to(&test, 1, TrafficClass::Otp, "code").unwrap();
}

#[test]
fn help_is_answered_also_after_a_stop() {
    let test = running();
    deliver(&test, vec![mobile(1, "STOP")]);
    replies(&test);
    deliver(&test, vec![mobile(1, "HELP")]);
    assert_eq!(replies(&test), ["Example Ltd. Reply STOP to end."]);
}

#[test]
fn a_full_queue_loses_the_confirmation_but_never_the_stop() {
    let mut settings = usual();
    settings.bounds.queue_max = [0, 0, 0];
    let test = TestGateway::queued_with(settings);
    deliver(&test, vec![mobile(1, "STOP")]);
    assert_eq!(test.store.with_image(|image| image.messages().count()), 0);
    assert_eq!(test.store.with_image(|image| image.opt_outs().count()), 1);
}

#[test]
fn a_client_records_looks_up_and_removes_an_opt_out() {
    let test = running();
    let caller = test.caller();
    let view = test
        .settle(test.gateway.record_opt_out(&caller, opt_out(1)))
        .unwrap();
    assert_eq!(view.standing, Standing::OptedOut);
    assert!(submit(&test, "hello").is_err());
    let look_up = test
        .gateway
        .look_up_opt_out(&caller, short_code(), handset(1));
    assert_eq!(test.settle(look_up).unwrap().standing, Standing::OptedOut);
    let view = test
        .settle(test.gateway.remove_opt_out(&caller, opt_out(1)))
        .unwrap();
    assert_eq!(view.standing, Standing::Open);
    let again = test.settle(test.gateway.remove_opt_out(&caller, opt_out(1)));
    assert_eq!(again.unwrap_err(), OptOutError::NotOptedOut);
}

#[test]
fn an_opt_out_that_is_on_its_way_is_not_called_recorded_before_it_is_durable() {
    let test = running();
    let caller = test.caller();
    let mut first = Box::pin(test.gateway.record_opt_out(&caller, opt_out(1)));
    let mut second = Box::pin(test.gateway.record_opt_out(&caller, opt_out(1)));
    assert!(poll_once(first.as_mut()).is_none());
    assert!(poll_once(second.as_mut()).is_none());
    test.store.poison();
    test.store.answer(usize::MAX);
    for answer in [first.as_mut(), second.as_mut()] {
        assert_eq!(
            poll_once(answer).unwrap().unwrap_err(),
            OptOutError::Unavailable
        );
    }
}
