//! Verifications that ask for a factor: an app's code or a recovery code, by the state machine of every
//! verification.

use std::time::Duration;

use domain::id::{FactorId, VerificationId};
use domain::verification::binding::{Binding, BindingParts};
use domain::verification::budget::LockReason;
use domain::verification::budget::policy::CheckPolicy;
use domain::verification::factor::FactorKind;
use domain::verification::shown::ShownCode;
use domain::verification::state::State;
use domain::verification::template::insert::Purpose as For;
use domain::verification::totp::TotpKey;
use engine::rows::{NO_SUBJECT, Purpose};
use engine::{
    CheckAnswer, CheckError, CheckRequest, ErasureBasis, ErasureScope, IdempotencyKey, Replay,
    ResendError, Settings, StartOnFactor, StartVerificationError, VerificationView,
};
use ledger::Kind;
use serde_json::Value;
use testkit::TestGateway;
use testkit::gateway::{everything, handset, poll_once};
use testkit::settings::usual;

use super::factors::{self, code_now, confirm, enrol, issue};
use super::stage::{bring_back, running};
use super::verifications::{all, entries, later, resend, view};

/// Seven digits: what no app shows.
const WRONG: &str = "0000000";

/// A confirmed app of a user, none of whose codes was shown lately.
pub fn app_of(test: &TestGateway, name: &str) -> (FactorId, TotpKey) {
    let (id, key) = enrol(test, name);
    confirm(test, id, &key);
    test.clock.advance(Duration::from_mins(2));
    (id, key)
}

fn asked(factor: FactorId, kind: FactorKind) -> StartOnFactor {
    StartOnFactor {
        factor,
        kind,
        purpose: For::read("sign-in").unwrap(),
        binding: Binding::default(),
    }
}

fn begin(
    test: &TestGateway,
    request: StartOnFactor,
) -> Result<VerificationView, StartVerificationError> {
    let caller = test.caller();
    let starting = test.gateway.start_on_factor(&caller, request, None);
    test.settle(starting).map(|started| started.view)
}

/// A client starts a verification that asks for a factor.
pub fn start(
    test: &TestGateway,
    factor: FactorId,
    kind: FactorKind,
) -> Result<VerificationView, StartVerificationError> {
    begin(test, asked(factor, kind))
}

fn start_app(test: &TestGateway, factor: FactorId) -> VerificationId {
    start(test, factor, FactorKind::Totp).unwrap().id
}

/// A client shows a code.
pub fn check(
    test: &TestGateway,
    id: VerificationId,
    code: &str,
) -> Result<CheckAnswer, CheckError> {
    check_for(test, id, code, Binding::default())
}

fn check_for(
    test: &TestGateway,
    id: VerificationId,
    code: &str,
    binding: Binding,
) -> Result<CheckAnswer, CheckError> {
    let caller = test.caller();
    let code = ShownCode::parse(code).unwrap();
    let request = CheckRequest { code, binding };
    test.settle(test.gateway.check_verification(&caller, id, request))
}

fn is_locked(checked: &Result<CheckAnswer, CheckError>) -> bool {
    let Err(CheckError::FactorLocked(locked)) = checked else {
        return false;
    };
    matches!(locked.reason, LockReason::DayUsedUp(_))
}

fn told(test: &TestGateway, kind: &str) -> Vec<Value> {
    test.store.sync();
    let parse = |logged: &testkit::memory::Logged| serde_json::from_slice(&logged.bytes).unwrap();
    let all: Vec<Value> = test
        .store
        .with_image(|image| image.entries().iter().map(parse).collect());
    let is_of = |entry: &Value| entry["kind"] == kind;
    all.into_iter().filter(is_of).collect()
}

#[test]
fn the_code_of_an_app_verifies_once_and_is_used_up_by_it() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let started = start(&test, app, FactorKind::Totp).unwrap();
    assert_eq!((started.from, started.factor), (None, Some(app)));
    assert_eq!((started.sends_left, started.checks_left), (0, 5));
    assert!(started.messages.is_empty() && test.carriers.take().is_empty());
    let wrong = check(&test, started.id, WRONG).unwrap();
    assert_eq!((wrong.state, wrong.checks_left), (State::Pending, 4));
    let code = code_now(&test, &key);
    let right = check(&test, started.id, &code).unwrap();
    assert_eq!(right.state, State::Verified);
    assert_eq!(check(&test, started.id, &code), Err(CheckError::NotFound));
    assert_eq!(view(&test, started.id).state, State::Verified);
    assert!(!factors::check(&test, app, &code).unwrap().verified);
    let again = start_app(&test, app);
    assert_eq!(check(&test, again, &code).unwrap().state, State::Pending);
}

#[test]
fn both_the_verification_and_the_factor_tell_of_a_check_in_one_commit() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let id = start_app(&test, app);
    check(&test, id, WRONG).unwrap();
    check(&test, id, &code_now(&test, &key)).unwrap();
    let began = &told(&test, "verification.started")[0];
    assert_eq!(began["data"]["channel"], "totp");
    assert_eq!(began["data"]["factor"], app.to_string());
    assert!(began["data"]["sender"].is_null() && began["private"]["number"].is_string());
    let [of_verification, of_factor] =
        ["verification.checked", "factor.checked"].map(|kind| told(&test, kind));
    for (one, other) in of_verification.iter().zip(&of_factor) {
        assert_eq!(one["outcome"], other["outcome"]);
        assert_eq!(one["time"], other["time"]);
        assert_eq!(other["correlation"], id.to_string());
        assert_eq!(other["object"]["id"], app.to_string());
    }
    assert_eq!(of_verification.len(), 2);
    assert!(of_factor[1]["data"]["step"].is_u64());
    assert_eq!(told(&test, "verification.ended").len(), 1);
}

#[test]
fn a_recovery_code_is_spent_by_the_verification_and_good_for_no_other() {
    let test = running();
    let (set, codes) = issue(&test, "ann@example.com");
    let started = start(&test, set, FactorKind::Recovery).unwrap();
    assert_eq!(started.length, None);
    let digits = check(&test, started.id, "482913").unwrap();
    assert_eq!((digits.state, digits.checks_left), (State::Pending, 4));
    let right = check(&test, started.id, &codes[0]).unwrap();
    assert_eq!(right.state, State::Verified);
    let test = test.crash_and_restart(usual(), 2);
    let again = start(&test, set, FactorKind::Recovery).unwrap().id;
    let spent = check(&test, again, &codes[0]).unwrap();
    assert_eq!(spent.state, State::Pending);
    let other = check(&test, again, &codes[1]).unwrap();
    assert_eq!(other.state, State::Verified);
    let spent = factors::check(&test, set, &codes[2]).unwrap();
    assert_eq!(spent.factor.codes_left, Some(7));
}

#[test]
fn a_recovery_code_is_no_code_of_a_message() {
    let test = running();
    let (_, codes) = issue(&test, "ann@example.com");
    let started = super::verifications::start(&test, 1).unwrap();
    let shown = check(&test, started.id, &codes[0]).unwrap();
    assert_eq!((shown.state, shown.checks_left), (State::Pending, 4));
}

#[test]
fn unknown_foreign_unconfirmed_and_removed_factors_and_those_of_the_other_kind_look_alike() {
    let test = running();
    let (app, _) = app_of(&test, "ann@example.com");
    let (unconfirmed, _) = enrol(&test, "ann@example.com");
    let (removed, _) = app_of(&test, "ann@example.com");
    let caller = test.caller();
    test.settle(test.gateway.remove_factor(&caller, removed))
        .unwrap();
    let none = Err(StartVerificationError::NoFactor);
    for factor in [FactorId::new(7, 7), unconfirmed, removed] {
        assert_eq!(start(&test, factor, FactorKind::Totp), none);
    }
    assert_eq!(start(&test, app, FactorKind::Recovery), none);
    let (_, key) = test.add_client(everything("other"));
    let other = test.caller_with(&key);
    let request = asked(app, FactorKind::Totp);
    let foreign = test.gateway.start_on_factor(&other, request, None);
    let foreign = test.settle(foreign).map(|started| started.view);
    assert_eq!(foreign, none);
    test.gateway.flush_counts(test.clock.peek());
    let refused = told(&test, "verification.started");
    let counts = refused.iter().filter(|entry| entry["outcome"] == "refused");
    assert!(counts.clone().all(|entry| entry["reason"] == "not-found"));
    assert!(counts.count() > 0);
}

#[test]
fn after_five_wrong_codes_the_right_one_finds_nothing_and_stays_good() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let id = start_app(&test, app);
    for left in (0..5).rev() {
        assert_eq!(check(&test, id, WRONG).unwrap().checks_left, left);
    }
    let code = code_now(&test, &key);
    assert_eq!(check(&test, id, &code), Err(CheckError::NotFound));
    assert_eq!(view(&test, id).state, State::Failed);
    assert!(factors::check(&test, app, &code).unwrap().verified);
}

#[test]
fn wrong_codes_count_with_those_of_the_factor_and_no_new_verification_resets_them() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let waiting = start_app(&test, app);
    for _ in 0..3 {
        let id = start_app(&test, app);
        assert!(!factors::check(&test, app, WRONG).unwrap().verified);
        check(&test, id, WRONG).unwrap();
    }
    let right = check(&test, waiting, &code_now(&test, &key));
    let wrong = check(&test, waiting, WRONG);
    assert!(is_locked(&right), "{right:?}");
    assert_eq!(right, wrong);
    let locked = start(&test, app, FactorKind::Totp).unwrap_err();
    let StartVerificationError::FactorLocked(locked) = locked else {
        panic!("{locked:?}")
    };
    let other = [domain::verification::channel::Channel::Recovery];
    assert_eq!(locked.still_works.checks, other);
    let test = test.crash_and_restart(usual(), 2);
    assert!(is_locked(&check(&test, waiting, &code_now(&test, &key))));
    assert!(factors::check(&test, app, WRONG).is_err());
}

#[test]
fn attempts_are_not_given_back_by_a_crash_and_it_goes_on_after_it() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let id = start_app(&test, app);
    check(&test, id, WRONG).unwrap();
    let test = test.crash_and_restart(usual(), 2);
    let wrong = check(&test, id, WRONG).unwrap();
    assert_eq!(wrong.checks_left, 3);
    let test = test.crash_and_restart(usual(), 3);
    let right = check(&test, id, &code_now(&test, &key)).unwrap();
    assert_eq!(right.state, State::Verified);
}

#[test]
fn a_code_is_right_for_its_act_alone_and_for_another_it_is_not_used_up() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let bound = |amount| {
        let parts = BindingParts {
            amount: Some(amount),
            payee: Some("Example"),
            session: None,
        };
        Binding::parse(&parts).unwrap()
    };
    let request = StartOnFactor {
        binding: bound("10.00 EUR"),
        ..asked(app, FactorKind::Totp)
    };
    let id = begin(&test, request).unwrap().id;
    let code = code_now(&test, &key);
    for wrong in [bound("90.00 EUR"), bound("10.00 eur"), Binding::default()] {
        let answer = check_for(&test, id, &code, wrong).unwrap();
        assert_eq!(answer.state, State::Pending);
    }
    let reasons = ["verification.checked", "factor.checked"].map(|kind| {
        let told = told(&test, kind);
        told.iter().all(|entry| entry["reason"] == "binding")
    });
    assert_eq!(reasons, [true, true]);
    let right = check_for(&test, id, &code, bound("10.00 EUR")).unwrap();
    assert_eq!(right.state, State::Verified);
}

#[test]
fn a_verification_whose_factor_is_removed_is_as_good_as_ended() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let id = start_app(&test, app);
    let caller = test.caller();
    assert_eq!(view(&test, id).checks_left, 5);
    test.settle(test.gateway.remove_factor(&caller, app))
        .unwrap();
    let code = code_now(&test, &key);
    assert_eq!(check(&test, id, &code), Err(CheckError::NotFound));
    assert_eq!(view(&test, id).checks_left, 0);
    later(&test, 600);
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    assert_eq!(view(&test, id).state, State::Expired);
}

#[test]
fn it_is_never_sent_again_and_can_be_taken_back() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let id = start_app(&test, app);
    assert_eq!(resend(&test, id), Err(ResendError::NothingToSend));
    let caller = test.caller();
    let cancelled = test.settle(test.gateway.cancel_verification(&caller, id));
    assert_eq!(cancelled.unwrap().state, State::Cancelled);
    assert_eq!(resend(&test, id), Err(ResendError::NotFound));
    let code = code_now(&test, &key);
    assert_eq!(check(&test, id, &code), Err(CheckError::NotFound));
    let late = start_app(&test, app);
    later(&test, 600);
    assert_eq!(resend(&test, late), Err(ResendError::NotFound));
    let code = code_now(&test, &key);
    assert_eq!(check(&test, late, &code), Err(CheckError::NotFound));
}

#[test]
fn a_repeated_start_gives_the_first_verification() {
    let test = running();
    let (app, _) = app_of(&test, "ann@example.com");
    let caller = test.caller();
    let start = |binding| {
        let request = StartOnFactor {
            binding,
            ..asked(app, FactorKind::Totp)
        };
        let key = IdempotencyKey::parse("login-1").unwrap();
        test.settle(test.gateway.start_on_factor(&caller, request, Some(key)))
    };
    let first = start(Binding::default()).unwrap();
    let again = start(Binding::default()).unwrap();
    assert_eq!(again.view.id, first.view.id);
    assert_eq!(again.replayed, Replay::Repeated);
    let parts = BindingParts {
        amount: None,
        payee: None,
        session: Some("s-2"),
    };
    let other = start(Binding::parse(&parts).unwrap());
    assert!(
        matches!(other, Err(StartVerificationError::Submit(_))),
        "{other:?}"
    );
}

#[test]
fn nobody_is_told_a_result_before_it_is_durable_and_a_lost_check_was_never_made() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let id = start_app(&test, app);
    let caller = test.caller();
    let code = code_now(&test, &key);
    let request = || CheckRequest {
        code: ShownCode::parse(&code).unwrap(),
        binding: Binding::default(),
    };
    let mut first = Box::pin(test.gateway.check_verification(&caller, id, request()));
    let mut second = Box::pin(test.gateway.check_factor(&caller, app, &code));
    assert!(poll_once(first.as_mut()).is_none());
    assert!(poll_once(second.as_mut()).is_none());
    assert_eq!(test.store.waiting(), 1, "the factor waits for its turn");
    test.store.poison();
    test.store.answer(usize::MAX);
    let lost = poll_once(first.as_mut()).unwrap();
    assert_eq!(lost, Err(CheckError::Unavailable));
    drop((first, second));
    bring_back(&test);
    assert_eq!(view(&test, id).checks_left, 5);
    let right = check(&test, id, &code).unwrap();
    assert_eq!(right.state, State::Verified);
}

#[test]
fn of_one_user_ten_wait_at_once() {
    let test = running();
    let (app, _) = app_of(&test, "ann@example.com");
    let (set, _) = issue(&test, "ann@example.com");
    let first = start_app(&test, app);
    for _ in 0..8 {
        start_app(&test, app);
    }
    start(&test, set, FactorKind::Recovery).unwrap();
    let refused = start(&test, set, FactorKind::Recovery).unwrap_err();
    assert!(
        matches!(refused, StartVerificationError::Awaited(_)),
        "{refused:?}"
    );
    let (bob, _) = app_of(&test, "bob@example.com");
    start_app(&test, bob);
    let caller = test.caller();
    let cancelled = test.settle(test.gateway.cancel_verification(&caller, first));
    assert!(cancelled.is_ok());
    start_app(&test, app);
}

#[test]
fn where_no_failure_can_be_counted_no_result_is_told() {
    let mut settings = usual();
    settings.bounds.guess_budgets_max = 1;
    let test = TestGateway::queued_with(settings);
    let (ann, _) = app_of(&test, "ann@example.com");
    let (bob, key) = app_of(&test, "bob@example.com");
    let id = start_app(&test, bob);
    assert!(!factors::check(&test, ann, WRONG).unwrap().verified);
    for code in [code_now(&test, &key), WRONG.to_owned()] {
        assert_eq!(check(&test, id, &code), Err(CheckError::Full));
    }
    assert_eq!(view(&test, id).checks_left, 5);
}

#[test]
fn what_is_kept_of_a_user_who_is_a_number_is_handed_out_and_goes_with_an_erasure() {
    let test = running();
    let (app, key) = app_of(&test, "+44 7700 900001");
    let id = start_app(&test, app);
    let erase = || {
        let basis = ErasureBasis::parse("GDPR Art. 17", handset(1)).unwrap();
        let scope = ErasureScope::KeepConsent;
        let erasing = test
            .gateway
            .erase_subject("root", handset(1), &basis, scope);
        test.settle(erasing).unwrap()
    };
    check(&test, id, &code_now(&test, &key)).unwrap();
    let moving = start_app(&test, app);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let copy = test.settle(test.gateway.export_subject("root", handset(1)));
    let copy = copy.unwrap();
    let of = copy.iter().filter(|item| item.sort == "verification");
    let told: Vec<_> = of
        .map(|item| (item.openings.len(), format!("{:?}", item.facts)))
        .collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|(openings, facts)| {
        *openings == 1 && facts.contains("totp") && facts.contains(&app.to_string())
    }));
    let erased = erase();
    assert_eq!((erased.verifications, erased.moving), (1, 1));
    later(&test, 600);
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    assert_eq!(erase().verifications, 1);
    for id in [id, moving] {
        test.store.with_image(|image| {
            let sealed = image
                .vault()
                .find(|row| row.owner == id.sequence())
                .unwrap();
            assert_eq!(sealed.purpose, Purpose::Number);
            assert!(sealed.erased_by().is_some());
            let mut rows = image.verifications();
            let row = rows.find(|row| row.id == id).unwrap();
            assert_eq!((row.subject, row.secret.is_none()), (NO_SUBJECT, true));
        });
    }
}

#[cfg(not(feature = "racy-checks"))]
#[test]
fn checks_at_the_same_time_are_evaluated_one_after_the_other() {
    for knowing in [0, 2, 3] {
        let outcome = race(knowing);
        assert!(outcome.evaluated <= 5, "{outcome:?}");
        assert!(outcome.approved <= 1, "{outcome:?}");
    }
}

/// The test above is worth something only if it sees the race where there is one.
#[cfg(feature = "racy-checks")]
#[test]
fn a_build_that_reads_and_then_writes_evaluates_more_than_five_codes_of_an_app() {
    let outcome = race(0);
    assert!(outcome.evaluated > 5, "{outcome:?}");
}

/// What came of fifty checks at once.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    evaluated: usize,
    approved: usize,
}

/// Nothing but the verification itself bounds the checks.
fn generous() -> Settings {
    let mut settings = usual();
    settings.factors.totp = CheckPolicy::new(100, 100).unwrap();
    settings
}

/// Fifty checks of one verification at once; of so many each knows the code, or of 0 nobody.
fn race(knowing: usize) -> Outcome {
    let test = TestGateway::queued_with(generous());
    let (app, key) = app_of(&test, "ann@example.com");
    let id = start_app(&test, app);
    let caller = test.caller();
    let checks: Vec<_> = (0..50)
        .map(|n| {
            let knows = knowing > 0 && n % knowing == knowing - 1;
            let code = if knows {
                code_now(&test, &key)
            } else {
                WRONG.to_owned()
            };
            let request = CheckRequest {
                code: ShownCode::parse(&code).unwrap(),
                binding: Binding::default(),
            };
            test.gateway.check_verification(&caller, id, request)
        })
        .collect();
    let mut outcome = Outcome::default();
    for answer in test.settle(all(checks)) {
        outcome.evaluated += usize::from(answer.is_ok());
        let approved = answer.is_ok_and(|answer| answer.state == State::Verified);
        outcome.approved += usize::from(approved);
    }
    assert_eq!(entries(&test, Kind::FactorChecked), outcome.evaluated);
    outcome
}
