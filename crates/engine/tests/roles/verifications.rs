//! Verifications: a code goes out, and is checked.

use std::time::Duration;

use domain::id::VerificationId;
use domain::verification::binding::{Binding, BindingParts};
use domain::verification::budget::LockReason;
use domain::verification::budget::sends::SendWait;
use domain::verification::channel::Channel;
use domain::verification::code::Code;
use domain::verification::state::State;
use domain::verification::template::insert::Purpose;
use domain::verification::template::last_line::LastLine;
use engine::ports::carrier::Answer;
use engine::{
    CheckAnswer, CheckError, CheckRequest, IdempotencyKey, Replay, ResendError, StartVerification,
    StartVerificationError, SubmitError, VerificationView,
};
use ledger::Kind;
use testkit::TestGateway;
use testkit::carriers::Handed;
use testkit::gateway::{everything, handset};
use testkit::settings::usual;

use super::stage::{answer, dispatch, running, submit};

/// A request to verify a handset.
pub fn start_of(to: u16) -> StartVerification {
    StartVerification {
        to: handset(to),
        from: None,
        channel: Channel::Sms,
        purpose: Purpose::read("sign-in").unwrap(),
        locales: Vec::new(),
        last_line: LastLine::None,
        length: None,
        binding: Binding::default(),
    }
}

/// A client starts a verification of a handset.
pub fn start(test: &TestGateway, to: u16) -> Result<VerificationView, StartVerificationError> {
    let caller = test.caller();
    let starting = test.gateway.start_verification(&caller, start_of(to), None);
    test.settle(starting).map(|started| started.view)
}

/// The code that the handset got last.
pub fn code(test: &TestGateway) -> Code {
    code_of(&test.carriers.take().pop().expect("a message left"))
}

/// The code that a message carries.
pub fn code_of(handed: &Handed) -> Code {
    let text = String::from_utf8(handed.submission.payload.to_vec()).unwrap();
    let digits: String = text.chars().filter(char::is_ascii_digit).take(6).collect();
    Code::parse(&digits).expect("the text carries a code")
}

/// A code that is not this one.
pub fn other_than(code: &Code) -> Code {
    let wrong = if code.reveal() == "111111" {
        "222222"
    } else {
        "111111"
    };
    Code::parse(wrong).unwrap()
}

/// A client shows a code.
pub fn check(
    test: &TestGateway,
    id: VerificationId,
    code: &Code,
) -> Result<CheckAnswer, CheckError> {
    check_for(test, id, code, Binding::default())
}

fn check_for(
    test: &TestGateway,
    id: VerificationId,
    code: &Code,
    binding: Binding,
) -> Result<CheckAnswer, CheckError> {
    let caller = test.caller();
    let request = CheckRequest {
        code: code.clone().into(),
        binding,
    };
    test.settle(test.gateway.check_verification(&caller, id, request))
}

pub fn resend(test: &TestGateway, id: VerificationId) -> Result<VerificationView, ResendError> {
    let caller = test.caller();
    test.settle(test.gateway.resend_verification(&caller, id))
}

pub fn view(test: &TestGateway, id: VerificationId) -> VerificationView {
    let caller = test.caller();
    test.settle(test.gateway.verification(&caller, id)).unwrap()
}

/// How many entries of a kind there are.
pub fn entries(test: &TestGateway, kind: Kind) -> usize {
    test.gateway.flush_counts(test.clock.peek());
    test.store.sync();
    test.store.with_image(|image| {
        let kinds = image.entries().iter();
        let of = |bytes: &[u8]| ledger::Entry::parse(bytes).unwrap().kind;
        kinds.filter(|entry| of(&entry.bytes) == kind).count()
    })
}

pub fn later(test: &TestGateway, seconds: u64) {
    test.clock.advance(Duration::from_secs(seconds));
}

/// Uses up every check of a verification with wrong codes.
fn fail(test: &TestGateway, id: VerificationId, wrong: &Code) {
    for left in (0..5).rev() {
        let answer = check(test, id, wrong).unwrap();
        assert_eq!(answer.checks_left, left);
    }
}

#[test]
fn the_right_code_verifies_once() {
    let test = running();
    let started = start(&test, 1).unwrap();
    assert_eq!(started.state, State::Pending);
    let code = code(&test);
    let wrong = check(&test, started.id, &other_than(&code)).unwrap();
    assert_eq!((wrong.state, wrong.checks_left), (State::Pending, 4));
    let right = check(&test, started.id, &code).unwrap();
    assert_eq!(right.state, State::Verified);
    let again = check(&test, started.id, &code).unwrap_err();
    assert_eq!(again, CheckError::NotFound);
    assert_eq!(view(&test, started.id).state, State::Verified);
    assert_eq!(entries(&test, Kind::VerificationStarted), 1);
    assert_eq!(entries(&test, Kind::VerificationEnded), 1);
    assert_eq!(entries(&test, Kind::VerificationChecked), 3);
}

#[test]
fn after_five_wrong_codes_the_right_one_finds_nothing() {
    let test = running();
    let started = start(&test, 1).unwrap();
    let code = code(&test);
    fail(&test, started.id, &other_than(&code));
    let right = check(&test, started.id, &code).unwrap_err();
    assert_eq!(right, CheckError::NotFound);
    assert_eq!(view(&test, started.id).state, State::Failed);
}

#[test]
fn unknown_foreign_expired_and_ended_verifications_look_alike() {
    let test = running();
    let started = start(&test, 1).unwrap();
    let code = code(&test);
    let (_, key) = test.add_client(everything("other"));
    let other = test.caller_with(&key);
    let request = || CheckRequest {
        code: code.clone().into(),
        binding: Binding::default(),
    };
    let foreign = test
        .gateway
        .check_verification(&other, started.id, request());
    assert_eq!(test.settle(foreign).unwrap_err(), CheckError::NotFound);
    let unknown = VerificationId::new(7, 7);
    assert_eq!(check(&test, unknown, &code), Err(CheckError::NotFound));
    later(&test, 600);
    assert_eq!(check(&test, started.id, &code), Err(CheckError::NotFound));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    assert_eq!(check(&test, started.id, &code), Err(CheckError::NotFound));
    assert_eq!(view(&test, started.id).state, State::Expired);
}

#[test]
fn a_number_is_locked_for_right_and_wrong_codes_alike_and_no_new_code_resets_it() {
    let test = running();
    for _ in 0..3 {
        let started = start(&test, 1).unwrap();
        let code = code(&test);
        fail(&test, started.id, &other_than(&code));
        later(&test, 4_000);
    }
    let earlier = start(&test, 1).unwrap();
    let _ = code(&test);
    later(&test, 241);
    let started = start(&test, 1).unwrap();
    let code = code(&test);
    fail(&test, earlier.id, &other_than(&code));
    let reasons =
        [&code, &other_than(&code)].map(|code| match check(&test, started.id, code).unwrap_err() {
            CheckError::Locked(locked) => locked,
            other => panic!("{other:?}"),
        });
    assert_eq!(reasons[0], reasons[1]);
    assert!(matches!(reasons[0].reason, LockReason::DayUsedUp(_)));
    let unsent = start(&test, 1).unwrap_err();
    let StartVerificationError::Locked(unsent) = unsent else {
        panic!("{unsent:?}")
    };
    assert_eq!(unsent.still_works.checks, reasons[0].still_works.checks);
    let unsent = resend(&test, started.id).unwrap_err();
    assert!(matches!(unsent, ResendError::Locked(_)), "{unsent:?}");
    assert!(test.carriers.take().is_empty(), "no message left");
    let test = test.crash_and_restart(usual(), 2);
    let after = check(&test, started.id, &code).unwrap_err();
    assert!(matches!(after, CheckError::Locked(_)), "{after:?}");
}

#[test]
fn attempts_are_not_given_back_by_a_crash() {
    let mut test = running();
    let started = start(&test, 1).unwrap();
    let code = code(&test);
    for round in 0..5 {
        let answer = check(&test, started.id, &other_than(&code)).unwrap();
        assert_eq!(answer.checks_left, 4 - round);
        test = test.crash_and_restart(usual(), 2 + u64::from(round));
    }
    assert_eq!(check(&test, started.id, &code), Err(CheckError::NotFound));
}

#[test]
fn a_code_is_right_for_its_act_alone() {
    let test = running();
    let caller = test.caller();
    let bound = |amount| {
        let parts = BindingParts {
            amount: Some(amount),
            payee: Some("Example"),
            session: None,
        };
        Binding::parse(&parts).unwrap()
    };
    let request = StartVerification {
        binding: bound("10.00 EUR"),
        ..start_of(1)
    };
    let starting = test.gateway.start_verification(&caller, request, None);
    let id = test.settle(starting).unwrap().view.id;
    let code = code(&test);
    for wrong in [bound("90.00 EUR"), Binding::default()] {
        let answer = check_for(&test, id, &code, wrong).unwrap();
        assert_eq!(answer.state, State::Pending);
    }
    let right = check_for(&test, id, &code, bound("10.00 EUR")).unwrap();
    assert_eq!(right.state, State::Verified);
}

/// Who agrees by a code must have been told to what; what cannot be told begins nothing.
#[test]
fn the_text_of_a_bound_code_tells_payee_and_amount_and_so_does_a_resend() {
    let test = running();
    let caller = test.caller();
    let start = |amount, payee| {
        let parts = BindingParts {
            amount: Some(amount),
            payee: Some(payee),
            session: None,
        };
        let request = StartVerification {
            binding: Binding::parse(&parts).unwrap(),
            ..start_of(1)
        };
        let starting = test.gateway.start_verification(&caller, request, None);
        test.settle(starting)
    };
    let text = || {
        let handed = test.carriers.take().pop().expect("a message left");
        String::from_utf8(handed.submission.payload.to_vec()).unwrap()
    };
    let hidden = start("482913", "Shop").unwrap_err();
    assert!(matches!(hidden, StartVerificationError::Act(error) if error.part == "amount"));
    let long = "Firm ".repeat(25) + "Ltd";
    let long = start("EUR 12.50", &long).unwrap_err();
    assert_eq!(long, StartVerificationError::DoesNotFit);
    assert_eq!(entries(&test, Kind::VerificationStarted), 0);
    let id = start("EUR 12.50", "Shop").unwrap().view.id;
    assert!(text().contains("(Shop: EUR 12.50)"));
    later(&test, 30);
    resend(&test, id).unwrap();
    assert!(text().contains("(Shop: EUR 12.50)"));
}

#[test]
fn a_resend_carries_the_same_code_and_waits_longer_each_time() {
    let test = running();
    let started = start(&test, 1).unwrap();
    let first = code(&test);
    let early = resend(&test, started.id).unwrap_err();
    let ResendError::NotYet(not_yet) = early else {
        panic!("{early:?}")
    };
    assert_eq!(not_yet.wait, SendWait::Cooldown(Duration::from_secs(30)));
    later(&test, 30);
    let sent = resend(&test, started.id).unwrap();
    assert_eq!((sent.sends_left, sent.messages.len()), (3, 2));
    assert_eq!(sent.expires, started.expires);
    assert!(code(&test).matches(&first));
    later(&test, 30);
    assert!(matches!(
        resend(&test, started.id),
        Err(ResendError::NotYet(_))
    ));
    let right = check(&test, started.id, &first).unwrap();
    assert_eq!(right.state, State::Verified);
    assert_eq!(resend(&test, started.id), Err(ResendError::NotFound));
    assert_eq!(entries(&test, Kind::MessageAccepted), 2);
}

#[test]
fn a_new_verification_shortens_no_wait_and_the_answer_says_what_still_works() {
    let test = running();
    start(&test, 1).unwrap();
    let refused = start(&test, 1).unwrap_err();
    let StartVerificationError::NotYet(not_yet) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(not_yet.still_works.checks, [Channel::Sms, Channel::Mo]);
    assert!(start(&test, 2).is_ok(), "another number waits for nothing");
    let (_, key) = test.add_client(everything("other"));
    let other = test.caller_with(&key);
    let starting = test.gateway.start_verification(&other, start_of(1), None);
    assert!(
        test.settle(starting).is_ok(),
        "budgets are each client's own"
    );
}

#[test]
fn a_cancelled_verification_takes_its_unsent_message_along() {
    let test = TestGateway::queued();
    let started = start(&test, 1).unwrap();
    let caller = test.caller();
    let cancel = || test.settle(test.gateway.cancel_verification(&caller, started.id));
    assert_eq!(cancel().unwrap().state, State::Cancelled);
    assert!(cancel().is_err());
    test.bind_all();
    assert!(dispatch(&test).is_empty());
    assert_eq!(entries(&test, Kind::MessageCancelled), 1);
}

#[test]
fn the_code_of_a_queued_message_survives_a_crash_and_lies_nowhere_after_its_end() {
    let test = TestGateway::queued();
    let started = start(&test, 1).unwrap();
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    test.gateway.dispatch();
    test.store.sync();
    let code = code(&test);
    let right = check(&test, started.id, &code).unwrap();
    assert_eq!(right.state, State::Verified);
    test.store.with_image(|image| {
        let row = image.verifications().next().unwrap();
        assert_eq!(row.secret, None);
        let owners = [started.id.sequence(), started.messages[0].sequence()];
        let left = image.vault().filter(|row| owners.contains(&row.owner));
        let purposes: Vec<_> = left.map(|row| row.purpose.as_str()).collect();
        assert_eq!(purposes, ["number", "number"], "the text is in no vault");
    });
}

#[test]
fn an_idempotency_key_starts_one_verification() {
    let test = running();
    let caller = test.caller();
    let start = |to| {
        let key = IdempotencyKey::parse("once").unwrap();
        let starting = test
            .gateway
            .start_verification(&caller, start_of(to), Some(key));
        test.settle(starting)
    };
    let first = start(1).unwrap();
    let again = start(1).unwrap();
    assert_eq!(again.replayed, Replay::Repeated);
    assert_eq!(again.view.id, first.view.id);
    let other = start(2).unwrap_err();
    assert_eq!(other, SubmitError::KeyReused.into());
    assert_eq!(test.carriers.take().len(), 1);
}

#[test]
fn a_refused_message_starts_no_verification_and_uses_nothing_up() {
    let test = running();
    let mut bare = everything("bare");
    bare.classes = domain::class::ClassSet::default();
    let (_, key) = test.add_client(bare);
    let bare = test.caller_with(&key);
    for _ in 0..2 {
        let starting = test.gateway.start_verification(&bare, start_of(1), None);
        let error = test.settle(starting).unwrap_err();
        let refused = matches!(
            error,
            StartVerificationError::Submit(SubmitError::Refused(_))
        );
        assert!(refused, "{error:?}");
    }
    assert_eq!(entries(&test, Kind::VerificationStarted), 0);
    assert_eq!(test.store.with_image(|image| image.budgets().count()), 0);
}

#[test]
fn a_failed_commit_starts_nothing_and_gives_no_check_back() {
    let test = running();
    let started = start(&test, 1).unwrap();
    let code = code(&test);
    test.store.fail_next();
    let lost = check(&test, started.id, &code).unwrap_err();
    assert_eq!(lost, CheckError::Unavailable);
    super::stage::bring_back(&test);
    let right = check(&test, started.id, &code).unwrap();
    assert_eq!(
        right.state,
        State::Verified,
        "the lost check told nobody anything"
    );
}

#[cfg(not(feature = "racy-checks"))]
#[test]
fn checks_at_the_same_time_are_evaluated_one_after_the_other() {
    let test = running();
    for _ in 0..10 {
        let outcome = race(&test);
        assert!(outcome.evaluated <= 5, "{outcome:?}");
        assert!(outcome.approved <= 1, "{outcome:?}");
        later(&test, 4_000);
    }
}

/// The test above is worth something only if it sees the race where there is one.
#[cfg(feature = "racy-checks")]
#[test]
fn a_build_that_reads_and_then_writes_evaluates_more_than_five_and_approves_more_than_once() {
    let outcome = race(&running());
    assert!(outcome.evaluated > 5, "{outcome:?}");
    assert!(outcome.approved > 1, "{outcome:?}");
}

/// What came of fifty checks at once.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    evaluated: usize,
    approved: usize,
}

/// Fifty checks of one verification at once, half of them right.
fn race(test: &TestGateway) -> Outcome {
    let started = start(test, 1).unwrap();
    let code = code(test);
    let caller = test.caller();
    let checks: Vec<_> = (0..50)
        .map(|n| {
            let code = if n % 2 == 0 {
                other_than(&code)
            } else {
                code.clone()
            };
            let binding = Binding::default();
            let code = code.into();
            let request = CheckRequest { code, binding };
            test.gateway
                .check_verification(&caller, started.id, request)
        })
        .collect();
    let mut outcome = Outcome::default();
    for answer in test.settle(all(checks)) {
        outcome.evaluated += usize::from(answer.is_ok());
        let approved = answer.is_ok_and(|answer| answer.state == State::Verified);
        outcome.approved += usize::from(approved);
    }
    outcome
}

/// Every future at once, each polled in turn.
pub async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut answers: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (future, answer) in futures.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *answer = Some(value);
            }
        }
        if answers.iter().any(Option::is_none) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(answers.iter_mut().filter_map(Option::take).collect())
    })
    .await
}

#[test]
fn a_verification_does_not_disturb_other_messages() {
    let test = running();
    start(&test, 1).unwrap();
    submit(&test, "hello").unwrap();
    for handed in test.carriers.take() {
        answer(&test, &handed, Answer::Silence);
    }
    assert_eq!(
        dispatch(&test).len(),
        2,
        "codes are sent again as others are"
    );
}
